"""Data moved into the project's reference system, heights included, and what has to be told about it.

Coordinates are moved point by point; of grids it is the georeference that changes, or, where the new one would not
be affine, the cells are laid out anew (:mod:`twinviewer.formats.warping`).  What is not known is not guessed: heights
of another datum stay as they are, and the layer says so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.warping import with_placed_cells, with_placed_heights
from twinviewer.model.crs import describe, horizontal_crs, is_inside_area_of_use, unit_of, vertical_crs
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import MissingCrsError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    RasterImage,
    TerrainGrid,
    TriangleMesh,
)
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.way import HeightRule, Way, accuracy_between, way_between

Float64s = NDArray[np.float64]

_POINTS_AT_ONCE = 50_000
"""Between two questions whether to stop; PROJ moves about a million a second."""
_TOLD_FROM_M = 0.5
"""A layer that may be off by more is told of, if something better is known."""
_WARNED_FROM_M = 2.0
"""The width of a pavement: a layer that may be off by more is seen to be."""


def place(data: LayerData, *, target: ReferenceSystem, feedback: Feedback) -> LayerData:
    """Return ``data`` in the system ``target``, heights in metres.

    Data that is there already comes back with the same arrays.  What has no place in the target has coordinates that
    are NaN afterwards, for the checks that follow to take out.

    Args:
        data: Of a known reference system.
        target: The project's system.
        feedback: Hears progress, and is asked at least every 100 ms whether to stop.

    Raises:
        UnknownCrsError: PROJ does not know one of the systems, or no way between them.
        MissingCrsError: None of the coordinates can be of the system that they are said to be of.
        Cancelled: The person stopped the work.
    """
    source, extent = data.crs, data.extent
    assert source is not None
    if extent is None:
        return replace(data, crs=target)
    way = way_between(source, target, extent)
    told = _doubts(data, source, target, way, extent)
    if isinstance(data, TerrainGrid):
        data = with_placed_heights(data, way, PartOf(feedback, 0.0, 0.5))
        placed: LayerData = with_placed_cells(data, way, PartOf(feedback, 0.5, 1.0))
    elif isinstance(data, RasterImage):
        placed = with_placed_cells(data, way, feedback)
    else:
        placed = data if way.keeps_everything else _with_placed_points(data, way, feedback)
    if placed.extent is None:
        raise MissingCrsError(
            f"None of the coordinates has a place in {describe(target)}: those of the file cannot be what it says, "
            f"{describe(source)}.",
            cure="Find out what they really are, and choose that reference system.",
        )
    return replace(placed, crs=target, diagnostics=(*placed.diagnostics, *told))


# --- points -----------------------------------------------------------------------------------------------------


def _with_placed_points(data: LayerData, way: Way, feedback: Feedback) -> LayerData:
    if isinstance(data, CityModel | TriangleMesh):
        return replace(data, vertices=_placed(data.vertices, way, feedback))
    if isinstance(data, PointCloud):
        positions = _placed(data.positions, way, feedback)
        return replace(data, positions=positions, file_extent=Extent.of(positions))
    assert isinstance(data, FeatureTable)
    groups = (data.points, data.line_vertices, data.ring_vertices)
    total = sum(len(group) for group in groups)
    moved, done = [], 0
    for group in groups:
        end = done + len(group)
        points = _placed(group, way, PartOf(feedback, done / total, end / total))
        if not data.has_z:
            points[:, 2] = np.where(np.isfinite(points[:, 0]), 0.0, np.nan)  # they lie on the terrain, wherever it is
        moved.append(points)
        done = end
    return replace(data, points=moved[0], line_vertices=moved[1], ring_vertices=moved[2])


def _placed(points: Float64s, way: Way, feedback: Feedback) -> Float64s:
    placed = np.empty_like(points)
    for first in range(0, len(points), _POINTS_AT_ONCE):
        feedback.stop_if_cancelled()
        part = slice(first, first + _POINTS_AT_ONCE)
        placed[part] = way.apply(points[part])
        feedback.progress(min(1.0, part.stop / len(points)), "Moving to the reference system")
    return placed


# --- what is not known ------------------------------------------------------------------------------------------


def _doubts(
    data: LayerData, source: ReferenceSystem, target: ReferenceSystem, way: Way, extent: Extent
) -> list[Diagnostic]:
    """Return what a person should know about where ``data`` is shown."""
    told = []
    if not is_inside_area_of_use(source, extent):
        told.append(
            Diagnostic(
                code="crs.outside-area",
                problem=f"The coordinates lie outside of where {_name(source)} is meant to be used; the "
                "reference system may be the wrong one.",
            )
        )
    told.extend(_doubts_of_position(source, target, extent))
    if not isinstance(data, RasterImage) and not (isinstance(data, FeatureTable) and not data.has_z):
        told.extend(_doubts_of_height(source, target, way))
    return told


def _doubts_of_position(source: ReferenceSystem, target: ReferenceSystem, extent: Extent) -> list[Diagnostic]:
    accuracy = accuracy_between(source, target, extent)
    names = f"{_name(source)} and {_name(target)}"
    better = ""
    if accuracy.possible_metres is not None:
        grids = _listed(accuracy.missing_grids)
        better = f" With {grids}, not installed here, it would be {_metres(accuracy.possible_metres)}."
    if accuracy.metres is None:
        problem = (
            f"How the datums of {names} differ is not known here, and they are taken for the same: positions may be "
            f"off by many metres.{better}"
        )
        return [Diagnostic(code="crs.shift-unknown", problem=problem)]
    is_rough = accuracy.metres > _WARNED_FROM_M
    if is_rough or (better and accuracy.metres > _TOLD_FROM_M):
        problem = f"Between {names}, positions are right to {_metres(accuracy.metres)}.{better}"
        severity = Severity.WARNING if is_rough else Severity.INFO
        return [Diagnostic(severity=severity, code="crs.shift-rough", problem=problem)]
    return []


def _doubts_of_height(source: ReferenceSystem, target: ReferenceSystem, way: Way) -> list[Diagnostic]:
    told = []
    if way.height_unit_assumed:
        problem = f"The file does not say the unit of its heights; they are taken as x and y are, in {unit_of(source)}."
        told.append(Diagnostic(severity=Severity.INFO, code="height.unit-assumed", problem=problem))
    if way.height_rule is HeightRule.KEPT:
        told.append(_heights_kept(source, target, way))
    return told


def _heights_kept(source: ReferenceSystem, target: ReferenceSystem, way: Way) -> Diagnostic:
    own, wanted = vertical_crs(source), vertical_crs(target)
    if own is None and len(horizontal_crs(source).axis_info) == 2:
        assert wanted is not None
        problem = f"The file does not say what its heights are counted from; they are taken for {wanted.name}."
        return Diagnostic(severity=Severity.INFO, code="height.datum-assumed", problem=problem)
    above = "the ellipsoid" if own is None else own.name
    if wanted is None:
        problem = f"Heights are above {above}; the project does not say what its own are counted from."
        severity = Severity.WARNING if own is None else Severity.INFO
        return Diagnostic(severity=severity, code="height.datum-kept", problem=problem)
    missing = f": that needs {_listed(way.missing_grids)}, not installed here" if way.missing_grids else ""
    problem = (
        f"Heights are above {above}, the project's are {wanted.name}; how they differ is not known here{missing}. "
        "They are shown as they are."
    )
    return Diagnostic(code="height.datum-kept", problem=problem)


def _name(system: ReferenceSystem) -> str:
    name = horizontal_crs(system).name
    return "a system without a name" if name in ("unknown", "unnamed", "") else name


def _listed(grids: tuple[str, ...]) -> str:
    return f"the grid{'s' if len(grids) > 1 else ''} {', '.join(grids)}"


def _metres(value: float) -> str:
    return f"{value:g} m" if value > 0 else "a centimetre"
