"""What works on this machine, as far as it takes neither a window nor a graphics card to find out."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from twinviewer.app import folders
from twinviewer.app.log import log_dir
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.read_cache import ReadCache, cache_folder
from twinviewer.app.settings import load_settings
from twinviewer.app.spawning import spawn
from twinviewer.isolation import landlock, seccomp
from twinviewer.isolation.frames import receive
from twinviewer.resources import asset

LITTLE_DISK = 2**30
_WORKER_WITHIN_S = 20.0


class Health(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Works, with a limit worth knowing."""
    FAILS = "fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of ``twinviewer doctor``."""

    subject: str
    health: Health
    text: str


def checked(subject: str, examine: Callable[[], str]) -> Check:
    """Return what ``examine`` says, or that it failed and why: whatever is broken here must not end the doctor."""
    try:
        return Check(subject=subject, health=Health.OK, text=examine())
    except Exception as error:  # noqa: BLE001 – see above
        return Check(subject=subject, health=Health.FAILS, text=f"{type(error).__name__}: {error}")


def format_checks() -> Iterator[Check]:
    """Yield whether each group of formats can be read, and by what."""
    yield checked("CityGML", lambda: _versions("lxml", importing="lxml.etree"))
    yield checked("CityJSON", lambda: _versions("orjson", importing="orjson"))
    yield checked("LAS", lambda: _versions("laspy", importing="laspy"))
    yield checked("LAZ, COPC", _laz)
    yield checked("Map layers", _vector_drivers)
    yield checked("GeoTIFF", _raster_drivers)
    yield checked("Meshes", lambda: _versions("trimesh", importing="trimesh"))
    yield checked("Worker", _worker_answers)


def place_checks() -> Iterator[Check]:
    """Yield whether reference systems are known, and how well heights can be converted."""
    yield checked("PROJ", _proj)
    yield _height_grids()


def plugin_checks(registry: PluginRegistry) -> Iterator[Check]:
    """Yield each plugin that was found, and each that was refused."""
    for plugin in registry.plugins:
        text = f"{plugin.manifest.version} ({plugin.origin})"
        yield Check(subject=plugin.name, health=Health.OK, text=text)
    for problem in registry.problems:
        yield Check(subject=problem.source, health=Health.FAILS, text=problem.problem)
    yield _permissions_check()


def machine_checks() -> Iterator[Check]:
    """Yield where the program keeps things, and what room it has."""
    for name, folder in (
        ("Settings", folders.config_dir()),
        ("Plugins", folders.data_dir() / "plugins"),
        ("Cache", folders.cache_dir()),
        ("Log", log_dir()),
    ):
        yield _folder(name, folder)
    yield checked("Kept files", _kept_files)
    yield checked("Assets", _assets)
    memory = psutil.virtual_memory()
    text = f"{memory.total / 2**30:.0f} GiB, {memory.available / 2**30:.1f} free; {os.cpu_count()} processors"
    yield Check(subject="Memory", health=Health.OK, text=text)


def _permissions_check() -> Check:
    """Say what the kernel holds plugins to; docs/plugins/isolation.md says what follows."""
    version = landlock.version()
    if not version:
        text = "this system holds only the Python code of plugins to their permissions, not their native code"
        return Check(subject="Permissions", health=Health.NOTE, text=text)
    network = "network" if seccomp.is_there() else "TCP" if version >= landlock.NETWORK_SINCE else ""
    held = ["files", network, "signals" if version >= landlock.SCOPES_SINCE else ""]
    text = f"the kernel holds plugins to theirs, native code too: {', '.join(filter(None, held))} (Landlock {version})"
    return Check(subject="Permissions", health=Health.OK, text=text)


def _versions(*distributions: str, importing: str) -> str:
    importlib.import_module(importing)
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in distributions)


def _laz() -> str:
    laspy = importlib.import_module("laspy")
    backends = [backend.name for backend in laspy.LazBackend.detect_available()]
    if not backends:
        raise RuntimeError("there is no decoder; install lazrs")
    return f"{_versions('lazrs', importing='lazrs')} ({', '.join(backends)})"


def _vector_drivers() -> str:
    pyogrio = importlib.import_module("pyogrio")
    return f"GDAL {pyogrio.__gdal_version_string__}: {_drivers(pyogrio.list_drivers(), _VECTOR_DRIVERS)}"


def _raster_drivers() -> str:
    rasterio = importlib.import_module("rasterio")
    with rasterio.Env() as environment:
        return f"GDAL {rasterio.__gdal_version__}: {_drivers(environment.drivers(), ('GTiff',))}"


_VECTOR_DRIVERS = ("GPKG", "ESRI Shapefile", "GeoJSON", "FlatGeobuf")


def _drivers(there: object, needed: tuple[str, ...]) -> str:
    missing = [name for name in needed if name not in there]  # type: ignore[operator]  # a mapping of either library
    if missing:
        raise RuntimeError(f"GDAL has no driver for {', '.join(missing)}")
    return ", ".join(needed)


def _worker_answers() -> str:
    began = time.monotonic()
    process = spawn("twinviewer.formats.worker")
    try:
        assert process.stdout is not None
        if "ready" not in (receive(process.stdout) or {}):  # type: ignore[arg-type]  # a BufferedReader reads bytes
            raise RuntimeError("the process that reads files ended at once; the log has more")
    finally:
        process.kill()
        process.communicate(timeout=_WORKER_WITHIN_S)
    return f"a process of its own, ready after {time.monotonic() - began:.2f} s"


def _proj() -> str:
    pyproj = importlib.import_module("pyproj")
    pyproj.CRS.from_epsg(25832)
    return f"PROJ {pyproj.proj_version_str}, pyproj {pyproj.__version__}, data in {pyproj.datadir.get_data_dir()}"


def _height_grids() -> Check:
    pyproj = importlib.import_module("pyproj")
    places = {Path(pyproj.datadir.get_user_data_dir())}
    places |= {Path(place) for place in pyproj.datadir.get_data_dir().split(os.pathsep)}
    grids = sorted({grid.name for place in places if place.is_dir() for grid in place.glob("*.tif")})
    if grids:
        return Check(subject="Grids", health=Health.OK, text=f"{len(grids)}: {', '.join(grids[:5])}")
    return Check(
        subject="Grids",
        health=Health.NOTE,
        text="none installed: heights above an ellipsoid and above sea level are not converted into each other; "
        f"projsync puts grids into {pyproj.datadir.get_user_data_dir()}",
    )


def _folder(name: str, folder: Path) -> Check:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if folders.is_stand_in(folder):
        return Check(
            subject=name,
            health=Health.NOTE,
            text=f"the user's own folder cannot be made: {folder} stands in, and nothing is remembered",
        )
    if not os.access(existing, os.W_OK):
        return Check(subject=name, health=Health.NOTE, text=f"{folder} cannot be written to: nothing is remembered")
    health = Health.NOTE if free < LITTLE_DISK else Health.OK
    return Check(subject=name, health=health, text=f"{folder} ({free / 2**30:.1f} GiB free)")


def _kept_files() -> str:
    limit = load_settings().cache_limit
    facts = ReadCache(limit=lambda: limit).facts()
    most = f"at most {limit / 1e9:.0f} GB" if limit else "nothing is kept"
    return f"{facts.entries} opened before, {facts.size / 1e6:,.0f} MB ({most}), in {cache_folder()}"


def _assets() -> str:
    folder = asset("icons").parent
    if not asset("icons").is_dir() or not asset("colour_maps").is_dir():
        raise RuntimeError(f"icons and colour maps are not in {folder}")
    return str(folder) + (" (frozen)" if getattr(sys, "frozen", False) else "")
