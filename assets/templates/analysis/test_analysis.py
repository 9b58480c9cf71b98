"""Which buildings of the small town are tall."""

import numpy as np
from twinviewer.api import ColourObjects, Site, Table
from twinviewer.testing import PluginUnderTest


def test_the_buildings_above_the_limit_are_coloured_and_listed(plugin_under_test: PluginUnderTest, town: Site) -> None:
    coloured, table = plugin_under_test.analyse(site=town, limit_m=12.0)
    assert isinstance(coloured, ColourObjects)
    assert isinstance(table, Table)
    heights = dict(zip(town.city_objects.ids, town.city_objects.heights_m.tolist(), strict=True))
    assert set(coloured.object_ids) == {name for name, height_m in heights.items() if height_m > 12.0}
    listed = [float(height_m) for _, height_m in table.rows]
    assert listed == sorted(listed, reverse=True)
    assert listed[0] == max(heights.values())


def test_above_the_highest_there_is_nothing(plugin_under_test: PluginUnderTest, town: Site) -> None:
    limit_m = float(np.max(town.city_objects.heights_m))
    coloured, table = plugin_under_test.analyse(site=town, limit_m=limit_m)
    assert isinstance(coloured, ColourObjects)
    assert isinstance(table, Table)
    assert (len(coloured.values), len(table.rows)) == (0, 0)
