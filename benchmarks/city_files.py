"""``python -m benchmarks.city_files [FOLDER]``: write the table of docs/city-models.md anew.

It reads every CityGML and CityJSON file below the folder (the data beside the checkout) as the program does, in a
worker, and notes what came of it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.rows import ROOT
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "city-models.md"
FOLDERS = ("citygml", "cityjson", "bad/citygml", "bad/cityjson")
SUFFIXES = (".gml", ".xml", ".citygml", ".json", ".jsonl", ".gz")

_HEAD = """# City models that are read

<!-- Written by `make city-table`; do not edit. -->

What becomes of {count} CityGML and CityJSON files of many producers, real ones and examples of the standards. Each
was opened by a worker process, as in the window, one after the other, on {processors} processors; seconds are from
asking for the file to having its arrays. A diagnostic is listed by its code, see [problems.md](problems.md), and how
often it was met. Textures are images that the file names.

| File | Format | Objects | Surfaces | Triangles | Textures | Diagnostics | Seconds |
|---|---|--:|--:|--:|--:|---|--:|
"""
_BAD_HEAD = """
## Files that are broken, or something else

| File | What is said of it |
|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.city_files", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there; name the folder with the files.")
    paths = list(city_files(folder))
    rows: list[str] = []
    refused: list[str] = []
    with closing(WorkerPool(size=1)) as pool:
        sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)
        for name in FOLDERS[:2]:  # from now on the worker has imported what it needs
            _read(sources, next(path for path in paths if path.is_relative_to(folder / name)))
        for path in paths:
            name = path.relative_to(folder).as_posix()
            began = time.perf_counter()
            try:
                models = _read(sources, path)
            except TwinViewerError as error:
                refused.append(f"| `{name}` | {error.problem} {error.cure} |")
            else:
                took_s = time.perf_counter() - began
                rows.extend(f"| `{name}` | {_counted(model)} | {took_s:.2f} |" for model in models)
            print(name, flush=True)
    head = _HEAD.format(count=len(paths), processors=os.cpu_count())
    PAGE.write_text("\n".join([head + "\n".join(rows), _BAD_HEAD + "\n".join(refused), ""]), encoding="utf-8")


def city_files(folder: Path) -> Iterator[Path]:
    """Yield the files of city models below ``folder``, sorted."""
    for name in FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and path.suffix.lower() in SUFFIXES:
                yield path


def _read(sources: Sources, path: Path) -> list[CityModel]:
    reader = sources.reader_for(path, Silent())
    layers = sources.read(sources.request(path, reader), reader, Silent()).layers
    return [layer for layer in layers if isinstance(layer, CityModel)]


def _counted(model: CityModel) -> str:
    textures = 0 if model.appearance is None else len(model.appearance.textures)
    told = ", ".join(f"{each.code} {each.count:,}" for each in sorted(model.diagnostics, key=lambda each: each.code))
    numbers = (len(model.object_ids), len(model.surface_object), len(model.triangles), textures)
    return " | ".join((f"{model.source.format} {model.source.version}", *(f"{number:,}" for number in numbers), told))


if __name__ == "__main__":
    main()
