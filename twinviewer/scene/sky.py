"""Sky and sunlight: which colours, how bright, by the sun's height; arrays only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.analysis.sun import SunPosition
from twinviewer.scene.colours import rgb_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """Colours of one moment, 0 to 255."""

    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    ground: tuple[float, float, float]
    """Below the horizon, where no terrain is."""
    sun_colour: tuple[float, float, float]
    sun_strength: float
    """What it adds to a surface that faces it; with the sky's light, about 1 is as bright as paper."""
    fill_strength: float
    """Light from the whole sky on a surface that faces up."""
    fill_colour: tuple[float, float, float]
    fill_ground: tuple[float, float, float]
    """Of the light that the ground throws back, whatever the theme."""


# sun's height in degrees: zenith, horizon, ground, sun colour, sun strength, fill strength, fill colour
_HOURS: tuple[tuple[float, str, str, str, str, float, float, str], ...] = (
    (-14.0, "#0c1424", "#2a3a58", "#1a2130", "#8fa6d6", 0.16, 0.34, "#8b9cc8"),
    (-5.0, "#2a4068", "#a08497", "#4a4a56", "#b9a6c0", 0.16, 0.50, "#a9aed0"),
    (0.0, "#4a6ea2", "#efbd97", "#968c84", "#ff9d5c", 0.44, 0.68, "#c3c1d6"),
    (6.0, "#5f92c8", "#f6dcbb", "#c8beb0", "#ffbd80", 0.62, 0.71, "#d3d3e0"),
    (18.0, "#5f9ad2", "#e6ebec", "#d6d1c8", "#ffe0b8", 0.54, 0.70, "#dfe4ee"),
    (40.0, "#5c9ad6", "#e1eaf1", "#dad6ce", "#fff2dd", 0.47, 0.73, "#e6ecf4"),
)

_DARK_ZENITH, _DARK_HORIZON, _DARK_GROUND = "#11161d", "#2a323c", "#1d2228"
_DARK_SHARE = 0.86
"""How much of a dark theme's studio backdrop replaces the sky."""


def sky_at(elevation_deg: float, *, dark: bool = False) -> Sky:
    """Return the sky when the sun stands ``elevation_deg`` above the horizon; ``dark`` suits a dark theme."""
    heights = [hour[0] for hour in _HOURS]

    def colour(column: int) -> tuple[float, float, float]:
        parts = np.array([rgb_of(str(hour[column])) for hour in _HOURS], dtype=np.float64)
        red, green, blue = (float(np.interp(elevation_deg, heights, parts[:, part])) for part in range(3))
        return red, green, blue

    def number(column: int) -> float:
        return float(np.interp(elevation_deg, heights, [float(hour[column]) for hour in _HOURS]))

    zenith, horizon, ground = colour(1), colour(2), colour(3)
    if dark:
        zenith, horizon, ground = (
            _mixed(sky, rgb_of(studio), _DARK_SHARE)
            for sky, studio in ((zenith, _DARK_ZENITH), (horizon, _DARK_HORIZON), (ground, _DARK_GROUND))
        )
    return Sky(
        zenith=zenith,
        horizon=horizon,
        ground=ground,
        sun_colour=colour(4),
        sun_strength=number(5),
        fill_strength=number(6),
        fill_colour=colour(7),
        fill_ground=colour(3),
    )


def _mixed(first: tuple[float, float, float], second: tuple[int, int, int], share: float) -> tuple[float, float, float]:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def backdrop(sky: Sky, elevations_deg: Floats) -> NDArray[np.uint8]:
    """Return the colours (n, 3) in the directions ``elevations_deg`` (n,): ground, haze at the horizon, sky."""
    up = np.sin(np.radians(np.clip(elevations_deg, 0, 90)))
    rise: Floats = (1 - np.exp(-3.2 * up)) / (1 - math.exp(-3.2))
    down = np.clip(-elevations_deg / 14.0, 0, 1)
    sink = down * down * (3 - 2 * down)
    zenith, horizon, ground = np.array(sky.zenith), np.array(sky.horizon), np.array(sky.ground)
    colours = horizon + (zenith - horizon) * rise[:, None] + (ground - horizon) * sink[:, None]
    result: NDArray[np.uint8] = np.clip(colours + 0.5, 0, 255).astype(np.uint8)
    return result


def row_elevations(*, pitch_deg: float, view_angle_deg: float, rows: int) -> Floats:
    """Return how high each row of a picture looks (n,), bottom row first, in its middle column.

    Args:
        pitch_deg: Of the camera above the horizon.
        view_angle_deg: From the picture's bottom to its top.
        rows: Of the picture.
    """
    up = np.tan(math.radians(view_angle_deg) / 2) * (2 * (np.arange(rows) + 0.5) / rows - 1)
    heights: Floats = pitch_deg + np.degrees(np.arctan(up))
    return heights


def lit_from(sun: SunPosition) -> Floats:
    """Return the unit direction (3,) to the light: the sun, or the moon's stand-in while it is down."""
    if sun.elevation_deg > 2.0:
        return sun.direction
    return SunPosition(
        azimuth_deg=sun.azimuth_deg, elevation_deg=max(2.0, min(50.0, 2.0 - 5.0 * sun.elevation_deg))
    ).direction
