"""What the viewer asks of a worker, as a value that travels as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from twinviewer.api.importing import CodeLocation
from twinviewer.isolation.permissions import Granted
from twinviewer.model.place import CrsOrigin, ReferenceSystem


class Placing(StrEnum):
    """Where the data of a file is wanted."""

    AS_IN_FILE = "as-in-file"
    """Not moved: for ``info`` and for scripts."""
    FIRST = "first"
    """In a projected system that suits it: the first layer of a project."""
    IN_PROJECT = "in-project"
    """In the system of the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """To what a worker is held while it runs a function of a plugin that is not trusted."""

    plugin_name: str
    granted: Granted
    data_folder: str
    """Where the plugin may keep files."""
    python: str | None
    """The interpreter of its environment; None: ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOfPlugin:
    """A function that a manifest names, and where its code is."""

    reference: str
    """``"module:function"``"""
    code: CodeLocation
    held: Held | None = None
    """None: it is trusted, and runs in a worker with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Everything a worker must know to read one file."""

    reader: FunctionOfPlugin
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    """Passed to the reader by keyword; plain JSON values."""
    placing: Placing = Placing.AS_IN_FILE
    target: ReferenceSystem | None = None
    """With ``IN_PROJECT``: the project's system."""
    override: ReferenceSystem | None = None
    """Used whatever the file says."""
    fallback: ReferenceSystem | None = None
    """Used where the file says nothing."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, message: dict[str, Any]) -> ReadRequest:
        return cls(
            reader=function_from_json(message["reader"]),
            path=message["path"],
            options=message["options"],
            placing=Placing(message["placing"]),
            target=reference_system_from_json(message["target"]),
            override=reference_system_from_json(message["override"]),
            fallback=reference_system_from_json(message["fallback"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """Everything a worker must know to write one file, besides the layers."""

    writer: FunctionOfPlugin
    path: str
    """Of a file that does not exist."""
    options: dict[str, Any] = field(default_factory=dict)
    """Passed to the writer by keyword; plain JSON values."""
    target: ReferenceSystem | None = None
    """Where the layers are wanted; None: as they are."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, message: dict[str, Any]) -> WriteRequest:
        return cls(
            writer=function_from_json(message["writer"]),
            path=message["path"],
            options=message["options"],
            target=reference_system_from_json(message["target"]),
        )


def function_from_json(message: dict[str, Any]) -> FunctionOfPlugin:
    """Return what ``asdict`` of it gave; who receives it is held already, or need not be."""
    return FunctionOfPlugin(reference=message["reference"], code=CodeLocation(**message["code"]))


def reference_system_from_json(message: dict[str, Any] | None) -> ReferenceSystem | None:
    """Return what ``asdict`` of it gave."""
    if message is None:
        return None
    return ReferenceSystem(
        horizontal=message["horizontal"], vertical=message["vertical"], origin=CrsOrigin(message["origin"])
    )
