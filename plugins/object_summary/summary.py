"""Counts the city objects of the site, or near what is selected, and lists the highest of them."""

import numpy as np

from twinviewer.api import Button, ChoiceEntry, FlyTo, Heading, NumberEntry, Paragraph, Table


def show(*, site, selection, instant, entries, pressed):
    if site is None:
        return [Paragraph(text="Open a city model to see what is in it.")]
    objects, types = site.city_objects, np.array(site.city_objects.types)
    title, radius, here = "The whole site", [], np.ones(len(types), dtype=bool)
    if selection is not None:
        metres = entries.get("radius", 200.0)
        title = f"Within {metres:.0f} m of the selection"
        radius = [NumberEntry(id="radius", title="Radius", value=200, minimum=50, maximum=1000, step=50, unit="m")]
        here = np.hypot(*(objects.positions[:, :2] - selection.position[:2]).T) <= metres
    names, counts = np.unique(types[here], return_counts=True)
    chosen = entries.get("type", "All types")
    listed = np.flatnonzero(here & ((types == chosen) | (chosen not in names)))
    highest = listed[np.argsort(-objects.heights_m[listed])][:100].tolist()
    rows = [(types[row], round(float(objects.heights_m[row]), 1), objects.ids[row]) for row in highest]
    choice = ChoiceEntry(id="type", title="List", choices=("All types", *names.tolist()), value="All types")
    shown = [
        Heading(text=title),
        *radius,
        Table(title="", columns=("Type", "Objects"), rows=[*zip(names, counts)]),
        choice,
    ]
    shown.append(
        Table(title="Highest", columns=("Type", "Height (m)", "Id"), rows=rows, object_ids=[r[2] for r in rows])
    )
    if pressed == "fly" and highest:
        shown.append(FlyTo(position=tuple(objects.positions[highest[0]].tolist())))
    return [*shown, Button(id="fly", title="Fly to the highest")]
