"""The drones, tried in a small town without a window."""

from datetime import UTC, datetime, timedelta

import numpy as np
from twinviewer.api import MovementBatch, PlaceGlyphs, Site
from twinviewer.testing import PluginUnderTest

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_each_drone_flies_fifteen_metres_a_second(plugin_under_test: PluginUnderTest, town: Site) -> None:
    (batch,) = plugin_under_test.feed(site=town, start=NOON, end=NOON + timedelta(seconds=2))
    assert isinstance(batch, MovementBatch)
    before, after = (batch.positions[batch.time_s == NOON.timestamp() + second] for second in (0, 1))
    way_m = np.hypot(*(after - before)[:, :2].T)
    assert len(way_m) == 60
    np.testing.assert_allclose(way_m, 15.0, rtol=0.02)  # the chord is a little shorter than the arc


def test_all_drones_are_drawn_above_the_town(plugin_under_test: PluginUnderTest, town: Site) -> None:
    drones = plugin_under_test.show(site=town, instant=NOON)[0]
    assert isinstance(drones, PlaceGlyphs)
    assert len(drones.positions) == 60
    assert (drones.positions[:, 2] > town.ground_height(drones.positions[:, :2])).all()
