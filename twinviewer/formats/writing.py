"""What a worker does to write one file: take over the layers, put them in their place, let the writer write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twinviewer.api.importing import import_function
from twinviewer.formats import exchange
from twinviewer.formats.request import WriteRequest
from twinviewer.formats.soundness import RAW_LIMIT, mended
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import PluginError, WriteError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem

PLACING_SHARE = 0.3
"""Of the work, as far as the progress goes, where layers are moved."""
_CURE = "Correct the plugin; docs/plugins.md has the contract."


def write_file(
    request: WriteRequest, header: dict[str, Any], files: Sequence[Path], feedback: Feedback
) -> dict[str, Any]:
    """Write the layers of ``header``, whose arrays lie in one of ``files``; return what is to be told.

    Raises:
        WriteError: It cannot be written.
        PluginError: The writer is not there, wrote nothing, or returned something else than diagnostics.
    """
    path = Path(request.path)
    layers = exchange.read(header, files)
    share = 0.0 if request.target is None else PLACING_SHARE
    placed, told = placed_layers(layers, request.target, PartOf(feedback, 0.0, share))
    writer = import_function(request.writer.reference, code=request.writer.code)
    try:
        returned = writer(path=path, layers=placed, feedback=PartOf(feedback, share, 1.0), **request.options)
    except OSError as error:
        raise WriteError(f"The file cannot be written: {error.strerror or error}.", source=path.name) from error
    return {"diagnostics": [asdict(finding) for finding in (*told, *checked_findings(returned, path))]}


def placed_layers(
    layers: Sequence[LayerData], target: ReferenceSystem | None, feedback: Feedback
) -> tuple[list[LayerData], list[Diagnostic]]:
    """Return the layers in ``target``, and what is to be told of the way there; as they are where it is None.

    Raises:
        WriteError: One has no reference system.
        TwinViewerError: It cannot be moved there.
    """
    told: list[Diagnostic] = []
    if target is None:
        return list(layers), told
    placed = []
    for number, layer in enumerate(layers):
        moved = _placed(layer, target, PartOf(feedback, number / len(layers), (number + 1) / len(layers)))
        told += moved.diagnostics[len(layer.diagnostics) :]
        placed.append(moved)
    return placed, told


def checked_findings(returned: object, path: Path) -> list[Diagnostic]:
    """Return what a writer returned, if it kept its contract.

    Raises:
        PluginError: It did not write the file, or returned something else than diagnostics.
    """
    if not isinstance(returned, Sequence) or not all(isinstance(finding, Diagnostic) for finding in returned):
        raise PluginError("The writer returned something else than a sequence of diagnostics.", cure=_CURE)
    if not path.is_file():
        raise PluginError("The writer returned without writing the file.", cure=_CURE)
    return list(returned)


def diagnostics_from_json(answer: dict[str, Any]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics that :func:`write_file` returned."""
    return tuple(
        Diagnostic(**{**finding, "severity": Severity(finding["severity"]), "objects": tuple(finding["objects"])})
        for finding in answer["diagnostics"]
    )


def _placed(data: LayerData, target: ReferenceSystem, feedback: Feedback) -> LayerData:
    if isinstance(data, FeatureTable) and data.extent is None:
        return data  # a table without geometry is nowhere
    if data.crs is None or data.crs.horizontal == LOCAL.horizontal:
        raise WriteError(
            "The layer has no reference system, so it cannot be moved into another one.",
            cure="Say which it is in: with “Set reference system” in the window, with --crs on the command line.",
            source=data.source.title,
        )
    from twinviewer.formats import placement  # PROJ costs 0.2 s

    return mended(placement.place(data, target=target, feedback=feedback), limit=RAW_LIMIT)
