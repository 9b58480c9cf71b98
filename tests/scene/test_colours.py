from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from twinviewer.app.colour_maps import colours_of
from twinviewer.model.attributes import column
from twinviewer.model.project import Style
from twinviewer.resources import asset
from twinviewer.scene.colours import (
    MISSING_RGB,
    category_colours,
    coloured_by_column,
    ramp,
    usual_range,
)

MAPS = sorted(path.stem for path in asset("colour_maps").glob("*.json"))
NEEDED = {"viridis", "batlow", "cividis", "vik", "limit", "grey"}


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIELAB L* of sRGB bytes, after IEC 61966-2-1."""
    share = rgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


def content(name: str) -> dict[str, str]:
    return json.loads((asset("colour_maps") / f"{name}.json").read_text())


def test_all_maps_that_the_model_names_are_shipped() -> None:
    assert set(MAPS) >= NEEDED


@pytest.mark.parametrize("name", MAPS)
def test_every_map_has_256_colours_and_says_its_licence(name: str) -> None:
    assert colours_of(name).shape == (256, 3)
    assert content(name)["licence"] in ("CC0-1.0", "MIT", "Apache-2.0")


@pytest.mark.parametrize("name", [name for name in MAPS if content(name)["kind"] == "sequential"])
def test_sequential_maps_only_ever_grow_lighter(name: str) -> None:
    steps = lightness(colours_of(name))
    smoothed = np.convolve(steps, np.ones(5) / 5, "valid")  # bytes are round numbers
    assert (np.diff(smoothed) > 0).all()


def test_the_limit_map_turns_from_blue_to_red_at_its_middle() -> None:
    colours = colours_of("limit").astype(int)
    assert (colours[:110, 2] > colours[:110, 0]).all()
    assert (colours[150:, 0] > colours[150:, 2]).all()
    assert lightness(colours)[126:130].min() > 90  # pale where the limit is


def test_a_map_that_nobody_knows_is_drawn_as_viridis() -> None:
    assert np.array_equal(colours_of("no_such_map"), colours_of("viridis"))
    assert np.array_equal(colours_of("../../secrets"), colours_of("viridis"))


def test_values_beyond_the_range_are_clipped_and_missing_ones_grey() -> None:
    rgb = ramp(np.array([-5.0, 0.0, 10.0, 99.0, np.nan]), name="viridis", value_range=(0, 10))
    colours = colours_of("viridis")
    assert np.array_equal(rgb[:4], colours[[0, 0, 255, 255]])
    assert tuple(rgb[4]) == MISSING_RGB


def test_a_range_without_width_does_not_divide_by_zero() -> None:
    assert ramp(np.full(3, 7.0), name="viridis", value_range=usual_range(np.full(3, 7.0))).shape == (3, 3)


def test_outliers_do_not_set_the_usual_range() -> None:
    low, high = usual_range(np.concatenate([np.linspace(0, 1, 1000), [1e9], [np.nan]]))
    assert 0 <= low < 0.1
    assert 0.9 < high < 1.1


def test_numbers_are_coloured_along_a_map_and_texts_by_category() -> None:
    numbers = coloured_by_column(column("storeys", [1, 5, None]), Style(color_by="storeys"))
    assert numbers.scale is not None
    assert tuple(numbers.rgb[2]) == MISSING_RGB
    texts = coloured_by_column(column("use", ["a", "b", "a", None]), Style(color_by="use"))
    assert texts.scale is None
    assert np.array_equal(texts.rgb[0], texts.rgb[2])
    assert not np.array_equal(texts.rgb[0], texts.rgb[1])


def test_many_rare_categories_share_a_colour_and_frequent_ones_do_not() -> None:
    values = np.array(["common"] * 50 + [f"rare-{i}" for i in range(100)], dtype=object)
    rgb = category_colours(values)
    assert len(np.unique(rgb, axis=0)) <= 24
    assert not (rgb[50:] == rgb[0]).all(axis=1).any()


def test_no_plotting_library_is_imported_for_colours() -> None:
    source = Path(usual_range.__code__.co_filename).parent
    assert not any("matplotlib" in path.read_text() for path in source.glob("*.py"))
