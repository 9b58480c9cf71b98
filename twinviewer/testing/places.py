"""Places to try plugins on."""

from __future__ import annotations

from collections.abc import Mapping

from twinviewer.api.contracts import Site
from twinviewer.app.plugins import trial_places


def small_town() -> Site:
    """Return a town of 25 blocks with 100 houses, streets and a sloping terrain, in which all follows from formulas.

    Its south-west corner is at (565000, 5934000) in EPSG:25832, its side 500 m long.  The ground is 40 m high in the
    west and falls 3 m per 100 m eastward.  The house ``house-n`` is ``6 + 3 * (5 * n % 7)`` metres high.
    """
    return trial_places.small_town()


def bare_places() -> Mapping[str, Site]:
    """Return places where something is missing that a plugin may count on, by what is missing."""
    return trial_places.bare_places()
