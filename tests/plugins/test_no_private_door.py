"""What is built in and what is bundled comes in by a plugin's door: copies outside the tree do all that they do."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli import sample_files
from tests.conftest import ROOT
from twinviewer.api.importing import package_name
from twinviewer.app.exporting import Exports
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData, PointCloud, kind_of

COPY = "copied-formats"
ENDING = ".copied"
"""Before the endings of files that the copies write, so that an ending says who is to write."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin folder with the built-in contributions under another id, their code taken along."""
    root = tmp_path_factory.mktemp("plugins")
    folder = root / "copied_formats"
    shutil.copytree(ROOT / "twinviewer/formats", folder, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = (folder / "plugin.toml").read_text()
    manifest = manifest.replace('id = "twinviewer', f'id = "{COPY}').replace('"twinviewer.formats.', '"')
    manifest = re.sub(
        r"^endings = .*$", lambda line: line[0].replace('".', f'"{ENDING}.'), manifest, flags=re.MULTILINE
    )
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
    registry.close()


def test_the_copy_contributes_what_the_built_in_plugin_does(sources: Sources) -> None:
    registry = sources.registry
    ours = [each for each in registry.readers if registry.plugin_of(each.id).origin is PluginOrigin.BUILT_IN]
    copies = [each for each in registry.readers if registry.plugin_of(each.id).id == COPY]
    assert [(each.title, each.patterns, each.kinds, each.max_points) for each in ours] == [
        (each.title, each.patterns, each.kinds, each.max_points) for each in copies
    ]
    assert len(ours) >= 6
    our_writers = [each for each in registry.writers if registry.plugin_of(each.id).origin is PluginOrigin.BUILT_IN]
    copied_writers = [each for each in registry.writers if registry.plugin_of(each.id).id == COPY]
    assert [(each.title, each.endings, each.kinds, each.several, each.crs) for each in our_writers] == [
        (each.title, tuple(ending.removeprefix(ENDING) for ending in each.endings), each.kinds, each.several, each.crs)
        for each in copied_writers
    ]
    assert len(our_writers) >= 10


def sample(folder: Path, kind: str) -> Path:
    return {
        "citygml": lambda: sample_files.write_city(folder / "city.gml"),
        "las": lambda: sample_files.write_points(folder / "points.laz"),
        "vector": lambda: sample_files.write_squares(folder / "map.gpkg"),
        "geotiff": lambda: sample_files.write_terrain(folder / "terrain.tif"),
    }[kind]()


def layers_in(path: Path, reader_id: str, sources: Sources) -> tuple[LayerData, ...]:
    reader = sources.registry.reader(reader_id)
    assert reader is not None
    return sources.read(sources.request(path, reader), reader, Silent()).layers


@pytest.mark.parametrize("kind", ["citygml", "las", "vector", "geotiff"])
def test_a_copied_reader_reads_the_same_from_outside_the_tree(sources: Sources, tmp_path: Path, kind: str) -> None:
    path = sample(tmp_path, kind)
    layers = [layers_in(path, f"{plugin}.{kind}", sources) for plugin in ("twinviewer", COPY)]
    for ours, copy in zip(*layers, strict=True):
        assert_equal(ours, copy)
        assert not isinstance(copy, PointCloud) or len(copy.positions) <= 50, "a plugin's reader hears the budget, too"


def test_copied_writers_write_the_same_from_outside_the_tree(sources: Sources, tmp_path: Path) -> None:
    """In one go: the process of the plugin may write below the home that the first of its calls saw."""
    exports = Exports(registry=sources.registry, pool=sources.pool)
    for kind, ending, reader in (
        ("citygml", ".city.json", "cityjson"),
        ("las", ".las", "las"),
        ("vector", ".gpkg", "vector"),
        ("geotiff", ".tif", "geotiff"),
    ):
        layers = layers_in(sample(tmp_path, kind), f"twinviewer.{kind}", sources)[:1]
        paths = [tmp_path / f"file{middle}{ending}" for middle in ("", ENDING)]
        writers = [exports.writer_for(path, [kind_of(layers[0])]) for path in paths]
        assert [sources.registry.plugin_of(writer.id).id for writer in writers] == ["twinviewer", COPY]
        told = [exports.write(path, layers, feedback=Silent()).diagnostics for path in paths]
        assert told[0] == told[1]
        ours, copies = (layers_in(path, f"twinviewer.{reader}", sources) for path in paths)
        for our, copy in zip(ours, copies, strict=True):
            assert_equal(our, copy)


def assert_equal(ours: Any, copy: Any) -> None:
    assert type(ours) is type(copy)
    for name in type(ours).__dataclass_fields__:
        value, other = getattr(ours, name), getattr(copy, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other)
        elif is_dataclass(value):
            assert_equal(value, other)
        elif name != "attributes":
            assert value == other, name


def test_nothing_above_imports_a_reader_or_a_writer() -> None:
    """What is built in is reached through the manifest alone; only what all formats share is imported."""
    (built_in,) = PluginRegistry(folders=[]).plugins
    behind_the_door = {
        reference.partition(":")[0]
        for contribution in built_in.manifest.contributions
        for reference in contribution.functions
    }
    assert {"twinviewer.formats.las", "twinviewer.formats.las_writer"} <= behind_the_door
    for package in ("app", "ui", "cli", "scene", "testing", "scripting.py"):
        place = ROOT / "twinviewer" / package
        for path in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = {each.name for each in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
                if isinstance(node, ast.ImportFrom):
                    names = {str(node.module), *(f"{node.module}.{name}" for name in names)}
                assert names & behind_the_door == set(), path


def test_bundled_plugins_are_the_same_from_a_folder_of_the_user(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "plugins", tmp_path / "plugins")
    bundled, copies = PluginRegistry(folders=[ROOT / "plugins"]), PluginRegistry(folders=[tmp_path / "plugins"])
    assert copies.problems == ()
    assert {plugin.id: plugin.manifest for plugin in bundled.plugins} == {
        plugin.id: plugin.manifest for plugin in copies.plugins
    }
