"""Reads a table of places, one a line; put your own format in its place.

The first line names the columns, the first three of which are ``name,east,north``; a line ``# EPSG:25832`` before it
says where east and north are counted from.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from twinviewer.api import (
    DamagedFileError,
    Diagnostic,
    FeatureTable,
    Feedback,
    LayerData,
    ReferenceSystem,
    SourceFacts,
    UnsupportedFormatError,
    column,
)

HEAD = ["name", "east", "north"]


def is_table_of_places(*, path: Path) -> float:
    """Return how sure it is that the file is a table of places, from its first lines."""
    with path.open("rb") as file:
        start = file.read(1024).decode("utf-8", errors="replace")
    lines = [line for line in start.splitlines() if not line.startswith("#")]
    return 1.0 if lines and lines[0].split(",")[:3] == HEAD else 0.0


def read_places(*, path: Path, feedback: Feedback) -> Sequence[LayerData]:
    """Return the places of a file as points.  Lines without a position are left out and told of.

    Raises:
        DamagedFileError: It is no text.
        UnsupportedFormatError: It is no table of places, or has none.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DamagedFileError("The file is not UTF-8 text.", cure="Save it as UTF-8.", source=path.name) from error
    crs = next((line[1:].strip() for line in lines if line.startswith("# EPSG:")), None)
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    if not rows or rows[0][:3] != HEAD:
        cure = "Begin it with the line name,east,north."
        raise UnsupportedFormatError("The file is not a table of places.", cure=cure, source=path.name)
    places, positions, bad = [], [], []
    for number, row in enumerate(rows[1:], start=2):
        if number % 1000 == 0:
            feedback.stop_if_cancelled()
        try:
            positions.append((float(row[1]), float(row[2]), 0.0))
            places.append(row)
        except (IndexError, ValueError):
            bad.append(number)
    if not places:
        cure = "Add lines below the first."
        raise UnsupportedFormatError("The table has no place with a position.", cure=cure, source=path.name)
    told = Diagnostic(
        code="places.no-position",
        problem="A line has no position and is left out.",
        where=f"row {bad[0]}" if bad else "",
        count=len(bad),
    )
    return [
        FeatureTable(
            source=SourceFacts(format="Table of places"),
            crs=ReferenceSystem(horizontal=crs) if crs else None,
            feature_count=len(places),
            has_z=False,
            points=np.array(positions),
            point_feature=np.arange(len(places), dtype=np.int32),
            line_vertices=np.empty((0, 3)),
            line_offsets=np.zeros(1, np.int64),
            line_feature=np.empty(0, np.int32),
            ring_vertices=np.empty((0, 3)),
            ring_offsets=np.zeros(1, np.int64),
            polygon_offsets=np.zeros(1, np.int64),
            polygon_feature=np.empty(0, np.int32),
            attributes=tuple(
                column(title, [_value(row[at]) if at < len(row) else None for row in places])
                for at, title in enumerate(rows[0])
                if title not in ("east", "north")
            ),
            geometry_type="Point",
            diagnostics=(told,) if bad else (),
        )
    ]


def _value(text: str) -> str | float | None:
    try:
        return float(text)
    except ValueError:
        return text or None
