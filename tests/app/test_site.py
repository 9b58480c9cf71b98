"""What feeds and overlays know of the place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.formats import small_layers
from tests.plugins import sites
from twinviewer.app import commands
from twinviewer.app.session import Session
from twinviewer.app.site import SessionSite, site_of
from twinviewer.model.project import LayerSource, LayerSpec, Project

SOURCE = LayerSource(path="/a", reader="r")


def test_the_ground_is_the_terrain_s_and_beyond_it_where_buildings_stand() -> None:
    town = sites.grid_town(4)
    inside = np.array([[sites.WEST + 111.0, sites.SOUTH + 222.0], [sites.WEST + 7.0, sites.SOUTH + 430.0]])
    assert town.ground_height(inside) == pytest.approx(sites.slope(inside), abs=0.01)
    far = np.array([[sites.WEST - 5000.0, sites.SOUTH]])
    assert sites.slope(np.array([[sites.WEST + 440, 0]]))[0] - 1 < town.ground_height(far)[0] < 41
    assert sites.site().ground_height(far).tolist() == [0.0]
    assert town.ground_height(np.empty((0, 2))).shape == (0,)


def test_of_two_terrains_the_finer_one_counts() -> None:
    def flat(height: float, cell_m: float) -> tuple[LayerSpec, object]:
        transform = (cell_m, 0.0, sites.WEST, 0.0, -cell_m, sites.SOUTH + 100)
        size = int(100 / cell_m)
        grid = small_layers.terrain(np.full((size, size), height), transform, sites.UTM)
        return LayerSpec(id=f"{height}", kind="terrain", title="t", source=SOURCE), grid

    for order in ((flat(10.0, 20.0), flat(20.0, 5.0)), (flat(20.0, 5.0), flat(10.0, 20.0))):
        site = SessionSite(crs=sites.UTM, extent=sites.site().extent, layers=order)  # type: ignore[arg-type]
        assert site.ground_height(np.array([[sites.WEST + 50, sites.SOUTH + 50]])).tolist() == [20.0]


def test_on_a_bridge_one_stands_on_its_deck_and_on_a_house_on_the_ground() -> None:
    x, y = sites.WEST + 50.0, sites.SOUTH + 50.0
    ground = float(sites.slope(np.array([[x, y]]))[0])
    deck = np.array([[x - 9, y - 9, 60], [x + 9, y - 9, 60], [x, y + 9, 60]], dtype=np.float64)
    underside = deck[[0, 2, 1]] - [0.0, 0.0, 2.0]
    model = small_layers.city_model(np.concatenate((deck, underside)), sites.UTM)
    town = sites.grid_town(1)
    for type_name, height in (("Bridge", 60.0), ("BridgePart", 60.0), ("Building", ground)):
        spec = LayerSpec(id="over", kind="city-model", title="t", source=SOURCE)
        layers = ((spec, replace(model, type_names=(type_name,))), *town._layers)
        site = SessionSite(crs=sites.UTM, extent=town.extent, layers=layers)
        assert site.ground_height(np.array([[x, y]])) == pytest.approx([height], abs=0.01)
        beside = np.array([[x + 30, y]])
        assert site.ground_height(beside) == pytest.approx(sites.slope(beside), abs=0.01)


def test_city_objects_are_those_with_surfaces_at_the_middle_of_their_box() -> None:
    objects = sites.grid_town(2).city_objects
    assert objects.ids == ("house-0", "house-1", "house-2", "house-3")
    assert objects.types == ("Building", "Building", "Building", "SolitaryVegetationObject")
    np.testing.assert_allclose(objects.positions[0], [sites.WEST + 55, sites.SOUTH + 55, 40 - 0.03 * 55], atol=1e-6)


def test_the_first_layer_with_a_role_plays_it() -> None:
    town = sites.grid_town(2)
    streets = town.features("streets")
    assert streets is not None
    assert streets.feature_count == 6
    assert town.features("rivers") is None
    assert town.features("buildings") is None, "a city model is no table of features"


def test_a_snapshot_does_not_change_with_the_document() -> None:
    session = Session(Project(crs=sites.UTM, origin=(0.0, 0.0, 0.0)))
    assert site_of(session) is None, "there is nothing yet"
    spec = LayerSpec(id="layer-1", kind="features", title="t", source=SOURCE, role="streets")
    session.do(commands.AddLayers(layers=(spec, replace(spec, id="layer-2"))))
    assert site_of(session) is None, "and nothing is read yet"
    session.store.put("layer-1", sites.grid_streets(2))
    site = site_of(session)
    assert site is not None
    session.do(commands.RemoveLayers(layer_ids=frozenset({"layer-1"})))
    assert site.features("streets") is not None
    assert site_of(session) is None


def test_objects_are_found_by_where_they_stand_the_highest_first() -> None:
    town = sites.grid_town(2)
    middle = town.city_objects.positions[:, :2]
    assert town.objects_at(middle) == ("house-0", "house-1", "house-2", "house-3")
    assert town.objects_at(middle + 500.0) == ("", "", "", "")
    assert town.objects_at(np.empty((0, 2))) == ()
    x, y = middle[1]
    roof = np.array([[x - 5, y - 5, 500.0], [x + 5, y - 5, 500.0], [x, y + 5, 500.0]])
    over = replace(small_layers.city_model(roof, sites.UTM), object_ids=("tower",))
    for height, expected in ((0.0, "tower"), (-1000.0, "house-1")):
        layer = replace(over, vertices=over.vertices + np.array([0.0, 0.0, height]))
        spec = LayerSpec(id="over", kind="city-model", title="t", source=SOURCE)
        site = SessionSite(crs=sites.UTM, extent=town.extent, layers=(*town._layers, (spec, layer)))
        assert site.objects_at(np.array([[x, y]])) == (expected,)
