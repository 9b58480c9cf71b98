"""The one door between processes: layer data as a JSON header and one file of raw arrays.

A worker writes (:func:`write`), the viewer reads (:func:`read`).  Never a pickle: only the value types named here
and the dtypes named here come through, and :mod:`twinviewer.formats.soundness` looks at what they hold before
anybody draws it.  Arrays are mapped, not copied, where the system allows it: 240 MB come back in a fraction of a
second.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.soundness import check
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError, WriteError
from twinviewer.model.layer_data import KINDS, LayerData, SourceFacts
from twinviewer.model.place import CrsOrigin, Extent, ReferenceSystem

_TYPES: dict[str, type] = {
    cls.__name__: cls for cls in (SourceFacts, ReferenceSystem, Extent, Diagnostic, AttributeColumn, *KINDS.values())
}
_ENUMS = {
    ("Diagnostic", "severity"): Severity,
    ("ReferenceSystem", "origin"): CrsOrigin,
    ("AttributeColumn", "type"): AttributeType,
}
_MEMBERS = {cls: get_type_hints(cls) for cls in _TYPES.values()}
_DTYPES = frozenset({"<f8", "<f4", "<i8", "<i4", "<u2", "|u1", "|b1"})
_ALIGNMENT = 64
_FEW = 64
"""Tuples of up to this many strings travel in the header."""


def write(layers: Sequence[LayerData], files: Sequence[Path]) -> dict[str, Any]:
    """Write the arrays of ``layers`` into the first of ``files`` whose folder has room; return the header.

    Raises:
        WriteError: None of the folders has room.
    """
    packer = _Packer()
    packed = [packer.pack(layer) for layer in layers]
    return {"layers": packed, "file": str(packer.write(files)), "size": packer.size}


def read(header: dict[str, Any], files: Sequence[Path]) -> list[LayerData]:
    """Return the layers that :func:`write` wrote into one of ``files``, checked, and remove that file.

    Raises:
        DamagedFileError: What was delivered is not what was declared; nothing of it may be drawn.
    """
    try:
        path, size = Path(header["file"]), int(header["size"])
        if path not in files:
            raise ValueError("the arrays are somewhere else")
        try:
            unpacker = _Unpacker(_contents(path, size), size)
        finally:
            path.unlink(missing_ok=True)
        layers = [_checked(unpacker.unpack(packed)) for packed in header["layers"]]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise DamagedFileError(
            f"What the reader delivered contradicts itself ({error}), so it is not shown.",
            cure="The file is probably damaged; get it again from where it came from.",
        ) from error
    return layers


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


def _checked(value: Any) -> LayerData:
    if not isinstance(value, LayerData):
        raise ValueError("not layer data")
    check(value)
    return value


def _contents(path: Path, size: int) -> mmap.mmap | bytes:
    """Return the bytes of the file, mapped where a mapped file can be removed at once."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != size:
            raise ValueError("the arrays are incomplete")
        if os.name != "posix":
            return file.read()
        # ACCESS_COPY: some libraries want writable buffers even to read; nothing is copied before it is written to.
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)


class _Packer:
    """Turns values into JSON and keeps the arrays aside."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[Any]] = []
        self.size = _ALIGNMENT

    def pack(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._strings(value.tolist()) if value.dtype == object else self._array(value)
        if is_dataclass(value):
            name = type(value).__name__
            if _TYPES.get(name) is not type(value):
                raise TypeError(f"a {name} cannot be handed over")
            return {"is": name, "of": {item.name: self.pack(getattr(value, item.name)) for item in fields(value)}}
        if isinstance(value, tuple | list):
            if len(value) > _FEW and all(isinstance(item, str) for item in value):
                return {"strings": self._strings(value)}
            return {"tuple": [self.pack(item) for item in value]}
        if isinstance(value, np.generic):
            return value.item()
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise TypeError(f"a {type(value).__name__} cannot be handed over")

    def _array(self, array: NDArray[Any]) -> dict[str, Any]:
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"an array of {array.dtype} cannot be handed over")
        at = self.size
        self._arrays.append(array)
        self.size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        return {"at": at, "dtype": array.dtype.str, "shape": list(array.shape)}

    def _strings(self, values: Sequence[Any]) -> dict[str, Any]:
        """Pack strings as a list of the different ones and, per row, which one: many attributes repeat."""
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(str(value), len(numbers)) for value in values), np.int32, len(values))
        encoded = [text.encode("utf-8", "replace") for text in numbers]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return {
            "codes": self._array(codes),
            "ends": self._array(np.cumsum(lengths)),
            "bytes": self._array(np.frombuffer(b"".join(encoded), np.uint8)),
        }

    def write(self, files: Sequence[Path]) -> Path:
        for path in files[:-1]:
            try:
                if _room(path.parent) > self.size:
                    return self._write(path)
            except OSError:  # another process took the room meanwhile
                path.unlink(missing_ok=True)
        try:
            return self._write(files[-1])
        except OSError as error:
            files[-1].unlink(missing_ok=True)
            raise WriteError(
                f"The data does not fit into memory or onto the disk ({error.strerror or error}).",
                cure="Close other layers or programs, or make room on the disk, and try again.",
                source=str(files[-1].parent),
            ) from error

    def _write(self, path: Path) -> Path:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as file:
            at = _ALIGNMENT
            file.seek(at)
            for array in self._arrays:
                rest = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
                while len(rest):
                    rest = rest[file.write(rest) :]
                at += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
                file.seek(at)
            file.truncate(self.size)
        return path


def _room(folder: Path) -> int:
    if not hasattr(os, "statvfs"):
        return 0
    state = os.statvfs(folder)
    return int(state.f_bavail * state.f_frsize * 0.9)


class _Unpacker:
    """Turns JSON and mapped bytes back into values; raises ValueError, KeyError or TypeError at anything odd."""

    def __init__(self, content: mmap.mmap | bytes, size: int) -> None:
        self._content, self._size = content, size

    def unpack(self, packed: Any) -> Any:
        if not isinstance(packed, dict):
            return packed
        if "at" in packed:
            return self._array(packed)
        if "codes" in packed:
            return self._strings(packed)
        if "strings" in packed:
            return tuple(self._strings(packed["strings"]).tolist())
        if "tuple" in packed:
            return tuple(self.unpack(item) for item in packed["tuple"])
        name = packed["is"]
        members = {
            member: _ENUMS[name, member](value) if (name, member) in _ENUMS else self.unpack(value)
            for member, value in packed["of"].items()
        }
        for member, value in members.items():
            if not _fits(value, _MEMBERS[_TYPES[name]][member]):
                raise ValueError(f"“{member}” of a {name} is of the wrong type")
        return _TYPES[name](**members)

    def _array(self, packed: dict[str, Any]) -> NDArray[Any]:
        at, dtype, shape = int(packed["at"]), str(packed["dtype"]), tuple(int(length) for length in packed["shape"])
        if dtype not in _DTYPES or not 1 <= len(shape) <= 3 or any(length < 0 for length in shape):
            raise ValueError("an array of an unknown type or shape")
        count = int(np.prod(shape, dtype=object))
        if at < 0 or at % _ALIGNMENT or at + count * np.dtype(dtype).itemsize > self._size:
            raise ValueError("an array lies outside of its file")
        return np.frombuffer(self._content, dtype, count, at).reshape(shape)

    def _strings(self, packed: dict[str, Any]) -> NDArray[Any]:
        codes, ends = self._array(packed["codes"]), self._array(packed["ends"])
        content = self._array(packed["bytes"]).tobytes()
        if len(ends) and (ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] != len(content)):
            raise ValueError("texts overlap")
        if len(codes) and not (codes.min() >= 0 and codes.max() < len(ends)):
            raise ValueError("a text is missing")
        different = np.empty(len(ends), object)
        start = 0
        for number, end in enumerate(ends.tolist()):
            different[number] = content[start:end].decode("utf-8")
            start = end
        texts: NDArray[Any] = different[codes]
        return texts
