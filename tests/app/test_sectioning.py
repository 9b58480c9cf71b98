"""The section that a person moves through the city."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twinviewer.app.sectioning import Orientation, begin_section, moving_section
from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.model.section import Section

BOX = Extent(min_x=500_000, min_y=5_000_000, min_z=100, max_x=500_040, max_y=5_000_020, max_z=112)
FROM_SOUTH_EAST = Viewpoint(position=(500_120, 4_999_910, 180), target=(500_020, 5_000_010, 106))


def cut_away(section, position) -> bool:
    (plane,) = section.planes
    return sum((p - o) * n for p, o, n in zip(position, plane.origin, plane.normal, strict=True)) > 0


@pytest.mark.parametrize(
    ("orientation", "ends", "kept", "gone"),
    [
        (Orientation.LEVEL, (100, 112), (500_000, 5_000_000, 105.9), (500_040, 5_000_020, 106.1)),
        (Orientation.NORTH_SOUTH, (0, 40), (500_019.9, 5_000_000, 100), (500_020.1, 5_000_000, 100)),
        (Orientation.EAST_WEST, (0, 20), (500_000, 5_000_010.1, 100), (500_000, 5_000_009.9, 100)),
        (Orientation.FACING, (0, 60 / 2**0.5), (500_019, 5_000_011, 100), (500_021, 5_000_009, 100)),
    ],
)
def test_a_section_begins_in_the_middle_and_open_to_the_camera(orientation, ends, kept, gone) -> None:
    moving = begin_section(orientation, BOX, FROM_SOUTH_EAST)
    assert moving.ends_m == pytest.approx(ends)
    assert moving.at_m == pytest.approx(sum(ends) / 2)
    assert not cut_away(moving.section, kept)
    assert cut_away(moving.section, gone)
    flipped = replace(moving, flipped=not moving.flipped)
    assert cut_away(flipped.section, kept)
    assert not cut_away(flipped.section, gone)


def test_seen_from_straight_above_a_section_across_the_line_of_sight_opens_the_south() -> None:
    above = Viewpoint(position=(500_020, 5_000_010, 900), target=(500_020, 5_000_010, 100))
    section = begin_section(Orientation.FACING, BOX, above).section
    assert cut_away(section, (500_020, 5_000_000, 106))
    assert not cut_away(section, (500_020, 5_000_020, 106))


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("flipped", [False, True])
def test_a_section_that_was_saved_can_be_moved_on(orientation, flipped) -> None:
    moving = replace(begin_section(orientation, BOX, FROM_SOUTH_EAST), at_m=3.5, flipped=flipped, cuts_ground=True)
    again = moving_section(moving.section, BOX)
    assert again is not None
    assert again.cuts_ground
    assert [plane.normal for plane in again.section.planes] == [
        pytest.approx(plane.normal) for plane in moving.section.planes
    ]
    position = moving.section.planes[0].origin
    (plane,) = again.section.planes
    assert sum((p - o) * n for p, o, n in zip(position, plane.origin, plane.normal, strict=True)) == pytest.approx(0)
    if orientation is not Orientation.FACING:
        assert (again.orientation, again.at_m, again.flipped) == (orientation, pytest.approx(3.5), flipped)


def test_a_section_by_a_box_is_not_moved_as_one_plane() -> None:
    assert moving_section(Section.of_box(BOX), BOX) is None
