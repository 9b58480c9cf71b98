"""What can go wrong that a person caused or can cure.

Everything else is a bug: it is not raised as a :class:`TwinViewerError`, it reaches the crash log.
"""

from __future__ import annotations

from typing import ClassVar


class TwinViewerError(Exception):
    """A problem with a cure: what is wrong, what to do, and last where.

    Attributes:
        problem: One sentence, ending in a full stop.
        cure: What the person can do about it; may be empty where nothing can be done.
        source: File name, layer title, plugin id or URL (without credentials).
        code: Stable identifier of the kind of problem, listed in ``docs/problems.md``.
    """

    code: ClassVar[str] = "error"

    def __init__(self, problem: str, *, cure: str = "", source: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure
        self.source = source

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        cure = f" {self.cure}" if self.cure else ""
        return f"{where}{self.problem}{cure}"


class ReadError(TwinViewerError):
    """A file could not be read."""

    code = "read"


class UnsupportedFormatError(ReadError):
    """No reader takes this file, or it uses a part of its format that is not read yet."""

    code = "read.unsupported"


class DamagedFileError(ReadError):
    """The file is truncated, malformed or contradicts itself."""

    code = "read.damaged"


class HostileFileError(ReadError):
    """The file asks for something that opening a file must never do (entities, other files, the network)."""

    code = "read.hostile"


class MissingCrsError(ReadError):
    """The file does not say which reference system it uses, and none was given."""

    code = "read.crs-missing"


class UnknownCrsError(ReadError):
    """A reference system was named that PROJ does not know."""

    code = "read.crs-unknown"


class WorkerDiedError(ReadError):
    """The process that read the file crashed, hung or hit its limits."""

    code = "read.worker-died"


class WriteError(TwinViewerError):
    """A file could not be written; what was there before is intact."""

    code = "write"


class ProjectError(TwinViewerError):
    """A project file cannot be used, or not in full."""

    code = "project"


class PluginError(TwinViewerError):
    """A plugin's manifest or code is at fault."""

    code = "plugin"


class FeedError(TwinViewerError):
    """A live source does not deliver."""

    code = "feed"


class DisplayError(TwinViewerError):
    """The machine cannot show or render a scene."""

    code = "display"


class UsageError(TwinViewerError):
    """The command line or a function was asked for something that it does not offer."""

    code = "usage"


def error_class(code: str, *, default: type[TwinViewerError] = TwinViewerError) -> type[TwinViewerError]:
    """Return the class whose ``code`` it is, or ``default`` where there is none."""
    pending: list[type[TwinViewerError]] = [TwinViewerError]
    while pending:
        candidate = pending.pop()
        if candidate.__dict__.get("code") == code:
            return candidate
        pending.extend(candidate.__subclasses__())
    return default
