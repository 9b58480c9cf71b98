"""What every contribution promises, ours or not, built in or not: tried as authors try theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from twinviewer.api.importing import import_function
from twinviewer.app.plugins.conformance.checking import check_plugin
from twinviewer.app.plugins.conformance.plugin_code import PluginCode
from twinviewer.app.plugins.conformance.trial import ROLES, functions
from twinviewer.app.plugins.conformance.trial_files import GARBAGE
from twinviewer.app.plugins.conformance.verdicts import Outcome
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Silent

BUNDLED = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/plugin.toml"))
READERS = [reader.id for reader in PluginRegistry(folders=[]).readers]
TABLES = {"overlays", "layers", "analyses", "panels", "readers", "writers", "commands"}


def example_of_the_docs(folder: Path) -> Path:
    """Write the files that docs/plugins.md shows, as it shows them."""
    text = (ROOT / "docs/plugins.md").read_text()
    home = folder / "example"
    home.mkdir(parents=True)
    for name, content in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (home / name).write_text(content)
    assert sorted(path.name for path in home.iterdir()) == ["plugin.toml", "thermometers.py"]
    return home


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_plugin_conforms_without_a_warning(name: str) -> None:
    report = check_plugin(ROOT / "plugins" / name)
    assert [finding for finding in report.findings if finding.outcome is not Outcome.PASSED] == []
    assert report.conforms


def test_the_example_of_the_docs_conforms(tmp_path: Path) -> None:
    """It is short: it has no README, no docstrings and no types."""
    report = check_plugin(example_of_the_docs(tmp_path))
    assert [finding for finding in report.findings if finding.outcome is Outcome.FAILED] == []


def test_there_are_bundled_plugins_to_check() -> None:
    assert {"air_quality", "traffic"} <= set(BUNDLED)


def test_all_kinds_of_code_that_a_manifest_can_name_are_tried() -> None:
    assert set(ROLES) == TABLES


def built_in() -> list[tuple[str, str]]:
    (plugin,) = (each for each in PluginRegistry(folders=[]).plugins if each.origin is PluginOrigin.BUILT_IN)
    return [(table, each.id) for table in ROLES for each in getattr(plugin.manifest, table)]


@pytest.mark.parametrize(("table", "contribution_id"), built_in())
def test_built_in_functions_are_there_typed_and_take_their_arguments_by_keyword(
    registry: PluginRegistry, tmp_path: Path, table: str, contribution_id: str
) -> None:
    plugin = registry.plugin_of(contribution_id)
    (contribution,) = (each for each in plugin.manifest.contributions if each.id == contribution_id)
    code = PluginCode(location=plugin.code, settings=(), examples=(), scratch=tmp_path)
    verdicts = functions(code, contribution.model_dump(), ROLES[table])
    assert [verdict for verdict in verdicts if verdict.outcome is not Outcome.PASSED] == []


# --- built-in readers, in a worker as always ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registry() -> PluginRegistry:
    return PluginRegistry(folders=[])


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=1)
    yield with_workers
    with_workers.close()


@pytest.mark.parametrize("reader_id", READERS)
def test_a_reader_says_in_words_that_garbage_is_not_its_own(
    registry: PluginRegistry, pool: WorkerPool, tmp_path: Path, reader_id: str
) -> None:
    """A bare exception or a dead worker counts as a failure here."""
    reader = registry.reader(reader_id)
    assert reader is not None
    sources = Sources(registry=registry, pool=pool)
    for number, (what, content) in enumerate(GARBAGE.items()):
        path = tmp_path / reader.patterns[0].replace("*", f"garbage-{number}")
        path.write_bytes(content)
        with pytest.raises(TwinViewerError) as caught:
            pool.read(sources.request(path, reader), Silent())
        assert caught.value.code.startswith("read"), f"{what}: {caught.value!r}"
        assert caught.value.code != "read.worker-died", what


@pytest.mark.parametrize("reader_id", [reader for reader in READERS if PluginRegistry(folders=[]).reader(reader).probe])
def test_a_probe_answers_whatever_the_file(registry: PluginRegistry, tmp_path: Path, reader_id: str) -> None:
    reader = registry.reader(reader_id)
    assert reader is not None
    assert reader.probe is not None
    probe = import_function(reader.probe, code=registry.plugin_of(reader_id).code)
    path = tmp_path / "file"
    for content in GARBAGE.values():
        path.write_bytes(content)
        assert 0.0 <= probe(path=path) <= 1.0
