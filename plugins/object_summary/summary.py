"""Counts the city objects of the site, or near what is selected, and lists the highest of them."""

import numpy as np

from twinviewer.api import Button, ChoiceEntry, FlyTo, Heading, NumberEntry, Table

RADIUS = NumberEntry(id="radius", title="Radius", value=200, minimum=50, maximum=1000, step=50, unit="m")
HEADS = ("Type", "Height (m)", "Id")


def show(*, site, selection, instant, entries, pressed):
    if site is None:
        return [Heading(text="Open a city model to see what is in it")]
    objects, types = site.city_objects, np.array(site.city_objects.types)
    title, more, here = "The whole site", [], np.ones(len(types), dtype=bool)
    if selection is not None:
        radius = entries.get("radius", RADIUS.value)
        title, more = f"Within {radius:.0f} m of the selection", [RADIUS]
        here = np.hypot(*(objects.positions[:, :2] - selection.position[:2]).T) <= radius
    names, counts = np.unique(types[here], return_counts=True)
    chosen = entries.get("type", "All types")
    rows = np.flatnonzero(here & ((types == chosen) | (chosen not in names)))
    rows = rows[np.argsort(-objects.heights_m[rows], kind="stable")][:100]
    highest = [(types[row], objects.heights_m[row].round(1), objects.ids[row]) for row in rows]
    more += [Table(title="", columns=("Type", "Objects"), rows=list(zip(names, counts, strict=True)))]
    more += [ChoiceEntry(id="type", title="List", choices=("All types", *names), value="All types")]
    more += [Table(title="Highest", columns=HEADS, rows=highest, object_ids=[objects.ids[row] for row in rows])]
    fly = [FlyTo(position=tuple(objects.positions[rows[0]]))] if pressed == "fly" and len(rows) else []
    return [Heading(text=title), *more, Button(id="fly", title="Fly to the highest"), *fly]
