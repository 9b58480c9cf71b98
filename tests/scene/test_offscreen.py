from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scene.small_city import ORIGIN, hills, session_of, town
from twinviewer.app.commands import AddBookmark
from twinviewer.app.session import Session
from twinviewer.model.project import Bookmark, Viewpoint
from twinviewer.scene import offscreen

ROOT = Path(__file__).resolve().parents[2]


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_picture_needs_no_display(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.scene.small_city import session_of, town; "
        "from twinviewer.scene import offscreen; "
        "offscreen.render(session_of(buildings=town()), Path(sys.argv[1]), size=(320, 200)); "
        "assert not any(name.startswith('PySide6') for name in sys.modules)"
    )
    bare = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "town.png")],
        env=bare, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    pixels = pixels_of(tmp_path / "town.png")
    assert pixels.shape == (200, 320, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_an_empty_project_is_a_picture_too(tmp_path: Path) -> None:
    offscreen.render(Session(), tmp_path / "empty.png", size=(64, 48))
    assert pixels_of(tmp_path / "empty.png").shape == (48, 64, 3)


def test_a_bookmark_is_a_view_with_its_hour(tmp_path: Path) -> None:
    x, y, _ = ORIGIN
    night = Bookmark(
        title="Night", viewpoint=Viewpoint(position=(x, y - 90, 60), target=(x + 40, y + 40, 0)),
        instant=datetime(2025, 1, 1, 0, tzinfo=UTC),
    )  # fmt: skip
    session = session_of(buildings=town(), ground=hills())
    session.do(AddBookmark(bookmark=night))
    offscreen.render(session, tmp_path / "night.png", size=(200, 150), view="Night")
    offscreen.render(
        session, tmp_path / "noon.png", size=(200, 150), view="Night", instant=datetime(2025, 6, 21, 11, tzinfo=UTC)
    )
    dark, light = (pixels_of(tmp_path / f"{name}.png").mean() for name in ("night", "noon"))
    assert dark < 0.6 * light


def test_a_view_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        offscreen.render(session_of(buildings=town()), tmp_path / "x.png", view="nowhere")
