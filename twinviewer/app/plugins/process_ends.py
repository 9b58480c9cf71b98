"""That the process of a plugin ended, and which of its functions did it."""

from __future__ import annotations

import re

from twinviewer.model.feedback import Cancelled


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


class LetGoError(Cancelled):
    """What was called is no longer there: its plugin was read anew or switched off, or the program closes.

    Nobody is at fault; whoever still wants the answer asks again.
    """


def functions_on_the_stack(words: str) -> set[str]:
    """Return the names of the functions on the stack of the thread that crashed, as faulthandler prints it."""
    _, found, stack = words.rpartition("Current thread 0x")
    return set(re.findall(r"line \d+ in (\w+)", stack.partition("\n\n")[0])) if found else set()
