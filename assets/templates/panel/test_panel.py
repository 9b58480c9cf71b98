"""What the panel says, without a window."""

import numpy as np
from twinviewer.api import Facts, FlyTo, Paragraph, Site
from twinviewer.testing import PluginUnderTest


def test_it_counts_the_buildings_above_what_is_entered(plugin_under_test: PluginUnderTest, town: Site) -> None:
    elements = plugin_under_test.panel(site=town, entries={"limit_m": 12.0})
    (facts,) = (dict(each.rows) for each in elements if isinstance(each, Facts))
    assert facts["Higher than 12 m"] == str(int(np.sum(town.city_objects.heights_m > 12.0)))


def test_its_button_flies_to_the_highest(plugin_under_test: PluginUnderTest, town: Site) -> None:
    assert not [each for each in plugin_under_test.panel(site=town) if isinstance(each, FlyTo)]
    (flight,) = (each for each in plugin_under_test.panel(site=town, pressed="fly") if isinstance(each, FlyTo))
    objects = town.city_objects
    assert flight.position == tuple(objects.positions[np.argmax(objects.heights_m)].tolist())


def test_without_a_city_it_says_what_to_do(plugin_under_test: PluginUnderTest) -> None:
    (element,) = plugin_under_test.panel(site=None)
    assert isinstance(element, Paragraph)
