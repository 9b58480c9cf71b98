"""The pictures that authors of plugins get in their tests."""

from __future__ import annotations

import numpy as np
import pytest

from twinviewer.api import ColourObjects, ColourScale, PluginError
from twinviewer.testing import picture, small_town

SIZE = (240, 160)
SCALE = ColourScale(title="Height", unit="m", colour_map="viridis", value_range=(0.0, 1.0))


def yellow(pixels: np.ndarray) -> int:
    """Count pixels near the upper end of viridis, #fde725: red and green, and hardly any blue."""
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return int(((red - blue > 90) & (green - blue > 80)).sum())


def test_what_is_coloured_is_seen_and_what_is_not_is_not() -> None:
    ids = small_town().city_objects.ids
    all_houses = ColourObjects(object_ids=ids, values=np.ones(len(ids)), scale=SCALE)
    ten_houses = ColourObjects(object_ids=ids[:10], values=np.ones(10), scale=SCALE)
    nothing, some, all_ = (yellow(picture(each, size=SIZE)) for each in ([], [ten_houses], [all_houses]))
    assert picture([], size=SIZE).shape == (160, 240, 3)
    assert nothing == 0
    assert 4 < all_ / some < 25, "a hundred houses and ten, some of them hidden"


def test_requests_that_break_the_contract_are_refused() -> None:
    wrong = ColourObjects(object_ids=("house-1",), values=np.ones(2), scale=SCALE)
    with pytest.raises(PluginError, match="object_ids"):
        picture([wrong], size=SIZE)
