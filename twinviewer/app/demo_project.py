"""The demo city as a project: made once into the user's cache, then opened through the ordinary readers.

A process of its own makes the files, in a folder that gets its name only when all of them are complete; what a killed
program left behind is swept by the next one.  How the town is shown is decided here, each time it is opened.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import psutil

from twinviewer.app.folders import cache_dir
from twinviewer.app.spawning import spawn
from twinviewer.demo import EDITION, FEWEST_BUILDINGS, MOST_BUILDINGS, contents
from twinviewer.demo.georeference import MARKET, SYSTEM
from twinviewer.demo.guide import Guide
from twinviewer.model.errors import UsageError, WriteError
from twinviewer.model.feedback import Feedback
from twinviewer.model.place import CrsOrigin
from twinviewer.model.project import LayerSource, LayerSpec, OverlaySpec, Project, Style

_log = logging.getLogger(__name__)

SEED = 1
LICENCE = "CC0-1.0"
_GIVEN = replace(SYSTEM, origin=CrsOrigin.GIVEN)
"""For CityJSON, which cannot say what the heights are counted from."""
_LOOK_EVERY_S = 0.05
_UNFINISHED = ".unfinished-"


def ensure_demo(
    *, buildings: int, seed: int = SEED, overlays: tuple[OverlaySpec, ...] = (), feedback: Feedback
) -> Project:
    """Make the demo city's files if they are not there yet, and return the project that shows them.

    Args:
        buildings: About how many the town has.
        seed: Another one is another town.
        overlays: What is switched on.
        feedback: Hears progress; asked often whether to stop, and nothing is left behind then.

    Raises:
        UsageError: There is no town of that size.
        WriteError: The files cannot be written.
        Cancelled: The person stopped it.
    """
    require_possible(buildings)
    try:
        shelf = cache_dir() / "demo"
        shelf.mkdir(exist_ok=True)
        folder = shelf / f"town-{EDITION}-{seed}-{buildings}"
        _sweep(shelf)
        guide = _guide_of(folder)
        if guide is None:
            _make(folder, buildings=buildings, seed=seed, feedback=feedback)
            guide = Guide.read(folder / contents.GUIDE)
    except OSError as error:
        raise _not_written(error.strerror or str(error), cache_dir()) from error
    feedback.progress(1.0, "Opening it")
    return Project(
        title=guide.town,
        crs=SYSTEM,
        origin=(*MARKET, 0.0),
        layers=_layers(folder),
        overlays=overlays,
        bookmarks=guide.bookmarks,
    )


def require_possible(buildings: int) -> None:
    """Make sure that a town may have so many buildings.

    Raises:
        UsageError: It may not.
    """
    if not FEWEST_BUILDINGS <= buildings <= MOST_BUILDINGS:
        raise UsageError(
            f"The demo city cannot have {buildings:,} buildings.",
            cure=f"Choose from {FEWEST_BUILDINGS} to {MOST_BUILDINGS:,}.",
        )


# --- files ------------------------------------------------------------------------------------------------------


def _guide_of(folder: Path) -> Guide | None:
    """Return what is known of the town in a folder, or None where it is not whole."""
    if not all((folder / name).is_file() for name in contents.FILES):
        return None
    try:
        return Guide.read(folder / contents.GUIDE)
    except ValueError:
        return None


def _make(folder: Path, *, buildings: int, seed: int, feedback: Feedback) -> None:
    """Have the files written, all or nothing."""
    unfinished = folder.parent / f"{_UNFINISHED}{os.getpid()}-{threading.get_ident()}"
    unfinished.mkdir()
    try:
        _run_generator(unfinished, buildings=buildings, seed=seed, feedback=feedback)
        if _guide_of(folder) is None:  # else another program was quicker: its files are the same
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_generator(folder: Path, *, buildings: int, seed: int, feedback: Feedback) -> None:
    process = spawn("twinviewer.demo", str(folder), str(buildings), str(seed))
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    last_words: list[str] = []
    listeners = [
        threading.Thread(target=_hear_messages, args=(process.stdout, messages), daemon=True),
        threading.Thread(target=_hear_words, args=(process.stderr, last_words), daemon=True),
    ]
    for listener in listeners:
        listener.start()
    try:
        if not _follow(messages, folder, feedback):
            status = process.wait()
            listeners[1].join()
            _log.error("Making the demo city ended with status %s.\n%s", status, "\n".join(last_words))
            raise RuntimeError("the demo city could not be made")
    finally:
        process.kill()
        process.wait()
        for listener in listeners:
            listener.join()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _follow(messages: queue.SimpleQueue[dict[str, Any] | None], folder: Path, feedback: Feedback) -> bool:
    """Pass progress on until the end; return whether that was a good one."""
    while True:
        feedback.stop_if_cancelled()
        try:
            message = messages.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            continue
        if message is None:
            return False
        if "done" in message:
            return True
        if "problem" in message:
            raise _not_written(str(message["problem"]), folder)
        feedback.progress(float(message["progress"]), str(message["text"]))


def _hear_messages(stream: IO[bytes], messages: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    with stream:
        for line in stream:
            messages.put(json.loads(line))
    messages.put(None)


def _hear_words(stream: IO[bytes], words: list[str]) -> None:
    with stream:
        words.extend(line.decode("utf-8", "replace").rstrip() for line in stream)


def _sweep(shelf: Path) -> None:
    """Remove what programs that no longer run left unfinished."""
    for folder in shelf.glob(f"{_UNFINISHED}*"):
        process = folder.name.removeprefix(_UNFINISHED).partition("-")[0]
        if not process.isdecimal() or not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _not_written(reason: str, folder: Path) -> WriteError:
    return WriteError(
        f"The demo city could not be written ({reason}).",
        cure="Make room on the disk, or set TWINVIEWER_PROFILE_DIR to a folder that can be written to.",
        source=str(folder),
    )


# --- how it is shown --------------------------------------------------------------------------------------------


def _layers(folder: Path) -> tuple[LayerSpec, ...]:
    """Return the layers, top of the list first; they are read in this order, and vehicles wait for the streets."""

    def layer(
        id: str,
        title: str,
        *,
        kind: str,
        reader: str,
        file: str,
        group: str,
        sublayer: str = "",
        role: str = "",
        style: Style = Style(),  # noqa: B008 – a frozen value
        visible: bool = True,
        opacity: float = 1.0,
    ) -> LayerSpec:
        return LayerSpec(
            id=id,
            kind=kind,
            title=title,
            source=LayerSource(
                path=str(folder / file),
                reader=f"twinviewer.{reader}",
                sublayer=sublayer,
                crs=_GIVEN if reader == "cityjson" else None,
            ),
            style=style,
            visible=visible,
            opacity=opacity,
            group=group,
            role=role,
            licence=LICENCE,
        )

    def city(id: str, title: str, *, file: str, role: str = "", reader: str = "cityjson") -> LayerSpec:
        return layer(id, title, kind="city-model", reader=reader, file=file, group="City model", role=role)

    def map_layer(
        sublayer: str, title: str, *, role: str, style: Style, visible: bool = True, opacity: float = 1.0
    ) -> LayerSpec:
        return layer(
            role,
            title,
            kind="features",
            reader="vector",
            file=contents.MAP,
            sublayer=sublayer,
            group="Map",
            role=role,
            style=style,
            visible=visible,
            opacity=opacity,
        )

    return (
        map_layer(contents.STREETS, "Streets", role="streets", style=Style(colour="#b7b0a6")),
        map_layer(
            contents.ZONES, "Planning zones", role="zones", style=Style(color_by="zone"), visible=False, opacity=0.55
        ),
        map_layer(contents.LAND_USE, "Land use", role="land-use", style=Style(line_width_px=0.5)),
        city("buildings", "Buildings", file=contents.BUILDINGS, role="buildings", reader="citygml"),
        city("bridges", "Bridges", file=contents.BRIDGES),
        city("trees", "Trees", file=contents.TREES, role="vegetation"),
        city("street-furniture", "Street furniture", file=contents.FURNITURE),
        city("water", "Water", file=contents.WATER, role="water"),
        layer(
            "terrain",
            "Terrain",
            kind="terrain",
            reader="geotiff",
            file=contents.TERRAIN,
            group="Ground",
            role="terrain",
        ),
        layer(
            "laser-points",
            "Laser points",
            kind="point-cloud",
            reader="las",
            file=contents.LASER_POINTS,
            group="Survey",
            style=Style(color_by="rgb", point_size_px=2.5),
            visible=False,
        ),
    )
