"""How the command line says what went wrong: one sentence on stderr, and the same in the log."""

from __future__ import annotations

import logging
import sys
import traceback

from twinviewer.app.log import log_dir
from twinviewer.app.problems import Problem
from twinviewer.model.errors import MissingCrsError, TwinViewerError, UsageError

_log = logging.getLogger(__name__)

_CRS_CURE = "Name it, for example --crs EPSG:25832."
"""In the window there is a dialog for it."""


def tell(problem: TwinViewerError | Problem) -> None:
    """Say on stderr what is wrong and what to do."""
    if isinstance(problem, TwinViewerError):  # the list that a Problem is on has logged it
        _log.error("%s", problem)
        _log.debug("It came from here:", exc_info=problem)
    print(f"twinviewer: {sentence(problem)}", file=sys.stderr)


def tell_end(error: Exception, *, debug: bool) -> int:
    """Say what ended the command; return the exit status."""
    if isinstance(error, TwinViewerError):
        tell(error)
    else:
        _log.critical("Something failed that should not.", exc_info=error)
        print(
            f"twinviewer: Something in the program failed ({type(error).__name__}); the log in {log_dir()} has the "
            "details to report.",
            file=sys.stderr,
        )
    if debug:
        traceback.print_exception(error)
    return 2 if isinstance(error, UsageError) else 1


def sentence(problem: TwinViewerError | Problem) -> str:
    """Return where, what and what to do, as one sentence on one line."""
    text = problem.problem.rstrip(".")
    cure = _CRS_CURE if problem.code == MissingCrsError.code else problem.cure
    if cure:
        text = f"{text}; {_uncapitalised(cure.rstrip('.'))}"
    where = f"{problem.source}: " if problem.source else ""
    end = "" if text.endswith("?") else "."
    return " ".join(f"{where}{text}{end}".split())


def _uncapitalised(text: str) -> str:
    """Return ``text`` as it goes on after a semicolon; a name in capitals keeps them."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
