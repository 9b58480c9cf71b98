"""``twinviewer convert``: files into another format or another reference system."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from twinviewer.app.exporting import Exports
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import PROJECT_SUFFIX, Sources, as_path
from twinviewer.app.workers import WorkerPool
from twinviewer.cli.options import reference_system
from twinviewer.model.errors import UsageError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import ReferenceSystem

ALL_POINTS = 2**62
"""Of a point cloud: whoever converts a file wants all of it."""


def convert_files(
    paths: Sequence[str], *, output: Path, crs: str | None, to_crs: str | None, layer: str | None, safe_mode: bool
) -> int:
    """Read all layers of all paths as they are, and write them into one file."""
    if not paths:
        raise UsageError("Name at least one file.", cure="twinviewer convert --help shows an example.")
    given, target = reference_system(crs), reference_system(to_crs, option="--to-crs")
    registry, pool = PluginRegistry(safe_mode=safe_mode), WorkerPool(size=1)
    try:
        sources = Sources(registry=registry, pool=pool, point_budget=lambda: ALL_POINTS)
        layers = [data for path in paths for data in _layers(path, sources, given)]
        if layer is not None:
            layers = _called(layer, layers)
        written = Exports(registry=registry, pool=pool).write(
            as_path(os.fspath(output)), layers, target=target, feedback=Silent()
        )
    finally:
        registry.close()
        pool.close()
    for finding in written.diagnostics:
        where = f" ({finding.where})" if finding.where else ""
        print(f"{finding.severity}: {finding.problem}{where}", file=sys.stderr)
    print(f"{output}: {len(layers)} layer{'' if len(layers) == 1 else 's'}")
    return 0


def _layers(path: str, sources: Sources, given: ReferenceSystem | None) -> Iterator[LayerData]:
    """Yield what is in a file, or in all files of a folder, called as they are."""
    file = as_path(path)
    if file.suffix.lower() == PROJECT_SUFFIX:
        raise UsageError("A project cannot be converted.", cure="Name the files of its layers.", source=file.name)
    for each in sources.files_in(file) if os.path.isdir(file) else [file]:  # noqa: PTH112 – false for impossible names
        reader = sources.reader_for(each, Silent())
        request = replace(sources.request(each, reader), fallback=given)
        for data in sources.read(request, reader, Silent()).layers:
            yield replace(data, source=replace(data.source, title=data.source.title or each.stem))


def _called(name: str, layers: Sequence[LayerData]) -> list[LayerData]:
    """Return the layers of that name.

    Raises:
        UsageError: There is none.
    """
    found = [data for data in layers if data.source.title == name]
    if not found:
        names = ", ".join(f"“{data.source.title}”" for data in layers)
        raise UsageError(f"There is no layer “{name}”.", cure=f"Choose one of {names}.", source="--layer")
    return found
