"""Map layers: GeoPackage, Shapefile, GeoJSON, FlatGeobuf and OGR's SQLite, through pyogrio's Arrow route.

GDAL opens whatever it recognises, so the first bytes decide which drivers may: a ``.gpkg`` can be a GDAL VRT in
disguise that reads other files or the network.  Geometries become the ragged arrays of a :class:`FeatureTable`
without a Python object per feature that lasts.
"""

from __future__ import annotations

import re
import struct
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from twinviewer.formats.arrow_columns import attribute_column
from twinviewer.formats.files import GET_IT_AGAIN, require_content
from twinviewer.formats.reference_systems import first_known
from twinviewer.formats.simple_features import GeometryCollector
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError, HostileFileError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import FeatureTable, SourceFacts

_BATCH = 8_192
"""Features between two questions whether to stop."""
_PROBED = 64 * 1024
_FORMATS = {
    "GPKG": "GeoPackage",
    "SQLite": "SQLite",
    "ESRI Shapefile": "ESRI Shapefile",
    "FlatGeobuf": "FlatGeobuf",
    "GeoJSON": "GeoJSON",
    "GeoJSONSeq": "GeoJSONSeq",
    "TopoJSON": "TopoJSON",
    "ESRIJSON": "ESRI JSON",
    "JSONFG": "JSON-FG",
}
"""Driver → name for people; no other driver may read a file here."""
_NAMED_LAYERS = ("GPKG", "SQLite")
_SQLITE = b"SQLite format 3\0"
_FLATGEOBUF = b"fgb"
_SHAPEFILE = struct.pack(">I", 9994)
_OGR_ERRORS = (
    CRSError,
    DataLayerError,
    DataSourceError,
    FeatureError,
    FieldError,
    GeometryError,
    pa.ArrowException,
    OSError,  # what Arrow makes of a read error in a stream
    UnicodeDecodeError,  # pyogrio's, for names that are no UTF-8
)

# GDAL 3.12's own Arrow stream of FlatGeobuf crashes on features without geometry; its general one is sound.
pyogrio.set_gdal_config_options({"OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES"})


def probe(*, path: Path) -> float:
    """Return how sure it is that the file holds map layers, by its first bytes."""
    head = _head(path)
    if head.startswith((_FLATGEOBUF, _SHAPEFILE)):
        return 1.0
    if head.startswith(_SQLITE):
        if head[68:72].startswith(b"GP"):
            return 1.0
        return 0.8 if b"geometry_columns" in head else 0.2
    if not _is_json(head) or b'"CityJSON' in head:
        return 0.0
    if b'"FeatureCollection"' in head or (b'"Feature"' in head and b'"geometry"' in head):
        return 0.9
    return 0.6 if b'"Topology"' in head or b'"coordinates"' in head else 0.1


def read(*, path: Path, feedback: Feedback) -> list[FeatureTable]:
    """Read every map layer of a file; tables without geometry are left out.

    Raises:
        UnsupportedFormatError: It holds no map layers, or of a format that is not read.
        DamagedFileError: It is cut off or contradicts itself.
        HostileFileError: It only points at other files.
        Cancelled: The person stopped the work.
    """
    require_content(path)
    _refuse_pointers(path)
    with _plainly_named(path) as file, _damage_told(path, file):
        spatial = _map_layers(file)
        if not spatial:
            raise _no_map_layer(path)
        share = 1.0 / len(spatial)
        return [
            _read_layer(file, name, PartOf(feedback, number * share, (number + 1) * share))
            for number, name in enumerate(spatial)
        ]


def _map_layers(path: Path) -> list[str | None]:
    """Return the names of the layers with geometry; None stands for the only one of a GeoJSON.

    That is not asked for its name: GDAL reads the whole file for each question.
    """
    head = _head(path)
    if _is_json(head) and b'"Topology"' not in head:
        return [None]
    return [str(name) for name, geometry in _quiet(pyogrio.list_layers, path)[0] if geometry is not None]


def _no_map_layer(path: Path) -> UnsupportedFormatError:
    return UnsupportedFormatError("The file holds tables, but no map layer.", source=path.name)


def _read_layer(path: Path, layer: str | None, feedback: Feedback) -> FeatureTable:
    feedback.progress(0.0, "Reading features")
    feedback.stop_if_cancelled()
    info, told = _quiet(pyogrio.read_info, path, layer=layer, encoding=None)
    if info["geometry_type"] is None:
        raise _no_map_layer(path)
    driver = str(info["driver"])
    if driver not in _FORMATS:
        raise HostileFileError(
            f"The file is not what its name says: GDAL reads it as “{driver}”, which is not opened here.",
            source=path.name,
        )
    expected = int(info["features"])
    collector = GeometryCollector()
    batches: list[pa.RecordBatch] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pyogrio.raw.open_arrow(path, layer=layer, batch_size=_BATCH, use_pyarrow=True) as (meta, reader):
            geometry_name = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                feedback.stop_if_cancelled()
                collector.add(batch.column(geometry_name))
                batches.append(batch)
                if expected > 0:
                    feedback.progress(min(1.0, collector.features / expected), "Reading features")
            table = pa.Table.from_batches(batches, schema=reader.schema).drop_columns([geometry_name])
    told.extend(str(warning.message) for warning in caught)
    crs, diagnostics = first_known(filter(None, [info["crs"]]))
    return collector.table(
        source=SourceFacts(
            format=_FORMATS[driver],
            version=_geopackage_version(path) if driver == "GPKG" else "",
            title=str(info["layer_name"]) if driver in _NAMED_LAYERS else "",
        ),
        crs=crs,
        feature_count=table.num_rows,
        attributes=tuple(attribute_column(name, table.column(name)) for name in table.schema.names),
        geometry_type=str(info["geometry_type"] or "Unknown"),
        diagnostics=(
            *diagnostics,
            *_missing(path, driver, expected, table.num_rows),
            *(Diagnostic(code="gdal.warning", problem=text) for text in dict.fromkeys(told)),
        ),
    )


# --- what may be opened -----------------------------------------------------------------------------------------


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_PROBED)


def _is_json(head: bytes) -> bool:
    # A byte order mark and the record separators of GeoJSON text sequences may come first.
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x1e").startswith((b"{", b"["))


def _refuse_pointers(path: Path) -> None:
    """Let only those contents reach GDAL that hold their data themselves."""
    head = _head(path)
    if head.startswith((_SQLITE, _FLATGEOBUF, _SHAPEFILE)):
        return
    if b"<OGRVRT" in head or b"<VRTDataset" in head or b"gdal_streamed_alg" in head:
        raise HostileFileError(
            f"The file is not what its name says, “{path.suffix}”: it is a GDAL virtual file, which makes GDAL read "
            "other files or the network.",
            cure="Open the files that it stands for.",
            source=path.name,
        )
    if not _is_json(head):
        raise UnsupportedFormatError(
            "The file is none of the map formats that can be read: GeoPackage, Shapefile, GeoJSON, FlatGeobuf, SQLite.",
            source=path.name,
        )


@contextmanager
def _plainly_named(path: Path) -> Iterator[Path]:
    """Give the file under a name that pyogrio does not take for a URL: it cuts ``a;b.geojson`` off at the semicolon.

    The name is absolute, so that no driver takes it for one of its own (``GPKG:…``, ``MEM:::…``).
    """
    path = path.absolute()
    if pyogrio.util.vsi_path(path) == str(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="twinviewer-") as folder:
        for companion in path.parent.iterdir():
            if companion.stem == path.stem:
                (Path(folder) / f"layer{companion.suffix}").symlink_to(companion)
        yield Path(folder) / f"layer{path.suffix}"


@contextmanager
def _damage_told(path: Path, file: Path) -> Iterator[None]:
    """Turn what GDAL raises about ``file`` into one sentence about ``path``."""
    try:
        yield
    except _OGR_ERRORS as error:
        text = _in_words(error).replace(f"'{file}'", "it").replace(str(file), path.name).split(";")[0]
        text = text.strip().rstrip(".")
        cure = GET_IT_AGAIN
        if path.suffix.lower() == ".shp" and not _beside(path, ".shx"):
            text, cure = "its index, the .shx file, is not beside it", "Put it there."
        elif "not recognized" in text or "unhandled root type" in text:
            raise UnsupportedFormatError(
                "The file is JSON, but no map layer or city model: neither CityJSON, GeoJSON, TopoJSON nor Esri JSON.",
                source=path.name,
            ) from error
        elif "Unsupported FlatGeobuf version" in text:
            raise UnsupportedFormatError(
                f"The file cannot be read: {text}.", cure="Convert it to version 3.", source=path.name
            ) from error
        raise DamagedFileError(f"The file cannot be read: {text}.", cure=cure, source=path.name) from error


def _in_words(error: Exception) -> str:
    """Return what is wrong, without the query that SQLite was asked."""
    if isinstance(error, UnicodeDecodeError):
        return "a name in it is no text"
    return re.sub(r"^sqlite3_\w+\(.*\) failed: ", "", str(error), flags=re.DOTALL)


def _quiet(function: Any, *args: Any, **options: Any) -> tuple[Any, list[str]]:
    """Return what ``function`` gives, and GDAL's warnings as texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*args, **options)
    return result, [str(warning.message) for warning in caught]


# --- what the file says -----------------------------------------------------------------------------------------


def _geopackage_version(path: Path) -> str:
    """Return the version in the header (OGC 12-128r18, requirement 2), or nothing where it says none."""
    with path.open("rb") as file:
        head = file.read(72)
    application, (version,) = head[68:72], struct.unpack(">I", head[60:64])
    if application == b"GPKG" and version >= 10200:
        return f"{version // 10000}.{version % 10000 // 100}"
    return {b"GP10": "1.0", b"GP11": "1.1"}.get(application, "")


# --- declared against delivered ---------------------------------------------------------------------------------


def _missing(path: Path, driver: str, expected: int, rows: int) -> list[Diagnostic]:
    """Compare what was read with what the file promises; ``expected`` is −1 where it promises nothing."""
    told = []
    if rows < expected:
        told.append(
            Diagnostic(
                severity=Severity.ERROR,
                code="features.missing",
                problem=f"The file promises {expected:,} features, {rows:,} could be read: it is damaged or cut off.",
                count=expected - rows,
            )
        )
    if driver == "ESRI Shapefile":
        lost = _lost_shapes(path)
        if lost:
            told.append(
                Diagnostic(
                    severity=Severity.ERROR,
                    code="features.missing",
                    problem=f"The shapes of {lost:,} of {rows:,} features lie beyond the end of the file.",
                    count=lost,
                )
            )
    return told


def _lost_shapes(path: Path) -> int:
    """Return how many records of the index point beyond the end of the shapes (ESRI Shapefile description, 1998)."""
    index = _beside(path, ".shx")
    if index is None:
        return 0
    content = index.read_bytes()[100:]
    records = np.frombuffer(content[: len(content) // 8 * 8], ">i4").reshape(-1, 2).astype(np.int64)
    ends = (records[:, 0] + records[:, 1]) * 2 + 8
    return int((ends > path.stat().st_size).sum())


def _beside(path: Path, suffix: str) -> Path | None:
    found = (path.with_suffix(suffix), path.with_suffix(suffix.upper()))
    return next((companion for companion in found if companion.exists()), None)
