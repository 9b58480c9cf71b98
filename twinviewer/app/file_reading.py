"""One file or folder on its way through a reader, for a document that waits for it.  Safe from any thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twinviewer.app.plugins.manifest import ReaderContribution
from twinviewer.app.sources import Sources
from twinviewer.app.workers import ReadResult
from twinviewer.formats.request import Placing
from twinviewer.model.errors import MissingCrsError, ProjectError
from twinviewer.model.feedback import Feedback
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """All of a file, or what has been read of it so far."""

    reader: ReaderContribution
    result: ReadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeless:
    """The file does not say where it lies, and the project is somewhere."""

    error: MissingCrsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    files: tuple[Path, ...]


def read_path(
    path: Path,
    sources: Sources,
    feedback: Feedback,
    *,
    waiting: Sequence[LayerSpec] = (),
    fallback: ReferenceSystem | None = None,
    project_crs: ReferenceSystem | None = None,
    on_preview: Callable[[FileRead], None] | None = None,
) -> FileRead | Folder | Placeless:
    """Read what a path names.

    Args:
        path: A file or a folder.
        sources: Readers and workers.
        feedback: Hears progress, and is asked whether to stop.
        waiting: Layers of the document whose data the file holds; empty: the file brings new ones.
        fallback: The system to take where the file says nothing.
        project_crs: Where the layers are wanted; None: the file decides.
        on_preview: Gets what has been read so far, now and then; None: nobody looks.

    Raises:
        TwinViewerError: It gives nothing; the text says why.
        Cancelled: The person stopped it.
    """
    if os.path.isdir(path) and not waiting:  # noqa: PTH112 – false for impossible names too
        return Folder(files=tuple(sources.files_in(path)))
    reader = _reader_of(waiting[0], path, sources) if waiting else sources.reader_for(path, feedback)
    request = replace(
        sources.request(path, reader),
        placing=Placing.FIRST if project_crs is None else Placing.IN_PROJECT,
        target=project_crs,
        fallback=fallback,
    )
    if waiting:
        source = waiting[0].source
        request = replace(request, options={**request.options, **dict(source.options)}, override=source.crs or fallback)

    def show(so_far: ReadResult) -> None:
        if on_preview is not None:
            on_preview(FileRead(reader=reader, result=so_far))

    try:
        result = sources.read(request, reader, feedback, on_preview=None if on_preview is None else show)
    except MissingCrsError as error:
        if waiting:
            raise
        return Placeless(error=error)
    return FileRead(reader=reader, result=result)


def _reader_of(layer: LayerSpec, path: Path, sources: Sources) -> ReaderContribution:
    if not path.exists():
        raise ProjectError(
            f"The file of the layer “{layer.title}” is not where the project says; the layer is kept.",
            cure=f"Put {path.name} back to {path.parent}, or remove the layer and open the file anew.",
            source=str(path),
        )
    reader = sources.registry.reader(layer.source.reader)
    if reader is None:
        raise ProjectError(
            f"The layer “{layer.title}” needs the reader “{layer.source.reader}”, which is not there; "
            "the layer is kept.",
            cure="Install the plugin that brings it.",
            source=path.name,
        )
    return reader
