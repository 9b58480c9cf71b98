"""Pictures without a window: neither Qt nor a display is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from pyvista import Plotter, vtk_verbosity

from twinviewer.app.session import Session
from twinviewer.app.textures import TextureSource
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.project import Viewpoint
from twinviewer.model.section import Section
from twinviewer.scene.city_scene import NAMED_VIEWS, CityScene, run_at_once
from twinviewer.scene.furniture import caption

SUMMER_MORNING = datetime(2025, 6, 21, 9, 30, tzinfo=UTC)
"""When nothing else is asked for; where that is night, the forenoon of the place."""


def render(
    session: Session,
    path: Path,
    *,
    size: tuple[int, int] = (1600, 1000),
    view: Viewpoint | str | None = None,
    instant: datetime | None = None,
    section: Section | None = None,
    overlays: Mapping[str, Sequence[DrawingRequest]] | None = None,
    textures: TextureSource | None = None,
    note: str = "",
) -> None:
    """Draw the session as it stands and write a PNG.

    Args:
        session: Its document and layer data.
        path: The PNG to write.
        size: Width and height in pixels.
        view: A viewpoint, a name of ``city_scene.NAMED_VIEWS`` or a bookmark's title; None: an overview.
        instant: Date and time for the sun, timezone-aware; None: the bookmark's, or a summer morning.
        section: What is cut away; None: nothing.
        overlays: What to draw by overlay id.
        textures: Brings those of city models, at once; None: they are drawn in plain colours.
        note: Words at the upper edge, that values are simulated for example.

    Raises:
        KeyError: ``view`` names neither a view nor a bookmark.
        WriteError: The file cannot be written.
    """
    bookmark = next((mark for mark in session.project.bookmarks if mark.title == view), None)
    if isinstance(view, str) and bookmark is None and view not in NAMED_VIEWS:
        raise KeyError(view)
    with vtk_verbosity("error"):  # without a display, VTK warns before it takes the next way to OpenGL
        plotter = Plotter(off_screen=True, window_size=list(size))
        scene = CityScene(
            plotter, session, request_render=lambda: None, run_in_background=run_at_once, textures=textures
        )
        try:
            when = instant or (bookmark.instant if bookmark is not None else None)
            scene.set_instant(when or scene.by_day(SUMMER_MORNING))
            scene.set_section(section)
            for overlay_id, requests in (overlays or {}).items():
                scene.draw_overlay(overlay_id, requests)
            wanted = bookmark.viewpoint if bookmark is not None else view
            if not isinstance(wanted, Viewpoint):
                wanted = scene.named_view(wanted or "overview")
            if wanted is not None:
                scene.viewpoint = wanted
            with caption(plotter.renderer, note) if note else nullcontext():
                scene.screenshot(path)
        finally:
            scene.close()
            plotter.close()
