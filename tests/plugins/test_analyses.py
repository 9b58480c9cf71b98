"""The bundled analyses against closed forms: planes and cones for contours, houses of known height for heights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.formats import small_layers
from tests.plugins import sites
from tests.plugins.conftest import plugin_module
from twinviewer.app.analysing import Findings, analyse, checked_parameters
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import AnalysisContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.site import SessionSite
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.drawing import ColourObjects, Labels
from twinviewer.model.errors import TwinViewerError, UsageError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import FeatureTable, TerrainGrid


@pytest.fixture(scope="module")
def registry() -> Iterator[PluginRegistry]:
    registry = PluginRegistry(folders=[ROOT / "plugins"])
    yield registry
    registry.close()


def run(registry: PluginRegistry, analysis_id: str, site: SessionSite, **parameters: Any) -> Findings:
    analysis = registry.contribution(analysis_id, AnalysisContribution)
    assert analysis is not None
    shapes = ShapeFiles(Sources(registry=registry, pool=WorkerPool()))  # whose workers nobody needs
    arguments = checked_parameters(analysis, parameters)
    return analyse(registry, analysis, site, arguments, shapes=shapes, feedback=Silent())


# --- building heights -----------------------------------------------------------------------------------------------


@pytest.fixture
def town() -> SessionSite:
    """Nine houses on the slope of the test town, each as high in metres as its number plus ten, and a tree."""
    site = sites.grid_town(3)
    (layers,) = ([data for _, data in site._layers],)
    model = next(data for data in layers if hasattr(data, "object_ids"))
    vertices = model.vertices.copy()
    owner = np.repeat(model.surface_object[model.triangle_surface], 3)
    middle = np.array([vertices[owner == number].mean(axis=0) for number in range(len(model.object_ids))])
    ground = sites.slope(middle[:, :2])
    vertices[::3, 2] = ground[owner[::3]]  # the ground at the house's centre …
    vertices[1::3, 2] = ground[owner[1::3]]
    vertices[2::3, 2] = ground[owner[2::3]] + 10 + owner[2::3]  # … and the ridge
    houses = replace(model, vertices=vertices)
    return sites.site(buildings=houses, terrain=True, side_m=3 * sites.BLOCK_M)


def test_buildings_are_measured_from_the_ground(registry: PluginRegistry, town: SessionSite) -> None:
    found = run(registry, "building-heights.above-ground", town, high_m=15)
    (colours,) = found.requests
    assert isinstance(colours, ColourObjects)
    heights = dict(zip(colours.object_ids, colours.values, strict=True))
    assert heights.keys() == {f"house-{number}" for number in range(8)}, "the tree is none"
    for number in range(8):
        assert heights[f"house-{number}"] == pytest.approx(10 + number, abs=0.01)
    summary, listed = found.tables
    assert [value for _, value in summary.rows] == ["8", "10.0 m", "13.5 m", "17.0 m", "3"]
    assert listed.object_ids[0] == listed.rows[0][0] == "house-7"
    assert [row[2] for row in listed.rows] == sorted((row[2] for row in listed.rows), reverse=True)


def test_where_there_are_no_buildings_a_sentence_says_so(registry: PluginRegistry) -> None:
    with pytest.raises(TwinViewerError, match="no buildings"):
        run(registry, "building-heights.above-ground", sites.site(terrain=True))


def test_the_bundled_analysis_of_heights_stays_an_example() -> None:
    assert len((ROOT / "plugins/building_heights/heights.py").read_text().splitlines()) <= 30


# --- contours -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracing() -> ModuleType:
    plugin_module("contours", "contours:draw")
    return plugin_module("contours", "tracing:Surface")


def test_the_contours_of_a_tilted_plane_are_straight_lines_where_they_should_be(tracing: ModuleType) -> None:
    """z = 2 u + v: the line of height h is v = h − 2 u."""
    v, u = np.mgrid[0:30, 0:20].astype(float)
    for level in (7.0, 7.5, 40.0):
        (line,) = tracing.Surface(2 * u + v).lines_at(level)
        np.testing.assert_allclose(2 * line[:, 0] + line[:, 1], level, atol=1e-9)
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        ends = np.linalg.norm(line[-1] - line[0])
        assert length == pytest.approx(ends)  # straight, and never back
        assert (line[0] == 0).any() or (line[0] == [19, 29]).any(), "from edge to edge"


def test_the_contours_of_a_cone_are_closed_circles(tracing: ModuleType) -> None:
    v, u = np.mgrid[0:101, 0:101].astype(float)
    surface = tracing.Surface(50 - np.hypot(u - 50, v - 50))
    for radius in (10.0, 30.5, 45.0):
        (ring,) = surface.lines_at(50 - radius)
        assert ring[0].tolist() == ring[-1].tolist()
        np.testing.assert_allclose(np.hypot(*(ring - 50).T), radius, atol=0.02)
        x, y = ring[:-1].T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        assert area == pytest.approx(np.pi * radius**2, rel=0.005)


def test_two_hills_have_two_lines_above_their_saddle_and_one_below(tracing: ModuleType) -> None:
    v, u = np.mgrid[0:81, 0:121].astype(float)
    hills = np.maximum(30 - np.hypot(u - 40, v - 40), 30 - np.hypot(u - 80, v - 40))  # the saddle is at 10
    surface = tracing.Surface(hills)
    assert len(surface.lines_at(15.0)) == 2
    assert len(surface.lines_at(5.0)) == 1


def test_lines_end_where_there_is_no_data(tracing: ModuleType) -> None:
    v, u = np.mgrid[0:21, 0:21].astype(float)
    heights = u + 0 * v
    heights[10] = np.nan
    lines = tracing.Surface(heights).lines_at(7.5)
    assert sorted((line[:, 1].min(), line[:, 1].max()) for line in lines) == [(0.0, 9.0), (11.0, 20.0)]


def test_contours_lie_where_the_terrain_has_their_height(registry: PluginRegistry) -> None:
    """The test town falls by three metres per hundred metres east: a line every 2 m is one every 66⅔ m."""
    site = sites.grid_town(3)
    terrain = next(data for _, data in site._layers if isinstance(data, TerrainGrid))
    found = run(registry, "contours.lines", site, terrain=terrain, interval_m=2)
    (table,) = found.layers
    assert isinstance(table, FeatureTable)
    np.testing.assert_allclose(sites.slope(table.line_vertices), table.line_vertices[:, 2], atol=2e-3)
    levels = table.attributes[0].values
    assert (table.attributes[0].name, table.attributes[0].unit) == ("elevation", "m")
    low, high = terrain.heights.min(), terrain.heights.max()
    assert sorted(levels) == [level for level in np.arange(0, 60, 2.0) if low <= level <= high]
    assert table.crs == sites.UTM
    (labels,) = found.requests
    assert isinstance(labels, Labels)
    assert set(labels.texts) <= {"30 m", "40 m", "50 m", "20 m"}


def test_a_terrain_that_lies_askew_keeps_its_place(registry: PluginRegistry) -> None:
    """A grid turned by 30°, z = x in map metres: its contours run due north."""
    cosine, sine = np.cos(np.radians(30)), np.sin(np.radians(30))
    transform = (10 * cosine, -10 * sine, 500.0, 10 * sine, 10 * cosine, 900.0)
    x = small_layers.cell_centres((40, 50), transform)[..., 0]
    terrain = small_layers.terrain(x, transform, sites.UTM)
    (table,) = run(registry, "contours.lines", sites.site(), terrain=terrain, interval_m=50).layers
    np.testing.assert_allclose(table.line_vertices[:, 0], table.line_vertices[:, 2], atol=1e-3)


def test_senseless_intervals_are_told(registry: PluginRegistry) -> None:
    site = sites.grid_town(3)
    terrain = next(data for _, data in site._layers if isinstance(data, TerrainGrid))
    with pytest.raises(TwinViewerError, match="No multiple"):
        run(registry, "contours.lines", site, terrain=terrain, interval_m=1000)
    with pytest.raises(UsageError, match="at least"):
        run(registry, "contours.lines", site, terrain=terrain, interval_m=0.0)
    hilly = replace(terrain, heights=terrain.heights * 100)
    with pytest.raises(TwinViewerError, match="larger interval"):
        run(registry, "contours.lines", site, terrain=hilly, interval_m=0.1)
