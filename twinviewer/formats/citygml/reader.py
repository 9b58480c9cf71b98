"""A CityGML file becomes a layer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns, ThematicColumns
from twinviewer.formats.city_model import assemble
from twinviewer.formats.city_surfaces import GeometryColumns, InstanceColumns, Shapes
from twinviewer.formats.citygml.attributes import Link
from twinviewer.formats.citygml.code_lists import CodeLists
from twinviewer.formats.citygml.elements import Elements
from twinviewer.formats.citygml.gathering import Bases, GatheredGeometry, WholeGeometry, numbers_of
from twinviewer.formats.citygml.grids import Grid
from twinviewer.formats.citygml.looks import Looks
from twinviewer.formats.citygml.piece import Piece, understood
from twinviewer.formats.citygml.pieces import pieces
from twinviewer.formats.citygml.shapes import Place
from twinviewer.formats.citygml.stream import root_of
from twinviewer.formats.citygml.terrain import layers_of
from twinviewer.formats.citygml.told import Told
from twinviewer.formats.findings import Findings
from twinviewer.formats.unpacking import unpacked
from twinviewer.model.attributes import AttributeType
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, TwinViewerError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import CityModel, SourceFacts, TerrainGrid

_READING_SHARE = 0.85
"""Of the time; the rest is for triangles."""
_THREADS = 2
"""That understand pieces: much of it is done by numpy, which lets others go on meanwhile."""
_SURFACES_LIMIT = 20_000_000
"""Of all shapes in all their places; more would be an attack, or need more memory than a machine has."""
_NO_CHILDREN = frozenset(
    {"groupMember", "parent", "relatedTo", "generalizesTo", "versionMember", "sensorLocation", "from", "to"}
)
"""Properties that name city objects which are not parts of theirs."""


def probe(*, path: Path) -> float:
    """Return 1.0 for a city model of CityGML, 0.8 for other XML that declares its namespaces, else 0.0."""
    try:
        root = root_of(path)
    except OSError:
        return 0.0
    if root is None or not root.version:
        return 0.0
    return 1.0 if root.local == "CityModel" else 0.8


def read(*, path: Path, feedback: Feedback) -> list[CityModel | TerrainGrid]:
    """Read a file of CityGML 1.0, 2.0 or 3.0; terrain that is a grid becomes a layer of its own.

    Args:
        path: The file, which may be packed with gzip.
        feedback: Hears progress, and is asked every few milliseconds whether to stop.

    Raises:
        DamagedFileError: Nothing of it can be read, or it holds no city object.
        UnsupportedFormatError: It is no CityGML file.
        HostileFileError: It is made to do harm.
        Cancelled: The person stopped the work.
    """
    findings = Findings()
    gathering = _Gathering(path, findings)
    try:
        share = PartOf(feedback, 0.0, _READING_SHARE)
        with unpacked(path, share) as plain:
            for piece in _understood(pieces(plain, feedback=share, findings=findings)):
                gathering.take(piece)
                if len(gathering.objects):
                    feedback.preview(lambda: deepcopy(gathering).layers(feedback))
    except TwinViewerError as error:
        error.source = error.source or path.name
        raise
    if not len(gathering.objects):
        raise DamagedFileError("The file is CityGML, but holds no city objects.", source=path.name)
    feedback.progress(_READING_SHARE, "Cutting surfaces into triangles")
    feedback.stop_if_cancelled()
    return gathering.layers(feedback)


def _understood(found: Iterator[Elements]) -> Iterator[Piece]:
    """Yield the pieces of a file, understood, in their order; several are at work at the same time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        at_work: deque[Future[Piece]] = deque()
        for elements in found:
            at_work.append(pool.submit(understood, elements))
            if len(at_work) > _THREADS:
                yield at_work.popleft().result()
        while at_work:
            yield at_work.popleft().result()


class _Gathering:
    """All that is gathered of one file."""

    def __init__(self, path: Path, findings: Findings) -> None:
        self.objects = ObjectColumns(findings)
        self._path, self._findings = path, findings
        self._title = ""
        self._crs_names: dict[str, None] = {}
        self._attributes = AttributeTable(findings)
        self._thematic = ThematicColumns(findings)
        self._surface_types, self._lods = Names(), Names()
        self._geometries = GeometryColumns()
        self._drawn = GatheredGeometry(self._geometries)
        self._shapes = GatheredGeometry(self._geometries)
        self._places: list[Place] = []
        self._looks = Looks(path, findings)
        self._links: list[Link] = []
        self._grids: list[Grid] = []
        self._code_lists = CodeLists(path)
        self._members = 0

    def take(self, piece: Piece) -> None:
        """Append a piece."""
        own = piece.objects
        bases = Bases(
            len(self.objects),
            len(self._thematic),
            numbers_of(self._surface_types, own.surface_types),
            numbers_of(self._lods, own.lods),
            self._members,
        )
        self._members += int((own.outline.elements.parent < 0).sum())
        for gml_id, type_name, parent in zip(own.ids, own.type_names, own.parent.tolist(), strict=True):
            self.objects.add(gml_id, type_name, parent + bases.object if parent >= 0 else -1)
        for gml_id, number, owner, parent in zip(
            own.thematic_ids,
            bases.surface_types[own.thematic_type].tolist(),
            own.thematic_object.tolist(),
            own.thematic_parent.tolist(),
            strict=True,
        ):
            above = parent + bases.thematic if parent >= 0 else -1
            self._thematic.add(gml_id, number, owner + bases.object, above)
        self._take_attributes(piece, bases)
        self._looks.add(piece.appearance, len(self._drawn))
        for place in piece.places:
            self._take_place(place, bases)
        self._drawn.add(piece.drawn, bases)
        if piece.shapes is not None:
            self._shapes.add(piece.shapes, bases)
        for grid in piece.grids:
            self._grids.append(grid._replace(object=grid.object + bases.object))
        self._crs_names |= dict.fromkeys(piece.crs_names)
        self._title = piece.title or self._title
        piece.told.tell(self._findings, self.objects.ids[bases.object :])

    def _take_place(self, place: Place, bases: Bases) -> None:
        first = len(self._shapes)
        self._places.append(
            place._replace(
                span=None if place.span is None else (place.span[0] + first, place.span[1] + first),
                object=place.object + bases.object,
                semantic=int(bases.surface_types[place.semantic]),
                lod=int(bases.lods[place.lod]),
            )
        )

    # --- attributes -------------------------------------------------------------------------------------------

    def _take_attributes(self, piece: Piece, bases: Bases) -> None:
        for values in piece.values:
            table = self._thematic.attributes if values.of_thematic else self._attributes
            first = bases.thematic if values.of_thematic else bases.object
            rows = [owner + first for owner in values.owners]
            table.extend(rows, values.name, values.texts, values.type, values.unit)
            if values.code_space and (names := self._code_lists.names(values.code_space)):
                known = [(row, names[text]) for row, text in zip(rows, values.texts, strict=True) if text in names]
                meant = [name for _, name in known]
                table.extend([row for row, _ in known], f"{values.name} (name)", meant, AttributeType.STRING)
        for link in piece.links:
            first = bases.thematic if link.of_thematic else bases.object
            self._links.append(link._replace(owner=link.owner + first))

    def _follow_links(self) -> None:
        """Make what city objects only name their children, if it has no parent; else name it in an attribute."""
        for link in self._links:
            name = link.target.removeprefix("#")
            row = None if link.of_thematic else self.objects.row(name)
            last = link.name.rpartition(".")[2]
            is_part = row is not None and not link.is_foreign and last not in _NO_CHILDREN
            if row is not None and is_part and self._may_be_child(row, link.owner):
                self.objects.parents[row] = link.owner
                continue
            table = self._thematic.attributes if link.of_thematic else self._attributes
            table.add(link.owner, link.name, name, AttributeType.STRING)
            if row is not None and last == "versionMember":
                self._attributes.add(row, "version", self.objects.ids[link.owner], AttributeType.STRING)

    def _may_be_child(self, row: int, of: int) -> bool:
        """Return whether an object has no parent, and is not around the one ``of`` which it may be a child."""
        met: set[int] = set()
        while of >= 0 and of not in met:
            met.add(of)
            of = self.objects.parents[of]
        return self.objects.parents[row] < 0 and row not in met

    # --- to layers --------------------------------------------------------------------------------------------

    def layers(self, feedback: Feedback) -> list[CityModel | TerrainGrid]:
        """Return what was gathered."""
        self._follow_links()
        told = Told()
        drawn, shapes = self._drawn.finished(told), self._shapes.finished(told)
        told.tell(self._findings, self.objects.ids)
        instances = self._instances(shapes)
        appearance, (look, look_of_shapes) = self._looks.finished(drawn, shapes)
        root = root_of(self._path)
        version = "" if root is None else root.version
        source = SourceFacts(format="CityGML", version=version, title=self._title)
        grids = layers_of(self._grids, tuple(self._crs_names), source, self.objects.ids, self._findings)
        surfaces = drawn.surfaces(look)
        if not len(surfaces.object) and not len(instances) and not grids:
            problem = "None of the city objects has a shape that can be shown."
            self._findings.add("geometry.none", problem)
        model = assemble(
            source=source,
            crs_names=tuple(self._crs_names),
            objects=self.objects,
            attributes=self._attributes,
            surfaces=surfaces,
            vertices=drawn.places,
            shapes=Shapes(surfaces=shapes.surfaces(look_of_shapes), vertices=shapes.places, instances=instances),
            surface_types=self._surface_types,
            lods=self._lods,
            findings=self._findings,
            thematic=self._thematic,
            geometries=self._geometries,
            appearance=appearance,
            feedback=feedback,
            rings_close=True,
        )
        return [model, *grids]

    def _instances(self, shapes: WholeGeometry) -> InstanceColumns:
        """Return the places of those shapes that are known."""
        instances = InstanceColumns()
        spans = shapes.spans({place.shape for place in self._places if place.span is None})
        count = 0
        for place in self._places:
            span = place.span or spans.get(place.shape)
            where = self.objects.ids[place.object]
            if span is None:
                self._findings.add(
                    "xlink.unresolved",
                    "Geometries that are only named, and are nowhere in the file, are missing.",
                    where=f"{where}: “#{place.shape[:80]}”",
                    objects=[where],
                )
                continue
            count += span[1] - span[0]
            if count > _SURFACES_LIMIT:
                problem = "Shapes stand in absurdly many places; not all are shown."
                self._findings.add("shape.too-many", problem, where=where)
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
        return instances
