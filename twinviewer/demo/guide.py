"""What the town has to show: its landmarks, and the stops of a tour that are worked out from them.

Times are of a clear day in June, when the sun at the place rises at about 3 and sets at about 20 UTC.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from twinviewer.demo.georeference import MARKET
from twinviewer.demo.plane import Point
from twinviewer.demo.town import Building, Town
from twinviewer.model.project import Bookmark, Viewpoint

_DAY = datetime(2026, 6, 14, tzinfo=UTC)
_BASIN: Point = (395.0, -250.0)
_WIDE_DEG, _USUAL_DEG, _NARROW_DEG = 48.0, 40.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    name: str
    function: str
    middle: Point
    top_m: float
    """Height above sea level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What is noted of buildings while they pass by."""

    landmarks: list[Landmark] = field(default_factory=list)
    """Buildings with names."""
    quarters: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))
    """Where buildings of each quarter stand, near the market."""

    def noted(self, buildings: Iterable[Building]) -> Iterator[Building]:
        """Yield the same buildings."""
        for building in buildings:
            corners = building.surfaces[0].exterior
            middle = (sum(x for x, _, _ in corners) / len(corners), sum(y for _, y, _ in corners) / len(corners))
            if math.hypot(*middle) < 1200.0:
                self.quarters[building.quarter].append(middle)
            if building.name:
                top = max(z for surface in building.surfaces for _, _, z in surface.exterior)
                self.landmarks.append(
                    Landmark(name=building.name, function=building.function, middle=middle, top_m=top)
                )
            yield building


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What is known of a town that was written, without reading it."""

    town: str
    buildings: int
    bookmarks: tuple[Bookmark, ...]

    def write(self, path: Path) -> None:
        text = json.dumps(asdict(self), default=datetime.isoformat, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def read(cls, path: Path) -> Guide:
        """Return what :meth:`write` wrote.

        Raises:
            OSError: It cannot be read.
            ValueError: It is damaged.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        try:
            bookmarks = tuple(
                Bookmark(
                    title=stop["title"],
                    viewpoint=Viewpoint(
                        position=tuple(stop["viewpoint"]["position"]),
                        target=tuple(stop["viewpoint"]["target"]),
                        view_angle_deg=stop["viewpoint"]["view_angle_deg"],
                    ),
                    instant=datetime.fromisoformat(stop["instant"]),
                )
                for stop in content["bookmarks"]
            )
            return cls(town=content["town"], buildings=content["buildings"], bookmarks=bookmarks)
        except (KeyError, TypeError) as error:
            raise ValueError("the guide is damaged") from error


def bookmarks(town: Town, sights: Sights) -> tuple[Bookmark, ...]:
    """Return the stops of a tour, those left out that the town does not have."""
    stops = [
        _stop(
            town, f"{town.name} in the morning", (20, -40), from_deg=158, distance_m=960, up_m=390, hour=7.0,
            angle_deg=_USUAL_DEG,
        ),
        _stop(
            town, "Market square", (0, 0), from_deg=112, distance_m=120, up_m=46, look_up_m=4, hour=9.0,
            angle_deg=_WIDE_DEG,
        ),
    ]  # fmt: skip
    church = next((landmark for landmark in sights.landmarks if landmark.function == "church"), None)
    if church is not None:
        ground = _ground(town, church.middle)
        height = church.top_m - ground
        stops.append(
            _stop(
                town, church.name, church.middle, from_deg=70, distance_m=2.6 * height, up_m=0.75 * height,
                look_up_m=0.5 * height, hour=8.0,
            )
        )  # fmt: skip
    stops.append(_stop(town, "Harbour", _BASIN, from_deg=318, distance_m=300, up_m=75, look_up_m=4, hour=14.5))
    bridge = next((bridge for bridge in town.bridges if bridge.type == "Bridge"), None)
    if bridge is not None:
        corners = np.array([corner for surface in bridge.surfaces for corner in surface.exterior])
        x, y, _ = corners.mean(axis=0).tolist()
        stops.append(
            _stop(
                town, bridge.name, (x, y), from_deg=300, distance_m=125, up_m=36, look_up_m=3, hour=16.0,
            )
        )  # fmt: skip
    old = sights.quarters.get("Old Town")
    if old:
        stops.append(
            _stop(
                town, "Roofs of the Old Town", _middle(old), from_deg=300, distance_m=300, up_m=130, look_up_m=8,
                hour=17.2, angle_deg=_NARROW_DEG,
            )
        )  # fmt: skip
    new = sights.quarters.get("New Quay")
    if new:
        stops.append(
            _stop(
                town, "New Quay in the evening", _middle(new), from_deg=230, distance_m=400, up_m=135, look_up_m=10,
                hour=18.7,
            )
        )  # fmt: skip
    return tuple(stops)


def _stop(
    town: Town,
    title: str,
    place: Point,
    *,
    from_deg: float,
    distance_m: float,
    up_m: float,
    hour: float,
    look_up_m: float = 0.0,
    angle_deg: float = _USUAL_DEG,
) -> Bookmark:
    """Return a view of a place.

    Args:
        town: For the height of the ground.
        title: What is seen.
        place: In plan coordinates.
        from_deg: On which side of the place one stands, clockwise from north.
        distance_m: How far away on the map.
        up_m: How high above the place's ground.
        hour: UTC.
        look_up_m: How high above the ground the middle of the picture is.
        angle_deg: Of the view.
    """
    ground = _ground(town, place)
    east, north = MARKET[0] + place[0], MARKET[1] + place[1]
    side = math.radians(from_deg)
    position = (east + distance_m * math.sin(side), north + distance_m * math.cos(side), ground + up_m)
    minutes = round(hour * 60)
    return Bookmark(
        title=title,
        viewpoint=Viewpoint(
            position=(round(position[0], 1), round(position[1], 1), round(position[2], 1)),
            target=(round(east, 1), round(north, 1), round(ground + look_up_m, 1)),
            view_angle_deg=angle_deg,
        ),
        instant=_DAY.replace(hour=minutes // 60, minute=minutes % 60),
    )


def _ground(town: Town, place: Point) -> float:
    return float(town.heights(np.array([place[0]]), np.array([place[1]]))[0])


def _middle(places: list[Point]) -> Point:
    x, y = np.median(np.array(places), axis=0).tolist()
    return x, y
