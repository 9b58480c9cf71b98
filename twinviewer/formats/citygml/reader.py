"""A CityGML file becomes a layer."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from twinviewer.formats.city_columns import AttributeTable, ObjectColumns
from twinviewer.formats.city_model import assemble
from twinviewer.formats.citygml.geometry import Geometries
from twinviewer.formats.citygml.objects import CityObjects, tell_of_appearance
from twinviewer.formats.citygml.shapes import ShapePlaces
from twinviewer.formats.citygml.stream import members, root_of
from twinviewer.formats.citygml.vocabulary import Vocabulary, split
from twinviewer.formats.findings import Findings
from twinviewer.model.errors import DamagedFileError, TwinViewerError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import CityModel, SourceFacts

_READING_SHARE = 0.85
"""Of the time; the rest is for triangles."""


def probe(*, path: Path) -> float:
    """Return 1.0 for a city model of CityGML, 0.8 for other XML that declares its namespaces, else 0.0."""
    try:
        root = root_of(path)
    except OSError:
        return 0.0
    if root is None or not root.version:
        return 0.0
    return 1.0 if root.local == "CityModel" else 0.8


def read(*, path: Path, feedback: Feedback) -> list[CityModel]:
    """Read a file of CityGML 1.0, 2.0 or 3.0.

    Args:
        path: The file.
        feedback: Hears progress, and is asked every few milliseconds whether to stop.

    Raises:
        DamagedFileError: Nothing of it can be read, or it holds no city object.
        UnsupportedFormatError: It is no CityGML file.
        HostileFileError: It is made to do harm.
        Cancelled: The person stopped the work.
    """
    findings = Findings()
    gathering = _Gathering(findings, feedback)
    try:
        for element in members(path, feedback=PartOf(feedback, 0.0, _READING_SHARE), findings=findings):
            gathering.take(element)
    except TwinViewerError as error:
        error.source = error.source or path.name
        raise
    if not len(gathering.objects):
        raise DamagedFileError("The file is CityGML, but holds no city objects.", source=path.name)
    feedback.progress(_READING_SHARE, "Cutting surfaces into triangles")
    feedback.stop_if_cancelled()
    root = root_of(path)
    return [gathering.layer("" if root is None else root.version)]


class _Gathering:
    """All that is gathered of one file."""

    def __init__(self, findings: Findings, feedback: Feedback) -> None:
        words = Vocabulary()
        self.objects = ObjectColumns(findings)
        self._findings = findings
        self._title = ""
        self._crs_names: dict[str, None] = {}
        self._attributes = AttributeTable(findings)
        self._geometries = Geometries(words, self.objects, self._crs_names, findings, feedback)
        templates = Geometries(words, self.objects, {}, findings, feedback)  # in no reference system
        self._shapes = ShapePlaces(words, self.objects, templates, self._crs_names, findings)
        self._city_objects = CityObjects(
            words, self.objects, self._attributes, self._geometries, self._shapes, self._crs_names, findings
        )

    def take(self, element: etree._Element) -> None:
        """Take in a child of the city model."""
        _, local = split(element.tag)
        if local == "name":
            self._title = " ".join((element.text or "").split())
        elif local == "boundedBy":
            for envelope in element:
                if name := envelope.get("srsName"):
                    self._crs_names.setdefault(name)
        elif local == "appearanceMember":
            tell_of_appearance(self._findings)
        else:
            self._city_objects.add(element)
            self._geometries.end_member()

    def layer(self, version: str) -> CityModel:
        """Return what was gathered."""
        surfaces, vertices = self._geometries.finished()
        shapes = self._shapes.finished()
        if not len(surfaces.object) and not len(shapes.instances):
            problem = "None of the city objects has a shape that can be shown."
            self._findings.add("geometry.none", problem)
        return assemble(
            source=SourceFacts(format="CityGML", version=version, title=self._title),
            crs_names=tuple(self._crs_names),
            objects=self.objects,
            attributes=self._attributes,
            surfaces=surfaces,
            vertices=vertices,
            shapes=shapes,
            surface_types=self._city_objects.surface_types,
            lods=self._city_objects.lods,
            findings=self._findings,
        )
