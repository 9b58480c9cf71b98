"""``twinviewer info``: what is in files, for people and as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from twinviewer.app.description import (
    Box,
    Counts,
    Crs,
    Description,
    Failure,
    LayerDescription,
    describe,
    describe_project,
    failure,
    to_json,
)
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import PROJECT_SUFFIX, Sources, as_path
from twinviewer.app.workers import WorkerPool
from twinviewer.cli.options import reference_system
from twinviewer.cli.sentences import tell
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import TwinViewerError, UsageError
from twinviewer.model.feedback import Silent
from twinviewer.model.place import ReferenceSystem
from twinviewer.scripting import ScriptSession

T = TypeVar("T")
MOST_NAMES = 12
"""So many types, classes or attributes are named before the rest is only counted."""
LONGEST_CODE = 20
"""``EPSG:25832``; what is longer is WKT, which nobody wants to read."""


def print_info(paths: Sequence[str], *, as_json: bool, crs: str | None, safe_mode: bool) -> int:
    """Describe each path; return 1 if one of them gave nothing, or not all of it."""
    if not paths:
        raise UsageError("Name at least one file.", cure="twinviewer info --help shows an example.")
    inquiry = _Inquiry(reference_system(crs), safe_mode=safe_mode)
    try:
        for number, answer in enumerate(inquiry.answers(paths)):
            if as_json:
                print(to_json(answer), flush=True)
            elif isinstance(answer, Description):
                print("\n" * (number > 0) + "\n".join(_text(answer)), flush=True)
    finally:
        inquiry.close()
    return int(inquiry.failed)


class _Inquiry:
    """Asks for one file after the other, through one worker."""

    def __init__(self, crs: ReferenceSystem | None, *, safe_mode: bool) -> None:
        self.failed = False
        self._crs = crs
        self._safe_mode = safe_mode
        self._sources = Sources(registry=PluginRegistry(safe_mode=safe_mode), pool=WorkerPool(size=1))

    def close(self) -> None:
        self._sources.pool.close()

    def answers(self, paths: Iterable[str]) -> Iterator[Description | Failure]:
        """Yield what there is to say of each file; what fails is also told on stderr."""
        for path in paths:
            names = self._tried(path, self._files)
            if isinstance(names, Failure):
                yield names
                continue
            for name in names:
                yield self._tried(name, self._describe)

    def _tried(self, path: str, function: Callable[[str], T]) -> T | Failure:
        try:
            return function(path)
        except TwinViewerError as error:
            self.failed = True
            tell(_with_path(error, path))
            return failure(path, error)

    def _files(self, path: str) -> list[str]:
        """Return the path itself, or the files in the folder that it is."""
        found = as_path(path)
        if not os.path.isdir(found):  # noqa: PTH112 – false for impossible names too
            return [path]
        return [str(Path(path) / file.name) for file in self._sources.files_in(found)]

    def _describe(self, path: str) -> Description:
        file = as_path(path)
        if file.suffix.lower() == PROJECT_SUFFIX:
            return self._describe_project(path)
        feedback = Silent()
        reader = self._sources.reader_for(file, feedback)
        request = replace(self._sources.request(file, reader), fallback=self._crs)
        return describe(path, self._sources.read(request, reader, feedback).layers)

    def _describe_project(self, path: str) -> Description:
        with ScriptSession(safe_mode=self._safe_mode) as session:
            session.add(path)
            found = {layer.id: session.data(layer.id) for layer in session.project.layers}
            data = {layer_id: held for layer_id, held in found.items() if held is not None}
            for problem in session.problems:
                if problem.severity is Severity.ERROR:
                    self.failed = True
                    tell(problem)
            return describe_project(path, session.project, data, session.problems)


def _with_path(error: TwinViewerError, path: str) -> TwinViewerError:
    """Return the error with the path as it was given: names alone, like tileset.json, may be those of many files."""
    told = copy(error)
    name = Path(path).name
    if name and told.source.startswith(name):
        told.source = path + told.source.removeprefix(name)
    return told


def _text(description: Description) -> Iterator[str]:
    """Yield the lines for people."""
    yield description.path
    yield from _row("Format", f"{description.format} {description.version}".rstrip())
    yield from _facts(description)
    if not description.layers:
        yield from _row("Attributes", _some(f"{each.name} ({each.type})" for each in description.attributes))
    for layer in description.layers:
        yield f"  {layer.name}"
        yield from (f"  {line}" for line in _facts(layer, apart_from=description))
        names = _some(f"{each.name} ({each.type})" for each in layer.attributes)
        yield from (f"  {line}" for line in _row("Attributes", names))
    for finding in description.diagnostics:
        times = f" (×{finding.count})" if finding.count > 1 else ""
        where = f" – {finding.where}" if finding.where else ""
        yield from _row(finding.severity.capitalize(), f"{finding.problem}{times}{where}")


def _facts(described: Description | LayerDescription, *, apart_from: Description | None = None) -> Iterator[str]:
    if apart_from is None or described.crs != apart_from.crs:
        yield from _row("Reference", _named(described.crs))
    yield from _row("Extent", _box(described.extent))
    for name, value in _counted(described.counts):
        yield from _row(name, value)
    yield from _row("LoD", ", ".join(described.lods))


def _row(name: str, value: str) -> list[str]:
    return [f"  {name:<12} {value}"] if value else []


def _named(crs: Crs) -> str:
    if crs.horizontal is None:
        return "none"
    from twinviewer.model.crs import describe as name_of  # PROJ costs 0.2 s, which JSON need not pay

    name = name_of(ReferenceSystem(horizontal=crs.horizontal, vertical=crs.vertical))
    codes = [code for code in (crs.horizontal, crs.vertical) if code is not None and len(code) <= LONGEST_CODE]
    return f"{name} ({' + '.join(codes)})" if codes else name


def _box(extent: Box | None) -> str:
    if extent is None:
        return ""
    digits = 6 if max(abs(value) for value in (*extent[:2], *extent[3:5])) <= 360 else 1
    low, high = extent[:3], extent[3:]
    pairs = zip("xyz", low, high, (digits, digits, 1), strict=True)
    return ", ".join(f"{axis} {least:.{n}f} to {most:.{n}f}" for axis, least, most, n in pairs)


def _counted(counts: Counts) -> Iterator[tuple[str, str]]:
    if "city_objects" in counts:
        types = _some(f"{n:,} {name}" for name, n in counts["by_type"].items())
        yield "City objects", f"{counts['city_objects']:,}: {types}"
        yield "Surfaces", f"{counts['surfaces']:,}"
    if "triangles" in counts:
        yield "Triangles", f"{counts['triangles']:,}"
    if "points" in counts:
        yield "Points", f"{counts['points']:,}"
        yield "Classes", _some(f"{number}: {n:,}" for number, n in counts["by_class"].items())
    if "features" in counts:
        yield "Features", f"{counts['features']:,}"
    if "width" in counts:
        bands = f", {counts['bands']} bands" if "bands" in counts else ""
        yield "Grid", f"{counts['width']:,} × {counts['height']:,}{bands}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - MOST_NAMES
    return ", ".join(listed[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
