"""CityGML's implicit geometry: a shape given once, in coordinates of its own, that stands in many places."""

from __future__ import annotations

import math
from typing import NamedTuple

from lxml import etree

from twinviewer.formats.city_columns import ObjectColumns
from twinviewer.formats.city_surfaces import InstanceColumns, Shapes
from twinviewer.formats.citygml.geometry import Geometries
from twinviewer.formats.citygml.vocabulary import XLINK_HREF, Vocabulary
from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Severity

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_SURFACES_LIMIT = 20_000_000
"""Of all instances together; more would be an attack, or need more memory than a machine has."""


class _Place(NamedTuple):
    """Where a shape stands, before all shapes are known."""

    shape: str
    """Id, where it is given elsewhere."""
    span: tuple[int, int] | None
    """Its surfaces, where it is given here."""
    object: int
    semantic: int
    lod: int
    matrix: tuple[float, ...]
    position: tuple[float, ...]


class ShapePlaces:
    """Shapes and where they stand, in the order of the file."""

    def __init__(
        self,
        words: Vocabulary,
        objects: ObjectColumns,
        geometries: Geometries,
        crs_names: dict[str, None],
        findings: Findings,
    ) -> None:
        self._words, self._objects, self._geometries = words, objects, geometries
        self._crs_names, self._findings = crs_names, findings
        self._places: list[_Place] = []
        self._spans: dict[str, tuple[int, int]] = {}

    def add(self, implicit: etree._Element, *, object: int, semantic: int, lod: int) -> None:
        """Append an ``ImplicitGeometry``."""
        shape, span = "", None
        matrix: tuple[float, ...] = _IDENTITY
        position = None
        for prop in implicit:
            local = self._words[prop.tag].local
            if local in ("relativeGMLGeometry", "relativeGeometry"):
                shape, span = self._shape(prop, object, lod)
            elif local == "transformationMatrix":
                matrix = self._matrix(prop.text or "", object)
            elif local == "referencePoint":
                position = self._position(prop)
            elif local == "libraryObject" and (prop.text or "").strip():
                self._findings.add(
                    "shape.other-file",
                    "Shapes that are in other files are not shown.",
                    where=f"{self._objects.ids[object]}: {(prop.text or '').strip()[:80]}",
                )
        if span is None and not shape:
            return
        if position is None:
            self._findings.add(
                "shape.nowhere", "Shapes without a place are not shown.", where=self._objects.ids[object]
            )
            return
        self._places.append(_Place(shape, span, object, semantic, lod, matrix, position))

    def _shape(self, prop: etree._Element, object: int, lod: int) -> tuple[str, tuple[int, int] | None]:
        if target := prop.get(XLINK_HREF):
            return target.removeprefix("#"), None
        columns = self._geometries.columns
        first = len(columns)
        for child in prop:
            self._geometries.add(child, object=object, semantic=-1, lod=lod)
        self._spans.update(self._geometries.end_member())
        return "", (first, len(columns))

    def _matrix(self, text: str, object: int) -> tuple[float, ...]:
        try:
            matrix = tuple(map(float, text.split()))
        except ValueError:
            matrix = ()
        if len(matrix) == 16 and all(map(math.isfinite, matrix)):
            return matrix
        problem = "Shapes whose transformation is not 16 numbers are shown untransformed."
        self._findings.add("shape.matrix", problem, where=self._objects.ids[object])
        return _IDENTITY

    def _position(self, prop: etree._Element) -> tuple[float, ...] | None:
        for point in prop.iter():
            if name := point.get("srsName"):
                self._crs_names.setdefault(name)
            if self._words[point.tag].local in ("pos", "coordinates"):
                try:
                    numbers = tuple(map(float, (point.text or "").replace(",", " ").split()))
                except ValueError:
                    return None
                return (*numbers, 0.0)[:3] if len(numbers) >= 2 and all(map(math.isfinite, numbers)) else None
        return None

    def finished(self) -> Shapes:
        """Return all shapes and the places of those that are known."""
        instances = InstanceColumns()
        count = 0
        for place in self._places:
            span = place.span or self._spans.get(place.shape)
            where = self._objects.ids[place.object]
            if span is None:
                self._findings.add(
                    "xlink.unresolved",
                    "Geometries that are only named, and are nowhere in the file, are missing.",
                    where=f"{where}: “#{place.shape[:80]}”",
                )
                continue
            count += span[1] - span[0]
            if count > _SURFACES_LIMIT:
                self._findings.add(
                    "shape.too-many", "Shapes stand in absurdly many places; not all are shown.", where=where
                )
                break
            instances.add(
                object=place.object,
                semantic=place.semantic,
                lod=place.lod,
                surfaces=span,
                matrix=place.matrix,
                position=place.position,
            )
        if len(instances):
            self._findings.add(
                "shape.instanced",
                "Shapes that the file gives once are shown in all their places: more surfaces than it has polygons.",
                severity=Severity.INFO,
                count=len(instances),
            )
        surfaces, vertices = self._geometries.finished()
        return Shapes(surfaces=surfaces, vertices=vertices, instances=instances)
