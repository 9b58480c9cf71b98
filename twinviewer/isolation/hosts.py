"""Which hosts a process may talk to, by the names that a manifest gives them.

Connections are made to addresses, and manifests name hosts.  So the answers to the questions that Python's own
``socket`` module asks are kept: an address is fine when it was the answer to a question for a name that is.
"""

from __future__ import annotations

import _socket
import fnmatch
import ipaddress
import socket
import weakref
from collections.abc import Callable, Sequence
from typing import Any

LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "localhost.localdomain"})


class Hosts:
    """The hosts that were declared, and the addresses that became known as theirs.

    Args:
        declared: ``api.example.org``, ``*.example.org`` (what is below it, not itself), an address, ``localhost``
            (the machine itself); ``*``: any.
    """

    def __init__(self, declared: Sequence[str]) -> None:
        self._patterns = tuple(_name(each) for each in declared)
        self.any = "*" in self._patterns
        self._addresses = {found for each in self._patterns if (found := address(each)) is not None}
        self._local = bool(LOCAL_NAMES & set(self._patterns))
        self._own: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def may_resolve(self, host: str) -> bool:
        """Return whether the host's address may be asked for; that of an address, or of this machine, always."""
        return self.any or self._is_declared(host) or address(host) is not None or not host

    def may_reach(self, host: str) -> bool:
        """Return whether the host, given by name or by address, may be talked to."""
        if self.any:
            return True
        found = address(host)
        if found is None:
            return self._is_declared(host)
        if found.is_loopback or found.is_unspecified:
            return self._local or found in self._addresses
        return found in self._addresses

    def may_listen(self, host: str) -> bool:
        """Return whether others may be listened for at the address; an empty one means all of the machine's."""
        found = address(host)
        if found is None:
            return self.any or self._is_declared(host)
        return self.any or found in self._addresses or (found.is_loopback and self._local)

    def is_own(self, remote: tuple[Any, ...]) -> bool:
        """Return whether this process itself listens there: Windows makes pairs of sockets this way."""
        for each in tuple(self._own):
            try:
                if each.getsockname()[:2] == remote[:2]:
                    return True
            except OSError:
                continue  # closed meanwhile
        return False

    def listens(self, own: socket.socket) -> None:
        """Note a socket that this process listens on, for itself."""
        self._own.add(own)

    def watch_answers(self) -> None:
        """Keep the answers to questions for names that were declared, from now on."""
        for function, addresses in (
            ("getaddrinfo", lambda answer: [each[4][0] for each in answer]),
            ("gethostbyname", lambda answer: [answer]),
            ("gethostbyname_ex", lambda answer: answer[2]),
        ):
            watched = self._watched(getattr(_socket, function), addresses)
            if getattr(socket, function) is getattr(_socket, function):
                setattr(socket, function, watched)
            setattr(_socket, function, watched)

    def _watched(self, ask: Callable[..., Any], addresses: Callable[[Any], Sequence[str]]) -> Callable[..., Any]:
        def asked(host: Any, *arguments: Any, **named: Any) -> Any:
            answer = ask(host, *arguments, **named)
            if self._is_declared(as_text(host)):
                self._addresses.update(found for each in addresses(answer) if (found := address(each)) is not None)
            return answer

        return asked

    def _is_declared(self, host: str) -> bool:
        name = _name(host)
        if self._local and name in LOCAL_NAMES:
            return True
        return any(
            name == pattern or (pattern.startswith("*.") and fnmatch.fnmatchcase(name, pattern))
            for pattern in self._patterns
        )


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that ``host`` is, or None where it is a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def as_text(host: Any) -> str:
    """Return a host as the ``socket`` module takes it (None, text or bytes) as text."""
    if host is None:
        return ""
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def _name(host: str) -> str:
    name = host.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return name  # no host has such a name
    return name
