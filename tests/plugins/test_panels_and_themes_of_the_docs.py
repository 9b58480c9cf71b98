"""The examples of docs/plugins/panels.md and docs/plugins/themes-and-tours.md are plugins that work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.plugins import sites
from twinviewer.app import colour_maps
from twinviewer.app.plugins.manifest import CommandContribution, PanelContribution
from twinviewer.app.plugins.panel_checks import checked_actions, checked_content
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.themes import Themes
from twinviewer.app.tours import placed, tour_of
from twinviewer.model.panel import Selection, SelectObject, Table, Tell
from twinviewer.model.project import Project

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def closed() -> Iterator[ExitStack]:
    """Ends, after the test, what runs for the registries that it made."""
    with ExitStack() as stack:
        yield stack


def registry_of(page: str, folder: Path, closed: ExitStack) -> PluginRegistry:
    home = folder / "example"
    home.mkdir()
    for name, content in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL):
        (home / name).write_text(content)
    registry = closed.enter_context(closing(PluginRegistry(folders=[folder])))
    assert registry.problems == ()
    return registry


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(5)


def test_the_panel_and_the_command_of_the_page_do_what_it_says(closed, tmp_path, town):
    registry = registry_of("docs/plugins/panels.md", tmp_path, closed)
    panel, command = (
        registry.contribution("neighbours.panel", PanelContribution),
        registry.contribution("neighbours.highest", CommandContribution),
    )
    middle = tuple(town.city_objects.positions[12])
    house = Selection(object_id=town.city_objects.ids[12], type="Building", layer="t", position=middle, attributes=())

    def show(**changes):
        arguments = {"site": town, "selection": house, "instant": NOON, "entries": {}, "pressed": ""}
        return registry.call(panel.id, panel.show, {**arguments, **changes}, check=checked_content)

    (table,) = [element for element in show().elements if isinstance(element, Table)]
    assert [table.object_ids[0], table.rows[0][1]] == [house.object_id, 0]
    wide = show(entries={"radius": 120.0}, pressed="count")
    assert wide.actions == (Tell(text="5 objects"),)  # itself and four neighbours, a block of 110 m away
    assert len(show(selection=None).elements) == 1
    arguments = {"site": town, "selection": None, "instant": NOON}
    actions = registry.call(command.id, command.run, arguments, check=checked_actions)
    highest = town.city_objects.ids[int(town.city_objects.heights_m.argmax())]
    assert actions == (SelectObject(object_id=highest),)


def test_the_map_the_style_and_the_tour_of_the_page_can_be_used(closed, tmp_path, town):
    registry = registry_of("docs/plugins/themes-and-tours.md", tmp_path, closed)
    errors = []
    themes = Themes(registry, on_error=errors.append)
    assert errors == []
    assert [preset.style.colour_map for preset in themes.presets if preset.id == "embers.height"] == ["embers.map"]
    assert colour_maps.colours_of("embers.map")[0].tolist() == [0x1B, 0x0C, 0x0C]
    themes.withdraw()
    stops = placed(tour_of(registry, "embers.tour"), site=town, project=Project(crs=sites.UTM))
    assert [stop.stop.title for stop in stops] == ["Good morning", "From the south"], "this town has no such mill"
