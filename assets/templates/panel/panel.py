"""A panel about the heights of buildings; put what you want to say in its place."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from twinviewer.api import (
    Action,
    Button,
    Entry,
    Facts,
    FlyTo,
    Heading,
    NumberEntry,
    PanelElement,
    Paragraph,
    Selection,
    Site,
)


def show(
    *,
    site: Site | None,
    selection: Selection | None,
    instant: datetime,
    entries: Mapping[str, Entry],
    pressed: str,
) -> Sequence[PanelElement | Action]:
    """Say how many buildings are higher than what is entered, and fly to the highest when asked to."""
    types = () if site is None else site.city_objects.types
    buildings = [row for row, kind in enumerate(types) if kind.startswith("Building")]
    if site is None or not buildings:
        return [Paragraph(text="Open a city model to see how high its buildings are.")]
    objects = site.city_objects
    heights_m = objects.heights_m[buildings]
    limit_m = float(entries.get("limit_m", 15.0))
    highest = buildings[int(np.argmax(heights_m))]
    facts = [
        ("Buildings", str(len(buildings))),
        (f"Higher than {limit_m:g} m", str(int((heights_m > limit_m).sum()))),
        ("Highest", f"{heights_m.max():.1f} m"),
    ]
    if selection is not None and selection.object_id in objects.ids:
        facts.append(("Selected", f"{objects.heights_m[objects.ids.index(selection.object_id)]:.1f} m"))
    elements: list[PanelElement | Action] = [
        Heading(text="Building heights"),
        NumberEntry(id="limit_m", title="Limit", value=15.0, minimum=0.0, maximum=300.0, unit="m"),
        Facts(rows=tuple(facts)),
        Button(id="fly", title="Fly to the highest"),
    ]
    if pressed == "fly":
        x, y, z = objects.positions[highest].tolist()
        elements.append(FlyTo(position=(x, y, z)))
    return elements
