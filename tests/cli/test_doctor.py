from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from tests.cli.conftest import CommandLine, Program
from twinviewer.app import diagnosis
from twinviewer.app.diagnosis import Health, checked
from twinviewer.isolation import landlock


@pytest.mark.parametrize("on_screen", [True, False], ids=["with a display", "without"])
def test_doctor_says_what_works(on_screen: bool, program: Program) -> None:
    done = program("doctor", display=os.environ.get("DISPLAY") if on_screen else None)
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line[8:24].strip(): line for line in done.stdout.splitlines() if line.startswith("  ")}
    for subject in ("CityGML", "CityJSON", "LAS", "LAZ, COPC", "Map layers", "GeoTIFF", "Meshes", "Worker", "PROJ"):
        assert lines[subject].startswith("  ok"), lines[subject]
    for subject in ("Air quality", "Traffic", "Settings", "Log", "Assets", "OpenGL", "Qt"):
        assert not lines[subject].startswith("  fails"), lines[subject]
    assert lines["Permissions"].startswith("  ok" if landlock.version() else "  note")
    assert "GPKG, ESRI Shapefile, GeoJSON, FlatGeobuf" in lines["Map layers"]
    assert ("xcb" if on_screen else "no display") in lines["Display"]


def test_what_is_broken_is_told_with_its_reason_and_the_rest_is_looked_at(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_decoder(name: str) -> object:
        if name == "lazrs":
            raise ImportError("lazrs is not there")
        return imported(name)

    imported = diagnosis.importlib.import_module
    monkeypatch.setattr(diagnosis.importlib, "import_module", no_decoder)
    monkeypatch.setattr("twinviewer.cli.doctor._picture_checks", tuple)
    monkeypatch.setattr("twinviewer.cli.doctor._window_checks", tuple)
    status, out, err = command_line("doctor")
    assert (status, err) == (1, "")
    failing: Sequence[str] = [line for line in out.splitlines() if line.startswith("  fails")]
    assert len(failing) == 1
    assert "LAZ, COPC" in failing[0]
    assert "lazrs is not there" in failing[0]
    assert "PROJ" in out


def test_a_check_that_breaks_is_a_check_that_fails() -> None:
    def broken() -> str:
        raise ZeroDivisionError("no")

    assert checked("Thing", broken).health is Health.FAILS
    assert checked("Thing", lambda: "works").health is Health.OK
