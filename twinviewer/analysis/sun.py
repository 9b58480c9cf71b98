"""Where the sun is: the NOAA solar position algorithm.

After the spreadsheet of NOAA's Earth System Research Laboratories (Meeus, *Astronomical Algorithms*), good to
about 0.01° between 1900 and 2100.  Elevations are geometric: the air's refraction (up to 0.6° at the horizon)
is left out, since shadows and light do not need it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.crs import horizontal_crs, transformer
from twinviewer.model.place import LOCAL, ReferenceSystem
from twinviewer.model.time import require_aware

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_DAYS_PER_CENTURY = 36525.0
_WGS_84 = ReferenceSystem(horizontal="EPSG:4326")
LEAST_DAYLIGHT_DEG = 8.0
"""Elevation of the sun under which streets lie in the dark."""
FORENOON_H = 2.5
"""Before noon: the sun stands high enough for light, low enough for shadows that show heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SunPosition:
    azimuth_deg: float
    """Clockwise from north."""
    elevation_deg: float
    """Above the horizon; negative at night."""

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector (3,) from the ground towards the sun: x east, y north, z up."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        return np.array(
            [
                math.cos(elevation) * math.sin(azimuth),
                math.cos(elevation) * math.cos(azimuth),
                math.sin(elevation),
            ]
        )


def sun_position(*, instant: datetime, latitude_deg: float, longitude_deg: float) -> SunPosition:
    """Return where the sun stands at ``instant`` (timezone-aware), azimuth from true north."""
    days = (require_aware(instant) - _J2000).total_seconds() / 86400
    century = days / _DAYS_PER_CENTURY
    mean_longitude = math.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    mean_anomaly = math.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    equation_of_centre = (
        math.sin(mean_anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + math.sin(2 * mean_anomaly) * (0.019993 - 0.000101 * century)
        + math.sin(3 * mean_anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    apparent_longitude = mean_longitude + math.radians(equation_of_centre - 0.00569 - 0.00478 * math.sin(node))
    mean_obliquity = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60
    obliquity = math.radians(mean_obliquity + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(apparent_longitude))
    y = math.tan(obliquity / 2) ** 2
    equation_of_time = (  # radians
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(mean_anomaly)
        + 4 * eccentricity * y * math.sin(mean_anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * y * y * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * math.sin(2 * mean_anomaly)
    )
    day_angle = 2 * math.pi * ((days + 0.5) % 1)
    hour_angle = day_angle + equation_of_time + math.radians(longitude_deg) - math.pi
    latitude = math.radians(latitude_deg)
    elevation = math.asin(
        math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    )
    azimuth = math.atan2(
        -math.sin(hour_angle),
        math.tan(declination) * math.cos(latitude) - math.sin(latitude) * math.cos(hour_angle),
    )
    return SunPosition(azimuth_deg=math.degrees(azimuth) % 360, elevation_deg=math.degrees(elevation))


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarSite:
    """A place for which the sun is asked again and again, and how its grid lies on the Earth."""

    latitude_deg: float
    longitude_deg: float
    convergence_deg: float
    """Direction of true north, clockwise from the grid's north (y)."""

    def sun_at(self, instant: datetime) -> SunPosition:
        """Return where the sun stands, azimuth clockwise from grid north."""
        sun = sun_position(instant=instant, latitude_deg=self.latitude_deg, longitude_deg=self.longitude_deg)
        return SunPosition(azimuth_deg=(sun.azimuth_deg + self.convergence_deg) % 360, elevation_deg=sun.elevation_deg)

    def by_day(self, instant: datetime) -> datetime:
        """Return ``instant`` while the sun is well up, else the forenoon of that year's longest day."""
        if self.sun_at(instant).elevation_deg >= LEAST_DAYLIGHT_DEG:
            return instant
        month = 6 if self.latitude_deg >= 0 else 12
        noon_on_the_clock_h = 12 - self.longitude_deg / 15
        midnight = datetime(instant.year, month, 21, tzinfo=UTC)
        return midnight + timedelta(hours=noon_on_the_clock_h - FORENOON_H)


NOWHERE = SolarSite(latitude_deg=50.0, longitude_deg=10.0, convergence_deg=0.0)
"""Stands in for scenes that are nowhere on Earth: the middle of Europe."""


def solar_site(*, crs: ReferenceSystem, position: tuple[float, float, float]) -> SolarSite:
    """Return the place on Earth of ``position``, metres in the projected system ``crs``; NOWHERE for local systems."""
    if crs.horizontal == LOCAL.horizontal:
        return NOWHERE
    to_geographic = transformer(horizontal_crs(crs), horizontal_crs(_WGS_84))
    longitude, latitude = to_geographic.transform(position[0], position[1])
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        return NOWHERE
    step_deg = 0.001 if latitude < 89 else -0.001
    x, y = to_geographic.transform(longitude, latitude + step_deg, direction="INVERSE")
    sign = math.copysign(1, step_deg)
    convergence = math.degrees(math.atan2(sign * (x - position[0]), sign * (y - position[1])))
    return SolarSite(latitude_deg=latitude, longitude_deg=longitude, convergence_deg=convergence)
