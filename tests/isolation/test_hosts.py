"""Names of a manifest against hosts, and addresses against the answers for those names."""

from __future__ import annotations

import _socket
import socket
from typing import Any

import pytest

from twinviewer.isolation.hosts import Hosts

ADDRESSES = {"api.example.org": "192.0.2.7", "tiles.example.net": "2001:db8::7", "evil.example.com": "192.0.2.66"}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name service as :data:`ADDRESSES` has it."""

    def getaddrinfo(host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESSES[name.rstrip(".").lower()], port or 0))]

    monkeypatch.setattr(_socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(_socket, "gethostbyname", lambda host: ADDRESSES[host])
    monkeypatch.setattr(_socket, "gethostbyname_ex", lambda host: (host, [], [ADDRESSES[host]]))
    for name in ("gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, getattr(_socket, name))


@pytest.mark.parametrize(
    ("declared", "host", "may"),
    [
        ("api.example.org", "api.example.org", True),
        ("api.example.org", "API.Example.ORG.", True),
        ("api.example.org", "example.org", False),
        ("api.example.org", "api.example.org.evil.com", False),
        ("*.example.org", "api.example.org", True),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "evilexample.org", False),
        ("*", "anything.example.com", True),
        ("*", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("localhost", "localhost", True),
        ("localhost", "127.0.0.1", True),
        ("localhost", "127.8.8.8", True),
        ("localhost", "::1", True),
        ("localhost", "0.0.0.0", True),
        ("localhost", "192.0.2.1", False),
        ("api.example.org", "127.0.0.1", False),
        ("api.example.org", "2130706433", False),
        ("[a-z]*", "a.example.org", False),
        ("bücher.example", "xn--bcher-kva.example", True),
    ],
)
def test_a_declared_name_means_what_the_documents_say(declared: str, host: str, may: bool) -> None:
    assert Hosts([declared]).may_reach(host) is may


@pytest.mark.usefixtures("answers")
def test_an_address_may_be_reached_once_it_was_the_answer_for_a_declared_name() -> None:
    hosts = Hosts(["api.example.org", "*.example.net"])
    hosts.watch_answers()
    assert not hosts.may_reach("192.0.2.7")
    socket.getaddrinfo("api.example.org", 443)
    assert hosts.may_reach("192.0.2.7")
    assert not hosts.may_reach("2001:db8::7")
    socket.gethostbyname("tiles.example.net")
    assert hosts.may_reach("2001:db8::7")


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("function", ["gethostbyname", "gethostbyname_ex"])
def test_every_way_to_ask_is_heard_and_answers_for_other_names_are_not(function: str) -> None:
    hosts = Hosts(["api.example.org"])
    hosts.watch_answers()
    getattr(socket, function)("evil.example.com")
    assert not hosts.may_reach("192.0.2.66")
    getattr(socket, function)("api.example.org")
    assert hosts.may_reach("192.0.2.7")


def test_listening_needs_the_address_itself() -> None:
    local = Hosts(["localhost"])
    assert local.may_listen("127.0.0.1")
    assert local.may_listen("::1")
    assert not local.may_listen("")
    assert not local.may_listen("0.0.0.0")
    assert not Hosts(["api.example.org"]).may_listen("127.0.0.1")
    assert Hosts(["*"]).may_listen("")


def test_a_process_may_reach_what_it_listens_on_itself() -> None:
    hosts = Hosts([])
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        assert not hosts.is_own(own.getsockname())
        hosts.listens(own)
        assert hosts.is_own(own.getsockname())
        assert not hosts.is_own(("127.0.0.1", own.getsockname()[1] + 1))
        there = own.getsockname()
    assert not hosts.is_own(there), "closed"
