"""The dashes of flow lines in the window: they flow while time does, and never where a person wants no motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.crowding import allowed_s
from tests.scene.views import CENTRE
from twinviewer.model.drawing import FlowLines
from twinviewer.ui.application import Program


def test_dashes_flow_while_time_does_and_not_where_motion_is_unwanted(town: Program, qtbot) -> None:
    window = town.window
    scene, live = window.scene, window.live
    vertices = np.array([(-50.0, 0.0, 1.0), (50.0, 0.0, 1.0)]) + CENTRE
    scene.draw_overlay("flow", [FlowLines(vertices=vertices, offsets=np.array([0, 2]))])

    def flows() -> bool:
        scene._animation._frame_s = 0.0  # however slow this machine draws
        before = scene._animation._time_s
        live.show_frame()
        return scene._animation._time_s > before

    live.go_live()
    qtbot.waitUntil(flows, timeout=int(1000 * allowed_s(10.0)))
    live.play_or_pause()
    assert not any(flows() for _ in range(20))
    live.play_or_pause()
    qtbot.waitUntil(flows, timeout=int(1000 * allowed_s(10.0)))
    settings = window.services.settings
    window.services.settings = replace(settings, reduce_motion=True)
    assert not any(flows() for _ in range(20))
    window.services.settings = settings
    qtbot.waitUntil(flows, timeout=int(1000 * allowed_s(10.0)))
    scene.remove_overlay("flow")
    assert not any(flows() for _ in range(20))
