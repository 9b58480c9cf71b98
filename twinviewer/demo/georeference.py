"""Where the town lies: plan coordinates become those of a national grid, heights already are of a national datum.

The place is a round number on the Lüneburg Heath, where ETRS89 / UTM zone 32N is the official grid and DHHN2016 the
official height system; the town itself is nowhere.
"""

from __future__ import annotations

from pyproj import CRS

from twinviewer.model.crs import to_pyproj
from twinviewer.model.place import CrsOrigin, ReferenceSystem

MARKET = (550_000.0, 5_890_000.0)
"""Easting and northing of the plan's origin."""
SYSTEM = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837", origin=CrsOrigin.FILE)
URN = "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837"
"""The same, as GML spells a compound system (OGC 07-092r1, 8.2)."""
HORIZONTAL_URL = "https://www.opengis.net/def/crs/EPSG/0/25832"


def compound_crs() -> CRS:
    """Return the horizontal and the vertical system as one."""
    return to_pyproj(SYSTEM)
