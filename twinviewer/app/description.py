"""What ``info`` says of a file: a stable interface, explained in ``docs/info-json.md``.

Members are only ever added.  The schema is published as ``docs/schema/info.schema.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray
from typing_extensions import TypedDict  # pydantic takes the standard one only from Python 3.12 on

from twinviewer.app.problems import Problem
from twinviewer.app.project_file import SCHEMA_VERSION
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    RasterImage,
    TerrainGrid,
    TriangleMesh,
    kind_of,
)
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerId, Project

PROJECT_FORMAT = "twinviewer project"
Box = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crs:
    """Reference systems: authority codes such as ``EPSG:25832``, else WKT 2; null where nobody says."""

    horizontal: str | None
    vertical: str | None


class Counts(TypedDict, total=False):
    """How much there is; each kind of layer has members of its own."""

    city_objects: int
    by_type: dict[str, int]
    surfaces: int
    triangles: int
    curves: int
    vertices: int
    points: int
    by_class: dict[str, int]
    features: int
    width: int
    height: int
    bands: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A column of the objects or features."""

    name: str
    type: AttributeType


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A diagnostic."""

    severity: Severity
    code: str
    problem: str
    where: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDescription:
    """One layer of a file that holds several, or of a project."""

    name: str
    kind: str
    crs: Crs
    extent: Box | None
    counts: Counts
    lods: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    diagnostics: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is in a file or project."""

    path: str
    format: str
    version: str
    crs: Crs
    extent: Box | None
    counts: Counts
    lods: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    diagnostics: tuple[Finding, ...]
    layers: tuple[LayerDescription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why there is nothing to describe."""

    code: str
    problem: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A path that gives nothing."""

    path: str
    error: Fault


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line of ``info --json``."""
    answer: pydantic.TypeAdapter[Description | Failure] = pydantic.TypeAdapter(Description | Failure)
    return {"title": "What twinviewer info says of one path", **answer.json_schema(mode="serialization")}


def to_json(answer: Description | Failure) -> str:
    """Return one line of ``info --json``: in ASCII, which every terminal and pipe lets through, odd names too."""
    return json.dumps(asdict(answer), allow_nan=False)


def failure(path: str, error: TwinViewerError) -> Failure:
    """Return what is said of a path that gives nothing."""
    return Failure(path=path, error=Fault(code=error.code, problem=error.problem, cure=error.cure))


def describe(path: str, layers: Sequence[LayerData]) -> Description:
    """Return what is in a file whose ``layers``, at least one, were read as they are."""
    facts = layers[0].source
    described = [_describe_layer(data.source.title or facts.format, data) for data in layers]
    return _whole(path, facts.format, facts.version, described, show_layers=len(layers) > 1)


def describe_project(
    path: str, project: Project, data: Mapping[LayerId, LayerData], problems: Iterable[Problem]
) -> Description:
    """Return what is in a project: its layers as they lie in its reference system.

    Args:
        path: The project file.
        project: The document.
        data: What could be read of its layers.
        problems: What was found on the way; ``where`` names the layer or file.
    """
    described = [
        _describe_layer(spec.title, data[spec.id])
        if spec.id in data
        else LayerDescription(
            name=spec.title,
            kind=spec.kind,
            crs=_crs(project.crs),
            extent=None,
            counts={},
            lods=(),
            attributes=(),
            diagnostics=(),
        )
        for spec in project.layers
    ]
    findings = tuple(
        Finding(
            severity=problem.severity,
            code=problem.code,
            problem=problem.problem,
            where=": ".join(part for part in (problem.source, problem.where) if part),
            count=problem.count,
        )
        for problem in problems
    )
    return _whole(path, PROJECT_FORMAT, str(SCHEMA_VERSION), described, show_layers=True, findings=findings)


def _whole(
    path: str,
    format: str,
    version: str,
    layers: Sequence[LayerDescription],
    *,
    show_layers: bool,
    findings: tuple[Finding, ...] | None = None,
) -> Description:
    """Return the description that sums up those of the layers."""
    systems = {layer.crs for layer in layers if layer.extent is not None} or {layer.crs for layer in layers}
    alike = len(systems) == 1
    extent = Extent.around(_extent(layer.extent) for layer in layers if layer.extent is not None)
    return Description(
        path=path,
        format=format,
        version=version,
        crs=systems.pop() if alike else _crs(None),
        extent=extent.as_tuple() if extent is not None and alike else None,
        counts=_sum(layer.counts for layer in layers),
        lods=tuple(sorted({lod for layer in layers for lod in layer.lods})),
        attributes=_joined(attribute for layer in layers for attribute in layer.attributes),
        diagnostics=findings
        if findings is not None
        else tuple(finding for layer in layers for finding in layer.diagnostics),
        layers=tuple(layers) if show_layers else (),
    )


def _describe_layer(name: str, data: LayerData) -> LayerDescription:
    columns = data.attributes if isinstance(data, CityModel | FeatureTable) else ()
    return LayerDescription(
        name=name,
        kind=kind_of(data),
        crs=_crs(data.crs),
        extent=None if data.extent is None else data.extent.as_tuple(),
        counts=_counts(data),
        lods=data.lods if isinstance(data, CityModel) else (),
        attributes=_joined(_attribute(column) for column in columns),
        diagnostics=tuple(_finding(diagnostic) for diagnostic in data.diagnostics),
    )


def _counts(data: LayerData) -> Counts:
    match data:
        case CityModel():
            return _counts_of_city(data)
        case PointCloud():
            return {"points": data.read_count, "by_class": {str(number): n for number, n in data.class_counts}}
        case FeatureTable():
            return {"features": data.feature_count}
        case TerrainGrid():
            return {"width": data.width, "height": data.height}
        case RasterImage():
            return {"width": data.width, "height": data.height, "bands": data.bands}
        case TriangleMesh():
            return {"triangles": len(data.triangles), "vertices": len(data.vertices)}


def _counts_of_city(data: CityModel) -> Counts:
    """Count polygons, curves and points apart: all of them are rows among the surfaces."""
    curves, point_sets = int(data.is_curve.sum()), 0
    counts: Counts = {
        "city_objects": len(data.object_ids),
        "by_type": _tally(data.object_type, data.type_names),
        "surfaces": 0,
        "triangles": len(data.triangles),
    }
    if curves:
        counts["curves"] = curves
    if data.points is not None:
        counts["points"] = len(data.points.vertices)
        point_sets = len(np.unique(data.points.surface))
    counts["surfaces"] = len(data.surface_object) - curves - point_sets
    return counts


def _tally(rows: NDArray[np.int32], names: Sequence[str]) -> dict[str, int]:
    """Return how often each name occurs, the commonest first."""
    counts = Counter(dict(zip(names, np.bincount(rows, minlength=len(names)).tolist(), strict=True)))
    return {name: count for name, count in counts.most_common() if count}


def _sum(all_counts: Iterable[Counts]) -> Counts:
    """Return the sums; width, height and bands are kept only where there is one picture."""
    total: dict[str, Any] = {}
    pictures = 0
    for counts in all_counts:
        pictures += "width" in counts
        for name, value in counts.items():
            if isinstance(value, dict):
                total[name] = dict(Counter(total.get(name, {})) + Counter(value))
            else:
                total[name] = total.get(name, 0) + value
    if pictures > 1:
        total = {name: value for name, value in total.items() if name not in ("width", "height", "bands")}
    return total  # type: ignore[return-value]  # the members are those of the summands


def _joined(attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """Return each name once: of several types, numbers become doubles and anything else text."""
    found: dict[str, AttributeType] = {}
    for attribute in attributes:
        before = found.setdefault(attribute.name, attribute.type)
        if before is not attribute.type:
            numbers = {before, attribute.type} == {AttributeType.INTEGER, AttributeType.DOUBLE}
            found[attribute.name] = AttributeType.DOUBLE if numbers else AttributeType.STRING
    return tuple(Attribute(name=name, type=type) for name, type in found.items())


def _attribute(column: AttributeColumn) -> Attribute:
    return Attribute(name=column.name, type=column.type)


def _finding(diagnostic: Diagnostic) -> Finding:
    return Finding(
        severity=diagnostic.severity,
        code=diagnostic.code,
        problem=diagnostic.problem,
        where=diagnostic.where,
        count=diagnostic.count,
    )


def _crs(system: ReferenceSystem | None) -> Crs:
    if system is None:
        return Crs(horizontal=None, vertical=None)
    return Crs(horizontal=system.horizontal, vertical=system.vertical)


def _extent(box: Box) -> Extent:
    min_x, min_y, min_z, max_x, max_y, max_z = box
    return Extent(min_x=min_x, min_y=min_y, min_z=min_z, max_x=max_x, max_y=max_y, max_z=max_z)
