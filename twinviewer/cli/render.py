"""``twinviewer render``: a picture without a window."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from twinviewer.cli.interrupting import end_at_once_when_interrupted
from twinviewer.cli.options import picture_size, reference_system
from twinviewer.cli.sentences import tell
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import TwinViewerError, UsageError
from twinviewer.scripting import ScriptSession, instant_of


def render_picture(
    paths: Sequence[str],
    *,
    output: Path,
    size: str,
    view: str | None,
    time: str | None,
    color_by: str | None,
    crs: str | None,
    safe_mode: bool,
) -> int:
    """Draw what can be read of ``paths``; return 1 if that is not all of it."""
    if not paths:
        raise UsageError("Name at least one file.", cure="twinviewer render --help shows an example.")
    if output.suffix.lower() != ".png":
        raise UsageError("Pictures are written as PNG.", cure="Give the picture a name that ends in .png.")
    size_px, system, instant = picture_size(size), reference_system(crs), instant_of(time)
    with ScriptSession(safe_mode=safe_mode) as session:
        with contextlib.suppress(TwinViewerError):  # one of session.problems, which are told below
            session.add(*paths, crs=system)
        errors = [problem for problem in session.problems if problem.severity is Severity.ERROR]
        for problem in errors:
            tell(problem)
        if errors and all(session.data(layer.id) is None for layer in session.project.layers):
            return 1
        if color_by is not None:
            session.color_by(color_by)
        end_at_once_when_interrupted()
        session.render(output, size=size_px, view=view, time=instant)
    return int(bool(errors))
