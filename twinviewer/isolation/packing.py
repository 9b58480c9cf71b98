"""Values as JSON and raw arrays: the one packer of everything that goes from one process to another.

Never a pickle: only the types of a :class:`Vocabulary` come through, and what arrives is looked at by whoever asked
for it, as if it had come from a function in the same process.  Both sides need numpy and the standard library only;
the other one may have another version of either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from twinviewer.api.contracts import CityObjects
from twinviewer.model import city_parts, drawing, observation, panel
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.layer_data import KINDS, SourceFacts
from twinviewer.model.observation import Thing
from twinviewer.model.place import CrsOrigin, Extent, ReferenceSystem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FEW = 64
"""Sequences of up to this many texts or rows travel in the JSON."""
_PLAIN = frozenset({str, int, float, bool, NoneType})
_LAYER_DTYPES = frozenset({"<f8", "<f4", "<i8", "<i4", "<u2", "|u1", "|b1"})


class Vocabulary:
    """What may travel.

    Args:
        types: Frozen dataclasses.
        enums: Enumerations of texts.
        dtypes: Of arrays; empty: all numbers.
        strict: Whether a value that arrives must be of the types that its class declares, and whether nothing but
            ``types`` may travel; else times, paths and dictionaries may, too.
    """

    def __init__(
        self,
        types: Iterable[type],
        *,
        enums: Iterable[type[StrEnum]],
        dtypes: frozenset[str] = frozenset(),
        strict: bool = False,
    ) -> None:
        self.types = {each.__name__: each for each in types}
        self.enums = {each.__name__: each for each in enums}
        self.dtypes = dtypes
        self.strict = strict
        self._members = {each: get_type_hints(each) for each in self.types.values()} if strict else {}

    def travels(self, dtype: np.dtype[Any]) -> bool:
        if self.dtypes:
            return dtype.str in self.dtypes
        return dtype.kind in "fiub" and dtype.itemsize <= 8

    def made(self, name: str, members: dict[str, Any]) -> Any:
        """Return a value of the class of that name.

        Raises:
            ValueError: Its members are of the wrong types.
            TypeError: It has others.
        """
        cls = self.types[name]
        if self.strict:
            for member, value in members.items():
                if not _fits(value, self._members[cls][member]):
                    raise ValueError(f"“{member}” of a {name} is of the wrong type")
        return cls(**members)


def _dataclasses_of(module: Any) -> list[type]:
    own = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)
    return [each for each in own if is_dataclass(each)]


_LAYER_TYPES = (
    SourceFacts,
    ReferenceSystem,
    Extent,
    Diagnostic,
    AttributeColumn,
    *_dataclasses_of(city_parts),
    *KINDS.values(),
)
_LAYER_ENUMS = (Severity, CrsOrigin, AttributeType, city_parts.WrapMode)

LAYER_DATA = Vocabulary(_LAYER_TYPES, enums=_LAYER_ENUMS, dtypes=_LAYER_DTYPES, strict=True)
"""What readers hand over."""


CONTRACT = Vocabulary(
    (
        *_LAYER_TYPES,
        CityObjects,
        *_dataclasses_of(drawing),
        *_dataclasses_of(observation),
        *_dataclasses_of(panel),
    ),
    enums=(*_LAYER_ENUMS, drawing.GlyphShape),
)
"""What goes in and out of the functions of plugins."""


class Packer:
    """Turns values into what JSON can hold, and hands their arrays to somebody else.

    Args:
        vocabulary: What may travel.
        put: Takes an array, contiguous and little-endian, and returns how to find it: a dictionary with ``at``.
    """

    def __init__(self, vocabulary: Vocabulary, put: Callable[[NDArray[Any]], dict[str, Any]]) -> None:
        self._vocabulary = vocabulary
        self._put = put

    def pack(self, value: Any) -> Any:
        """Return ``value`` for JSON.

        Raises:
            TypeError: Something of it may not travel.
        """
        if value is None or type(value) in _PLAIN:
            return value
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, tuple | list):
            return self._sequence(value)
        if isinstance(value, StrEnum):
            return self._enum(value)
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        plain = _plain(value)
        if plain is not None:
            return plain
        if not self._vocabulary.strict:
            if isinstance(value, datetime):
                return {"time": value.isoformat()}
            if isinstance(value, Path):
                return {"path": str(value)}
            if isinstance(value, Mapping):
                return {"table": self._table(value)}
        raise TypeError(f"a value of type {type(value).__name__} cannot be handed over")

    def _array(self, array: NDArray[Any]) -> dict[str, Any]:
        if array.dtype == object or array.dtype.kind == "U":
            return self.texts(array.tolist())
        little_endian = array.dtype.newbyteorder("<")
        if array.dtype != little_endian or not array.flags.c_contiguous:  # else it stays the same object
            array = np.ascontiguousarray(array, dtype=little_endian)
        if not self._vocabulary.travels(array.dtype):
            raise TypeError(f"an array of {array.dtype} cannot be handed over")
        return self._put(array)

    def _sequence(self, values: Sequence[Any]) -> Any:
        kinds = set(map(type, values))
        if len(values) > FEW:
            if kinds == {str}:
                return {"strings": self.texts(values)}
            if kinds == {Thing}:
                return {"things": self._things(values)}
            if kinds <= {tuple, list} and not self._vocabulary.strict:
                return self._rows(values)
        return list(values) if kinds <= _PLAIN else [self.pack(value) for value in values]

    def texts(self, values: Sequence[Any]) -> dict[str, Any]:
        """Pack texts as the different ones and, where some repeat (attributes do), per row which one."""
        if not all(isinstance(value, str) for value in values):
            raise TypeError("an array of objects that are not all texts cannot be handed over")
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.int32, len(values))
        ends = np.cumsum(np.fromiter(map(len, numbers), np.int64, len(numbers)))
        content = "".join(numbers).encode("utf-8", "replace")  # one for one: the ends count characters
        packed = {"ends": self._put(ends), "bytes": self._put(np.frombuffer(content, np.uint8))}
        return packed if len(numbers) == len(values) else {"codes": self._put(codes), **packed}

    def _things(self, things: Sequence[Thing]) -> list[Any]:
        positions = np.array([thing.position for thing in things], dtype=np.float64).reshape(-1, 3)
        texts = [self.texts([getattr(thing, name) for thing in things]) for name in ("id", "name")]
        return [*texts, self._array(positions)]

    def _rows(self, rows: Sequence[Sequence[Any]]) -> Any:
        """Pack the rows of a table by columns where that can be done."""
        kinds = {kind for row in rows for kind in map(type, row)}
        if len(set(map(len, rows))) != 1 or not rows[0] or not kinds <= _PLAIN:
            return [self.pack(row) for row in rows]
        return {"rows": [self._column(column) for column in zip(*rows, strict=True)]}

    def _column(self, column: tuple[Any, ...]) -> Any:
        kinds = set(map(type, column))
        if kinds == {float}:
            return self._put(np.array(column, dtype=np.float64))
        if kinds == {str}:
            return self.texts(column)
        return {"mixed": self.texts([json.dumps(value) for value in column])}

    def _enum(self, value: StrEnum) -> Any:
        name = type(value).__name__
        if self._vocabulary.enums.get(name) is type(value):
            return {"enum": name, "value": value.value}
        return str(value.value)

    def _dataclass(self, value: DataclassInstance) -> dict[str, Any]:
        name = type(value).__name__
        if self._vocabulary.types.get(name) is not type(value):
            raise TypeError(f"a value of type {name} cannot be handed over")
        packed = {}
        for item in fields(value):
            try:
                packed[item.name] = self.pack(getattr(value, item.name))
            except TypeError as error:
                raise TypeError(f"“{item.name}” of {name}: {error}") from error
        return {"is": name, "of": packed}

    def _table(self, table: Mapping[Any, Any]) -> dict[str, Any]:
        if not all(isinstance(key, str) for key in table):
            raise TypeError("a dictionary whose keys are not all texts cannot be handed over")
        return {str(key): self.pack(value) for key, value in table.items()}


class Unpacker:
    """Turns JSON and arrays back into values; raises ValueError, KeyError or TypeError at anything odd.

    Args:
        vocabulary: What may have travelled.
        take: Returns the array that somebody described with a dictionary with ``at``.
        most_texts: Texts in one message, at most.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        take: Callable[[dict[str, Any]], NDArray[Any]],
        *,
        most_texts: int = 2**31,
    ) -> None:
        self._vocabulary = vocabulary
        self._take = take
        self._texts_left = most_texts

    def unpack(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return tuple(packed) if set(map(type, packed)) <= _PLAIN else tuple(map(self.unpack, packed))
        if not isinstance(packed, dict):
            return packed
        if "at" in packed:
            return self._take(packed)
        if "is" in packed:
            members = {member: self.unpack(value) for member, value in packed["of"].items()}
            return self._vocabulary.made(packed["is"], members)
        if "strings" in packed:
            return tuple(self._texts(packed["strings"]))
        if "ends" in packed:
            texts = self._texts(packed)
            array = np.empty(len(texts), object)
            array[:] = texts
            return array
        if "enum" in packed:
            return self._vocabulary.enums[packed["enum"]](packed["value"])
        if self._vocabulary.strict:
            raise ValueError("a value of an unknown form")
        return self._unpack_more(packed)

    def _unpack_more(self, packed: dict[str, Any]) -> Any:
        if "things" in packed:
            ids, names = (self._texts(each) for each in packed["things"][:2])
            positions = self._take(packed["things"][2]).tolist()
            rows = zip(ids, names, map(tuple, positions), strict=True)
            return tuple(Thing(id=id_, name=name, position=position) for id_, name, position in rows)
        if "rows" in packed:
            return tuple(zip(*map(self._column, packed["rows"]), strict=True))
        if "time" in packed:
            return datetime.fromisoformat(packed["time"])
        if "path" in packed:
            return Path(packed["path"])
        return {key: self.unpack(value) for key, value in packed["table"].items()}

    def _column(self, packed: dict[str, Any]) -> list[Any]:
        if "mixed" in packed:
            return [json.loads(text) for text in self._texts(packed["mixed"])]
        column: list[Any] = self.unpack(packed).tolist()
        return column

    def _texts(self, packed: dict[str, Any]) -> list[str]:
        ends, content = self._take(packed["ends"]), self._take(packed["bytes"])
        codes = self._take(packed["codes"]) if "codes" in packed else None
        if any(array is not None and array.ndim != 1 for array in (codes, ends, content)):
            raise ValueError("texts are no list")
        self._texts_left -= len(ends) + (0 if codes is None else len(codes))
        if self._texts_left < 0:
            raise ValueError("there are too many texts")
        text = content.tobytes().decode("utf-8")
        if len(ends) and (ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] != len(text)):
            raise ValueError("texts overlap")
        # Loops of Python's, not of C's: the thread that draws is let in between.
        different = [text[start:end] for start, end in pairwise([0, *ends.tolist()])]
        if codes is None:
            return different
        if len(codes) and not (codes.min() >= 0 and codes.max() < len(ends)):
            raise ValueError("a text is missing")
        return [different[code] for code in codes.tolist()]


def _plain(value: Any) -> str | int | float | bool | None:
    """Return numpy's numbers, and what inherits from text or number, as what it is; None where it is neither."""
    kind = value.dtype.kind if isinstance(value, np.generic) else ""
    if isinstance(value, str):
        return str(value)
    if kind == "b":
        return bool(value)
    if isinstance(value, int) or kind in ("i", "u"):
        return int(value)
    if isinstance(value, float) or kind == "f":
        return float(value)
    return None


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the type that an annotation of the value types names; arrays are looked at later."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return any(_fits(value, each) for each in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if arguments == (str, Ellipsis):
            return set(map(type, value)) <= {str}  # ids of a hundred thousand objects
        if arguments[-1] is Ellipsis:
            return all(_fits(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(_fits, value, arguments))
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, NoneType if hint is None else hint)
