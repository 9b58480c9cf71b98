"""Values find their city objects, by whatever these are called, and what is not found is counted and listed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.crowding import allowed_s
from tests.formats import small_layers
from tests.plugins import sites
from twinviewer.app.overlays.binding import MOST_LISTED, Binder, ObjectIndex, Unbound, is_identifier
from twinviewer.app.site import SessionSite
from twinviewer.formats import cityjson
from twinviewer.model.attributes import column
from twinviewer.model.drawing import ColourObjects, ColourScale
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import LayerSource, LayerSpec

SCALE = ColourScale(title="t", unit="1", colour_map="viridis", value_range=(0.0, 1.0))
GUID = "2O2Fr$t4X7Zf8NOew3FNr2"  # an IFC GlobalId, as in the specification of IFC


def city(*ids: str, **attributes: list[object]) -> CityModel:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    model = small_layers.city_model(corners, sites.UTM)
    n = len(ids)
    return replace(
        model,
        object_ids=ids,
        object_type=np.zeros(n, np.int32),
        object_parent=np.full(n, -1, np.int32),
        attributes=tuple(column(name, values) for name, values in attributes.items()),
    )


def site_with(*models: CityModel) -> SessionSite:
    source = LayerSource(path="/a", reader="r")
    layers = tuple((LayerSpec(id=f"{n}", kind="city-model", title="t", source=source), m) for n, m in enumerate(models))
    return SessionSite(crs=sites.UTM, extent=sites.site().extent, layers=layers)


def colouring(ids: object = (), values: object = None, **more: object) -> ColourObjects:
    n = len(ids) if ids else 3  # type: ignore[arg-type]
    return ColourObjects(
        object_ids=ids,  # type: ignore[arg-type]
        values=np.arange(n, dtype=np.float64) if values is None else values,  # type: ignore[arg-type]
        scale=SCALE,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b-1", "b-1"),
        ("urn:ngsi-ld:Building:b-1", "b-1"),
        ("urn:ngsi-ld:Building:town:quarter:b-1", "b-1"),
        ("urn:ngsi-ld:Building:a:b", "a:b"),
        (GUID, "b-2"),
        (f"urn:ngsi-ld:Building:{GUID}", "b-2"),
        ("NL.IMBAG.Pand.0503100000012869", "b-1"),
        ("1234", "b-2"),
        ("b-3", None),
        ("", None),
        ("urn:ngsi-ld:Building:", None),
        ("urn:ngsi-ld:Building", None),
        ("urn:ngsi-ld:b-1", None),
        ("Town hall", None),
    ],
)
def test_an_object_is_found_by_whatever_it_is_called(name: str, expected: str | None) -> None:
    index = ObjectIndex(
        [
            city(
                "b-1",
                "b-2",
                "a:b",
                GlobalId=[None, GUID, None],
                identificatie=["NL.IMBAG.Pand.0503100000012869", None, None],
                EGID=[None, 1234, 1234],
                name=["Town hall", None, None],
            )
        ]
    )
    assert index.find([name]) == [expected]


@pytest.mark.parametrize(
    "name", ["GlobalId", "Pset_X.IfcGUID", "gml:id", "gml_id", "bldg:identificatie", "UUID", "EGID"]
)
def test_attributes_that_name_objects(name: str) -> None:
    assert is_identifier(name)


@pytest.mark.parametrize("name", ["name", "height", "width", "idle", "function", "valid", "grid"])
def test_attributes_that_do_not(name: str) -> None:
    assert not is_identifier(name)


def test_an_object_s_own_id_goes_before_another_s_attribute() -> None:
    assert ObjectIndex([city("a", "b", id=["b", "a"]), city("c")]).find(["a", "b", "c"]) == ["a", "b", "c"]


def test_values_stay_with_their_objects_and_the_rest_is_counted_and_listed() -> None:
    site = site_with(city("a", "b", "c"))
    ((bound,), unbound) = Binder().bind([colouring(("x", "c", "y", "urn:ngsi-ld:Building:a"))], site)
    assert (bound.object_ids, bound.values.tolist()) == (("c", "a"), [1.0, 3.0])
    assert unbound == Unbound(count=2, total=4, names=("x", "y"))
    assert str(unbound) == "2 of 4 not found"
    many = tuple(f"no-{n}" for n in range(3000))
    (_, lost) = Binder().bind([colouring(many), colouring(("a",))], site)
    assert (lost.count, lost.total, lost.names) == (3000, 3001, many[:MOST_LISTED])


def test_of_several_values_for_an_object_the_last_one_counts() -> None:
    site = site_with(city("b-1", "b-2"))
    ids = ("b-1", "nobody", "b-2", "urn:ngsi-ld:Building:b-1", "b-1")
    (bound,), unbound = Binder().bind([colouring(ids)], site)
    assert dict(zip(bound.object_ids, bound.values.tolist(), strict=True)) == {"b-1": 4.0, "b-2": 2.0}
    assert (unbound.count, unbound.total) == (1, 5)


def test_where_all_are_found_the_very_request_is_passed_on() -> None:
    request = colouring(("a", "b"))
    ((bound,), unbound) = Binder().bind([request], site_with(city("a", "b")))
    assert bound is request
    assert not unbound
    assert str(unbound) == ""


def test_positions_find_the_object_that_they_are_in() -> None:
    town = sites.grid_town(2)
    where = town.city_objects.positions[[2, 0, 1]] + np.array([[0, 0, 900.0], [0, 0, 0], [500, 0, 0]])
    ((bound,), unbound) = Binder().bind([colouring(positions=where)], town)
    assert (bound.object_ids, bound.values.tolist(), bound.positions) == (("house-2", "house-0"), [0.0, 1.0], None)
    x, y = where[2, :2]
    assert unbound == Unbound(count=1, total=3, names=(f"{x:.1f}, {y:.1f}",))


def test_what_is_unchanged_is_the_very_object_of_before() -> None:
    town = sites.grid_town(2)
    binder = Binder()
    ids, where = ("house-3", "lost"), town.city_objects.positions[:3, :2].copy()
    requests = [colouring(ids), colouring(positions=where)]
    (first, second), before = binder.bind(requests, town)
    (again, there), after = binder.bind([colouring(ids, np.array([7.0, 8.0])), colouring(positions=where.copy())], town)
    assert again.object_ids is first.object_ids
    assert there.object_ids is second.object_ids
    assert again.values.tolist() == [7.0]
    assert after == before
    elsewhere = site_with(city("lost"))
    ((moved, _), _) = binder.bind(requests, elsewhere)
    assert moved.object_ids == ("lost",)


def test_a_hundred_thousand_ids_are_bound_before_one_notices() -> None:
    ids = tuple(f"building-{n}" for n in range(100_000))
    site = site_with(city(*ids))
    binder = Binder()
    binder.bind([colouring(ids[:1])], site)  # the index of the site is made once, for all overlays
    named = tuple(f"building-{n}" for n in range(99_000, -1000, -1))
    requests = [colouring(named)]
    began = time.perf_counter()
    ((bound,), unbound) = binder.bind(requests, site)
    anew_s = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(10):
        binder.bind(requests, site)
    unchanged_s = (time.perf_counter() - began) / 10
    assert (len(bound.object_ids), unbound.count) == (99_001, 999)
    assert anew_s < allowed_s(0.1)
    assert unchanged_s < allowed_s(0.005)


def test_ids_of_a_real_city_are_found(city_data: Path) -> None:
    path = city_data / "cityjson" / "1.1" / "rotterdam_one.json"
    keys = list(json.loads(path.read_text())["CityObjects"])
    layers = cityjson.read(path=path, feedback=Silent())
    site = site_with(*[layer for layer in layers if isinstance(layer, CityModel)])
    _, unbound = Binder().bind([colouring(tuple(f"urn:ngsi-ld:Building:{key}" for key in keys))], site)
    assert (unbound.count, unbound.total) == (0, len(keys))
