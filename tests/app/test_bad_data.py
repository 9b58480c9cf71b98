"""Real broken files, opened together with a good one: each is told or shown, none costs anything else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.app.test_opening import Desk
from tests.crowding import allowed_s
from twinviewer.app.opening import Phase
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.soundness import check
from twinviewer.model.layer_data import PointCloud
from twinviewer.model.place import Extent

pytestmark = pytest.mark.data

LONGEST_S = 10.0
"""R2: every file ends so soon, whatever it is."""

REFUSED = {
    "citygml/TestCaseOfInvalidFileNameGml.gml",
    "citygml/invalid_indoorgml_1.gml",
    "cityjson/completely_empty.json",
    "fgb/topp_states.fgb",
    "geoparquet/random_nogeom.parquet",
    "gtfs-rt/invalid.pb",
    "las/1.2-no-points.las",
    "laz/pdrf7-v4-1.4.laz",
    "laz/simple-laszip-compressor-version-1.2r0.laz",
}
"""Of these nothing can be shown, says the README beside them."""
SHOWN_IN_PART = {
    "citygml/plateau-unbound-prefix/53392642_bldg_6697_op2.gml": "xml.prefix-undeclared",
    "cityjson/unclosedbracket.city.jsonl": "cityjson.line-",
    "geotiff/corrupt.tif": "raster.damaged",
    "las/1.2-with-color-clipped.las": "points.missing",
    "las/garbage_nVariableLength.las": "header.vlr-count",
}
"""Of these something can, and the finding begins so."""


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=2)
    yield with_workers
    with_workers.close()


def opened(pool: WorkerPool, path: Path) -> tuple[Desk, float]:
    """Open a file in a project of its own; return what came of it, and how long it took."""
    desk = Desk(pool)
    began = time.monotonic()
    desk.open(path)
    return desk, time.monotonic() - began


def bad_files(city_data: Path) -> list[Path]:
    return [
        path
        for path in sorted((city_data / "bad").rglob("*"))
        if path.is_file() and path.suffix not in (".prj", ".shx", ".dbf", ".b3dm", ".png", ".jpg")
    ]


def test_every_broken_file_is_shown_as_far_as_it_goes_or_told_in_a_sentence(city_data: Path, pool: WorkerPool) -> None:
    for path in bad_files(city_data):
        desk, took_s = opened(pool, path)
        name = str(path.relative_to(city_data / "bad"))
        assert took_s < allowed_s(LONGEST_S), name
        assert not {"bug", "read.worker-died", "plugin"} & set(desk.told), f"{name}: {desk.problems.problems}"
        assert all(problem.problem.endswith((".", "?", "”")) and problem.source for problem in desk.problems.problems)
        assert desk.titles or desk.told, f"{name}: neither shown nor told"
        for layer in desk.session.project.layers:
            data = desk.session.store.get(layer.id)
            assert data is not None
            check(data)
        desk.opener.close()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_of_these_nothing_can_be_shown(city_data: Path, pool: WorkerPool, name: str) -> None:
    desk, _ = opened(pool, city_data / "bad" / name)
    assert desk.titles == []
    (problem,) = desk.problems.problems
    assert problem.code.startswith("read")
    assert problem.cure


@pytest.mark.parametrize("name", sorted(SHOWN_IN_PART))
def test_of_these_what_is_whole_is_shown_and_the_rest_is_told(city_data: Path, pool: WorkerPool, name: str) -> None:
    desk, _ = opened(pool, city_data / "bad" / name)
    assert len(desk.titles) == 1
    assert any(code.startswith(SHOWN_IN_PART[name]) for code in desk.told), desk.told


def test_among_broken_files_a_good_one_opens_in_its_place(city_data: Path, pool: WorkerPool) -> None:
    """The counts and bounds of the good one are the README's."""
    desk = Desk(pool)
    desk.open(city_data / "las" / "autzen-bmx-2010.las", *bad_files(city_data)[::3])
    (good,) = [layer for layer in desk.session.project.layers if layer.title == "autzen-bmx-2010"]
    assert desk.opener.state(good.id).phase is Phase.READY
    data = desk.session.store.get(good.id)
    assert isinstance(data, PointCloud)
    assert data.read_count == 829
    assert isinstance(data.extent, Extent)
    bounds = data.extent.as_tuple()
    np.testing.assert_allclose((*bounds[:2], *bounds[3:5]), (194472.8, 259222.2, 194506.9, 259264.1), atol=0.06)
    assert "bug" not in desk.told
    desk.opener.close()
