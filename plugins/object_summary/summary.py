"""Counts the city objects of the site, or near what is selected, and lists the highest of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

import twinviewer.api as tv

Entries = Mapping[str, tv.Entry]
RADIUS = tv.NumberEntry(id="radius", title="Radius", value=200, minimum=50, maximum=1000, step=50, unit="m")


def show(
    *, site: tv.Site | None, selection: tv.Selection | None, instant: datetime, entries: Entries, pressed: str
) -> Sequence[tv.PanelElement | tv.Action]:
    """Return counts by type and the highest objects, with a button to fly there."""
    if site is None or not site.city_objects.ids:
        return [tv.Heading(text="Open a city model to see what is in it")]
    objects, types, metres = site.city_objects, np.array(site.city_objects.types), float(entries.get("radius", 200))
    place = (site.extent.centre if selection is None else selection.position)[:2]
    here = np.flatnonzero((np.hypot(*(objects.positions[:, :2] - place).T) <= metres) | (selection is None))
    rows = here[np.argsort(-objects.heights_m[here], kind="stable")][:100]
    ids, (names, counts) = [objects.ids[row] for row in rows], np.unique(types[here], return_counts=True)
    highest = list(zip(ids, objects.heights_m[rows].round(1), types[rows], strict=True))
    counted = tv.Table(title="", columns=("Type", "Objects"), rows=list(zip(names, counts, strict=True)))
    listed = tv.Table(title="Highest", columns=("Id", "Height (m)", "Type"), rows=highest, object_ids=ids)
    fly = [tv.FlyTo(position=tuple(objects.positions[rows[0]]))] if pressed == "fly" and len(rows) else []
    heading = [tv.Heading(text=f"Within {metres:.0f} m"), RADIUS] if selection else [tv.Heading(text="The whole site")]
    return [*heading, counted, listed, tv.Button(id="fly", title="Fly to the highest"), *fly]
