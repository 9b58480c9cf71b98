"""From layers to a file: which formats can hold them, and the writing in a worker, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twinviewer.app.atomic import replaced_when_complete
from twinviewer.app.file_layers import KIND_NAMES
from twinviewer.app.folders import plugin_data_dir
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.manifest import WriterContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.worker_tasks import FunctionFailedError
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import FunctionOfPlugin, WriteRequest
from twinviewer.formats.writing import PLACING_SHARE, checked_findings, placed_layers
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import PluginError, WriteError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import LayerData, kind_of
from twinviewer.model.place import CrsOrigin, ReferenceSystem

_CURE = "Choose another format, update the plugin, or remove it; the log has the details for its author."


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of an export."""

    path: Path
    diagnostics: tuple[Diagnostic, ...]
    """What the file does not hold, or holds otherwise than the layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """The writers there are, and the processes that run them."""

    registry: PluginRegistry
    pool: WorkerPool

    def writers_for(self, kinds: Sequence[str]) -> tuple[WriterContribution, ...]:
        """Return the writers that can write layers of these kinds into one file."""
        return tuple(
            writer
            for writer in self.registry.writers
            if kinds
            and set(kinds) <= set(writer.kinds)
            and (writer.several or len(kinds) == 1)
            and not self.registry.is_disabled(writer.id)
        )

    def writer_for(self, path: Path, kinds: Sequence[str]) -> WriterContribution:
        """Return the writer that the ending of a file asks for.

        Raises:
            WriteError: None writes such files, or not these layers.
        """
        named = [writer for writer in self.registry.writers if _ending(writer, path)]
        fitting = [writer for writer in named if writer in self.writers_for(kinds)]
        if fitting:
            return max(fitting, key=lambda writer: len(_ending(writer, path)))
        possible = ", ".join(ending for writer in self.writers_for(kinds) for ending in writer.endings)
        cure = f"Give the file one of these endings: {possible}." if possible else "Export the layers one by one."
        if not named:
            problem = f"No format is known by the ending “{path.suffix}”." if path.suffix else "The name has no ending."
        elif len(kinds) > 1 and not any(writer.several for writer in named):
            problem = f"A {named[0].title} file holds one layer, not {len(kinds)}."
        else:
            misfits = sorted({KIND_NAMES[kind] for kind in kinds if kind not in named[0].kinds})
            problem = f"A {named[0].title} file cannot hold a layer of the kind {' or '.join(misfits)}."
        raise WriteError(problem, cure=cure, source=path.name)

    def write(
        self, path: Path, layers: Sequence[LayerData], *, target: ReferenceSystem | None = None, feedback: Feedback
    ) -> Written:
        """Write layers into one file, which takes the place of an older one only when it is complete.

        Args:
            path: The file; its ending says the format.
            layers: What is written; ``source.title`` is what a layer is called in the file.
            target: The reference system in which they are wanted; None: that in which they are.
            feedback: Hears progress, and is asked at least every 100 ms whether to stop.

        Raises:
            WriteError: It cannot be written; what was there before is intact.
            PluginError: The writer of a plugin is at fault.
            Cancelled: The person stopped it.
        """
        writer = self.writer_for(path, [kind_of(data) for data in layers])
        self.registry.require_ready(writer.id)
        where = _target(writer, layers, target)
        plugin = self.registry.plugin_of(writer.id)
        with replaced_when_complete(path) as temporary:
            if plugin.isolated:
                told = self._ask_its_process(writer, temporary, _named(layers), where, feedback)
            else:
                request = WriteRequest(
                    writer=FunctionOfPlugin(reference=writer.write, code=plugin.code),
                    path=str(temporary),
                    options=self.registry.settings_of(writer.id, writer.write),
                    target=where,
                )
                told = self._ask(writer, request, _named(layers), feedback)
        return Written(path=path, diagnostics=told)

    def _ask_its_process(
        self,
        writer: WriterContribution,
        temporary: Path,
        layers: Sequence[LayerData],
        target: ReferenceSystem | None,
        feedback: Feedback,
    ) -> tuple[Diagnostic, ...]:
        """Have a plugin's own process write, into the one folder where it may, and take the file from there."""
        share = 0.0 if target is None else PLACING_SHARE
        placed, told = placed_layers(layers, target, PartOf(feedback, 0.0, share))
        folder = Path(tempfile.mkdtemp(prefix="export-", dir=plugin_data_dir(self.registry.plugin_of(writer.id).id)))
        try:
            path = folder / temporary.name
            found = self.registry.call(
                writer.id,
                writer.write,
                {"path": path, "layers": placed, "feedback": PartOf(feedback, share, 1.0)},
                check=lambda returned: checked_findings(returned, path),
            )
            shutil.copyfile(path, temporary)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return (*told, *found)

    def _ask(
        self, writer: WriterContribution, request: WriteRequest, layers: Sequence[LayerData], feedback: Feedback
    ) -> tuple[Diagnostic, ...]:
        try:
            told = self.pool.write(request, layers, feedback)
        except (FunctionFailedError, PluginError) as error:
            plugin, name = self.registry.plugin_of(writer.id), Path(request.path).name
            reason = error.problem if isinstance(error, PluginError) else f"It raised {error}."
            if plugin.origin is PluginOrigin.BUILT_IN:
                raise WriteError(
                    f"The file could not be written as {writer.title}; what was there before is intact.",
                    cure="Choose another format; the log has the details to report.",
                    source=name,
                ) from error
            told_error = PluginError(
                f"The writer “{writer.title}” of the plugin “{plugin.name}” failed. {reason}", cure=_CURE, source=name
            )
            told_error.__cause__ = error
            self.registry.report_failure(writer.id, told_error, reference=writer.write)
            raise told_error from error
        except WriteError as error:
            error.cure = error.cure or "Check that the folder can be written to and has room, or choose another one."
            raise
        self.registry.report_success(writer.id, writer.write)
        return told


def _ending(writer: WriterContribution, path: Path) -> str:
    """Return the longest of the writer's endings that the file's name has, or nothing."""
    name = path.name.lower()
    return max((ending for ending in writer.endings if name.endswith(ending)), key=len, default="")


def _target(
    writer: WriterContribution, layers: Sequence[LayerData], target: ReferenceSystem | None
) -> ReferenceSystem | None:
    """Return where the layers are wanted; heights stay what they are counted from where nobody says otherwise.

    Raises:
        WriteError: The format allows only another system.
    """
    if writer.crs:
        from twinviewer.model.crs import code_of, horizontal_crs, parse_crs  # PROJ costs 0.2 s

        only = parse_crs(writer.crs, origin=CrsOrigin.GIVEN)
        if target is not None and code_of(horizontal_crs(target)) != only.horizontal:
            raise WriteError(
                f"A {writer.title} file is always in {writer.crs}, as its standard demands.",
                cure="Choose another format, or do not ask for another reference system.",
                source=writer.title,
            )
        if all(data.crs is not None and data.crs.horizontal == only.horizontal for data in layers):
            return target
        target = target or only
    verticals = {data.crs.vertical for data in layers if data.crs is not None}
    if target is not None and target.vertical is None and len(verticals) == 1:
        return replace(target, vertical=verticals.pop())
    return target


def _named(layers: Iterable[LayerData]) -> list[LayerData]:
    """Return the layers with names that differ, as layers of one file must."""
    seen: Counter[str] = Counter()
    named = []
    for data in layers:
        title = data.source.title
        seen[title.lower()] += 1
        number = seen[title.lower()]
        if number > 1:
            title = f"{title or KIND_NAMES[kind_of(data)].capitalize()} ({number})"
        named.append(replace(data, source=replace(data.source, title=title)))
    return named


def suggested_name(title: str, ending: str) -> str:
    """Return a file name for a layer, without what some system does not allow in names."""
    plain = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in title).strip(" .")
    return f"{plain[:120] or 'layer'}{ending}"
