"""A large file is seen in the window while it is read: no flicker, one camera, one step to undo."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tests.fates import FOLDER, fate
from tests.ui.hands import READ_WITHIN_MS, wait_until_read
from twinviewer.app.opening import Phase


@pytest.fixture
def growing(program, tmp_path: Path) -> Path:
    """A row of up to 50,000 points that goes on until the file ``gate`` is beside it."""
    program.registry.add(FOLDER / "fates")
    return fate(tmp_path, "grow", name="town.fate", until=str(tmp_path / "gate"), n=50_000, crs="EPSG:25832")


def shown(program) -> int:
    """Return how many points are in the scene."""
    return sum(len(actor._cloud.positions) for actor in program.window.scene._actors.values())


def test_a_part_is_seen_and_gives_way_to_the_whole_without_a_gap(program, qtbot, growing: Path) -> None:
    window, frames = program.window, []
    program.window.projects.open([growing])
    qtbot.waitUntil(lambda: shown(program) > 0, timeout=READ_WITHIN_MS)
    window.scene.window.AddObserver("EndEvent", lambda *_: frames.append(shown(program)))
    (layer,) = program.session.project.layers
    assert 0 < shown(program) < 50_000
    assert window.services.opener.state(layer.id).phase is Phase.READING
    nodes = window.panels.layers.model
    assert [nodes.index(row, 0).data() for row in range(nodes.rowCount())].count("town") == 1, "one row, not two"
    first = shown(program)
    qtbot.waitUntil(lambda: shown(program) > first, timeout=READ_WITHIN_MS)
    (growing.parent / "gate").write_text("")
    wait_until_read(program, qtbot)
    window.viewport.request_render()
    qtbot.waitUntil(lambda: frames and frames[-1] == 50_000, timeout=READ_WITHIN_MS)
    assert frames == sorted(frames), "what was seen once is never gone"
    assert min(frames) >= first
    assert window.is_settled
    assert program.session.undo_label == "Add town"
    assert [toast.text for toast in window.toasts.shown] == ["Added 1 layer"]
    extent = window.scene.extent()
    assert extent is not None
    assert np.allclose((extent.min_x, extent.max_x), (565000.0, 614999.0))


def test_a_view_that_was_moved_meanwhile_stays(program, qtbot, growing: Path) -> None:
    window = program.window
    window.projects.open([growing])
    qtbot.waitUntil(lambda: shown(program) > 0, timeout=READ_WITHIN_MS)
    window.viewport.interaction_started.emit()
    window.viewport.interaction_ended.emit()
    before = window.scene.viewpoint
    (growing.parent / "gate").write_text("")
    wait_until_read(program, qtbot)
    qtbot.waitUntil(lambda: shown(program) == 50_000, timeout=READ_WITHIN_MS)
    assert window.scene.viewpoint == before


def test_stopped_in_the_view_there_is_nothing_left(program, qtbot, growing: Path) -> None:
    window = program.window
    window.projects.open([growing])
    qtbot.waitUntil(lambda: shown(program) > 0, timeout=READ_WITHIN_MS)
    for job in window.services.runner.jobs:
        job.cancel()
    began = time.monotonic()
    qtbot.waitUntil(lambda: not window.services.opener.is_busy, timeout=READ_WITHIN_MS)
    qtbot.waitUntil(lambda: shown(program) == 0, timeout=READ_WITHIN_MS)
    assert time.monotonic() - began < 5.0
    assert program.session.project.layers == ()
    assert program.session.undo_label is None
    assert window.scene.extent() is None
