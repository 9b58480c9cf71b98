"""Large city models: our readers, on one processor and on all, against what parsing costs alone and other readers.

The city is the demo's, with 20,000 buildings; it is generated once and kept in the folder of temporary files.  The
real files are the largest of the data beside the checkout, where that is there.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any
from xml.parsers import expat

import orjson
import pyogrio
from lxml import etree
from pyogrio.errors import DataSourceError, GeometryError

from benchmarks.city_files import DATA
from benchmarks.rows import ROOT, MemoryRow, Row, median_s
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.demo import EDITION
from twinviewer.model.feedback import Silent

BUILDINGS = 20_000
SEED = 1
TIMES = 3
REAL = (
    "citygml/1.0/geores-textured/geoRES_testdata_v1.0.0.xml",
    "citygml/1.0/berlin_open_data_sample_data.citygml",
    "cityjson/2.0/3-20-DELFSHAVEN.city.json",
)
"""The largest, and one that GDAL reads, too."""


def rows() -> Iterator[Row | MemoryRow | str]:
    """Measure the generated city in both formats, then the real files."""
    city = _generated()
    yield from _of(city / "buildings.gml")
    yield from _of(city / "buildings.city.json")
    for name in REAL:
        if (DATA / name).exists():
            yield from _of(DATA / name)
        else:
            yield f"({name} is not beside this checkout)"


def _generated() -> Path:
    """Return the folder with the large city, made if it is not there yet."""
    from twinviewer import scripting
    from twinviewer.demo.citygml_writer import write_buildings
    from twinviewer.demo.plan import plan_town

    folder = Path(tempfile.gettempdir()) / f"twinviewer-benchmark-{EDITION}-{BUILDINGS}"
    if not folder.exists():
        began = Path(tempfile.mkdtemp(dir=folder.parent))
        town = plan_town(buildings=BUILDINGS, seed=SEED, feedback=Silent())
        write_buildings(began / "buildings.gml", town.buildings(), town=town.name)
        scripting.write(scripting.read(began / "buildings.gml"), began / "buildings.city.json")
        began.replace(folder)
    return folder


def _of(path: Path) -> Iterator[Row | MemoryRow | str]:
    size = path.stat().st_size
    name = f"{path.name[:12]}… {size / 1e6:.0f} MB"
    all_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    peers = _peers(path)
    alone, target, yardstick = next(peers)
    yardstick_s = median_s(yardstick, times=TIMES)
    one, whole = (_reading(processors, path) for processors in (1, all_processors))
    for title, taken in (("1 processor", one), (f"{all_processors} processors", whole)):
        yield Row(title=f"{name}, {title}", ours_s=taken["seconds"], peer=alone, peer_s=yardstick_s, target=target)
    yield Row(title=f"{name}, by a worker", ours_s=_by_a_worker_s(path), peer=alone, peer_s=yardstick_s, target=target)
    for peer, target, work in peers:
        try:
            peer_s = median_s(work, times=1)
        except (GeometryError, DataSourceError, subprocess.CalledProcessError, ImportError) as error:
            yield f"({peer} does not read {path.name}: {str(error).splitlines()[0]})"
        else:
            yield Row(title=f"{name}, {title}", ours_s=whole["seconds"], peer=peer, peer_s=peer_s, target=target)
    yield MemoryRow(
        title=f"{name}, memory beyond the result",
        ours_bytes=whole["beyond"],
        peer="the file",
        peer_bytes=size,
        target=1.0,
    )
    yield (
        f"({path.name}: {whole['objects']:,} objects, {whole['triangles']:,} triangles, "
        f"{whole['result'] / whole['objects']:,.0f} bytes of arrays for each object)"
    )


def _reading(processors: int, path: Path) -> dict[str, Any]:
    """Return what a reading takes in a process of its own, the median of several by time."""
    command = [sys.executable, "-m", "benchmarks.one_reading", str(processors), str(path)]
    found: list[dict[str, Any]] = [
        json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        for _ in range(TIMES)
    ]
    return sorted(found, key=lambda each: float(each["seconds"]))[TIMES // 2]


def _by_a_worker_s(path: Path) -> float:
    with closing(WorkerPool(size=1)) as pool:
        sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)
        reader = sources.reader_for(path, Silent())

        def read() -> None:
            sources.read(sources.request(path, reader), reader, Silent())

        read()
        return median_s(read, times=TIMES)


def _peers(path: Path) -> Iterator[tuple[str, float, Callable[[], object]]]:
    """Yield name, target and work of each peer; the first is the yardstick."""
    if "json" in path.name:
        yield "orjson without the collector", 1.5, partial(_parse_json, path)
        yield "json of the standard library", 1.0, lambda: json.loads(path.read_bytes())
        yield "cjio info", 1.0, partial(_run, "cjio", str(path), "info")
    else:
        yield "expat, nothing done", 1.0, partial(_parse_by_expat, path)
        yield "lxml iterparse, nothing done", 1.0, partial(_parse_by_lxml, path)
        yield "pyogrio, GDAL's GML driver", 1.0, partial(_read_by_gdal, path)
        if importlib.util.find_spec("pygixml"):
            yield "pygixml, DOM alone", 1.0, partial(_parse_by_pygixml, path)


def _parse_json(path: Path) -> None:
    gc.disable()
    try:
        orjson.loads(path.read_bytes())
    finally:
        gc.enable()


def _parse_by_expat(path: Path) -> None:
    parser = expat.ParserCreate()
    with path.open("rb") as file:
        parser.ParseFile(file)


def _parse_by_lxml(path: Path) -> None:
    for _, element in etree.iterparse(path, events=("end",), tag="{*}cityObjectMember", huge_tree=True):
        element.clear()


def _parse_by_pygixml(path: Path) -> None:
    import pygixml  # type: ignore[import-not-found, unused-ignore]

    pygixml.parse_file(str(path))


def _read_by_gdal(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # it writes beside the file
        copy = Path(folder) / "city.gml"
        with suppress(OSError):
            copy.hardlink_to(path)
        if not copy.exists():
            shutil.copy(path, copy)
        for name, _ in pyogrio.list_layers(copy):
            pyogrio.read_arrow(copy, layer=name)


def _run(program: str, *arguments: str) -> None:
    subprocess.run([Path(sys.executable).parent / program, *arguments], check=True, capture_output=True, text=True)


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
