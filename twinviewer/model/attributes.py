"""Attributes as typed columns: one column per name, one row per object or feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class AttributeType(StrEnum):
    """The field types of CityGML generic attributes and OGC Simple Features."""

    STRING = "string"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATE = "date"
    """ISO 8601 text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeColumn:
    """One attribute of many objects.

    Attributes:
        name: As the source spells it; nested names joined with ``.``.
        type: What the values are.
        values: (n,) float64 for doubles, int64 for integers, bool for booleans, object (``str``) for the rest.
        present: (n,) bool, False where the object does not have the attribute; the value there is meaningless.
        unit: Unit of measure as the source states it (CityGML ``uom``), or None.
    """

    name: str
    type: AttributeType
    values: NDArray[Any]
    present: NDArray[np.bool_]
    unit: str | None = None

    def value(self, row: int) -> str | int | float | bool | None:
        """Return the value in ``row`` as a plain Python value, or None where it is absent."""
        if not self.present[row]:
            return None
        value: str | int | float | bool = self.values[row : row + 1].tolist()[0]
        return value


_DTYPES = {
    AttributeType.STRING: object,
    AttributeType.DATE: object,
    AttributeType.INTEGER: np.int64,
    AttributeType.DOUBLE: np.float64,
    AttributeType.BOOLEAN: np.bool_,
}


def column(
    name: str, values: Sequence[Any], *, type: AttributeType | None = None, unit: str | None = None
) -> AttributeColumn:
    """Return a column from plain values, ``None`` meaning absent; the type is taken from the values if not given.

    Integers mixed with floats become doubles; anything else that is mixed becomes text.
    """
    kinds = {value.__class__ for value in values if value is not None}
    if type is None:
        if kinds == {bool}:
            type = AttributeType.BOOLEAN
        elif kinds == {int}:
            type = AttributeType.INTEGER
        elif kinds and kinds <= {int, float}:
            type = AttributeType.DOUBLE
        else:
            type = AttributeType.STRING
    present = np.array([value is not None for value in values], dtype=np.bool_)
    if _DTYPES[type] is object:
        filled: list[Any] = ["" if value is None else str(value) for value in values]
        array = np.empty(len(filled), dtype=object)
        array[:] = filled
    else:
        array = np.array([0 if value is None else value for value in values], dtype=_DTYPES[type])
    return AttributeColumn(name=name, type=type, values=array, present=present, unit=unit)
