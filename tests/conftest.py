"""What all tests share: the real data, a display, and silence on the network."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("LP_NUM_THREADS", "2")  # software GL: steady timings on small machines
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples every time: a test that fails on somebody else's machine must fail on this one.  To look for new
# ones: HYPOTHESIS_PROFILE=search.
settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # busy machines
)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

_display: subprocess.Popen[bytes] | None = None
_PR_SET_PDEATHSIG = 1  # prctl(2)


def _end_with_the_tests() -> None:
    """Let the display outlive every window: one that loses its display on the way out ends pytest with status 1."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def pytest_configure(config: pytest.Config) -> None:
    """Start a virtual display where there is none."""
    global _display
    if sys.platform == "linux" and not os.environ.get("DISPLAY") and shutil.which("Xvfb"):
        read, write = os.pipe()
        _display = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_the_tests,  # noqa: PLW1509 – no thread has been started yet
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            os.environ["DISPLAY"] = ":" + pipe.readline().strip()
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb" if os.environ.get("DISPLAY") else "offscreen")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _display is not None:
        _display.returncode = 0  # it ends with this process; its handle shall not warn that it still runs


def _may_connect(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


@pytest.fixture(autouse=True, scope="session")
def network_silence():
    """Fail any test that reaches past this machine: opening data never does."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _may_connect(address):
            pytest.fail(f"a connection to {address} was tried")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a profile of its own: config, data, cache and state folders that are empty."""
    home = tmp_path_factory.mktemp("profile")
    monkeypatch.setenv("TWINVIEWER_PROFILE_DIR", str(home))
    return home


@pytest.fixture(scope="session")
def city_data() -> Path:
    """The real data beside the checkout; its README.md has the counts to check against."""
    folder = Path(os.environ.get("TWINVIEWER_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip("the real city data is not beside this checkout (../shared/data)")
    return folder
