"""The wheel holds everything: installed elsewhere, away from this folder, the program finds its assets and plugins."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOK_AROUND = """
import twinviewer, twinviewer.resources as resources
from twinviewer.app.plugins.registry import PluginRegistry

assert "site-packages" not in twinviewer.__file__ and "elsewhere" in twinviewer.__file__, twinviewer.__file__
registry = PluginRegistry()
assert not registry.problems, registry.problems
print(sorted(overlay.id for overlay in registry.overlays))
print(sorted(path.name for path in resources.asset("colour_maps").iterdir()))
print(len(list(resources.asset("icons").glob("*.svg"))))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it into a folder that is not the checkout's."""
    built = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = built.glob("twinviewer-*.whl")
    folder = built / "elsewhere"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_an_installed_wheel_finds_its_plugins_and_assets(installed: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOOK_AROUND],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    overlays, maps, icons = run.stdout.splitlines()
    assert overlays == "['air-quality.no2', 'air-quality.pm2-5', 'traffic.vehicles']"
    shipped = sorted(path.name for path in (ROOT / "assets" / "colour_maps").iterdir())
    assert maps == str(shipped)
    assert int(icons) == len(list((ROOT / "assets" / "icons").glob("*.svg"))) > 50


def test_an_installed_wheel_passes_its_own_check(installed: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "twinviewer", "--self-check"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert run.returncode == 0, run.stdout + run.stderr
