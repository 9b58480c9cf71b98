"""What a writer tells of what its format, or what was read, does not hold: nothing is lost in silence."""

from __future__ import annotations

from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.layer_data import CityModel, FeatureTable, PointCloud, RasterImage, TerrainGrid


def not_held(problem: str, *, where: str = "", count: int = 1) -> Diagnostic:
    """Return what to tell of something that the format has no place for."""
    return Diagnostic(severity=Severity.INFO, code="write.not-held", problem=problem, where=where, count=count)


def changed(problem: str, *, where: str = "", count: int = 1) -> Diagnostic:
    """Return what to tell of something that is in the file, but not as it is in the layer."""
    return Diagnostic(code="write.changed", problem=problem, where=where, count=count)


def units_not_held(data: CityModel | FeatureTable) -> list[Diagnostic]:
    """Return what to tell of units of measure in a format whose attributes have none."""
    units = [f"{column.name} [{column.unit}]" for column in data.attributes if column.unit]
    if not units:
        return []
    problem = f"The format has no place for units of attributes: {', '.join(units[:5])}"
    return [not_held(f"{problem} and {len(units) - 5} more." if len(units) > 5 else f"{problem}.")]


def reduced(data: PointCloud | TerrainGrid | RasterImage) -> list[Diagnostic]:
    """Return what to tell where the layer holds less than the file that it was read from."""
    if isinstance(data, PointCloud):
        if len(data.positions) >= data.read_count:
            return []
        problem = (
            f"The layer holds {len(data.positions):,} of the {data.read_count:,} points of its file, and those are "
            "written."
        )
    else:
        rows, columns = (data.heights if isinstance(data, TerrainGrid) else data.pixels).shape[:2]
        if rows * columns >= data.width * data.height:
            return []
        problem = (
            f"The layer holds {columns:,} × {rows:,} of the {data.width:,} × {data.height:,} cells of its file, and "
            "those are written."
        )
    return [Diagnostic(code="write.reduced", problem=problem)]
