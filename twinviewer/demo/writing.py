"""The whole town into one folder of open formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twinviewer.demo import cityjson_writer, contents
from twinviewer.demo.citygml_writer import write_buildings
from twinviewer.demo.guide import Guide, Sights, bookmarks
from twinviewer.demo.laser_scan import is_in_reach, write_laser_scan
from twinviewer.demo.map_layers import write_map_layers
from twinviewer.demo.terrain_writer import write_terrain
from twinviewer.demo.town import Building, Town
from twinviewer.model.feedback import Feedback, PartOf

_TELL_EVERY = 50
"""Buildings between two words of progress."""


def write_town(town: Town, folder: Path, *, seed: int, feedback: Feedback) -> None:
    """Write all files of a town; the same town gives the same bytes.

    Args:
        town: What to write.  Its buildings are asked for once, and not kept.
        folder: An empty folder.
        seed: Of the noise in the laser points.
        feedback: Hears progress, and is asked whether to stop.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    feedback.progress(0.0, "Drawing the map")
    write_map_layers(folder / contents.MAP, town)
    cityjson_writer.write_bridges(folder / contents.BRIDGES, town.bridges, title=f"Bridges of {town.name}")
    cityjson_writer.write_water(folder / contents.WATER, town.land_use, title=f"Water of {town.name}")
    feedback.progress(0.05, "Planting trees")
    cityjson_writer.write_trees(folder / contents.TREES, town.trees, title=f"Trees of {town.name}")
    cityjson_writer.write_furniture(
        folder / contents.FURNITURE, town.furniture, title=f"Street furniture of {town.name}"
    )
    feedback.progress(0.1, "Shaping the ground")
    write_terrain(folder / contents.TERRAIN, town, feedback=PartOf(feedback, 0.1, 0.25))
    sights = Sights()
    scanned: list[Building] = []
    building_feedback = PartOf(feedback, 0.25, 0.75)

    def passing() -> Iterator[Building]:
        for number, building in enumerate(sights.noted(town.buildings())):
            if number % _TELL_EVERY == 0:
                feedback.stop_if_cancelled()
                building_feedback.progress(number / town.building_count, f"Building house {number + 1:,}")
            if is_in_reach(building):
                scanned.append(building)
            yield building

    count = write_buildings(folder / contents.BUILDINGS, passing(), town=town.name)
    feedback.progress(0.75, "Flying over it with a laser")
    write_laser_scan(folder / contents.LASER_POINTS, town, scanned, seed=seed, feedback=PartOf(feedback, 0.75, 1.0))
    Guide(town=town.name, buildings=count, bookmarks=bookmarks(town, sights)).write(folder / contents.GUIDE)
