"""Plugins for tests of overlays: written to a folder, loaded as a stranger's would be."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.formats import small_layers
from twinviewer.app.session import Session
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec, OverlaySpec, Project

UTM = ReferenceSystem(horizontal="EPSG:25832")

COUNTING = """
import numpy as np
from twinviewer.api import Labels, MovementBatch, ObservationBatch, ObservedProperty, Thing

STEP = 1.0
CALLS = []


def feed(*, site, start, end, feedback):
    CALLS.append((start, end, len(site.city_objects.ids)))
    times = np.arange(np.ceil(start.timestamp() / STEP), np.ceil(end.timestamp() / STEP)) * STEP
    return [
        ObservationBatch(
            property=ObservedProperty(name=name, unit="s"),
            things=(Thing(id="clock", name="Clock", position=(1.0, 2.0, 3.0)),),
            thing=np.zeros(len(times), np.int32),
            phenomenon_time_s=times,
            results=times * factor,
        )
        for name, factor in (("Time", 1.0), ("Twice", 2.0))
    ]


def encode(*, frames, site):
    return [Labels(positions=frame.positions, texts=[f"{frame.results[0]:.0f}"]) for frame in frames]
"""


def write_plugin(
    root: Path,
    name: str,
    code: str = COUNTING,
    *,
    folder: str = "",
    period_s: float = 1.0,
    property: str = "Time",
    simulated: bool = True,
    isolated: bool | None = False,
    more: str = "",
) -> Path:
    """Write a plugin with the overlay ``name.it``, whose functions are ``feed`` and ``encode`` of ``code``.

    Args:
        root: The folder of plugins.
        name: Its id.
        code: Of its one module.
        folder: Its own folder; empty: as its id.
        period_s: As in the manifest, like the next two.
        property: See there.
        simulated: See there.
        isolated: See there; None: not said.
        more: Further lines of the manifest.
    """
    home = root / (folder or name)
    home.mkdir(parents=True)
    (home / "plugin.toml").write_text(
        f"""
api = 1
id = "{name}"
name = "The {name} plugin"
version = "1"
licence = "CC0-1.0"
{"" if isolated is None else f"isolated = {str(isolated).lower()}"}
[[overlays]]
id = "{name}.it"
title = "It of {name}"
feed = "code:feed"
encode = "code:encode"
period_s = {period_s}
property = "{property}"
simulated = {str(simulated).lower()}
{more}
"""
    )
    (home / "code.py").write_text(code)
    return home


def module_of(folder: Path) -> object:
    """Return the plugin's module, once it is imported."""
    file = str(folder / "code.py")
    loaded = list(sys.modules.values())  # another thread may be importing
    return next(module for module in loaded if getattr(module, "__file__", "") == file)


def is_imported(folder: Path) -> bool:
    """Return whether the plugin's module has run to its end."""
    file = str(folder / "code.py")
    loaded = [module for module in list(sys.modules.values()) if getattr(module, "__file__", "") == file]
    return any(hasattr(module, "encode") for module in loaded)


def session_with(*overlay_ids: str) -> Session:
    """Return a session with one layer that is loaded and these overlays on."""
    source = LayerSource(path="/a", reader="r")
    session = Session(
        Project(
            crs=UTM,
            origin=(565000.0, 5934000.0, 0.0),
            layers=(LayerSpec(id="layer-1", kind="point-cloud", title="t", source=source),),
            overlays=tuple(OverlaySpec(id=overlay_id) for overlay_id in overlay_ids),
        )
    )
    session.store.put("layer-1", small_layers.point_cloud(np.array([[565000.0, 5934000.0, 5.0]]), UTM))
    return session


def eventually(happens: Callable[[], bool], *, within_s: float = 20.0) -> bool:
    """Return whether something happens, looking again and again."""
    deadline = time.monotonic() + within_s
    while not happens():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.002)
    return True
