"""What it costs that a plugin has a process of its own: the same overlay in it and in the viewer's.

An update is all that the program does for one when the source delivers ten times a second: the feed is asked, what it
gives is checked and stored, the frame of the instant is made, the encode function is called, what it asks for is
checked and bound to the objects of the site, and the scene writes it into its actors.  Rendering comes on top.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyvista import Plotter, vtk_verbosity

from benchmarks.boxes import city_of_boxes
from benchmarks.rows import Row
from twinviewer.app.commands import AddLayers
from twinviewer.app.overlays.finishing import Finisher
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import OverlayContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches
from twinviewer.app.session import Session
from twinviewer.app.site import site_of
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.live.store import ObservationStore
from twinviewer.model.feedback import Silent
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec
from twinviewer.scene.city_scene import CityScene, run_at_once

OBJECTS = 100_000
GLYPHS = 10_000
PERIOD_S = 0.1
UPDATES = 60
WARM_UP = 5
TARGET = 1.3
CRS = ReferenceSystem(horizontal="EPSG:25832")
START = datetime(2026, 3, 29, 12, tzinfo=UTC)

_COLOURS = """
import numpy as np
from twinviewer.api import ColourObjects, ColourScale, ObservationBatch, ObservedProperty, Thing

HEAT = ObservedProperty(name="Heat", unit="kW")
SCALE = ColourScale(title="Heat", unit="kW", colour_map="viridis", value_range=(0.0, 1.0))
STATIONS = tuple(Thing(id=f"station {n}", name=f"Station {n}", position=(float(n), 0.0, 0.0)) for n in range(1000))
ROWS = np.arange(len(STATIONS), dtype=np.int32)
random = np.random.default_rng(1)


def feed(*, site, start, end, feedback):
    when = np.full(len(ROWS), start.timestamp())
    return [
        ObservationBatch(
            property=HEAT, things=STATIONS, thing=ROWS, phenomenon_time_s=when, results=random.random(len(ROWS))
        )
    ]


def encode(*, frames, site):
    ids = site.city_objects.ids
    heat = frames[0].results[np.arange(len(ids)) % len(STATIONS)]
    return [ColourObjects(object_ids=ids, values=heat * site.city_objects.heights_m, scale=SCALE)]
"""
_GLYPHS = """
import numpy as np
from twinviewer.api import ColourScale, GlyphShape, MovementBatch, PlaceGlyphs

SPEED = ColourScale(title="Speed", unit="km/h", colour_map="viridis", value_range=(0.0, 50.0))
IDS = tuple(f"vehicle {n}" for n in range({glyphs}))
ROWS = np.arange(len(IDS), dtype=np.int32)
random = np.random.default_rng(1)


def feed(*, site, start, end, feedback):
    return [
        MovementBatch(
            ids=IDS,
            object=ROWS,
            time_s=np.full(len(IDS), start.timestamp()),
            positions=random.random((len(IDS), 3)) * 1000,
            heading_deg=random.random(len(IDS)) * 360,
            speed_m_s=random.random(len(IDS)) * 14,
        )
    ]


def encode(*, frames, site):
    return [
        PlaceGlyphs(
            shape=GlyphShape.CAR,
            positions=frame.positions,
            size_m=6.0,
            heading_deg=frame.heading_deg,
            values=frame.speed_m_s * 3.6,
            scale=SPEED,
            ids=frame.ids,
        )
        for frame in frames
    ]
""".replace("{glyphs}", str(GLYPHS))
_MANIFEST = """api = 1
id = "{id}"
name = "{id}"
version = "1.0.0"
licence = "CC0-1.0"
isolated = {isolated}

[[overlays]]
id = "{id}.it"
title = "It"
feed = "code:feed"
encode = "code:encode"
period_s = 0.1
simulated = true
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one update, the median of many."""

    wall_s: float
    processor_s: float
    """Of the viewer's process."""
    calls_s: float
    """Of the wall time, what the two calls took, with the checks of what they returned."""


def rows() -> Iterator[Row | str]:
    """Measure off-screen; a text is a note below a row."""
    town = _Town()
    with tempfile.TemporaryDirectory() as folder:
        for name, code in (("colours", _COLOURS), ("glyphs", _GLYPHS)):
            for isolated in (True, False):
                _write(Path(folder), f"{name}-{'apart' if isolated else 'within'}", code, isolated=isolated)
        registry, pool = PluginRegistry(folders=[Path(folder)]), WorkerPool()
        shapes = ShapeFiles(Sources(registry=registry, pool=pool))
        try:
            for name, what in (("colours", f"{OBJECTS:,} colours"), ("glyphs", f"{GLYPHS:,} glyphs")):
                apart, within = _compare(
                    *(_Updates(registry, f"{name}-{where}.it", town, shapes) for where in ("apart", "within"))
                )
                yield Row(
                    title=f"an isolated update of {what}",
                    ours_s=apart.wall_s,
                    peer="the same in the viewer's process",
                    peer_s=within.wall_s,
                    target=TARGET,
                )
                yield Row(
                    title="  processor time of the viewer for it",
                    ours_s=apart.processor_s,
                    peer="the same in the viewer's process",
                    peer_s=within.processor_s,
                    target=TARGET,
                )
                yield (
                    f"(of it the two calls with their checks: {apart.calls_s * 1000:.1f} ms isolated, "
                    f"{within.calls_s * 1000:.1f} ms in the viewer's process)"
                )
        finally:
            registry.close()
            pool.close()
            town.close()


class _Town:
    """A city of so many boxes, as a site and on the screen."""

    def __init__(self) -> None:
        city = city_of_boxes(OBJECTS, crs=CRS)
        spec = LayerSpec(id="city", kind="city-model", title="City", source=LayerSource(path="/made", reader="made"))
        session = Session()
        session.store.put("city", city)
        session.do(AddLayers(layers=(spec,), crs=CRS, origin=(0.0, 0.0, 0.0)))
        site = site_of(session)
        assert site is not None
        self.site = site
        with vtk_verbosity("error"):
            self._plotter = Plotter(off_screen=True, window_size=[200, 150])
        self.scene = CityScene(self._plotter, session, request_render=lambda: None, run_in_background=run_at_once)

    def close(self) -> None:
        self.scene.close()
        self._plotter.close()


class _Updates:
    """One overlay, updated as the program does."""

    def __init__(self, registry: PluginRegistry, overlay_id: str, town: _Town, shapes: ShapeFiles) -> None:
        overlay = registry.contribution(overlay_id, OverlayContribution)
        assert overlay is not None
        self._registry, self._overlay, self._town = registry, overlay, town
        self._store = ObservationStore(period_s=PERIOD_S)
        self._finisher = Finisher(folder=Path(registry.plugin_of(overlay_id).code.folder), shapes=shapes)
        self._instant = START

    def update(self) -> float:
        """Make one; return how long the calls took."""
        site = self._town.site
        start, end = self._instant, self._instant + timedelta(seconds=PERIOD_S)
        arguments = {"site": site, "start": start, "end": end, "feedback": Silent()}
        began = time.perf_counter()
        batches = self._registry.call(self._overlay.id, self._overlay.feed, arguments, check=checked_batches)
        calls_s = time.perf_counter() - began
        for batch in batches:
            self._store.append(batch)
        self._store.mark_covered(start, end)
        frames = self._store.frames_at(start)
        began = time.perf_counter()
        finished = self._registry.call(
            self._overlay.id,
            self._overlay.encode,
            {"frames": frames, "site": site},
            check=lambda result: self._finisher.finished(result, site=site, feedback=Silent()),
        )
        calls_s += time.perf_counter() - began
        assert finished.unbound.count == 0
        self._town.scene.draw_overlay(self._overlay.id, finished.requests)
        self._instant = end
        return calls_s

    def hide(self) -> None:
        self._town.scene.remove_overlay(self._overlay.id)


def _compare(apart: _Updates, within: _Updates) -> tuple[Cost, Cost]:
    """Return the costs of both, updated in turn, so that both meet the same weather."""
    taken: tuple[list[tuple[float, float, float]], ...] = ([], [])
    for _ in range(UPDATES):
        for updates, list_ in zip((apart, within), taken, strict=True):
            wall, processor = time.perf_counter(), time.process_time()
            calls_s = updates.update()
            list_.append((time.perf_counter() - wall, time.process_time() - processor, calls_s))
            time.sleep(PERIOD_S / 2)
    apart.hide()
    within.hide()
    first, second = (Cost(*(statistics.median(each) for each in zip(*list_[WARM_UP:], strict=True))) for list_ in taken)
    return first, second


def _write(root: Path, name: str, code: str, *, isolated: bool) -> None:
    folder = root / name
    folder.mkdir()
    (folder / "plugin.toml").write_text(_MANIFEST.format(id=name, isolated=str(isolated).lower()), "utf-8")
    (folder / "code.py").write_text(code, "utf-8")
