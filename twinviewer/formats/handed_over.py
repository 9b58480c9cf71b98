"""Layers that another process read: taken over as a file is read, so that they are put in their place the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinviewer.formats import exchange
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import LayerData


def read(*, path: Path, header: dict[str, Any], files: list[str], feedback: Feedback) -> list[LayerData]:
    """Return the layers of ``header``, whose arrays lie in one of ``files``; ``path`` is where they came from."""
    feedback.stop_if_cancelled()
    return exchange.read(header, [Path(file) for file in files])
