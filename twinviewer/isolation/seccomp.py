"""Seccomp: has the kernel refuse this process, its native code and the programs that it starts, every network socket.

Landlock knows TCP only, and from Linux 6.7 on; this filter of system calls takes all of the network away, questions to
name servers among it.  It can only take all or nothing, so it is for processes that may reach no host.
See seccomp(2).
"""

from __future__ import annotations

import ctypes
import platform
import socket
import sys

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 22, 38
_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 13  # with EACCES
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF, on words of 32 bits
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where they are in what the filter looks at
_OTHER_INTERFACE = 0x40000000  # x32 on x86-64: the same calls by other numbers
_IO_URING_SETUP = 425  # does what other calls do without making them
_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""By machine: its number, and that of ``socket``."""
_NETLINK = 16  # asks the kernel itself


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def is_there() -> bool:
    """Return whether :func:`give_up_network` works on this machine, as far as can be told without doing it."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES or sys.maxsize < 2**32:
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


def give_up_network() -> bool:
    """Give up every socket but those between processes, on this thread and on those that it starts from now on.

    Returns:
        Whether the kernel sees to it from now on.
    """
    if not is_there():
        return False
    architecture, make_socket = _ARCHITECTURES[platform.machine()]
    program = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, 8, architecture),  # else refuse
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 6, 0, _OTHER_INTERFACE),
        (_IF_EQUAL, 5, 0, _IO_URING_SETUP),
        (_IF_EQUAL, 0, 3, make_socket),  # else allow
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 1, 0, int(socket.AF_UNIX)),
        (_IF_EQUAL, 0, 1, _NETLINK),  # else refuse
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    )
    instructions = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
    filter_ = _Program(len(program), instructions)
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(library.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0) == 0)
