"""The demo city as a project: generated once into the user's cache, then opened through the ordinary readers."""

from __future__ import annotations

from twinviewer.model.feedback import Feedback
from twinviewer.model.project import Project

SEED = 1


def ensure_demo(*, buildings: int, seed: int = SEED, feedback: Feedback) -> Project:
    """Make the demo city's files if they are not there yet, and return the project that shows them."""
    raise NotImplementedError
