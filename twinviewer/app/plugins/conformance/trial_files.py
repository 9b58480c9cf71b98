"""Readers and writers on trial: good files, damaged ones, and ones that are something else."""

from __future__ import annotations

import contextlib
import fnmatch
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from twinviewer.app.plugins.conformance.plugin_code import PluginCode, Stopped, checked_layer, in_words
from twinviewer.app.plugins.conformance.verdicts import Verdict, failed, passed, warning
from twinviewer.app.plugins.trial_places import town_layers
from twinviewer.model.errors import ReadError, WriteError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import KINDS, LayerData

GARBAGE = {
    "an empty file": b"",
    "zeros": bytes(5000),
    "noise": random.Random(3).randbytes(5000),
    "a word": b"hello\n",
    "an empty JSON object": b"{}",
    "an empty JSON list": b"[]",
    "an XML element": b"<a/>",
    "an unclosed XML element": b"<?xml version='1.0'?><a",
    "the beginning of a LAS file": b"LASF" + bytes(300),
    "the beginning of a GeoPackage": b"SQLite format 3\0" + bytes(500),
    "the beginning of a TIFF": b"II*\0\x08\0\0\0\xff\xff" + bytes(200),
    "the beginning of a GLB": b"glTF\x02\0\0\0\xff\xff\xff\xff" + bytes(50),
    "the beginning of a PLY": b"ply\nformat ascii 1.0\nelement vertex 9999999999\n",
    "a UTF-16 text": "{}".encode("utf-16"),
    "a zip": b"PK\x03\x04" + bytes(100),
    "an HTML page": b"<!DOCTYPE html><html><body>404</body></html>",
}
"""What a file may hold that has the right name and is something else."""

CUTS = (0.02, 0.25, 0.5, 0.75, 0.98)
"""Shares of a file that are left of it."""
FLIPS = 20
LARGEST_EXAMPLE_BYTES = 2_000_000

_CURE = "Raise a ReadError: DamagedFileError, UnsupportedFormatError …, with a cure."


def read(code: PluginCode, contribution: dict[str, Any], path: Path, feedback: Silent | None = None) -> Sequence[Any]:
    """Return the layers of a file.

    Raises:
        TypeError: What came back is no sequence of layer data.
    """
    options = {"max_points": 1_000_000} if contribution.get("max_points") else {}
    layers = code.call(contribution["read"], path=path, feedback=feedback or Silent(), **options)
    if not isinstance(layers, Sequence) or not all(isinstance(layer, get_args(LayerData)) for layer in layers):
        raise TypeError("it returned something else than a sequence of layer data")
    if not layers:
        raise TypeError("it returned no layer; a file that gives nothing raises a ReadError")
    return layers


def probe(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it knows its own files, and answers whatever the file holds."""
    reference = contribution.get("probe")
    if not reference:
        return []
    path, found = code.scratch / "probed", []
    for what, content in GARBAGE.items():
        path.write_bytes(content)
        try:
            sure = code.call_bare(reference, path=path)
        except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
            found.append(failed(f"Asked about {what}, it raised {in_words(error)}", "Return 0.0 where it is not sure."))
            continue
        if not isinstance(sure, int | float) or not 0.0 <= sure <= 1.0:
            found.append(failed(f"Asked about {what}, it answered {sure!r}", "Return a number from 0.0 to 1.0."))
    own = examples_of(code, contribution)
    unsure = [each.name for each in own if code.call_bare(reference, path=each) <= 0.5]
    if unsure:
        found.append(failed(f"It does not know {', '.join(unsure)} for its own", "Answer more than 0.5."))
    return found or [passed(f"It answers from 0 to 1 on {len(GARBAGE)} foreign files and {len(own)} of its own")]


def examples(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it reads the files that its author put beside it."""
    own = examples_of(code, contribution)
    if not own:
        cure = f"Put a small {contribution['patterns'][0]} into the folder examples of the project."
        return [warning("There is no example file to try it on", cure)]
    kinds = tuple(KINDS[kind] for kind in contribution["kinds"])
    for path in own:
        layers = [checked_layer(layer) for layer in read(code, contribution, path)]
        if kinds and not all(isinstance(layer, kinds) for layer in layers):
            made = ", ".join(sorted({type(layer).__name__ for layer in layers}))
            return [failed(f"{path.name} gives {made}, which “kinds” does not name", "Correct “kinds” in plugin.toml.")]
        if any(layer.extent is None for layer in layers):
            return [failed(f"{path.name} gives a layer in which nothing lies anywhere", "Raise a ReadError instead.")]
    return [passed(f"It reads {', '.join(path.name for path in own)}")]


def bad_files(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether files that it cannot read end in a ReadError and in nothing else."""
    path = code.scratch / contribution["patterns"][0].replace("*", "tried")
    found, count = [], 0
    for what, content in _bad_contents(code, contribution):
        count += 1
        path.write_bytes(content)
        try:
            read(code, contribution, path)
        except ReadError as error:
            if not error.problem:
                found.append(failed(f"Of {what} it says nothing", _CURE))
        except BaseException as error:  # noqa: BLE001 – that it is raised is what is found out
            found.append(failed(f"Given {what}, it raised {in_words(error)}", _CURE))
        else:
            if what in GARBAGE:
                found.append(failed(f"It reads {what} as if it were a file of its own", _CURE))
    for own in examples_of(code, contribution):
        with contextlib.suppress(Cancelled):
            read(code, contribution, own, Stopped())
    return found[:5] or [passed(f"{count} damaged and foreign files are refused in words, or read as far as they go")]


def _bad_contents(code: PluginCode, contribution: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield foreign files, and what is left of good ones when they are cut or bytes in them flip."""
    yield from GARBAGE.items()
    rng = random.Random(1)
    for path in examples_of(code, contribution):
        content = path.read_bytes()
        for share in CUTS:
            yield f"the first {share:.0%} of {path.name}", content[: int(share * len(content))]
        for _ in range(FLIPS):
            damaged = bytearray(content)
            for at in rng.sample(range(len(content)), min(8, len(content))):
                damaged[at] = rng.randrange(256)
            yield f"{path.name} with eight bytes changed", bytes(damaged)


def examples_of(code: PluginCode, contribution: dict[str, Any]) -> list[Path]:
    """Return the small files beside the plugin that the reader says it reads."""
    patterns = [pattern.lower() for pattern in contribution["patterns"]]
    return [
        path
        for path in code.examples
        if any(fnmatch.fnmatchcase(path.name.lower(), pattern) for pattern in patterns)
        and 0 < path.stat().st_size <= LARGEST_EXAMPLE_BYTES
    ]


def write(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it writes the town's layers of its kinds into a file, or says why not."""
    found, written = [], []
    for number, (spec, data) in enumerate(town_layers()):
        if spec.kind not in contribution["kinds"]:
            continue
        path = code.scratch / f"written-{number}{contribution['endings'][0]}"
        try:
            code.call(contribution["write"], path=path, layers=[data], feedback=Silent())
        except WriteError as error:
            found.append(warning(f"It does not write {spec.title.lower()}: {error.problem.rstrip('.')}", error.cure))
            continue
        if not path.is_file() or path.stat().st_size == 0:
            found.append(failed(f"It wrote nothing of {spec.title.lower()}", "Write to the path that it is given."))
        written.append(spec.title.lower())
    if not written and not found:
        return [warning("The small town has no layer of its kinds to try it on", "Test it with layers of your own.")]
    return found or [passed(f"It writes {', '.join(written)}")]
