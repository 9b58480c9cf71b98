"""The demo city's files, through our readers and workers, against what the parsers below them cost alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.parsers import expat

import laspy
import orjson
import pyogrio
import rasterio

from benchmarks.rows import Row, interleaved_s, median_s
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.feedback import Silent

TIMES = 3


def rows(files: list[Path]) -> Iterator[Row]:
    """Measure the last of ``files`` in each format."""
    peers = (
        (".gml", "expat, nothing done", _parse_xml, 4.0),
        (".json", "orjson.loads, nothing done", lambda path: orjson.loads(path.read_bytes()), 6.0),
        (".laz", "laspy.read, all fields", laspy.read, 1.0),
        (".gpkg", "pyogrio.read_arrow of all layers", _read_layers, 3.0),
        (".tif", "rasterio, read the band", _read_band, 2.0),
    )
    with _reading() as read:
        for path in files:  # from now on the worker has imported what it needs
            read(path)
        by_suffix = {path.suffix: path for path in files}
        for suffix, peer, parse, target in peers:
            path = by_suffix[suffix]
            ours_s, peer_s = interleaved_s(partial(read, path), partial(parse, path), times=TIMES)
            yield Row(title=f"{path.name} to arrays", ours_s=ours_s, peer=peer, peer_s=peer_s, target=target)


def second_opening_rows(files: list[Path]) -> Iterator[Row]:
    """Measure how long the files that take longest take the second time, against the first."""
    with closing(WorkerPool(size=1)) as pool, closing(ReadCache(limit=lambda: 10**10, worth_s=0.0)) as cache:
        sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)
        for path in files:  # from now on the worker has imported what it needs
            _read(sources, path)
        kept = replace(sources, cache=cache)
        for suffix in (".gml", ".laz"):
            path = next(path for path in reversed(files) if path.suffix == suffix)
            first_s = median_s(partial(_read, sources, path), times=TIMES)
            cache.clear()
            _read(kept, path)
            cache.wait(timeout_s=60.0)
            second_s = median_s(partial(_read, kept, path), times=TIMES)
            yield Row(
                title=f"{path.name}, second opening to arrays",
                ours_s=second_s,
                peer="the first opening",
                peer_s=first_s,
                target=0.02,
            )


def all_of(files: list[Path]) -> float:
    """Return the seconds to read all files, one after the other, in a worker that is warm."""
    with _reading() as read:
        return min(sum(median_s(partial(read, path), times=1) for path in files) for _ in range(2))


@contextmanager
def _reading() -> Iterator[Callable[[Path], object]]:
    """Give the way a file is read: by its reader, in a worker."""
    with closing(WorkerPool(size=1)) as pool:
        sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)
        yield partial(_read, sources)


def _read(sources: Sources, path: Path) -> object:
    reader = sources.reader_for(path, Silent())
    return sources.read(sources.request(path, reader), reader, Silent())


def _parse_xml(path: Path) -> None:
    parser = expat.ParserCreate()
    with path.open("rb") as file:
        parser.ParseFile(file)


def _read_layers(path: Path) -> None:
    for name, _ in pyogrio.list_layers(path):
        pyogrio.read_arrow(path, layer=name)


def _read_band(path: Path) -> None:
    with rasterio.open(path) as dataset:
        dataset.read(1)
