"""GML geometries as columns: polygons and triangles however they are nested, and the names by which others call them.

Corners are kept one by one, as the file has them, three numbers each.  A geometry that only names another one
(``xlink:href``) adds nothing where that one is drawn already: it lends what the other one lacks (a solid's polygon
becomes a wall because a wall surface names it), and only another level of detail gets a copy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
import orjson
from lxml import etree

from twinviewer.formats.city_columns import ObjectColumns
from twinviewer.formats.city_surfaces import Float64s, Int64s, RaggedSurfaces, SurfaceColumns, offsets
from twinviewer.formats.citygml.vocabulary import XLINK_HREF, Meaning, Vocabulary, children, id_of
from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import HostileFileError
from twinviewer.model.feedback import Feedback

DEEPEST = 100
"""Geometries or objects inside each other; real ones have less than twenty."""
_RINGS = frozenset({"exterior", "interior", "outerBoundaryIs", "innerBoundaryIs"})
_POSITIONS = frozenset({"posList", "pos"})
_HOLES = frozenset({"interior", "innerBoundaryIs"})
_ASK_EVERY = 1024
"""Polygons between two questions whether to stop: some 5 ms."""
_STEPS_LIMIT = 1_000_000
"""Of following names, in one member of the city model or between them; real ones need a few thousand."""
_DIMENSIONS = range(2, 8)


class _Named(NamedTuple):
    """What a geometry's id stands for."""

    first: int
    """The first of its surfaces."""
    end: int
    first_reference: int
    """The first of the references in it, among those of its member of the city model."""
    end_reference: int


class _Reference(NamedTuple):
    """A place where a geometry is named instead of given."""

    target: str
    object: int
    semantic: int
    lod: int
    reversed: bool


class Geometries:
    """Surfaces in the order of the file, of everything that is drawn where it stands or of all shapes."""

    def __init__(
        self,
        words: Vocabulary,
        objects: ObjectColumns,
        crs_names: dict[str, None],
        findings: Findings,
        feedback: Feedback,
    ) -> None:
        self.columns = SurfaceColumns()
        self.coordinates = array("d")
        """Three numbers per corner."""
        self._words, self._objects, self._crs_names = words, objects, crs_names
        self._findings, self._feedback = findings, feedback
        self._object = self._semantic = self._lod = -1
        self._named: dict[str, _Named] = {}
        self._references: list[_Reference] = []
        self._open: list[_Reference] = []
        self._steps = 0
        self._known_hash, self._known_first, self._known_end = array("q"), array("q"), array("q")
        self._copies: dict[tuple[int, int], _Reference] = {}

    def add(self, geometry: etree._Element, *, object: int, semantic: int, lod: int) -> None:
        """Append the surfaces of a geometry; curves and points are told and left out."""
        self._object, self._semantic, self._lod = object, semantic, lod
        self._walk(geometry, reversed=False, dimension=3, depth=0)

    def refer(self, target: str, *, object: int, semantic: int, lod: int) -> None:
        """Note that an object has the geometry of that name."""
        self._object, self._semantic, self._lod = object, semantic, lod
        self._name(target, reversed=False)

    # --- the tree ---------------------------------------------------------------------------------------------

    def _walk(self, geometry: etree._Element, *, reversed: bool, dimension: int, depth: int) -> None:
        word = self._words[geometry.tag]
        meaning = word.meaning
        if meaning is Meaning.LINES:
            self._findings.add(
                "geometry.lines",
                "Lines and points (edges of the terrain, networks) are not shown.",
                where=self._where(),
                severity=Severity.INFO,
            )
            return
        if meaning not in (Meaning.POLYGON, Meaning.AGGREGATE, Meaning.ORIENTABLE):
            return
        if depth > DEEPEST:
            raise HostileFileError("Geometries are nested absurdly deep, as in attacks; the file is not read.")
        keys = geometry.keys()  # most have none, or an id only: asking for each by name takes longer
        if "srsName" in keys:
            self._crs_names.setdefault(geometry.get("srsName", ""))
        if "srsDimension" in keys:
            dimension = _dimension(geometry.get("srsDimension"), dimension)
        first, first_reference = len(self.columns), len(self._references)
        if meaning is Meaning.POLYGON:
            self._polygon(geometry, reversed=reversed, dimension=dimension)
        else:
            if meaning is Meaning.ORIENTABLE:
                reversed = reversed != (geometry.get("orientation") == "-")
            for prop in children(geometry):
                inside = children(prop)
                if not inside and (target := prop.get(XLINK_HREF)):
                    self._name(target, reversed=reversed)
                for child in inside:
                    self._walk(child, reversed=reversed, dimension=dimension, depth=depth + 1)
            if word.local == "Tin" and len(self.columns) == first:
                self._findings.add(
                    "tin.without-triangles",
                    "Terrain that is given by points only, without triangles, is not shown.",
                    where=self._where(),
                )
        if keys and (gml_id := id_of(geometry)):
            self._named[gml_id] = _Named(first, len(self.columns), first_reference, len(self._references))

    def _name(self, target: str, *, reversed: bool) -> None:
        if not target.startswith("#"):
            self._findings.add(
                "xlink.other-file",
                "Geometries that are in other files, or named in an unknown way, are missing.",
                where=f"{self._where()}: “{target[:80]}”",
            )
            return
        self._references.append(_Reference(target[1:], self._object, self._semantic, self._lod, reversed))

    def _polygon(self, polygon: etree._Element, *, reversed: bool, dimension: int) -> None:
        sizes: list[int] = []
        for side in children(polygon):
            local = self._words[side.tag].local
            if local in _RINGS:
                if not sizes and local in _HOLES:
                    sizes.append(0)  # an outer ring without corners: told with the others of too few
                for ring in children(side):
                    sizes.append(self._ring(ring, dimension))  # noqa: PERF401 – most have one
        self.columns.add(
            object=self._object, semantic=self._semantic, lod=self._lod, ring_sizes=sizes, reversed=reversed
        )
        if len(self.columns) % _ASK_EVERY == 0:
            self._feedback.stop_if_cancelled()

    def _ring(self, ring: etree._Element, dimension: int) -> int:
        """Append the corners of a ring and return how many they are."""
        first = len(self.coordinates)
        try:
            if len(ring) == 1 and self._words[(only := ring[0]).tag].local == "posList":
                self._list(only, dimension)
            else:
                self._positions(ring, dimension, 0)
        except (ValueError, TypeError):
            problem = "Rings with coordinates that are not numbers are not shown."
            return self._without(first, "coordinates.not-numbers", problem)
        count, rest = divmod(len(self.coordinates) - first, 3)
        if rest:
            problem = "Rings whose coordinates do not come in threes are not shown."
            return self._without(first, "coordinates.incomplete", problem)
        return count

    def _without(self, first: int, code: str, problem: str) -> int:
        """Take back the corners of a bad ring, and tell of it."""
        del self.coordinates[first:]
        self._findings.add(code, problem, where=self._where())
        return 0

    def _list(self, positions: etree._Element, dimension: int) -> None:
        """Append what a ``posList`` or ``pos`` holds; raises as :meth:`_positions`."""
        stated = positions.get("srsDimension")
        if stated is not None:
            dimension = 3 if stated == "3" else _dimension(stated, dimension)
        numbers = _numbers(positions.text or "")
        self.coordinates.fromlist(numbers if dimension == 3 else list(_in_threes(numbers, dimension)))

    def _positions(self, curve: etree._Element, dimension: int, depth: int) -> None:
        """Append the positions of a ring, or of a piece of it.

        Raises:
            ValueError: Something is not a number.
            TypeError: Likewise.
        """
        for child in children(curve):
            local = self._words[child.tag].local
            if local in _POSITIONS:
                self._list(child, dimension)
            elif local == "coordinates":
                self._tuples(child, dimension)
            elif local == "coord":
                values = [float(part.text or "") for part in children(child)][:3]
                self.coordinates.extend(values + [0.0] * (3 - len(values)))
            elif len(child):
                if depth > DEEPEST:
                    raise HostileFileError("Curves are nested absurdly deep, as in attacks; the file is not read.")
                self._positions(child, dimension, depth + 1)
            elif child.get(XLINK_HREF):
                self._findings.add(
                    "ring.elsewhere",
                    "Rings made of lines or points that are given elsewhere are not shown.",
                    where=self._where(),
                )

    def _tuples(self, coordinates: etree._Element, dimension: int) -> None:
        """Append what GML 2 writes as ``x,y,z x,y,z``."""
        text = coordinates.text or ""
        within, between, point = (
            coordinates.get(name, default) for name, default in (("cs", ","), ("ts", " "), ("decimal", "."))
        )
        for part in text.split(None if between.isspace() else between):
            numbers = part.replace(within, " ").replace(point, ".").split()
            values = [float(number) for number in numbers][:3]
            self.coordinates.extend(values + [0.0] * (3 - len(values)))

    def _where(self) -> str:
        return self._objects.ids[self._object] if self._object >= 0 else ""

    # --- the names --------------------------------------------------------------------------------------------

    def end_member(self) -> dict[str, tuple[int, int]]:
        """Follow the names that the present member of the city model has for its own geometries; keep the others.

        Returns:
            By id, the first and the end of the surfaces of its geometries.
        """
        self._steps = 0
        semantics, lods = self.columns.semantic, self.columns.lod
        for reference in self._references:
            named = self._named.get(reference.target)
            if named is None:
                self._open.append(reference)
                continue
            surface = named.first
            if (
                named.end == surface + 1
                and named.first_reference == named.end_reference
                and semantics[surface] >= 0
                and lods[surface] == reference.lod
            ):
                continue  # nearly always: a solid that names a wall
            for surface, seen in self._followed(reference):
                self._lend(surface, seen)
        spans = {name: (named.first, named.end) for name, named in self._named.items()}
        for name, (first, end) in spans.items():
            self._known_hash.append(hash(name))  # the names themselves would need more memory than all coordinates
            self._known_first.append(first)
            self._known_end.append(end)
        self._named.clear()
        self._references.clear()
        return spans

    def _followed(self, reference: _Reference) -> Iterator[tuple[int, _Reference]]:
        """Yield the surfaces that a reference stands for, and how each is called for, names of names too."""
        rest, met = [reference], {reference.target}
        while rest:
            present = rest.pop()
            named = self._named.get(present.target)
            if named is None:
                continue  # an inner one that is told of by itself
            for surface in range(named.first, named.end):
                if not self._may_step(reference):
                    return
                yield surface, present
            for number in range(named.first_reference, named.end_reference):
                if not self._may_step(reference):
                    return
                inner = self._references[number]
                if inner.target not in met:
                    met.add(inner.target)
                    rest.append(
                        _Reference(
                            inner.target,
                            reference.object,
                            reference.semantic,
                            reference.lod,
                            present.reversed != inner.reversed,
                        )
                    )

    def _may_step(self, reference: _Reference) -> bool:
        """Return whether names may still be followed, and tell if no more."""
        self._steps += 1
        if self._steps % _ASK_EVERY == 0:
            self._feedback.stop_if_cancelled()
        if self._steps == _STEPS_LIMIT:
            self._findings.add(
                "xlink.too-many",
                "Geometries name each other absurdly often; not all names were followed.",
                where=reference.target[:80],
            )
        return self._steps < _STEPS_LIMIT

    def _lend(self, surface: int, reference: _Reference) -> None:
        columns = self.columns
        if reference.semantic >= 0 and columns.semantic[surface] < 0:
            columns.semantic[surface] = reference.semantic
        if reference.lod >= 0 and reference.lod != columns.lod[surface]:
            if columns.lod[surface] < 0:
                columns.lod[surface] = reference.lod
            else:
                self._copies.setdefault((surface, reference.lod), reference)

    def _follow_open(self) -> None:
        """Follow the names that lead from one member of the city model to another."""
        if not self._open:
            return
        known = np.array(self._known_hash, np.int64)
        order = np.argsort(known, kind="stable")
        wanted = np.array([hash(reference.target) for reference in self._open], np.int64)
        places = np.searchsorted(known[order], wanted)
        self._steps = 0
        for reference, place, value in zip(self._open, places.tolist(), wanted.tolist(), strict=True):
            number = int(order[place]) if place < len(order) else -1
            if number < 0 or known[number] != value:
                where = self._objects.ids[reference.object] if reference.object >= 0 else ""
                self._findings.add(
                    "xlink.unresolved",
                    "Geometries that are only named, and are nowhere in the file, are missing.",
                    where=f"{where}: “{reference.target[:80]}”",
                )
                continue
            for surface in range(self._known_first[number], self._known_end[number]):
                if not self._may_step(reference):
                    break
                self._lend(surface, reference)
        self._open.clear()

    def finished(self) -> tuple[RaggedSurfaces, Float64s]:
        """Return all surfaces, copies for other levels of detail last, and the corners (c, 3) as stored."""
        self._follow_open()
        vertices = np.array(self.coordinates, np.float64).reshape(-1, 3)
        corners: list[Int64s] = [np.arange(len(vertices))]
        if self._copies:
            rings = offsets(np.array(self.columns.ring_count, np.int64))
            starts = offsets(np.array(self.columns.ring_size, np.int64))
            for (surface, lod), reference in self._copies.items():
                first, end = int(rings[surface]), int(rings[surface + 1])
                semantic = self.columns.semantic[surface]
                self.columns.add(
                    object=reference.object,
                    semantic=reference.semantic if reference.semantic >= 0 else semantic,
                    lod=lod,
                    ring_sizes=self.columns.ring_size[first:end],
                    reversed=bool(self.columns.reversed[surface]) != reference.reversed,
                )
                corners.append(np.arange(starts[first], starts[end]))
        return RaggedSurfaces.of(self.columns, np.concatenate(corners)), vertices


def _dimension(stated: str | None, inherited: int) -> int:
    """Return how many coordinates a position has; what cannot be is not believed."""
    if stated is None or not stated.strip().isdecimal():
        return inherited
    dimension = int(stated[:9])
    return dimension if dimension in _DIMENSIONS else inherited


def _numbers(text: str) -> list[float]:
    """Return the numbers in ``text``; what else JSON may hold fails when it is put into an array of numbers.

    Raises:
        ValueError: Something is not a number.
    """
    try:
        # Three times faster than float(), and as exact.
        return cast("list[float]", orjson.loads(f"[{text.strip().replace(' ', ',')}]"))
    except ValueError:
        return [float(token) for token in text.split()]  # line breaks, and .5, +5, 5. or NaN, are nothing to JSON


def _in_threes(numbers: Sequence[float], dimension: int) -> Iterator[float]:
    """Yield x, y and z of positions that have another number of coordinates; flat ones get the height 0.

    Raises:
        ValueError: Something is missing.
    """
    if len(numbers) % dimension:
        raise ValueError("not whole positions")
    for start in range(0, len(numbers), dimension):
        yield numbers[start]
        yield numbers[start + 1]
        yield numbers[start + 2] if dimension > 2 else 0.0
