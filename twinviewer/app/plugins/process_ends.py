"""How the process of a plugin ended, in words, and which of its functions did it."""

from __future__ import annotations

import re
import signal


class ProcessEndedError(Exception):
    """The process ended while it was called.

    Attributes:
        how: What happened, as the end of a sentence: ``crashed (SIGSEGV)``.
        cure: What can be done about it.
        was_culprit: Whether the call that failed is known, or must be taken, to be what ended it.
    """

    def __init__(self, how: str, *, cure: str = "", was_culprit: bool = True) -> None:
        super().__init__(how)
        self.how, self.cure, self.was_culprit = how, cure, was_culprit


def in_words(status: int | None) -> str:
    """Return how a process ended by itself."""
    if status is not None and status < 0:
        known = -status in list(signal.Signals)
        if known and -status == signal.SIGKILL:
            return "was killed by the system (SIGKILL), probably because memory ran out"
        return f"crashed ({signal.Signals(-status).name})" if known else "crashed"
    return f"ended itself (exit status {status})"


def functions_on_the_stack(words: str) -> set[str]:
    """Return the names of the functions on the stack of the thread that crashed, as faulthandler prints it."""
    _, found, stack = words.rpartition("Current thread 0x")
    return set(re.findall(r"line \d+ in (\w+)", stack.partition("\n\n")[0])) if found else set()
