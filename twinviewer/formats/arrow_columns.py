"""Columns of an Arrow table as typed attribute columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinviewer.model.attributes import AttributeColumn, AttributeType


def attribute_column(name: str, values: pa.ChunkedArray) -> AttributeColumn:
    """Return an Arrow column as an attribute: integers, doubles, booleans, ISO 8601 dates; everything else as text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    present = pc.is_valid(values).to_numpy().astype(np.bool_)
    if pa.types.is_boolean(kind):
        return AttributeColumn(
            name=name,
            type=AttributeType.BOOLEAN,
            values=pc.fill_null(values, fill_value=False).to_numpy().astype(np.bool_),
            present=present,
        )
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return AttributeColumn(
            name=name,
            type=AttributeType.INTEGER,
            values=pc.fill_null(values, 0).to_numpy().astype(np.int64),
            present=present,
        )
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or kind == pa.uint64():
        numbers = pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")).to_numpy().astype(np.float64)
        return AttributeColumn(
            name=name, type=AttributeType.DOUBLE, values=numbers, present=present & ~np.isnan(numbers)
        )
    is_date = pa.types.is_temporal(kind)
    return AttributeColumn(
        name=name,
        type=AttributeType.DATE if is_date else AttributeType.STRING,
        values=_texts(values, is_date=is_date),
        present=present,
    )


def _texts(values: pa.ChunkedArray, *, is_date: bool) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    kind = values.type
    texts = np.empty(len(values), object)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts[:] = ["" if value is None else value.hex() for value in values.to_pylist()]
    elif is_date:
        # Arrow writes "2020-01-31 12:00:00.000"; ISO 8601 has a T there.
        texts[:] = [
            "" if value is None else value.replace(" ", "T", 1) for value in values.cast(pa.string()).to_pylist()
        ]
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Shapefiles lie about their encoding: bytes that are no UTF-8 must not cost the layer.
        raw = values.cast(pa.large_binary())
        texts[:] = ["" if value is None else value.decode("utf-8", "replace") for value in raw.to_pylist()]
    else:
        texts[:] = ["" if value is None else str(value) for value in values.to_pylist()]
    return texts
