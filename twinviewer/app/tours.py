"""Guided tours: what their files say, and where the stops are in the city that is loaded.

A tour is data, a JSON file: no code runs.  The schema is published in ``docs/schema/tour.schema.json``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pydantic

from twinviewer.api.contracts import Site
from twinviewer.app.plugins.manifest import TourContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.themes import file_of
from twinviewer.model.errors import PluginError
from twinviewer.model.project import Project, Viewpoint

SIZE_LIMIT_BYTES = 512 * 1024
MOST_STOPS = 200
HOURS_PER_DEGREE = 24 / 360
BEFORE_A_CORNER_DEG = 45.0
"""From where an object is looked at if the stop does not say: two of its sides are seen."""

ViewName = Literal[
    "overview",
    "top",
    "isometric-south-west",
    "isometric-south-east",
    "isometric-north-east",
    "isometric-north-west",
    "street",
]
Number = Annotated[float, pydantic.Field(ge=-1e8, le=1e8, allow_inf_nan=False)]
Point = tuple[Number, Number, Number]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class CameraPlace(_Part):
    """Where one stands and looks."""

    position: Point
    target: Point
    relative_to: Literal["city", "crs"] = "city"
    """``city``: x from 0 in the west of the city to 1 in its east, y from south to north, z in metres above the ground
    there.  ``crs``: coordinates of the project."""
    view_angle_deg: float = pydantic.Field(default=40.0, ge=5, le=90)


class ObjectPlace(_Part):
    """A city object, looked at from above its side."""

    id: Annotated[str, pydantic.Field(min_length=1, max_length=1000)]
    """gml:id, CityJSON id, IFC GlobalId."""
    distance_m: float | None = pydantic.Field(default=None, gt=0, le=1e5)
    """None: as its height asks for."""
    heading_deg: float = pydantic.Field(default=BEFORE_A_CORNER_DEG, ge=-360, le=360)
    """Where one looks, clockwise from north."""
    pitch_deg: float = pydantic.Field(default=-25.0, ge=-89, le=10)


class TourStop(_Part):
    """One stop: where, when, with what, and for how long.

    Where: at most one of ``view``, ``camera``, ``object`` and ``bookmark``; none of them: where the view is.
    """

    title: Annotated[str, pydantic.Field(max_length=120)] = ""
    caption: Annotated[str, pydantic.Field(max_length=600)] = ""
    """What there is to see, one or two sentences."""
    view: ViewName | None = None
    camera: CameraPlace | None = None
    object: ObjectPlace | None = None
    bookmark: str | None = None
    """Title of a bookmark of the project."""
    hold_s: float = pydantic.Field(default=8.0, ge=0.5, le=3600)
    """How long one stays."""
    flight_s: float | None = pydantic.Field(default=None, ge=0, le=60)
    """How long the way there takes; None: as the distance asks for."""
    turn: bool = True
    """Whether the view turns slowly about its target while one stays."""
    instant: pydantic.AwareDatetime | None = None
    """The time that is shown."""
    time_of_day: Annotated[str, pydantic.Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """In place of it: ``"08:30"`` by the sun of the place, 12:00 when it stands highest, on the day that is shown."""
    day: Annotated[str, pydantic.Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")] | None = None
    """With ``time_of_day``: month and day, ``"06-21"``."""
    speed: float | None = pydantic.Field(default=None, ge=0, le=3600)
    """Seconds shown per second; 0: time stands still; None: as it was."""
    overlays: dict[Annotated[str, pydantic.Field(max_length=200)], bool] = pydantic.Field(
        default_factory=dict, max_length=50
    )
    """Contribution ids of overlays and layers of plugins to switch on or off; the others stay as they are."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        if sum(place is not None for place in (self.view, self.camera, self.object, self.bookmark)) > 1:
            raise ValueError("a stop has one of view, camera, object and bookmark")
        if self.instant is not None and self.time_of_day is not None:
            raise ValueError("a stop has an instant or a time of day")
        if self.day is not None and self.time_of_day is None:
            raise ValueError("a day needs a time of day")
        if self.day == "02-30" or self.day in ("02-31", "04-31", "06-31", "09-31", "11-31"):
            raise ValueError("there is no such day")
        return self


class Tour(_Part):
    """What a tour's file says."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, title="twinviewer tour")
    format: Literal["twinviewer-tour"]
    version: Literal[1]
    crs: str | None = None
    """Of positions that are relative to ``crs``: ``"EPSG:25832"``.  Projects in another one leave such stops out."""
    loop: bool = False
    """Whether it begins again after the last stop."""
    stops: tuple[TourStop, ...] = pydantic.Field(min_length=1, max_length=MOST_STOPS)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a tour's file."""
    return Tour.model_json_schema()


def read_tour(path: Path) -> Tour:
    """Read a tour.

    Raises:
        PluginError: It cannot be read, is too large, or does not fit the schema.
    """
    cure = "Correct it; docs/schema/tour.schema.json says what belongs there."
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise PluginError("A tour is larger than 512 KiB.", cure=cure, source=str(path))
        return Tour.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PluginError(
            f"A tour cannot be read: {error.strerror}.", cure="Correct its path in plugin.toml.", source=str(path)
        ) from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"]) or "the tour"
        raise PluginError(
            f"“{where}” of a tour does not fit: {first['msg'].removeprefix('Value error, ')}.",
            cure=cure,
            source=str(path),
        ) from error


def tour_of(registry: PluginRegistry, tour_id: str) -> Tour:
    """Read a plugin's tour.

    Raises:
        PluginError: See :func:`read_tour`; or no plugin has it.
    """
    contribution = registry.contribution(tour_id, TourContribution)
    if contribution is None:
        raise PluginError(f"There is no tour “{tour_id}”.", cure="Install its plugin.")
    return read_tour(file_of(Path(registry.plugin_of(tour_id).code.folder), contribution.file))


# --- where and when -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedStop:
    """A stop in the city that is loaded."""

    stop: TourStop
    view: ViewName | Viewpoint | None
    """Where: a view that fits the scene, a viewpoint, or None: where one is."""


def placed(tour: Tour, *, site: Site, project: Project) -> tuple[PlacedStop, ...]:
    """Return the stops that this city has.

    Left out are those at unknown objects and bookmarks, outside the city, or in another reference system.
    """
    found = (_placed(stop, tour, site, project) for stop in tour.stops)
    return tuple(stop for stop in found if stop is not None)


def _placed(stop: TourStop, tour: Tour, site: Site, project: Project) -> PlacedStop | None:
    view: ViewName | Viewpoint | None = stop.view
    if stop.camera is not None:
        view = _camera(stop.camera, tour, site)
    elif stop.object is not None:
        view = _object(stop.object, site)
    elif stop.bookmark is not None:
        marks = project.bookmarks
        view = next((mark.viewpoint for mark in marks if mark.title == stop.bookmark), None)
    names_a_place = stop.camera is not None or stop.object is not None or stop.bookmark is not None
    return None if names_a_place and view is None else PlacedStop(stop=stop, view=view)


def _camera(place: CameraPlace, tour: Tour, site: Site) -> Viewpoint | None:
    if place.relative_to == "crs":
        if tour.crs is not None and tour.crs != site.crs.horizontal:
            return None
        position, target = place.position, place.target
        extent = site.extent
        if not (extent.min_x <= target[0] <= extent.max_x and extent.min_y <= target[1] <= extent.max_y):
            return None
    else:
        position, target = (_in_city(point, site) for point in (place.position, place.target))
    if math.dist(position, target) < 1e-3:
        return None
    return Viewpoint(position=position, target=target, view_angle_deg=place.view_angle_deg)


def _in_city(point: Point, site: Site) -> Point:
    """Return a point given in shares of the city's extent and metres above its ground."""
    extent = site.extent
    x = extent.min_x + point[0] * (extent.max_x - extent.min_x)
    y = extent.min_y + point[1] * (extent.max_y - extent.min_y)
    return (x, y, float(site.ground_height(np.array([[x, y]]))[0]) + point[2])


def _object(place: ObjectPlace, site: Site) -> Viewpoint | None:
    objects = site.city_objects
    if place.id not in objects.ids:
        return None
    row = objects.ids.index(place.id)
    x, y, z = (float(value) for value in objects.positions[row])
    distance = place.distance_m or max(60.0, 3.5 * float(objects.heights_m[row]))
    return looking_at((x, y, z), heading_deg=place.heading_deg, pitch_deg=place.pitch_deg, distance_m=distance)


def looking_at(target: Point, *, heading_deg: float, pitch_deg: float, distance_m: float) -> Viewpoint:
    """Return the viewpoint that has ``target`` before it at that distance, looking along ``heading`` and ``pitch``."""
    heading, pitch = math.radians(heading_deg), math.radians(pitch_deg)
    forward = (math.sin(heading) * math.cos(pitch), math.cos(heading) * math.cos(pitch), math.sin(pitch))
    x, y, z = (value - distance_m * part for value, part in zip(target, forward, strict=True))
    return Viewpoint(position=(x, y, z), target=target)


def instant_of(stop: TourStop, *, shown: datetime, longitude_deg: float) -> datetime | None:
    """Return the instant that a stop shows, in UTC, or None where it does not say.

    Args:
        stop: The stop.
        shown: What is shown now: its day by the sun is taken where the stop names none.
        longitude_deg: Of the city, east positive.
    """
    if stop.instant is not None:
        return stop.instant.astimezone(UTC)
    if stop.time_of_day is None:
        return None
    ahead = timedelta(hours=longitude_deg * HOURS_PER_DEGREE)
    day = (shown.astimezone(UTC) + ahead).date()
    if stop.day is not None:
        month, number = (int(part) for part in stop.day.split("-"))
        day = date(day.year, month, min(number, 28) if month == 2 else number)
    at = time.fromisoformat(stop.time_of_day)
    return datetime.combine(day, at, tzinfo=UTC) - ahead
