"""The recipes of docs/plugins/cookbook.md, each run as an author would run it: in a process of its own."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.plugins import sites
from twinviewer import api
from twinviewer.app.plugins.manifest import read_manifest
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.live.store import ObservationStore
from twinviewer.model.feedback import Silent

PAGE = (ROOT / "docs/plugins/cookbook.md").read_text()
FILES = dict(re.findall(r"^```(?:toml|python) (\S+)\n(.*?)^```$", PAGE, re.M | re.S))
RECIPES = sorted({name.partition("/")[0] for name in FILES})
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STATIONS = [{"id": "s1", "name": "Harbour", "x": sites.WEST + 50, "y": sites.SOUTH + 60, "z": 38.0, "free": 7}]


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(5)


@pytest.fixture
def recipe(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PluginRegistry]:
    folder = tmp_path / "plugins" / request.param
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        if name.startswith(f"{request.param}/"):
            (folder / Path(name).name).write_text(text)
    registry = PluginRegistry(folders=[tmp_path / "plugins"])
    assert registry.problems == ()
    registry.accept(read_manifest(folder / "plugin.toml").id)
    yield registry
    registry.close()


def drawn(registry: PluginRegistry, town: sites.SessionSite) -> list[api.DrawingRequest]:
    """Return what the one contribution of the registry's one plugin of the user asks for."""
    for layer in registry.layers:
        arguments = {"site": town, "feedback": Silent()}
        return list(registry.call(layer.id, layer.draw, arguments, check=checked_requests))
    (overlay,) = registry.overlays
    store = ObservationStore(period_s=overlay.period_s, trail_s=overlay.trail_s)
    span = timedelta(seconds=max(60.0, 3 * overlay.period_s))
    arguments = {"site": town, "start": NOON - span, "end": NOON + span, "feedback": Silent()}
    for batch in registry.call(overlay.id, overlay.feed, arguments, check=checked_batches):
        store.append(batch)
    arguments = {"frames": store.frames_at(NOON), "site": town}
    return list(registry.call(overlay.id, overlay.encode, arguments, check=checked_requests))


def test_there_are_ten_recipes_of_at_most_thirty_lines() -> None:
    assert len(RECIPES) == 10
    for name, text in FILES.items():
        assert not name.endswith(".py") or len(text.splitlines()) <= 30, name


@pytest.mark.parametrize("recipe", ["thermometers"], indirect=True)
def test_thermometers_are_three_rows_of_three(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    (pins,) = drawn(recipe, town)
    assert isinstance(pins, api.PlaceGlyphs)
    assert pins.positions.shape == (9, 3)
    assert np.ptp(pins.positions[:, :2], axis=0).tolist() == [300.0, 300.0]
    assert pins.values is not None
    assert pins.values[0] == pytest.approx(20.0)  # 14 + 6 at noon
    np.testing.assert_allclose(pins.positions[:, 2], sites.slope(pins.positions), atol=0.01)


@pytest.mark.parametrize("recipe", ["bicycles"], indirect=True)
def test_bicycles_stand_in_columns_with_labels_on_top(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    columns, labels = drawn(recipe, town)
    assert isinstance(columns, api.ExtrudedColumns)
    assert isinstance(labels, api.Labels)
    np.testing.assert_allclose(labels.positions[:, 2] - columns.positions[:, 2], columns.heights_m + 4)
    assert list(labels.texts) == ["0 per hour"] * 4  # 1 - cos(2 pi) at noon


@pytest.mark.parametrize("recipe", ["warmth"], indirect=True)
def test_warmth_counts_each_building_in_25_cells(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    (grid,) = drawn(recipe, town)
    assert isinstance(grid, api.HeatGrid)
    inner = len(town.city_objects.ids) * 25
    assert 0.6 * inner <= np.nansum(grid.values) <= inner  # what lies beyond the edge is cut off
    assert np.isnan(grid.values).any()


@pytest.mark.parametrize("recipe", ["energy_table"], indirect=True)
def test_a_table_colours_the_buildings_that_it_names(
    recipe: PluginRegistry, town: sites.SessionSite, tmp_path: Path
) -> None:
    table = tmp_path / "demand.csv"
    table.write_text("id,kwh_m2\nhouse-0,80\nhouse-3,\nnobody,120\n")
    with pytest.raises(api.FeedError, match="No table is chosen"):
        drawn(recipe, town)
    recipe.save_settings("energy-table", {"table": str(table)})
    (colours,) = drawn(recipe, town)
    assert isinstance(colours, api.ColourObjects)
    assert list(colours.object_ids) == ["house-0", "house-3", "nobody"]
    np.testing.assert_array_equal(colours.values, [80.0, np.nan, 120.0])


@pytest.mark.parametrize("recipe", ["alarms"], indirect=True)
def test_alarms_are_at_the_middles_of_buildings(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    (colours,) = drawn(recipe, town)
    assert isinstance(colours, api.ColourObjects)
    assert colours.positions is not None
    found = town.objects_at(colours.positions[:, :2])
    assert found == town.city_objects.ids[: len(found)]


@pytest.mark.parametrize("recipe", ["busy_streets"], indirect=True)
def test_busy_streets_are_all_streets(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    (flow,) = drawn(recipe, town)
    assert isinstance(flow, api.FlowLines)
    assert len(flow.offsets) == 2 * 6 + 1  # six streets each way around five blocks
    np.testing.assert_allclose(flow.vertices[:, 2] - sites.slope(flow.vertices), 0.8, atol=0.01)


@pytest.mark.parametrize("recipe", ["drone"], indirect=True)
def test_the_drone_keeps_its_circle_and_its_trail(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    arrow, trail = drawn(recipe, town)
    assert isinstance(arrow, api.PlaceGlyphs)
    assert isinstance(trail, api.Trails)
    x, y, _ = town.extent.centre
    radius = np.hypot(trail.positions[0, :, 0] - x, trail.positions[0, :, 1] - y)
    assert (np.abs(radius - 180) < 1.0).all()
    np.testing.assert_allclose(trail.positions[0, -1], arrow.positions[0], atol=0.5)
    assert arrow.heading_deg is not None
    assert arrow.heading_deg[0] == pytest.approx(0.0, abs=1e-6)  # due east of the middle, it flies north


@pytest.mark.parametrize("recipe", ["bike_share"], indirect=True)
def test_stations_come_from_a_server(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(STATIONS).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    recipe.save_settings("bike-share", {"url": "http://localhost:9/"})  # nobody listens there
    with pytest.raises(api.FeedError, match="does not come"):
        drawn(recipe, town)
    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        recipe.save_settings("bike-share", {"url": f"http://localhost:{server.server_port}/"})
        (glyphs,) = drawn_at_the_end(recipe, town)
    finally:
        server.shutdown()
        server.server_close()
    assert isinstance(glyphs, api.PlaceGlyphs)
    assert glyphs.values is not None
    assert (list(glyphs.ids), glyphs.values.tolist()) == (["Harbour"], [7.0])


def drawn_at_the_end(registry: PluginRegistry, town: sites.SessionSite) -> list[api.DrawingRequest]:
    (overlay,) = registry.overlays
    store = ObservationStore(period_s=overlay.period_s)
    arguments = {"site": town, "start": NOON - timedelta(minutes=1), "end": NOON, "feedback": Silent()}
    for batch in registry.call(overlay.id, overlay.feed, arguments, check=checked_batches):
        store.append(batch)
    arguments = {"frames": store.frames_at(NOON), "site": town}
    return list(registry.call(overlay.id, overlay.encode, arguments, check=checked_requests))


@pytest.mark.parametrize("recipe", ["reach"], indirect=True)
def test_reach_is_three_circles_joined(recipe: PluginRegistry, town: sites.SessionSite) -> None:
    (shown,) = drawn(recipe, town)
    assert isinstance(shown, api.DrawData)
    assert isinstance(shown.data, api.FeatureTable)
    ring = shown.data.ring_vertices
    x, y = ring[:, 0], ring[:, 1]
    area = abs(np.sum((x[:-1] - x[0]) * (y[1:] - y[0]) - (x[1:] - x[0]) * (y[:-1] - y[0]))) / 2
    # Circles of radius r whose middles are d apart share 2 r² acos(d / 2r) - d / 2 √(4r² - d²).
    r, d = 150.0, np.hypot(220, 40)
    shared = 2 * r**2 * np.arccos(d / (2 * r)) - d / 2 * np.sqrt(4 * r**2 - d**2)
    assert area == pytest.approx(3 * np.pi * r**2 - 2 * shared, rel=0.01)


@pytest.mark.parametrize("recipe", ["plume"], indirect=True)
def test_the_plume_drifts_east_and_is_as_wide_as_the_formula_says(
    recipe: PluginRegistry, town: sites.SessionSite
) -> None:
    (shown,) = drawn(recipe, town)
    assert isinstance(shown, api.DrawData)
    assert isinstance(shown.data, api.TriangleMesh)
    east = shown.data.vertices[:, 0] - town.extent.centre[0]
    assert east.min() >= 0
    # On the axis the concentration is 6e4 / (6 + 0.12 x)²: 12 µg/m³ at x = (√5000 - 6) / 0.12 = 539 m.
    assert east.max() == pytest.approx((np.sqrt(6e4 / 12) - 6) / 0.12, abs=10)
