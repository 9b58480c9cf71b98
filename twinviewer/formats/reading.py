"""What a worker does with one file: find out whose it is, read it, put it in its place, hand it over."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from twinviewer.api.importing import import_function
from twinviewer.formats import exchange
from twinviewer.formats.previews import Previews, preview_files
from twinviewer.formats.request import FunctionOfPlugin, Placing, ReadRequest
from twinviewer.formats.soundness import PLACED_LIMIT, RAW_LIMIT, mended
from twinviewer.formats.unpacking import scratch_folder
from twinviewer.formats.used_files import UsedFiles
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError, MissingCrsError, PluginError, ReadError
from twinviewer.model.feedback import Feedback, PartOf, Silent
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.place import LOCAL, CrsOrigin, ReferenceSystem

_CURE = "Correct the plugin; docs/plugins.md has the contract."


TellPreview = Callable[[dict[str, Any]], None]


def read_file(
    request: ReadRequest, files: Sequence[Path], feedback: Feedback, *, tell_preview: TellPreview | None = None
) -> dict[str, Any]:
    """Read and place a file; return the header of its layers, whose arrays lie in one of ``files``.

    The header's ``target`` is the system that the layers were placed in, None where they were not, and its ``used``
    is what that depends on, see :mod:`twinviewer.formats.used_files`.

    Args:
        request: Which, and how.
        files: Names of new files.
        feedback: Hears progress, and is asked whether to stop.
        tell_preview: Gets the header of each preview, which has a ``number``; see :func:`preview_files`.  None:
            nobody looks.

    Raises:
        ReadError: The file gives nothing that can be shown.
        PluginError: The reader is not there, or returned something else than layers.
    """
    scratch = {str(file.parent) for file in files}
    apart = (request.reader.code.folder, *scratch, str(scratch_folder()))
    with UsedFiles(Path(request.path), apart_from=apart) as used:
        header = _Reading(request, files, feedback, tell_preview).header()
        if header["target"] is not None and header["target"]["horizontal"] != LOCAL.horizontal:
            for folder in _grid_folders():
                used.add(folder)
    return {**header, "used": used.to_json()}


class _Reading:
    """The reading of one file."""

    def __init__(
        self, request: ReadRequest, files: Sequence[Path], feedback: Feedback, tell_preview: TellPreview | None
    ) -> None:
        self._request, self._files, self._feedback, self._tell_preview = request, files, feedback, tell_preview
        self._share = 1.0 if request.placing is Placing.AS_IN_FILE else 0.8
        self._target = request.target if request.placing is Placing.IN_PROJECT else None
        self._previews = 0

    def header(self) -> dict[str, Any]:
        """Read the file; return the header of its layers."""
        request = self._request
        reader = import_function(request.reader.reference, code=request.reader.code)
        feedback: Feedback = PartOf(self._feedback, 0.0, self._share)
        if self._tell_preview is not None:
            feedback = Previews(feedback, show=self._show_preview)
        layers = _layers(reader(path=Path(request.path), feedback=feedback, **request.options))
        if not layers:
            raise DamagedFileError("The file holds nothing that can be shown.", source=Path(request.path).name)
        return self._in_place(layers, self._files, PartOf(self._feedback, self._share, 1.0))

    def _show_preview(self, so_far: Sequence[LayerData]) -> bool:
        """Hand over what the reader has so far; return whether it had a place."""
        assert self._tell_preview is not None
        layers = _layers(so_far)
        if not layers:
            return True
        number = self._previews + 1
        header = self._in_place(layers, preview_files(self._files, number), Silent())
        if header["target"] is None and self._request.placing is not Placing.AS_IN_FILE:
            for file in preview_files(self._files, number):
                file.unlink(missing_ok=True)
            return False
        self._previews = number
        self._tell_preview({**header, "number": number})
        return True

    def _in_place(self, layers: list[LayerData], files: Sequence[Path], feedback: Feedback) -> dict[str, Any]:
        """Check layers, put them where they are wanted and write them; return their header.

        The system that the first ones choose holds for all that follow.
        """
        request = self._request
        layers = [_with_reference_system(layer, request) for layer in layers]
        sources = [layer.crs for layer in layers]
        limit = RAW_LIMIT if request.placing is Placing.AS_IN_FILE else PLACED_LIMIT
        layers = [mended(layer, limit=limit) for layer in layers]
        if request.placing is Placing.FIRST and self._target is None:
            self._target = _system_for(layers)
        if self._target is not None:
            step = 1.0 / len(layers)
            layers = [
                _placed(layer, self._target, PartOf(feedback, i * step, (i + 1) * step))
                for i, layer in enumerate(layers)
            ]
        header = exchange.write(layers, files)
        header["sources"] = [None if source is None else asdict(source) for source in sources]
        header["target"] = None if self._target is None else asdict(self._target)
        return header


def _grid_folders() -> list[str]:
    """Return where PROJ looks for the grids that heights are converted by."""
    from twinviewer.model.crs import grid_folders  # as above

    return grid_folders()


def probe_file(path: Path, probes: Sequence[FunctionOfPlugin]) -> list[float]:
    """Return how sure each of the probes is, 0 to 1, that the file is its own; one that fails is not sure at all."""
    return [_score(probe, path) for probe in probes]


def _score(probe: FunctionOfPlugin, path: Path) -> float:
    try:
        return float(import_function(probe.reference, code=probe.code)(path=path))
    except Exception:  # noqa: BLE001 – another reader may know the file; the log keeps this one's fault
        traceback.print_exc()
        return 0.0


def without_place(data: LayerData) -> LayerData:
    """Return data without a reference system as a scene of its own, nowhere on Earth; a diagnostic says so."""
    told = Diagnostic(
        severity=Severity.INFO,
        code="crs.local",
        problem="The file does not say which reference system it uses: it is shown in a local system, in metres, "
        "that is nowhere on Earth.",
    )
    return replace(data, crs=LOCAL, diagnostics=(*data.diagnostics, told))


def _layers(returned: object) -> list[LayerData]:
    """Return what a reader returned, if that is a sequence of layers."""
    if not isinstance(returned, Sequence) or isinstance(returned, str | bytes):
        raise PluginError(f"The reader returned a value of type {type(returned).__name__}, not a sequence.", cure=_CURE)
    for layer in returned:
        if not isinstance(layer, LayerData):
            raise PluginError(f"The reader returned a value of type {type(layer).__name__} as a layer.", cure=_CURE)
    return list(returned)


def missing_crs(source: str) -> MissingCrsError:
    """Return what to tell people about a file that cannot be put in its place."""
    return MissingCrsError(
        "The file does not say which coordinate reference system it uses.",
        cure="Say which it is, for example EPSG:25832.",
        source=source,
    )


def _with_reference_system(data: LayerData, request: ReadRequest) -> LayerData:
    given = request.override or (request.fallback if data.crs is None else None)
    return data if given is None else replace(data, crs=replace(given, origin=CrsOrigin.GIVEN))


def _system_for(layers: Sequence[LayerData]) -> ReferenceSystem | None:
    """Return the system for a project that begins with these layers; None where they say nothing of theirs."""
    from twinviewer.model.crs import projected_for  # PROJ costs 0.2 s; what is only described does not need it

    for layer in layers:
        extent = layer.extent
        if layer.crs is not None and extent is not None:
            return layer.crs if layer.crs.horizontal == LOCAL.horizontal else projected_for(layer.crs, extent)
    return None


def _placed(data: LayerData, target: ReferenceSystem, feedback: Feedback) -> LayerData:
    if data.crs is None and isinstance(data, FeatureTable) and data.extent is None:
        return replace(data, crs=target)  # a table without geometry is nowhere, and so it is right everywhere
    if target.horizontal == LOCAL.horizontal:
        if data.crs is None:
            return without_place(data)
        if data.crs.horizontal == LOCAL.horizontal:
            return data
        raise ReadError(
            "The scene is in a local system that is nowhere on Earth, so the file cannot be put in its place there.",
            cure="Open it in a project of its own, or first give the layers that are there a reference system.",
        )
    if data.crs is None:
        raise missing_crs("")
    from twinviewer.formats import placement  # as above

    return mended(placement.place(data, target=target, feedback=feedback), limit=PLACED_LIMIT)
