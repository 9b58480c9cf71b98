"""Landlock: what a Linux kernel lets a process give up for good, native code included.

Asked through three system calls, which no library of Python's wraps.  What a process gave up it cannot get back, and
neither can the threads and processes that it starts later; threads that run already keep what they had.
See landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture that has them
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_HIGHEST_BIT = {1: 12, 2: 13, 3: 14, 4: 14}
"""The last right of the file system that each version of the interface knows; from 5 on it is ``_IOCTL_DEV``."""
NETWORK_SINCE, SCOPES_SINCE = 4, 6
"""Versions of the interface."""
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """What the kernel holds this process to from now on."""

    files: bool = False
    """Reading, writing and executing files."""
    tcp: bool = False
    """No TCP connections and no listening."""
    network: bool = False
    """No network at all; see :mod:`twinviewer.isolation.seccomp`."""
    signals: bool = False
    """No signals to processes outside, and no connections to their abstract sockets."""


def version() -> int:
    """Return the version of the interface; 0 where the kernel has none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    return max(0, _system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(*, readable: Iterable[Path], writable: Iterable[Path], executable: bool, tcp: bool) -> Restricted:
    """Give up what is not named, on this thread and on those that it starts from now on.

    Args:
        readable: Folders (with all below them) and files that may be read; those that do not exist are left out.
        writable: The same, for reading and writing.
        executable: Whether what is readable may be executed.
        tcp: Whether TCP connections may be made.

    Raises:
        OSError: The kernel offers Landlock and then refuses it.
    """
    abi = version()
    if not abi:
        return Restricted()
    handled = (1 << (_HIGHEST_BIT.get(abi, 15) + 1)) - 1
    reading = _READ_FILE | _READ_DIR | (_EXECUTE if executable else 0)
    writing = handled & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK) | reading
    no_tcp = not tcp and abi >= NETWORK_SINCE
    scoped = abi >= SCOPES_SINCE
    ruleset = _Ruleset(
        handled_access_fs=handled,
        handled_access_net=(_BIND_TCP | _CONNECT_TCP) if no_tcp else 0,
        scoped=(_SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS) if scoped else 0,
    )
    size = 8 if abi < NETWORK_SINCE else 16 if abi < SCOPES_SINCE else 24
    handle = _checked(_system_call(_CREATE_RULESET, ctypes.byref(ruleset), size, 0))
    try:
        for paths, rights in ((readable, reading), (writable, writing)):
            for path in paths:
                _allow(handle, path, rights & handled)
        _checked(_library().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_system_call(_RESTRICT_SELF, handle, 0))
    finally:
        os.close(handle)
    return Restricted(files=True, tcp=no_tcp, signals=scoped)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or out of reach already, needs no leave
    try:
        is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
        rule = _PathBeneath(allowed_access=rights if is_folder else rights & _OF_FILES, parent_fd=place)
        _checked(_system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _system_call(number: int, *arguments: object) -> int:
    call = _library().syscall
    call.restype = ctypes.c_long
    sized = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = call(ctypes.c_long(number), *sized)
    return result


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
