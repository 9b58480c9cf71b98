"""R8: kill a program that saves without pause, again and again; the project must be readable each time.

``python -m tests.end_to_end.kill_while_saving 1000`` is what ``make soak`` runs.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from twinviewer.app.project_file import load
from twinviewer.model.errors import ProjectError

SAVER = """
import sys
from pathlib import Path
from twinviewer.app.project_file import ViewState, save
from twinviewer.model.project import LayerSource, LayerSpec, Project
layers = tuple(
    LayerSpec(id=f"layer-{i}", kind="features", title="x" * 200, source=LayerSource(path="/a", reader="r"))
    for i in range(1000)
)
n = 0
while True:
    n += 1
    save(Project(title=str(n), layers=layers), Path(sys.argv[1]), view=ViewState())
    if n == 1:
        print("ready", flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    unreadable: int
    saves: int


def kill_while_saving(folder: Path, *, kills: int, seed: int = 1) -> Outcome:
    """Return how many of ``kills`` left the project unreadable, and how many saves were seen."""
    path = folder / "p.twin"
    unreadable = saves = 0
    moments = random.Random(seed)
    for _ in range(kills):
        saver = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True)
        assert saver.stdout is not None
        saver.stdout.readline()
        time.sleep(moments.uniform(0.02, 0.15))
        saver.kill()
        saver.wait()
        saver.stdout.close()
        if path.exists():
            try:
                saves += int(load(path).project.title) > 0
            except ProjectError:
                unreadable += 1
    return Outcome(unreadable=unreadable, saves=saves)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        result = kill_while_saving(Path(name), kills=int(sys.argv[1]))
    sys.stdout.write(f"R8: {sys.argv[1]} kills while saving: {result.unreadable} unreadable, {result.saves} readable\n")
    sys.exit(result.unreadable > 0)
