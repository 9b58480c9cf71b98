"""From a path to what a reader makes of it: whose file it is, what forbids opening it, what a failure means."""

from __future__ import annotations

import re
import stat
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from twinviewer.app.plugins.environments import is_ready as has_environment
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.holding import held
from twinviewer.app.plugins.manifest import ReaderContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.worker_tasks import FunctionFailedError
from twinviewer.app.workers import OnPreview, ReadResult, WorkerPool
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest
from twinviewer.model.errors import (
    DamagedFileError,
    HostileFileError,
    PluginError,
    ReadError,
    UnsupportedFormatError,
)
from twinviewer.model.feedback import Feedback, PartOf

PROJECT_SUFFIX = ".twin"
_SURE_ENOUGH = 0.5
"""What a probe must say of a file whose name tells nothing."""
_NO_PROBE = 0.5
_CURE = (
    "It is switched off if it fails three times in a row. Update or remove the plugin; the log has the details for its "
    "author."
)
_NOT_YET = {
    "*.ifc": "IFC",
    "tileset.json": "3D Tiles",
    "*.b3dm": "3D Tiles",
    "*.i3dm": "3D Tiles",
    "*.pnts": "3D Tiles",
    "*.cmpt": "3D Tiles",
    "*.subtree": "3D Tiles",
    "*.parquet": "GeoParquet",
    "*.pb": "GTFS Realtime",
    "*.net.xml.gz": "SUMO",
    "*.sumocfg": "SUMO",
    "*.png": "pictures without a georeference",
    "*.jpg": "pictures without a georeference",
    "*.jpeg": "pictures without a georeference",
    "*.zip": "archives",
}
"""What people will try all the same, by the names of files."""
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The readers there are, and the processes that run them."""

    registry: PluginRegistry
    pool: WorkerPool
    point_budget: Callable[[], int] | None = None
    """Says how many points of one cloud are kept in memory; None: as many as the reader does by itself."""
    cache: ReadCache | None = None
    """Where what was read is kept for the next time; None: everything is read anew."""

    def read(
        self,
        request: ReadRequest,
        reader: ReaderContribution,
        feedback: Feedback,
        *,
        on_preview: OnPreview | None = None,
    ) -> ReadResult:
        """Have a worker read a file, unless it was read before and nothing has changed.

        Args:
            request: Which, and how.
            reader: By whom.
            feedback: Hears progress, and is asked whether to stop.
            on_preview: Gets what has been read so far, now and then; None: nobody looks.

        Raises:
            ReadError: The file is at fault, or the worker died.
            WaitsForPersonError: The person has to accept what the reader's plugin asks for first.
            PluginError: The reader of a plugin is at fault.
            Cancelled: The person stopped it.
        """
        self.registry.require_ready(reader.id)
        plugin = self.registry.plugin_of(reader.id)
        settings = self.registry.settings_of(reader.id, reader.read)
        request = replace(request, options={**request.options, **settings})
        version = f"{reader.id} {plugin.manifest.version}"
        if self.cache is not None and (found := self.cache.find(request, reader=version)) is not None:
            return found
        began_at, keep = time.time(), None
        if self.cache is not None:
            keep = partial(self.cache.keep, request, reader=version, began_at=began_at)
        function = replace(request.reader, held=held(plugin, self.registry, PartOf(feedback, 0.0, 0.0)))
        try:
            result = self.pool.read(replace(request, reader=function), feedback, keep=keep, on_preview=on_preview)
        except (FunctionFailedError, PluginError) as error:
            name = Path(request.path).name
            if plugin.origin is PluginOrigin.BUILT_IN:
                raise _damaged(error, name) from error
            reason = error.problem if isinstance(error, PluginError) else f"It raised {error}."
            told = PluginError(
                f"The reader “{reader.title}” of the plugin “{plugin.name}” failed. {reason}", cure=_CURE, source=name
            )
            told.__cause__ = error  # the record of the failure is made from it before it is raised
            self.registry.report_failure(reader.id, told, reference=reader.read)
            raise told from error
        self.registry.report_success(reader.id, reader.read)
        return result

    def request(self, path: Path, reader: ReaderContribution) -> ReadRequest:
        """Return the request that reads ``path`` as it is; ``dataclasses.replace`` says where it is wanted."""
        options: dict[str, Any] = {}
        if self.point_budget is not None and reader.max_points:
            options["max_points"] = self.point_budget()
        return ReadRequest(reader=self._function(reader, reader.read), path=str(path), options=options)

    def reader_for(self, path: Path, feedback: Feedback) -> ReaderContribution:
        """Return the reader of a file: by its name, and where that does not decide, by a look inside.

        Raises:
            ReadError: It is not there, holds nothing, or no reader knows it.
        """
        look_at(path)
        fitting = self.registry.readers_for(path)
        if len(fitting) == 1:
            return fitting[0]
        candidates = fitting or tuple(
            reader for reader in self.registry.readers if reader.probe and self.registry.is_ready(reader.id)
        )
        best, score = self._most_sure(path, candidates, feedback)
        not_yet = next((kind for pattern, kind in _NOT_YET.items() if fnmatch(path.name.lower(), pattern)), None)
        if not_yet and score < _SURE_ENOUGH:
            raise UnsupportedFormatError(
                f"Files of this kind ({not_yet}) are not supported yet.",
                cure="The formats that can be opened are listed in the README.",
                source=path.name,
            )
        if best is None or score < (_SURE_ENOUGH if not fitting else 1e-9):
            raise UnsupportedFormatError(
                "No reader knows this file: it is of a format that is not supported, or damaged.",
                cure="The formats that can be opened are listed in the README.",
                source=path.name,
            )
        return best

    def files_in(self, folder: Path) -> list[Path]:
        """Return the files of a folder whose names some reader knows, by name.

        Raises:
            ReadError: There are none, or the folder cannot be listed.
        """
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise ReadError(
                f"The folder cannot be listed ({error.strerror}).", cure="Check who may read it.", source=str(folder)
            ) from error
        known = [
            path
            for path in entries
            if not path.name.startswith(".") and self.registry.readers_for(path) and path.is_file()
        ]
        if not known:
            raise UnsupportedFormatError(
                "The folder holds no file that can be opened.",
                cure="Choose the files themselves, or another folder.",
                source=folder.name,
            )
        return known

    def _most_sure(
        self, path: Path, candidates: Sequence[ReaderContribution], feedback: Feedback
    ) -> tuple[ReaderContribution | None, float]:
        probed = [
            reader
            for reader in candidates
            if reader.probe
            and self.registry.is_ready(reader.id)
            and has_environment(self.registry.plugin_of(reader.id))  # a look at a file is no reason to make one
        ]
        probes = [
            replace(
                self._function(reader, reader.probe),
                held=held(self.registry.plugin_of(reader.id), self.registry, PartOf(feedback, 0.0, 0.0)),
            )
            for reader in probed
            if reader.probe
        ]
        scores = dict.fromkeys((reader.id for reader in candidates), _NO_PROBE)
        if probes:
            try:
                found = self.pool.probe(path, probes, feedback)
            except FunctionFailedError as error:
                raise _damaged(error, path.name) from error
            scores.update(zip((reader.id for reader in probed), found, strict=True))
        best = max(candidates, key=lambda reader: scores[reader.id], default=None)
        return best, scores[best.id] if best else 0.0

    def _function(self, reader: ReaderContribution, reference: str) -> FunctionOfPlugin:
        return FunctionOfPlugin(reference=reference, code=self.registry.plugin_of(reader.id).code)


def as_path(text: str | Path) -> Path:
    """Return the absolute path of a file or folder that a person named.

    Raises:
        UnsupportedFormatError: It is an address on the network.
        HostileFileError: It is a name that only a library would understand (``/vsicurl/…``).
    """
    if _ADDRESS.match(str(text)):
        address = urllib.parse.urlsplit(str(text))
        if address.scheme == "file" and address.netloc in ("", "localhost"):
            return Path(urllib.request.url2pathname(address.path)).absolute()
        raise UnsupportedFormatError(
            "Addresses on the network cannot be opened yet.",
            cure="Download the file, then open it from the disk.",
            source=re.sub(r":/+([^/@]*@)?", "://", str(text), count=1),  # a Path has lost a slash
        )
    if str(text).startswith("/vsi"):
        raise HostileFileError(
            "Virtual file systems are not opened.", cure="Name a file on the disk.", source=str(text)
        )
    path = Path(text)
    if text == "":
        raise ReadError("The name of the file is empty.", cure="Name a file or a folder.", source="“”")
    return (path.expanduser() if path.parts[:1] == ("~",) else path).absolute()


def look_at(path: Path) -> None:
    """Make sure that there is a file with something in it.

    Raises:
        ReadError: There is not; the text says why.
    """
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            with path.open("rb"):
                pass
    except (FileNotFoundError, ValueError) as error:  # the latter: no file can have such a name
        raise ReadError("The file does not exist.", cure="Check the name and the folder.", source=str(path)) from error
    except OSError as error:
        raise ReadError(
            f"The file cannot be opened ({error.strerror}).", cure="Check who may read it.", source=str(path)
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise UnsupportedFormatError("This is not a file.", cure="Choose a file or a folder.", source=str(path))
    if found.st_size == 0:
        raise DamagedFileError("The file is empty.", cure="Get it again from where it came from.", source=path.name)


def _damaged(error: FunctionFailedError | PluginError, name: str) -> DamagedFileError:
    """Return what to tell people where one of our own readers stumbled: its input was not what it expects."""
    return DamagedFileError(
        "The file cannot be read: its content is not as its format demands.",
        cure="It is probably damaged; get it again from where it came from. The log has the details.",
        source=name,
    )
