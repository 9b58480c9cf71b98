"""Rings in a small town."""

import numpy as np
import pytest
from twinviewer.api import FlowLines, Labels, Site
from twinviewer.testing import PluginUnderTest


def test_rings_lie_as_far_from_the_middle_as_one_walks(plugin_under_test: PluginUnderTest, town: Site) -> None:
    lines, labels = plugin_under_test.draw(site=town)
    assert isinstance(lines, FlowLines)
    assert isinstance(labels, Labels)
    away_m = np.hypot(*(lines.vertices[:, :2] - town.extent.centre[:2]).T)
    np.testing.assert_allclose(away_m.reshape(3, -1), np.tile([[400.0], [800.0], [1200.0]], 181), rtol=1e-9)
    assert list(labels.texts) == ["5 min", "10 min", "15 min"]


def test_rings_lie_on_the_ground(plugin_under_test: PluginUnderTest, town: Site) -> None:
    lines = plugin_under_test.draw(site=town)[0]
    assert isinstance(lines, FlowLines)
    assert lines.vertices[:, 2] - town.ground_height(lines.vertices[:, :2]) == pytest.approx(4.0)
