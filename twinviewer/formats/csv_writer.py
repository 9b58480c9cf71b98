"""Attributes of city objects and features into CSV (RFC 4180), one row each, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinviewer.formats.losses import not_held
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import CityModel, FeatureTable, LayerData

_EVERY = 5_000
"""Rows between two questions whether to stop."""


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write the attributes of one city model, with id, type and parent, or of one map layer, with x and y of points.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    (data,) = layers
    if isinstance(data, CityModel):
        count, own, told = len(data.object_ids), _of_objects(data), "The shapes of the city objects are not kept."
    else:
        assert isinstance(data, FeatureTable)
        count, own, told = data.feature_count, _of_features(data), "Lines and areas are not kept."
    columns = [*own, *((_head(column), _values(column)) for column in data.attributes)]
    with path.open(
        "w", encoding="utf-8-sig", newline=""
    ) as file:  # with a mark: else Excel takes it for something else
        writer = csv.writer(file)
        writer.writerow([head for head, _ in columns])
        for number, row in enumerate(zip(*(values for _, values in columns), strict=True)):
            if number % _EVERY == 0:
                feedback.stop_if_cancelled()
                feedback.progress(number / count, "Writing attributes")
            writer.writerow(row)
    return [] if isinstance(data, FeatureTable) and _is_all_points(data) else [not_held(told)]


def _of_objects(data: CityModel) -> list[tuple[str, Iterable[Any]]]:
    types = [data.type_names[number] for number in data.object_type.tolist()]
    parents = ["" if parent < 0 else data.object_ids[parent] for parent in data.object_parent.tolist()]
    return [("id", data.object_ids), ("type", types), ("parent", parents)]


def _of_features(data: FeatureTable) -> list[tuple[str, Iterable[Any]]]:
    """Return columns of the coordinates where all features are single points, else none but the feature's number."""
    numbers = range(data.feature_count)
    if not _is_all_points(data):
        return [("feature", numbers)]
    order = np.argsort(data.point_feature, kind="stable")
    axes = data.points[order].T.tolist()
    return [("feature", numbers), *zip("xyz" if data.has_z else "xy", axes, strict=False)]


def _is_all_points(data: FeatureTable) -> bool:
    return np.array_equal(np.sort(data.point_feature), np.arange(data.feature_count))


def _head(column: AttributeColumn) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def _values(column: AttributeColumn) -> Iterator[Any]:
    for value, there in zip(column.values.tolist(), column.present.tolist(), strict=True):
        yield value if there else ""
