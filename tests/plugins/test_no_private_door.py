"""What is built in and what is bundled comes in by a plugin's door: copies outside the tree do all that they do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli import sample_files
from tests.conftest import ROOT
from twinviewer.api.importing import package_name
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData, PointCloud

COPY = "copied-formats"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin folder with the built-in contributions under another id, their code taken along."""
    root = tmp_path_factory.mktemp("plugins")
    folder = root / "copied_formats"
    shutil.copytree(ROOT / "twinviewer/formats", folder, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = (folder / "plugin.toml").read_text()
    manifest = manifest.replace('id = "twinviewer', f'id = "{COPY}').replace('"twinviewer.formats.', '"')
    (folder / "plugin.toml").write_text(manifest)
    here = package_name(COPY, folder)
    for module in folder.rglob("*.py"):
        module.write_text(module.read_text().replace("twinviewer.formats", here))
    return root


@pytest.fixture(scope="module")
def sources(copied: Path) -> Iterator[Sources]:
    pool = WorkerPool(size=1)
    registry = PluginRegistry(folders=[copied])
    assert registry.problems == ()
    yield Sources(registry=registry, pool=pool, point_budget=lambda: 50)
    pool.close()


def test_the_copy_contributes_what_the_built_in_plugin_does(sources: Sources) -> None:
    registry = sources.registry
    ours = [each for each in registry.readers if registry.plugin_of(each.id).origin is PluginOrigin.BUILT_IN]
    copies = [each for each in registry.readers if registry.plugin_of(each.id).id == COPY]
    assert [(each.title, each.patterns, each.kinds, each.max_points) for each in ours] == [
        (each.title, each.patterns, each.kinds, each.max_points) for each in copies
    ]
    assert len(ours) >= 6


@pytest.mark.parametrize("kind", ["citygml", "las", "vector", "geotiff"])
def test_a_copied_reader_reads_the_same_from_outside_the_tree(sources: Sources, tmp_path: Path, kind: str) -> None:
    path = {
        "citygml": lambda: sample_files.write_city(tmp_path / "city.gml"),
        "las": lambda: sample_files.write_points(tmp_path / "points.laz"),
        "vector": lambda: sample_files.write_squares(tmp_path / "map.gpkg"),
        "geotiff": lambda: sample_files.write_terrain(tmp_path / "terrain.tif"),
    }[kind]()
    layers = []
    for plugin in ("twinviewer", COPY):
        reader = sources.registry.reader(f"{plugin}.{kind}")
        assert reader is not None
        layers.append(sources.read(sources.request(path, reader), reader, Silent()).layers)
    for ours, copy in zip(*layers, strict=True):
        assert_equal(ours, copy)
        assert not isinstance(copy, PointCloud) or len(copy.positions) <= 50, "a plugin's reader hears the budget, too"


def assert_equal(ours: LayerData, copy: LayerData) -> None:
    assert type(ours) is type(copy)
    for name in type(ours).__dataclass_fields__:
        value, other = getattr(ours, name), getattr(copy, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other)
        elif name not in ("attributes", "source"):
            assert value == other, name


def test_bundled_plugins_are_the_same_from_a_folder_of_the_user(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "plugins", tmp_path / "plugins")
    bundled, copies = PluginRegistry(folders=[ROOT / "plugins"]), PluginRegistry(folders=[tmp_path / "plugins"])
    assert copies.problems == ()
    assert {plugin.id: plugin.manifest for plugin in bundled.plugins} == {
        plugin.id: plugin.manifest for plugin in copies.plugins
    }
