from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.test_settings import mutated
from twinviewer.app.journal import INTERVAL_S, Journal
from twinviewer.app.project_file import ViewState
from twinviewer.model.errors import WriteError
from twinviewer.model.project import Project

CRASHING = """
import os, signal, sys
from pathlib import Path
from twinviewer.app.journal import Journal
from twinviewer.app.project_file import ViewState
from twinviewer.model.project import LayerSource, LayerSpec, Project
source = LayerSource(path="/city/trees.gpkg", reader="r")
layer = LayerSpec(id="layer-1", kind="features", title="Trees", source=source)
project = Project(title="Old town", layers=(layer,))
Journal(Path(sys.argv[1])).write(project, view=ViewState(), path=Path("/city/p.twin"))
os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_what_a_crashed_program_had_open_is_offered(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASHING, str(tmp_path)], check=False)
    journal = Journal(tmp_path)
    (recovery,) = journal.recoverable()
    assert recovery.loaded.project.title == "Old town"
    assert recovery.loaded.project.layers[0].source.path == "/city/trees.gpkg"
    assert (recovery.project_path, recovery.layer_count) == (Path("/city/p.twin"), 1)
    journal.forget(recovery)
    assert journal.recoverable() == ()


def test_what_a_running_program_has_open_is_not_offered_to_another(tmp_path: Path) -> None:
    Journal(tmp_path).write(Project(title="mine"), view=ViewState(), path=None)
    assert Journal(tmp_path).recoverable() == ()


def test_a_clean_exit_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(Project(title="mine"), view=ViewState(), path=None)
    journal.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_journal_is_no_offer_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.journal").write_bytes(b'{"pid": 1')
    (tmp_path / "b.journal").write_bytes(b"\x00" * 100)
    assert Journal(tmp_path).recoverable() == ()


def test_an_edit_is_on_disk_within_five_seconds() -> None:
    assert INTERVAL_S < 5.0


@pytest.mark.parametrize("number", range(100))
def test_whatever_happened_to_a_journal_the_program_starts(tmp_path: Path, number: int) -> None:
    """R16: it offers the state, or nothing."""
    Journal(tmp_path).write(Project(title="mine"), view=ViewState(), path=Path("/city/p.twin"))
    (file,) = tmp_path.glob("*.journal")
    content = file.read_bytes().replace(str(os.getpid()).encode(), b"1")
    file.write_bytes(mutated(content, number))
    for recovery in Journal(tmp_path).recoverable():
        assert isinstance(recovery.loaded.project, Project)


def test_a_folder_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal")
    assert journal.recoverable() == ()
    with pytest.raises(WriteError):
        journal.write(Project(), view=ViewState(), path=None)
    journal.discard()
