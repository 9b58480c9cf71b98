"""City objects, thematic surfaces and their attributes on the way from a file to columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.findings import Findings
from twinviewer.model.attributes import AttributeColumn, AttributeType, column
from twinviewer.model.city_parts import ThematicSurfaces
from twinviewer.model.diagnostics import Severity

Int64s = NDArray[np.int64]

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_PLAIN = frozenset((str, int, float, bool))
MOST_ATTRIBUTES = 5000
"""Names of attributes: far beyond any application schema, and as many columns as can be handed over in a second."""
_NUMERIC = (AttributeType.INTEGER, AttributeType.DOUBLE)


class Names:
    """Names and their numbers, in the order in which they were first met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of ``name``, giving it the next one if it is new."""
        return self._numbers.setdefault(name, len(self._numbers))

    def all(self) -> tuple[str, ...]:
        return tuple(self._numbers)


class ObjectColumns:
    """City objects in the order of the file."""

    def __init__(self, findings: Findings) -> None:
        self.ids: list[str] = []
        self.types: list[int] = []
        self.parents: list[int] = []
        self.type_names = Names()
        self._findings = findings
        self._rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, object_id: str | None, type_name: str, parent: int) -> int:
        """Append an object and return its row; one without an id gets one of its type and row."""
        row = len(self.ids)
        if not object_id:
            object_id = f"{type_name}-{row + 1}"
            self._findings.add(
                "object.id-missing",
                "City objects without an id were given one of their type and number.",
                where=object_id,
                severity=Severity.INFO,
            )
        elif object_id in self._rows:
            self._findings.add("object.id-repeated", "Several city objects have the same id.", where=object_id)
        self._rows.setdefault(object_id, row)
        self.ids.append(object_id)
        self.types.append(self.type_names.number(type_name))
        self.parents.append(parent)
        return row

    def row(self, object_id: str) -> int | None:
        """Return the row of the first object of that id, or None."""
        return self._rows.get(object_id)


class _Values:
    """The values of one attribute, as the file gives them."""

    __slots__ = ("rows", "types", "units", "values")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.values: list[Any] = []
        self.types: dict[AttributeType | None, None] = {}
        self.units: dict[str, None] = {}


class AttributeTable:
    """Attributes by name, gathered object by object."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._gathered: dict[str, _Values] = {}

    def __bool__(self) -> bool:
        return bool(self._gathered)

    def add(self, row: int, name: str, value: Any, type: AttributeType | None = None, unit: str | None = None) -> None:
        """Note the value of one attribute of the object in ``row``.

        Args:
            row: Of the object.
            name: Of the attribute.
            value: A plain value, or text that is still to be read as ``type``.
            type: As the format declares it; None: that of the value.
            unit: As the file states it.
        """
        gathered = self._gathered.get(name)
        if gathered is None:
            gathered = self._gathered[name] = _Values()
        gathered.rows.append(row)
        gathered.values.append(value)
        gathered.types[type] = None
        if unit is not None:
            gathered.units[unit] = None

    def add_plain(self, row: int, values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
        """Note the values of many attributes of one object, and return those that a column cannot hold.

        Args:
            row: Of the object.
            values: By name; None means that there is none.
            prefix: Of all names.
        """
        rest: list[tuple[str, Any]] = []
        for key, value in values.items():
            if value.__class__ not in _PLAIN:
                if value is not None:
                    rest.append((prefix + key, value))
                continue
            gathered = self._gathered.get(prefix + key)
            if gathered is None:
                gathered = self._gathered[prefix + key] = _Values()
            gathered.rows.append(row)
            gathered.values.append(value)
            gathered.types[None] = None
        return rest

    def extend(
        self, rows: Sequence[int], name: str, values: Sequence[Any], type: AttributeType, unit: str | None = None
    ) -> None:
        """Note the values of one attribute of many objects, as :meth:`add` does that of one."""
        gathered = self._gathered.get(name)
        if gathered is None:
            gathered = self._gathered[name] = _Values()
        gathered.rows.extend(rows)
        gathered.values.extend(values)
        gathered.types[type] = None
        if unit is not None:
            gathered.units[unit] = None

    def columns(self, ids: Sequence[str]) -> tuple[AttributeColumn, ...]:
        """Return one column per name, of as many rows as there are ``ids`` of objects.

        Where there are more than :data:`MOST_ATTRIBUTES` names, those that most objects have are kept.
        """
        names = list(self._gathered)
        if (left_out := len(names) - MOST_ATTRIBUTES) > 0:
            kept = set(sorted(names, key=lambda name: -len(self._gathered[name].rows))[:MOST_ATTRIBUTES])
            names = [name for name in names if name in kept]
            self._findings.add(
                "attribute.too-many",
                f"The objects have more than {MOST_ATTRIBUTES:,} different attributes; the rarest are left out.",
                count=left_out,
            )
        return tuple(self._column(name, self._gathered[name], ids) for name in names)

    def _column(self, name: str, gathered: _Values, ids: Sequence[str]) -> AttributeColumn:
        type = _common(tuple(gathered.types))
        values: list[Any] = [None] * len(ids)
        if type is None and len(set(gathered.rows)) == len(gathered.rows):  # nothing to convert: JSON's usual case
            for row, value in zip(gathered.rows, gathered.values, strict=True):
                values[row] = value
        else:
            self._fill(values, gathered, type, name, ids)
        if len(gathered.units) > 1:
            self._findings.add(
                "attribute.units-differ",
                f"“{name}” is given in several units ({', '.join(gathered.units)}); its values are shown without one.",
            )
        unit = next(iter(gathered.units)) if len(gathered.units) == 1 else None
        try:
            return column(name, values, type=type, unit=unit)
        except OverflowError:  # integers of more than 64 bits
            return column(name, [None if value is None else float(value) for value in values], unit=unit)

    def _fill(
        self, values: list[Any], gathered: _Values, type: AttributeType | None, name: str, ids: Sequence[str]
    ) -> None:
        """Put what was gathered into ``values``, as ``type``; what is given several times is joined or told."""
        for row, value in zip(gathered.rows, gathered.values, strict=True):
            plain = self._converted(value, type, name, ids[row])
            if values[row] is None or plain is None:
                values[row] = values[row] if plain is None else plain
            elif isinstance(plain, str) and type not in _NUMERIC:
                values[row] = f"{values[row]}, {plain}"
            else:
                self._findings.add(
                    "attribute.repeated",
                    f"“{name}” is given several times for one object; the first value is kept.",
                    where=ids[row],
                    severity=Severity.INFO,
                )

    def _converted(self, value: Any, type: AttributeType | None, name: str, object_id: str) -> Any:
        """Return ``value`` as ``type``, or None and a finding where it is not of it."""
        if type is None:
            return value
        plain: bool | int | float | None
        if type is AttributeType.BOOLEAN:
            plain = value if isinstance(value, bool) else _TRUTHS.get(str(value).lower())
        elif type is AttributeType.INTEGER:
            plain = _integer(value)
        elif type is AttributeType.DOUBLE:
            plain = _double(value)
        else:
            return str(value)
        if plain is None:
            self._findings.add(
                "attribute.not-of-its-type",
                f"“{name}” should be of the type {type.value}, and in places is not; those values are left out.",
                where=f"{object_id}: “{str(value)[:40]}”",
            )
        return plain


class ThematicColumns:
    """Thematic surfaces in the order of the file."""

    def __init__(self, findings: Findings) -> None:
        self.ids: list[str] = []
        self.types = array("q")
        self.objects = array("q")
        self.parents = array("q")
        self.attributes = AttributeTable(findings)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, surface_id: str, type_number: int, object_row: int, parent_row: int = -1) -> int:
        """Append a thematic surface and return its row.

        Args:
            surface_id: Empty where it has none.
            type_number: Of its type among the surface types.
            object_row: Of the city object that it bounds, −1 for a shape's: that of whatever stands there.
            parent_row: Of the thematic surface that it is an opening of, −1 for none.
        """
        self.ids.append(surface_id)
        self.types.append(type_number)
        self.objects.append(object_row)
        self.parents.append(parent_row)
        return len(self.ids) - 1

    def finished(
        self, of_surface: Int64s, surface_object: Int64s, object_ids: Sequence[str]
    ) -> ThematicSurfaces | None:
        """Return the thematic surfaces, None where there is no more to any of them than its type.

        Args:
            of_surface: (s,) the row that each surface is part of, −1 for none.
            surface_object: (s,) the city object of each surface.
            object_ids: Of all city objects.
        """
        parents = np.array(self.parents, np.int64)
        if not (any(self.ids) or self.attributes or (parents >= 0).any()):
            return None
        objects = np.array(self.objects, np.int64)
        names = [own or (object_ids[row] if row >= 0 else "") for own, row in zip(self.ids, self.objects, strict=True)]
        attributes = self.attributes.columns(names)
        if (objects < 0).any():
            source, objects, parents, of_surface = self._of_instances(objects, parents, of_surface, surface_object)
            attributes = tuple(
                replace(each, values=each.values[source], present=each.present[source]) for each in attributes
            )
        else:
            source = np.arange(len(self.ids))
        return ThematicSurfaces(
            ids=tuple(self.ids[row] for row in source.tolist()),
            type=np.array(self.types, np.int32)[source],
            object=objects.astype(np.int32),
            parent=parents.astype(np.int32),
            attributes=attributes,
            of_surface=of_surface.astype(np.int32),
        )

    def _of_instances(
        self, objects: Int64s, parents: Int64s, of_surface: Int64s, surface_object: Int64s
    ) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Return rows with those of shapes once per object that they bound, what was a shape's own row left out.

        Those are the row (k,) that each comes from, its object and its parent, and the row of each surface (s,).
        """
        kept = np.flatnonzero(objects >= 0)
        place: dict[tuple[int, int], int] = {}
        pairs: list[tuple[int, int]] = []

        def placed(row: int, owner: int) -> int:
            if (row, owner) not in place:
                place[row, owner] = len(kept) + len(pairs)
                pairs.append((row, owner))
            return place[row, owner]

        new_row = np.full(len(objects) + 1, -1, np.int64)  # the last one is found by −1
        new_row[kept] = np.arange(len(kept))
        new_of_surface = new_row[of_surface]
        of_shapes = np.flatnonzero((of_surface >= 0) & (new_of_surface < 0))
        for surface, row, owner in zip(
            of_shapes.tolist(), of_surface[of_shapes].tolist(), surface_object[of_shapes].tolist(), strict=True
        ):
            new_of_surface[surface] = placed(row, owner)
        new_parents = new_row[parents[kept]].tolist()
        for row, owner in pairs:  # which grows where a parent has no surfaces of its own
            parent = int(parents[row])
            new_parents.append(placed(parent, owner) if parent >= 0 else -1)
        rows = np.array([row for row, _ in pairs], np.int64)
        owners = np.array([owner for _, owner in pairs], np.int64)
        return (
            np.concatenate([kept, rows]),
            np.concatenate([objects[kept], owners]),
            np.array(new_parents, np.int64),
            new_of_surface,
        )


def _common(types: Sequence[AttributeType | None]) -> AttributeType | None:
    """Return the type that values declared as ``types`` have in common."""
    if len(types) == 1:
        return types[0]
    return AttributeType.DOUBLE if set(types) == set(_NUMERIC) else AttributeType.STRING


def _integer(value: Any) -> int | None:
    """Return an integer, or None; a year may come with its month and day, an integer as ``2.0``."""
    text = str(value)
    if len(text) >= 7 and text[:4].isdecimal() and text[4] == "-":  # a date where a year is asked for
        return int(text[:4])
    try:
        number = int(text)
    except ValueError:
        rational = _double(text)
        if rational is None or not rational.is_integer():
            return None
        number = int(rational)
    return number if -(2**63) <= number < 2**63 else None


def _double(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
