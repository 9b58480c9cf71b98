"""A million triangles in the scene: what recolouring, hiding and picking cost beyond a frame of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle

import numpy as np
from pyvista import Plotter, vtk_verbosity

from benchmarks.boxes import HEIGHT, TRIANGLES_OF_A_BOX, TYPES, city_of_boxes
from benchmarks.rows import Row, median_s
from twinviewer.app.commands import AddLayers, HideTypes, SetStyle
from twinviewer.app.session import Session
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec, Style
from twinviewer.scene.city_scene import CityScene, run_at_once

TRIANGLES = 1_000_000
SIZE_PX = (1280, 800)
TIMES = 12
PICKS = 100
CRS = ReferenceSystem(horizontal="EPSG:25832")
_LAYER = "city"


def rows() -> Iterator[Row]:
    """Measure off-screen, from a view of all of it."""
    session = Session()
    session.store.put(_LAYER, city_of_boxes(-(-TRIANGLES // TRIANGLES_OF_A_BOX), crs=CRS))
    source = LayerSource(path="/made", reader="made")
    spec = LayerSpec(id=_LAYER, kind="city-model", title="City", source=source)
    session.do(AddLayers(layers=(spec,), crs=CRS, origin=(0.0, 0.0, 0.0)))
    with vtk_verbosity("error"):
        plotter = Plotter(off_screen=True, window_size=list(SIZE_PX))
    scene = CityScene(plotter, session, request_render=lambda: None, run_in_background=run_at_once)
    try:
        scene.fit()
        window = plotter.render_window
        assert window is not None

        def render() -> None:
            window.Render()
            window.WaitForCompletion()

        render()
        styles = cycle((Style(color_by=HEIGHT), Style(color_by="surface"), Style(color_by=HEIGHT, colour_map="magma")))
        hidden = cycle((True, False))

        def recolour() -> None:
            session.do(SetStyle(layer_id=_LAYER, style=next(styles)))

        def hide() -> None:
            session.do(HideTypes(layer_ids=frozenset([_LAYER]), types=TYPES[1:2], hidden=next(hidden)))

        frame_s = median_s(render, times=TIMES)
        peer = f"a frame of {TRIANGLES:,} triangles"
        for title, change in (("recolour all, beyond the frame", recolour), ("hide the walls, beyond the frame", hide)):
            beyond_s = _beyond_a_frame_s(change, render)
            yield Row(title=title, ours_s=beyond_s, peer=peer, peer_s=frame_s, target=0.2)
        if next(hidden) is False:
            hide()
        places = iter((np.random.default_rng(2).uniform(0.2, 0.8, (PICKS + 1, 2)) * SIZE_PX).tolist())
        scene.pick(*next(places))  # what is built at the first pick is built
        pick_s = median_s(lambda: scene.pick(*next(places)), times=PICKS)
        yield Row(title=f"pick among {TRIANGLES:,} triangles", ours_s=pick_s, peer=peer, peer_s=frame_s, target=0.02)
    finally:
        scene.close()
        plotter.close()


def _beyond_a_frame_s(change: Callable[[], None], render: Callable[[], None]) -> float:
    """Return the median of what a change and the frame after it take more than the frame after that, at least 0."""
    beyond = []
    for number in range(TIMES + 2):
        began = time.perf_counter()
        change()
        render()
        changed = time.perf_counter()
        render()
        if number >= 2:  # each of two states was drawn once
            beyond.append((changed - began) - (time.perf_counter() - changed))
    return max(0.0, float(np.median(beyond)))


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
