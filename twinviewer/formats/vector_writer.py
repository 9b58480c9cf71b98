"""Map layers into GeoPackage, GeoJSON (RFC 7946) and FlatGeobuf, through pyogrio's Arrow route."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from twinviewer.formats.losses import changed, units_not_held
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import WriteError
from twinviewer.model.feedback import Cancelled, Feedback, PartOf
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".fgb": "FlatGeobuf"}
_BATCH = 8_192
"""Features between two questions whether to stop."""
_KINDS = {"POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_GDAL_ERRORS = (DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, pa.ArrowException)


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write map layers, each as one layer of the file, named as its source is.

    Raises:
        WriteError: GDAL could not write it.
        Cancelled: The person stopped the work.
    """
    told: list[Diagnostic] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a local scene has no reference system is known
        for number, data in enumerate(layers):
            assert isinstance(data, FeatureTable)
            part = PartOf(feedback, number / len(layers), (number + 1) / len(layers))
            told += _write_layer(path, data, part, append=number > 0)
    return told


def _write_layer(path: Path, data: FeatureTable, feedback: Feedback, *, append: bool) -> list[Diagnostic]:
    driver = _DRIVERS[path.suffix.lower()]
    geometries = geometries_of(data)
    kind = _kind_of(geometries)
    if kind.startswith("Multi"):
        geometries = _as_multi(geometries)
    names, told = _field_names(data.attributes)
    arrays: list[Any] = [_arrow(column) for column in data.attributes]
    geometry_name = _unused("geom", names)
    schema = pa.schema(
        [
            *(pa.field(name, array.type) for name, array in zip(names, arrays, strict=True)),
            _geometry_field(geometry_name),
        ]
    )
    wkb = pa.array(shapely.to_wkb(geometries, include_srid=False).tolist(), pa.binary())
    table = pa.Table.from_arrays([*arrays, wkb], schema=schema)
    options: dict[str, str] = {}
    crs = data.crs
    if driver == "GPKG":
        options = {"FID": _unused("fid", [*names, geometry_name]), "GEOMETRY_NAME": geometry_name}
    elif driver == "GeoJSON":
        options = {"RFC7946": "YES", "COORDINATE_PRECISION": "9"}
        crs = crs and replace(crs, vertical=None)  # else GDAL would shift the heights
    elif shapely.is_missing(geometries).any():
        options = {"SPATIAL_INDEX": "NO"}  # FlatGeobuf's takes only features with a geometry
    batches = _Batches(table, feedback)
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, batches),
            path,
            layer=data.source.title or path.stem,
            driver=driver,
            geometry_name=geometry_name,
            geometry_type=f"{kind} Z" if data.has_z and kind != "Unknown" else kind,
            crs=_crs_text(crs),
            encoding="UTF-8",
            append=append,
            layer_options=options,
        )
    except (*_GDAL_ERRORS, RuntimeError) as error:
        if batches.cancelled is not None:
            raise batches.cancelled from None
        raise WriteError(f"GDAL could not write the file: {_in_words(error)}.", source=path.name) from error
    _look_whether_all_is_there(path, data)
    return [*told, *units_not_held(data)]


def _in_words(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__


def _look_whether_all_is_there(path: Path, data: FeatureTable) -> None:
    """Count what can be read of the file: on a full disk some of GDAL's drivers say nothing."""
    try:
        layer = None if path.suffix.lower() != ".gpkg" else data.source.title or path.stem
        written = int(pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"])
    except (*_GDAL_ERRORS, OSError) as error:
        raise WriteError(f"The file was not written in full: {_in_words(error)}.", source=path.name) from error
    if written != data.feature_count:
        raise WriteError(
            f"Only {written:,} of {data.feature_count:,} features were written: the disk is full, or took no more.",
            source=path.name,
        )


class _Batches:
    """The rows of a table as GDAL takes them; being stopped ends them, and GDAL calls that an error of its own."""

    def __init__(self, table: pa.Table, feedback: Feedback) -> None:
        self._table, self._feedback = table, feedback
        self.cancelled: Cancelled | None = None

    def __iter__(self) -> Iterator[Any]:
        done = 0
        for batch in self._table.to_batches(max_chunksize=_BATCH):
            try:
                self._feedback.stop_if_cancelled()
            except Cancelled as error:
                self.cancelled = error
                raise
            yield batch
            done += batch.num_rows
            self._feedback.progress(done / self._table.num_rows, "Writing features")


def _geometry_field(name: str) -> Any:
    return pa.field(name, pa.binary(), metadata={b"ARROW:extension:name": b"ogc.wkb"})


def _crs_text(system: ReferenceSystem | None) -> str | None:
    """Return the reference system as GDAL takes it; None for a scene that is nowhere on Earth."""
    if system is None or system.horizontal == LOCAL.horizontal:
        return None
    from twinviewer.model.crs import to_pyproj

    crs = to_pyproj(system)
    authority = crs.to_authority(min_confidence=100)
    wkt: str = ":".join(authority) if authority else crs.to_wkt("WKT2_2019")
    return wkt


# --- geometries -----------------------------------------------------------------------------------------------------


def geometries_of(data: FeatureTable) -> NDArray[Any]:
    """Return one shapely geometry per feature (n,): single, multi or a collection; None where a feature has none."""
    dimensions = 3 if data.has_z else 2
    groups = (
        (shapely.points(data.points[:, :dimensions]), data.point_feature, shapely.multipoints),
        (_lines(data, dimensions), data.line_feature, shapely.multilinestrings),
        (_polygons(data, dimensions), data.polygon_feature, shapely.multipolygons),
    )
    result = np.empty(data.feature_count, object)
    for unordered, owner, join in groups:
        order = np.argsort(owner, kind="stable")
        parts, feature = np.asarray(unordered)[order], owner[order]
        numbers, counts = np.unique(feature, return_counts=True)
        joined = np.empty(data.feature_count, object)
        single = np.zeros(data.feature_count, np.bool_)
        single[numbers[counts == 1]] = True
        alone = single[feature]
        joined[feature[alone]] = parts[alone]
        several = numbers[counts > 1]
        if len(several):
            joined[several] = join(parts[~alone], indices=np.searchsorted(several, feature[~alone]))
        for row in numbers:
            result[row] = (
                joined[row] if result[row] is None else shapely.geometrycollections([result[row], joined[row]])
            )
    return result


def _lines(data: FeatureTable, dimensions: int) -> NDArray[Any]:
    if len(data.line_offsets) < 2:
        return np.empty(0, object)
    owner = np.repeat(np.arange(len(data.line_offsets) - 1), np.diff(data.line_offsets))
    return np.asarray(shapely.linestrings(data.line_vertices[:, :dimensions], indices=owner))


def _polygons(data: FeatureTable, dimensions: int) -> NDArray[Any]:
    if len(data.polygon_offsets) < 2:
        return np.empty(0, object)
    owner = np.repeat(np.arange(len(data.ring_offsets) - 1), np.diff(data.ring_offsets))
    rings: Any = shapely.linearrings(data.ring_vertices[:, :dimensions], indices=owner)
    polygon = np.repeat(np.arange(len(data.polygon_offsets) - 1), np.diff(data.polygon_offsets))
    return np.asarray(shapely.polygons(rings, indices=polygon))


def _kind_of(geometries: NDArray[Any]) -> str:
    """Return the type of the layer: that of all its geometries, multi where some are, else unknown."""
    there = geometries[geometries != None]  # noqa: E711 – element by element
    names = {str(shapely.GeometryType(number).name) for number in np.unique(shapely.get_type_id(there))}
    singles = {name.removeprefix("MULTI") for name in names}
    if len(singles) != 1 or not singles <= _KINDS.keys():
        return "Unknown"
    single = _KINDS[singles.pop()]
    return f"Multi{single}" if any(name.startswith("MULTI") for name in names) else single


def _as_multi(geometries: NDArray[Any]) -> NDArray[Any]:
    joins: dict[Any, Any] = {
        shapely.GeometryType.POINT: shapely.multipoints,
        shapely.GeometryType.LINESTRING: shapely.multilinestrings,
        shapely.GeometryType.POLYGON: shapely.multipolygons,
    }
    result = geometries.copy()
    for kind, join in joins.items():
        rows = np.flatnonzero(shapely.get_type_id(geometries) == kind)
        if len(rows):
            result[rows] = join(geometries[rows], indices=np.arange(len(rows)))
    return result


# --- attributes -----------------------------------------------------------------------------------------------------


def _field_names(columns: Sequence[AttributeColumn]) -> tuple[list[str], list[Diagnostic]]:
    """Return names that differ in more than upper and lower case, as SQLite asks, and what was renamed."""
    names: list[str] = []
    renamed: list[str] = []
    for column in columns:
        name = _unused(column.name or "attribute", names)
        if name != column.name:
            renamed.append(f"“{column.name}” is “{name}”")
        names.append(name)
    if not renamed:
        return names, []
    return names, [changed(f"Attributes of the same name were renamed: {', '.join(renamed[:5])}.", count=len(renamed))]


def _unused(name: str, taken: Sequence[str]) -> str:
    """Return the name, with a number where one like it is taken."""
    lower = {other.lower() for other in taken}
    number, candidate = 1, name
    while candidate.lower() in lower:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _arrow(column: AttributeColumn) -> Any:
    missing = ~column.present
    match column.type:
        case AttributeType.INTEGER:
            return pa.array(column.values, pa.int64(), mask=missing)
        case AttributeType.DOUBLE:
            return pa.array(column.values, pa.float64(), mask=missing)
        case AttributeType.BOOLEAN:
            return pa.array(column.values, pa.bool_(), mask=missing)
        case AttributeType.DATE:
            return _dates(column)
    return pa.array(column.values, pa.string(), mask=missing)


def _dates(column: AttributeColumn) -> Any:
    """Return days or instants where all values are such, else the texts as they are."""
    texts = [str(text) if there else None for text, there in zip(column.values, column.present, strict=True)]
    known = [text for text in texts if text is not None]
    try:
        if all(_DAY.fullmatch(text) for text in known):
            return pa.array([None if text is None else date.fromisoformat(text) for text in texts], pa.date32())
        instants = [None if text is None else datetime.fromisoformat(text) for text in texts]
        if any(instant is not None and instant.tzinfo is not None for instant in instants):
            return pa.array(texts, pa.string())
        return pa.array(instants, pa.timestamp("ms"))
    except ValueError:
        return pa.array(texts, pa.string())
