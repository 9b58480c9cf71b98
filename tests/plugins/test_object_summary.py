from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.conftest import ROOT
from tests.plugins import sites
from twinviewer.app.plugins.panel_checks import PanelContent, checked_content
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.panel import FlyTo, Heading, NumberEntry, Selection, Table

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(5)


def show(site, *, selection=None, entries=None, pressed="") -> PanelContent:
    registry = PluginRegistry(folders=[ROOT / "plugins"])
    (panel,) = [panel for panel in registry.panels if panel.id.startswith("object-summary.")]
    arguments = {"site": site, "selection": selection, "instant": NOON, "entries": entries or {}, "pressed": pressed}
    with closing(registry):
        return registry.call(panel.id, panel.show, arguments, check=checked_content)


def tables(content: PanelContent) -> list[Table]:
    return [element for element in content.elements if isinstance(element, Table)]


def selected(position) -> Selection:
    return Selection(object_id="x", type="Building", layer="t", position=position, attributes=())


def test_it_counts_by_type_and_lists_the_highest_first(town):
    counts, highest = tables(show(town))
    assert dict(counts.rows) == {"Building": 24, "SolitaryVegetationObject": 1}
    heights = [row[1] for row in highest.rows]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(town.city_objects.heights_m.max(), abs=0.05)
    assert sorted(highest.object_ids) == sorted(town.city_objects.ids)


def test_it_counts_what_is_near_the_selection(town):
    """Blocks are 110 m apart: at a block's middle, 5 middles lie within 150 m and 9 within 160 m (√2 · 110 = 155.6)."""
    middle = tuple(town.city_objects.positions[12])
    for radius, count in ((150, 5), (160, 9)):
        content = show(town, selection=selected(middle), entries={"radius": float(radius)})
        assert dict(tables(content)[0].rows) == {"Building": count}
        assert any(isinstance(element, NumberEntry) for element in content.elements)


def test_the_button_flies_to_the_highest_and_nothing_else_does(town):
    assert show(town).actions == ()
    (action,) = show(town, pressed="fly").actions
    row = town.city_objects.ids.index(tables(show(town))[1].object_ids[0])
    assert action == FlyTo(position=tuple(town.city_objects.positions[row].tolist()))


def test_it_says_so_where_nothing_is_loaded_or_near(town):
    assert [type(element) for element in show(None).elements] == [Heading]
    assert tables(show(town, selection=selected((0.0, 0.0, 0.0))))[1].rows == ()
    assert [type(element) for element in show(sites.site()).elements] == [Heading]
