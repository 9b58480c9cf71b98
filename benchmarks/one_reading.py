"""``python -m benchmarks.one_reading PROCESSORS PATH``: read a city model in this process and tell what it took.

A line of JSON: seconds, the objects and triangles that were read, the bytes of the arrays, and the most bytes of
memory beyond them.  Everything is imported and compiled before, by reading the file once.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    processors, path = int(sys.argv[1]), Path(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:processors]))
    from twinviewer.model.feedback import Silent

    reader = importlib.import_module(f"twinviewer.formats.{'cityjson' if 'json' in path.name else 'citygml'}")
    reader.read(path=path, feedback=Silent())
    gc.collect()
    before = _resident()
    Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter()
    (model,) = reader.read(path=path, feedback=Silent())
    took_s = time.perf_counter() - began
    result = _size(model)
    told = {
        "seconds": took_s,
        "objects": len(model.object_ids),
        "triangles": len(model.triangles),
        "result": result,
        "beyond": max(0, _highest() - before - result),
    }
    print(json.dumps(told))


def _size(value: Any) -> int:
    """Return the bytes of all arrays inside."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, tuple):
        return sum(map(_size, value))
    if dataclasses.is_dataclass(value):
        return sum(_size(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _highest() -> int:
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
