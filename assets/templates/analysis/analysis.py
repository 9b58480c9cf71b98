"""Which buildings are higher than a limit; put your own question in its place."""

from collections.abc import Sequence

import numpy as np
from twinviewer.api import ColourObjects, ColourScale, DrawingRequest, Feedback, LayerData, Site, Table


def find_tall(*, site: Site, feedback: Feedback, limit_m: float) -> Sequence[DrawingRequest | LayerData | Table]:
    """Colour the buildings that are higher than `limit_m`, and list the twenty highest."""
    objects = site.city_objects
    is_building = np.array([kind.startswith("Building") for kind in objects.types], dtype=np.bool_)
    tall = np.flatnonzero(is_building & (objects.heights_m > limit_m))
    tall = tall[np.argsort(-objects.heights_m[tall], kind="stable")]
    feedback.progress(0.5, "Colouring")
    highest_m = float(objects.heights_m[tall].max(initial=limit_m)) + 1.0
    ids = [objects.ids[row] for row in tall]
    heights_m = objects.heights_m[tall]
    return [
        ColourObjects(
            object_ids=ids,
            values=heights_m,
            scale=ColourScale(title="Height", unit="m", colour_map="viridis", value_range=(limit_m, highest_m)),
        ),
        Table(
            title=f"{len(tall)} of {int(is_building.sum())} buildings are higher than {limit_m:g} m",
            columns=("Building", "Height (m)"),
            rows=[(name, round(float(height_m), 1)) for name, height_m in zip(ids[:20], heights_m[:20], strict=True)],
            object_ids=ids[:20],
        ),
    ]
