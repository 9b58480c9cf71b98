"""The process that reads mutated files: ``python -m tests.fuzzing.reading_process FORMAT [compiled]``.

It does what a worker does with a file, and then what the viewer does with what a worker delivers.  Numbers of inputs
come on stdin, one a line, a line on stdout says what came of each; a process that dies leaves the last one without.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MEMORY_LIMIT = 10**9
"""Bytes that one input may take, on top of what the process has."""
_GZIP = b"\x1f\x8b"
_SUFFIXES = {"citygml": ".gml", "cityjson": ".city.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one input."""

    number: int
    kind: str
    """``read``, ``told`` (read, with diagnostics), ``refused``; or what must not be: ``failed``, ``out of memory``,
    ``died``, ``hung``."""
    words: str = ""
    """The sentence, or the traceback."""
    seconds: float = 0.0
    megabytes: float = 0.0
    """At most, on top of what the process has."""

    @property
    def is_fault(self) -> bool:
        return self.kind not in ("read", "told", "refused")


def main() -> None:
    format, is_compiled = sys.argv[1], "compiled" in sys.argv[2:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        if is_compiled:
            _compile()
        _warm_up(format, Path(folder))
        for line in sys.stdin:
            print(json.dumps(asdict(_outcome(format, int(line), Path(folder)))), file=answers)


def _compile() -> None:
    """Make ready what workers compile while they wait: from then on it is used for every file, the smallest, too."""
    from twinviewer.app.workers import WARM_FUNCTIONS

    for reference in WARM_FUNCTIONS:
        module, _, function = reference.partition(":")
        getattr(importlib.import_module(module), function)()


def _warm_up(format: str, folder: Path) -> None:
    """Read the seeds, so that everything is imported and compiled, and limit the memory from here on."""
    from tests.fuzzing.seeds import CITYGML, CITYJSON, as_text

    contents = CITYGML if format == "citygml" else [as_text(lines) for lines in CITYJSON]
    for content in contents:
        for is_placed in (False, True):
            read(format, content, folder, is_placed=is_placed)
    limit = _pages("size") + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _pages(what: str) -> int:
    """Return the bytes of this process: ``size`` of its address space, ``resident`` in memory."""
    column = ("size", "resident").index(what)
    return int(Path("/proc/self/statm").read_text().split()[column]) * resource.getpagesize()


def _highest() -> int:
    """Return the most bytes that were in memory since :func:`_forget_highest`."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _forget_highest() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _outcome(format: str, number: int, folder: Path) -> Outcome:
    from tests.fuzzing.mutations import mutated
    from twinviewer.model.errors import ReadError

    content = mutated(format, number)
    _forget_highest()
    before, began = _pages("resident"), time.perf_counter()
    try:
        layers = read(format, content, folder, is_placed=number % 2 == 1)
        found = sorted({diagnostic.code for layer in layers for diagnostic in layer.diagnostics})
        kind, words = ("told" if found else "read"), " ".join(found)
    except ReadError as error:
        kind, words = "refused", str(error)
        if not error.problem.strip().endswith((".", "?", "”", ")")):
            kind = "failed"
    except MemoryError:
        kind, words = "out of memory", traceback.format_exc()
    except BaseException:  # noqa: BLE001 – whatever it is, it is what is looked for
        kind, words = "failed", traceback.format_exc()
    took = time.perf_counter() - began
    return Outcome(number=number, kind=kind, words=words, seconds=took, megabytes=max(0, _highest() - before) / 1e6)


def read(format: str, content: bytes, folder: Path, *, is_placed: bool) -> list[Any]:
    """Return the layers that reach the viewer.

    Raises:
        ReadError: None does, and it says why.
    """
    from twinviewer import formats
    from twinviewer.api.importing import CodeLocation
    from twinviewer.formats import exchange
    from twinviewer.formats.reading import read_file
    from twinviewer.formats.request import FunctionOfPlugin, Placing, ReadRequest
    from twinviewer.model.feedback import Silent

    path = folder / f"city{_SUFFIXES[format]}{'.gz' if content.startswith(_GZIP) else ''}"
    path.write_bytes(content)
    arrays = folder / "arrays"
    arrays.unlink(missing_ok=True)
    code = CodeLocation(package="twinviewer.formats", folder=str(Path(formats.__file__).parent))
    request = ReadRequest(
        reader=FunctionOfPlugin(reference=f"twinviewer.formats.{format}:read", code=code),
        path=str(path),
        placing=Placing.FIRST if is_placed else Placing.AS_IN_FILE,
    )
    header = json.loads(json.dumps(read_file(request, [arrays], Silent())))
    return exchange.read(header, [arrays])


if __name__ == "__main__":
    main()
