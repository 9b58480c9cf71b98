"""``python -m benchmarks [--buildings N]``: print the table."""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from itertools import chain
from pathlib import Path

from benchmarks import cities, drawing, isolation, large_scene, overlays, plugins, polygons, reading, start
from benchmarks.rows import heading


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--buildings", type=int, default=1500)
    buildings: int = parser.parse_args().buildings
    logging.disable(logging.WARNING)
    print(heading())
    for row in start.rows():
        print(row, flush=True)
    for row in overlays.rows():
        print(row, flush=True)
    for row in plugins.start_rows():
        print(row, flush=True)
    for line in isolation.rows():
        print(line, flush=True)
    with tempfile.TemporaryDirectory() as profile:
        os.environ["TWINVIEWER_PROFILE_DIR"] = profile
        files = _demo_files(buildings)
        for row in chain(reading.rows(files), reading.second_opening_rows(files)):
            print(row, flush=True)
        for row in polygons.rows(next(path for path in files if path.suffix == ".gml")):
            print(row, flush=True)
        for line in cities.rows():
            print(line, flush=True)
        for row in large_scene.rows():
            print(row, flush=True)
        _draw(files, buildings)


def _demo_files(buildings: int) -> list[Path]:
    """Generate the demo city and return its files, the smallest first."""
    from twinviewer.app.demo_project import ensure_demo
    from twinviewer.model.feedback import Silent

    began = time.perf_counter()
    project = ensure_demo(buildings=buildings, feedback=Silent())
    print(f"(the demo city of {buildings:,} buildings was generated in {time.perf_counter() - began:.1f} s)")
    return sorted({Path(layer.source.path) for layer in project.layers}, key=lambda path: path.stat().st_size)


def _draw(files: list[Path], buildings: int) -> None:
    from twinviewer.ui.application import Program, make_application

    make_application()
    program = Program()
    try:
        program.window.show()
        program.pool.warm()
        read_alone_s = reading.all_of(files)
        for row in drawing.rows(program, buildings=buildings, read_alone_s=read_alone_s):
            print(row, flush=True)
    finally:
        program.end()


if __name__ == "__main__":
    main()
