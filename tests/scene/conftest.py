"""A scene to draw in, and VTK's errors as failures."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
import pyvista

from twinviewer.app.session import Session
from twinviewer.scene.city_scene import CityScene, run_at_once


@pytest.fixture(autouse=True)
def vtk_errors_fail() -> Iterator[None]:
    """VTK prints and goes on; here it fails."""
    with pyvista.VtkErrorCatcher(raise_errors=True, send_to_logging=False):
        yield


@pytest.fixture(autouse=True, scope="session")
def windows_go_before_the_display() -> Iterator[None]:
    """Free windows that wait in reference cycles while there still is a display to take leave of."""
    yield
    gc.collect()


@pytest.fixture
def open_scene() -> Iterator[Callable[..., CityScene]]:
    """Return a function that shows a session in a window of 400 by 300 pixels that nobody sees."""
    opened: list[tuple[CityScene, pyvista.Plotter]] = []

    def show(session: Session, **options: object) -> CityScene:
        plotter = pyvista.Plotter(off_screen=True, window_size=[400, 300])
        options.setdefault("request_render", lambda: None)
        options.setdefault("run_in_background", run_at_once)
        scene = CityScene(plotter, session, **options)
        opened.append((scene, plotter))
        return scene

    yield show
    for scene, plotter in opened:
        scene.close()
        plotter.close()
