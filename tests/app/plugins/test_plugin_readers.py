"""Readers of plugins, which run in worker processes, wait for consent, get settings, and are read anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from twinviewer.app.plugins.choices import ConsentNeededError
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.errors import UnsupportedFormatError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import TriangleMesh

MANIFEST = """
api = 1
id = "dots"
name = "Dots"
version = "1"
licence = "CC0-1.0"
isolated = false
[[settings]]
key = "count"
title = "Count"
type = "integer"
default = 2
[[readers]]
id = "dots.dots"
title = "Dots"
patterns = ["*.dots"]
read = "dots:read"
probe = "dots:probe"
"""
CODE = """
import os
from pathlib import Path

import numpy as np
from twinviewer.api import SourceFacts, TriangleMesh

Path({trace!r}).touch()


def probe(*, path):
    return 1.0


def read(*, path, feedback, settings):
    n = settings["count"]
    return [
        TriangleMesh(
            source=SourceFacts(format={title!r}, title="TWINVIEWER_SECRET_RAIN_TOKEN" in os.environ and "leaked" or ""),
            crs=None,
            vertices=np.zeros((3 * n, 3)),
            triangles=np.arange(3 * n, dtype=np.int32).reshape(n, 3),
            vertex_rgb=None,
        )
    ]
"""


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(size=1)
    yield pool
    pool.close()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What is there once the plugin's code has run."""
    return tmp_path / "trace"


@pytest.fixture
def folder(own_profile: Path, trace: Path) -> Path:
    folder = own_profile / "data" / "plugins" / "dots"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST)
    (folder / "dots.py").write_text(CODE.format(trace=str(trace), title="old"))
    return folder


def read(sources: Sources, path: Path) -> TriangleMesh:
    reader = sources.reader_for(path, Silent())
    (layer,) = sources.read(sources.request(path, reader), reader, Silent()).layers
    assert isinstance(layer, TriangleMesh)
    return layer


def test_a_reader_waits_for_consent_gets_settings_and_is_read_anew(
    tmp_path: Path, pool: WorkerPool, folder: Path, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINVIEWER_SECRET_RAIN_TOKEN", "of another plugin")
    registry = PluginRegistry()
    sources = Sources(registry=registry, pool=pool)
    file, other = tmp_path / "a.dots", tmp_path / "a.unknown"
    for path in (file, other):
        path.write_text("dots")

    with pytest.raises(ConsentNeededError):
        read(sources, file)
    with pytest.raises(UnsupportedFormatError):
        read(sources, other)
    assert not trace.exists(), "not even its probe was run"

    registry.accept("dots")
    assert len(read(sources, other).triangles) == 2
    registry.save_settings("dots", {"count": 5})
    layer = read(sources, file)
    assert (len(layer.triangles), layer.source.format, layer.source.title) == (5, "old", "")

    (folder / "dots.py").write_text(CODE.format(trace=str(trace), title="new"))
    registry.reload("dots")
    assert read(sources, file).source.format == "new"

    registry.set_enabled("dots", False)
    with pytest.raises(UnsupportedFormatError):
        read(sources, file)
