"""A town of a few houses, made by hand: what it holds is known without the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from shapely.geometry import LineString, Polygon, box

from twinviewer.demo.town import Area, Building, Corner, Float64s, Furniture, Street, Structure, Surface, Tree

GROUND_M = 10.0
WIDTH_M, LENGTH_M, EAVES_M, RIDGE_M = 8.0, 12.0, 6.0, 10.0
SURFACES_PER_HOUSE = 7


def house(number: int, x: float, y: float, *, name: str = "", function: str = "residential") -> Building:
    """Return a house with a gabled roof, its south-west corner at (x, y)."""
    a, b, c, d = ((x, y), (x + WIDTH_M, y), (x + WIDTH_M, y + LENGTH_M), (x, y + LENGTH_M))
    south, north = (x + WIDTH_M / 2, y), (x + WIDTH_M / 2, y + LENGTH_M)

    def at(corner: tuple[float, float], up_m: float) -> Corner:
        return (*corner, GROUND_M + up_m)

    def surface(type: str, *corners: Corner) -> Surface:
        return Surface(type=type, exterior=corners)

    return Building(
        id=f"BLDG_{number:07d}",
        name=name,
        surfaces=(
            surface("GroundSurface", at(a, 0), at(d, 0), at(c, 0), at(b, 0)),
            surface("WallSurface", at(a, 0), at(b, 0), at(b, EAVES_M), at(south, RIDGE_M), at(a, EAVES_M)),
            surface("WallSurface", at(b, 0), at(c, 0), at(c, EAVES_M), at(b, EAVES_M)),
            surface("WallSurface", at(c, 0), at(d, 0), at(d, EAVES_M), at(north, RIDGE_M), at(c, EAVES_M)),
            surface("WallSurface", at(d, 0), at(a, 0), at(a, EAVES_M), at(d, EAVES_M)),
            surface("RoofSurface", at(b, EAVES_M), at(c, EAVES_M), at(north, RIDGE_M), at(south, RIDGE_M)),
            surface("RoofSurface", at(d, EAVES_M), at(a, EAVES_M), at(south, RIDGE_M), at(north, RIDGE_M)),
        ),
        function=function,
        roof_type="gabled",
        year_of_construction=1900 + number,
        storeys_above_ground=2,
        measured_height_m=RIDGE_M,
        energy_class="D",
        residents=number % 4,
        quarter="Old Town" if number % 2 else "New Quay",
        address=f"King & Queen Street {number}",
    )


@dataclass(frozen=True, kw_only=True)
class SmallTown:
    """Implements :class:`twinviewer.demo.town.Town`: a row of houses by a canal."""

    building_count: int = 12
    name: str = "Smallham & Sons"
    bounds: tuple[float, float, float, float] = (-100.0, -60.0, 100.0, 90.0)

    @property
    def streets(self) -> tuple[Street, ...]:
        return (
            Street(
                id="STREET_1",
                name="King & Queen Street",
                type="residential",
                line=LineString([(-90, -4), (0, -4), (90, -4)]),
                width_m=7.5,
                max_speed_km_h=30,
            ),
            Street(
                id="STREET_2", name="Quay", type="promenade", line=LineString([(0, -4), (0, -40)]), width_m=4.0,
                max_speed_km_h=5,
            ),
        )  # fmt: skip

    @property
    def land_use(self) -> tuple[Area, ...]:
        return (
            Area(id="USE_1", type="residential", polygon=box(-100, 0, 100, 60)),
            Area(id="USE_2", type="water", polygon=box(-100, -60, 100, -40), name="Canal"),
            Area(
                id="USE_3",
                type="park",
                polygon=Polygon(
                    [(-100, 60), (100, 60), (100, 90), (-100, 90)], [[(-5, 70), (5, 70), (5, 80), (-5, 80)]]
                ),
            ),
        )

    @property
    def zones(self) -> tuple[Area, ...]:
        return (Area(id="ZONE_1", type="WA general residential", polygon=box(-100, 0, 100, 60)),)

    @property
    def bridges(self) -> tuple[Structure, ...]:
        deck = tuple((x, y, GROUND_M) for x, y in ((-3.0, -60.0), (3.0, -60.0), (3.0, -40.0), (-3.0, -40.0)))
        below = tuple((x, y, z - 0.5) for x, y, z in reversed(deck))
        return (
            Structure(
                id="QUAY_1",
                name="Quay",
                type="OtherConstruction",
                surfaces=(
                    Surface(
                        type="OuterFloorSurface",
                        exterior=((50.0, -40.0, GROUND_M), (90.0, -40.0, GROUND_M), (90.0, -36.0, GROUND_M)),
                    ),
                ),
            ),
            Structure(
                id="BRIDGE_1",
                name="Low Bridge",
                surfaces=(
                    Surface(type="OuterFloorSurface", exterior=deck),
                    Surface(type="GroundSurface", exterior=below),
                ),
            ),
        )

    @property
    def trees(self) -> tuple[Tree, ...]:
        return tuple(
            Tree(
                id=f"TREE_{number}",
                position=(-80.0 + 20 * number, 65.0, GROUND_M),
                height_m=9.0 + number,
                crown_m=5.0,
                species="Picea abies" if number % 3 == 0 else "Tilia cordata",
                conifer=number % 3 == 0,
            )
            for number in range(8)
        )

    @property
    def furniture(self) -> tuple[Furniture, ...]:
        return (
            Furniture(id="LAMP_1", type="street lamp", position=(-20.0, 0.0, GROUND_M), heading_deg=180.0),
            Furniture(id="BENCH_1", type="bench", position=(20.0, 62.0, GROUND_M), heading_deg=90.0),
            Furniture(id="THING_1", type="pillar box", position=(30.0, 0.0, GROUND_M)),
        )

    def buildings(self) -> Iterator[Building]:
        for number in range(self.building_count):
            named = number == 3
            yield house(
                number,
                -90.0 + 15.0 * (number % 12),
                5.0 + 20.0 * (number // 12),
                name="St Mary’s" if named else "",
                function="church" if named else "residential",
            )

    def heights(self, x: Float64s, y: Float64s) -> Float64s:
        return np.where(np.asarray(y) < -40, 1.0, GROUND_M) + 0.0 * np.asarray(x)
