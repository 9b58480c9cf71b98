"""How high buildings stand above the ground."""

from collections.abc import Sequence

import numpy as np

from twinviewer.api import ColourObjects, ColourScale, DrawingRequest, Feedback, Site, Table, TwinViewerError


def measure(*, site: Site, feedback: Feedback, high_m: float) -> Sequence[DrawingRequest | Table]:
    """Return the height of each building as a colour, a summary, and a list with the highest on top."""
    objects = site.city_objects
    rows = [row for row, name in enumerate(objects.types) if name in ("Building", "BuildingPart")]
    if not rows:
        raise TwinViewerError("There are no buildings here.", cure="Open a city model with buildings.")
    places = objects.positions[rows]
    heights = places[:, 2] + objects.heights_m[rows] / 2 - site.ground_height(places[:, :2])
    ids = [objects.ids[row] for row in rows]
    feedback.progress(0.8, "Listing buildings")
    order = np.argsort(-heights).tolist()
    high = int((heights >= high_m).sum())
    facts = (("Buildings", f"{len(ids):,}"), ("Lowest", f"{heights.min():.1f} m"), ("Mean", f"{heights.mean():.1f} m"),
             ("Highest", f"{heights.max():.1f} m"), (f"Of {high_m:g} m and more", f"{high:,}"))  # fmt: skip
    top = max(1.0, float(np.percentile(heights, 98)))
    scale = ColourScale(title="Height above ground", unit="m", colour_map="viridis", value_range=(0.0, top))
    listed = [(ids[row], objects.types[rows[row]], heights[row]) for row in order]
    return [ColourObjects(object_ids=ids, values=heights, scale=scale),
            Table(title="Summary", columns=("What", "Value"), rows=facts),
            Table(title="Buildings", columns=("Id", "Type", "Height (m)"), rows=listed,
                  object_ids=[ids[row] for row in order])]  # fmt: skip
