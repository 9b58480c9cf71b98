"""A plugin whose libraries contradict ours: from a project to a wheel, installed, run apart, updated, removed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from packaging.version import Version

from tests.app.plugins.small_wheels import write_wheel
from tests.plugins import sites
from twinviewer.app.folders import cache_dir, plugin_data_dir
from twinviewer.app.plugins import installing
from twinviewer.app.plugins.finding import user_plugins
from twinviewer.app.plugins.installing import Installed
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.drawing import Labels, PlaceGlyphs
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.model.observation import ObservationBatch, ObservationFrame

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pip") is None or importlib.util.find_spec("hatchling") is None,
    reason="building a wheel needs pip and hatchling",
)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FAKE_SHAPELY = "0.0.7"

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "twinviewer-gauges"
version = "{version}"
requires-python = ">=3.11"
dependencies = ["twinviewer", "{requirement}"]

[project.entry-points."twinviewer.plugins"]
gauges = "twinviewer_gauges"

[tool.hatch.build.targets.wheel]
packages = ["src/twinviewer_gauges"]
"""
MANIFEST = """
api = 1
id = "gauges"
name = "Gauges"
version = "{version}"
licence = "CC0-1.0"

[[overlays]]
id = "gauges.level"
title = "Water level"
feed = "river:measure"
encode = "river:show"
period_s = 60

[[readers]]
id = "gauges.file"
title = "Gauges"
patterns = ["*.gauges"]
read = "river:read"
"""
CODE = """
import os
import {library}
import numpy as np
from twinviewer.api import (
    ColourScale, GlyphShape, Labels, ObservationBatch, ObservedProperty, PlaceGlyphs, SourceFacts, Thing, TriangleMesh
)

SAW = "{library} " + {library}.__version__ + ", process " + str(os.getpid()) + ", plugin {version}"
LEVEL = ObservedProperty(name="Water level", unit="m")
SCALE = ColourScale(title="Water level", unit="m", colour_map="viridis", value_range=(0, 10))


def measure(*, site, start, end, feedback):
    x, y, _ = site.extent.centre
    bridge = Thing(id="bridge", name=SAW, position=(x, y, float(site.ground_height(np.array([[x, y]]))[0])))
    times = np.arange(np.ceil(start.timestamp() / 60), np.ceil(end.timestamp() / 60)) * 60.0
    return [ObservationBatch(property=LEVEL, things=(bridge,), thing=np.zeros(len(times), np.int32),
                             phenomenon_time_s=times, results=times % 7)]


def show(*, frames, site):
    return [
        request
        for frame in frames
        for request in (
            PlaceGlyphs(shape=GlyphShape.PIN, positions=frame.positions, values=frame.results, scale=SCALE, size_m=20.0,
                        ids=[thing.name for thing in frame.things]),
            Labels(positions=frame.positions, texts=[SAW] * len(frame.positions)),
        )
    ]


def read(*, path, feedback):
    vertices = np.array([float(word) for word in path.read_text().split()]).reshape(-1, 3)
    return [TriangleMesh(source=SourceFacts(format="Gauges", title=SAW), crs=None, vertices=vertices,
                         triangles=np.array([[0, 1, 2]], np.int32), vertex_rgb=None)]
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the two functions of the plugin said of where they ran."""

    library: str
    process: int
    plugin: str


def build(project: Path, *, version: str, requirement: str, library: str) -> Path:
    """Write a project and build its wheel as an author does."""
    package = project / "src" / "twinviewer_gauges"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT.format(version=version, requirement=requirement))
    (package / "__init__.py").write_text("")
    (package / "plugin.toml").write_text(MANIFEST.format(version=version))
    (package / "river.py").write_text(CODE.format(version=version, library=library))
    out = project / "dist"
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*command, "-w", str(out), str(project)], check=True, capture_output=True, timeout=120)
    (wheel,) = out.iterdir()
    return wheel


def put(wheel: Path) -> Installed:
    return installing.install(wheel, plugins=PluginRegistry().plugins, feedback=Silent())


def run(registry: PluginRegistry) -> Seen:
    """Call feed and encode as the viewer does, check what comes back, and return what they saw."""
    overlay = registry.overlay("gauges.level")
    assert overlay is not None
    town = sites.grid_town(2)
    batches = registry.call(
        overlay.id,
        overlay.feed,
        {"site": town, "start": NOON, "end": NOON + timedelta(minutes=5), "feedback": Silent()},
        check=checked_batches,
    )
    (batch,) = batches
    assert isinstance(batch, ObservationBatch)
    times = NOON.timestamp() + 60 * np.arange(5)
    np.testing.assert_array_equal(batch.phenomenon_time_s, times)
    np.testing.assert_array_equal(batch.results, times % 7)
    (bridge,) = batch.things
    assert bridge.position[:2] == town.extent.centre[:2]
    frame = ObservationFrame(
        instant=NOON,
        property=batch.property,
        things=batch.things,
        positions=np.array([bridge.position]),
        results=batch.results[-1:],
        age_s=np.zeros(1),
        stale=np.zeros(1, bool),
    )
    glyphs, labels = registry.call(
        overlay.id, overlay.encode, {"frames": [frame], "site": town}, check=checked_requests
    )
    assert isinstance(glyphs, PlaceGlyphs)
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(glyphs.positions, [bridge.position])
    assert list(glyphs.ids or ()) == [bridge.name]
    assert list(labels.texts) == [bridge.name], "feed and encode ran in one process, with the same libraries"
    return seen(bridge.name)


def read_file(registry: PluginRegistry, path: Path) -> Seen:
    """Read a file with the plugin's reader as the viewer does, and return what that saw."""
    path.write_text("0 0 0 1 0 0 0 1 0")
    pool = WorkerPool(size=1)
    try:
        sources = Sources(registry=registry, pool=pool)
        reader = sources.reader_for(path, Silent())
        (mesh,) = sources.read(sources.request(path, reader), reader, Silent()).layers
    finally:
        pool.close()
    assert isinstance(mesh, TriangleMesh)
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    return seen(mesh.source.title)


def seen(words: str) -> Seen:
    library, process, plugin = words.split(", ")
    return Seen(library, int(process.removeprefix("process ")), plugin.removeprefix("plugin "))


def installed_distributions() -> dict[str, str]:
    return {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}


@pytest.fixture
def registries() -> Iterator[list[PluginRegistry]]:
    """Registries whose processes end with the test."""
    made: list[PluginRegistry] = []
    yield made
    for registry in made:
        registry.close()


def live_through_it(
    tmp_path: Path, registries: list[PluginRegistry], *, library: str, requirement: str, version: str
) -> None:
    """Install, run, update, run and remove; nothing of ours is any different afterwards."""
    before = installed_distributions()
    modules = set(sys.modules)
    first = put(build(tmp_path / "one", version="1.0.0", requirement=requirement, library=library))
    assert first.plugin.isolated
    registries.append(PluginRegistry())
    saw = run(registries[-1])
    assert saw.library == f"{library} {version}"
    assert saw.process != os.getpid()
    assert saw.plugin == "1.0.0"
    assert read_file(registries[-1], tmp_path / "a.gauges").library == saw.library
    (plugin_data_dir("gauges") / "kept").write_text("kept")

    second = put(build(tmp_path / "two", version="1.1.0", requirement=requirement, library=library))
    assert second.replaced is not None
    registries[-1].reload("gauges")
    updated = run(registries[-1])
    assert (updated.library, updated.plugin) == (saw.library, "1.1.0")
    assert updated.process != saw.process
    assert (plugin_data_dir("gauges") / "kept").read_text() == "kept"
    assert len([each for each in (cache_dir() / "environments").iterdir() if each.is_dir()]) == 1, "both share one"

    registry = registries[-1]
    installing.remove(registry.plugin("gauges"), plugins=registry.plugins, choices=registry.choices)
    registry.remove("gauges")
    assert PluginRegistry().overlay("gauges.level") is None
    assert list(user_plugins().iterdir()) == []
    assert not [each for each in (cache_dir() / "environments").iterdir() if each.is_dir()]
    assert installed_distributions() == before
    assert not [name for name in set(sys.modules) - modules if "gauges" in name], "none of its code came in here"


def our_numpy_as_wheel(folder: Path) -> None:
    """Pack the numpy that is installed here into a wheel: an index for machines without a network."""
    distribution = importlib.metadata.distribution("numpy")
    assert distribution.files is not None
    parts = [each for each in distribution.files if ".." not in each.parts and "__pycache__" not in each.parts]
    wheel_tag = next(
        line.partition(": ")[2] for line in (distribution.read_text("WHEEL") or "").splitlines() if line[:4] == "Tag:"
    )
    folder.mkdir(parents=True, exist_ok=True)
    record = []
    with zipfile.ZipFile(folder / f"numpy-{distribution.version}-{wheel_tag}.whl", "w") as wheel:
        for part in parts:
            if part.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json") or "tests" in part.parts:
                continue
            content = Path(str(distribution.locate_file(part))).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{part},sha256={digest},{len(content)}\n")
            wheel.writestr(str(part), content)
        name = f"numpy-{distribution.version}.dist-info/RECORD"
        wheel.writestr(name, "".join(record) + f"{name},,\n")


def test_a_wheel_that_requires_another_version_of_one_of_our_libraries(
    tmp_path: Path, registries: list[PluginRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Version(shapely.__version__) > Version(FAKE_SHAPELY)
    index = tmp_path / "index"
    write_wheel(
        index,
        name="shapely",
        version=FAKE_SHAPELY,
        files={"shapely/__init__.py": f"__version__ = {FAKE_SHAPELY!r}\n"},
    )
    our_numpy_as_wheel(index)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    live_through_it(tmp_path, registries, library="shapely", requirement="shapely<1", version=FAKE_SHAPELY)


def test_a_wheel_that_requires_an_older_numpy_from_the_package_index(
    tmp_path: Path, registries: list[PluginRegistry]
) -> None:
    assert Version(np.__version__) >= Version("2")
    if sys.version_info >= (3, 13):
        pytest.skip("numpy 1.26 has no wheels for this Python")
    try:
        live_through_it(tmp_path, registries, library="numpy", requirement="numpy==1.26.4", version="1.26.4")
    except PluginError as error:
        if "index does not answer" in error.problem:
            pytest.skip("the package index cannot be reached")
        raise
