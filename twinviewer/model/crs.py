"""Reference systems by name: every spelling that files use, and what they measure in.

With :mod:`twinviewer.model.way` the one door to PROJ.  Coordinates go in and come out as x east (or longitude),
y north (or latitude); whether a file has them the other way round is answered by :func:`is_north_first`, and whoever
reads the file swaps.  PROJ never uses the network here: a shift that needs a grid which is not installed is not made,
and the caller is told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.crs import CompoundCRS
from pyproj.database import query_utm_crs_info
from pyproj.datadir import get_data_dir, get_user_data_dir  # type: ignore[attr-defined]  # the second is not exported by name
from pyproj.exceptions import CRSError, ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]  # not in its stubs

from twinviewer.model.errors import MissingCrsError, UnknownCrsError
from twinviewer.model.place import LOCAL, CrsOrigin, Extent, ReferenceSystem

set_network_enabled(active=False)

Float64s = NDArray[np.float64]

# Names of the German surveying authorities (AdV, GeoInfoDok), which PROJ does not know.
_ADV_HORIZONTAL = {
    "ETRS89_UTM31": 25831,
    "ETRS89_UTM32": 25832,
    "ETRS89_UTM33": 25833,
    "ETRS89_Lat-Lon": 4258,
    "DE_DHDN_3GK2": 31466,
    "DE_DHDN_3GK3": 31467,
    "DE_DHDN_3GK4": 31468,
    "DE_DHDN_3GK5": 31469,
    "DE_DHDN_SoldnerBerlin": 3068,
    "DE_PD-83_3GK3": 3396,
    "DE_PD-83_3GK4": 3397,
    "DE_RD-83_3GK4": 3398,
    "DE_RD-83_3GK5": 3399,
}
_ADV_VERTICAL = {
    "DE_DHHN12_NOH": 7699,
    "DE_DHHN85_NOH": 5784,
    "DE_DHHN92_NH": 5783,
    "DE_DHHN2016_NH": 7837,
}

_URN = re.compile(r"urn:(?:x-)?ogc:def:crs[,:]", re.IGNORECASE)
_CODE_IN_URN = re.compile(r"(EPSG|OGC|ESRI|IAU\w*):(?:[\w.]*:)?([\w.]+)$", re.IGNORECASE)
_CODE_IN_URL = re.compile(r"/def/crs/(\w+)/[^/]*/(\w+)/?", re.IGNORECASE)
_GML_2_URL = re.compile(r"/gml/srs/epsg\.xml#(\d+)$", re.IGNORECASE)
_SHORT = re.compile(r"(?:\+init=)?(EPSG|ESRI|OGC|IGNF):(\w+)(?:\+(?:\1:)?(\w+))?$", re.IGNORECASE)
_MEANT_FOR_METRES = 0.01
"""How far a map metre may be from a metre on the ground before a system is no place to measure in."""
_UTM_SPAN_DEG = 12.0
"""Two zones; wider data is a map of a continent, not of a city."""
_UTM_LATITUDES_DEG = (-80.0, 84.0)
_EARTH_RADIUS_M = (6.2e6, 6.5e6)


# --- naming -----------------------------------------------------------------------------------------------------


def grid_folders() -> list[str]:
    """Return the folders where PROJ looks for grids, there or not: what is in them decides what can be converted."""
    return [*get_data_dir().split(os.pathsep), get_user_data_dir()]


def parse_crs(text: str, *, origin: CrsOrigin = CrsOrigin.FILE) -> ReferenceSystem:
    """Return the reference system that ``text`` names.

    Known are ``EPSG:25832``, ``EPSG:25832+7837``, OGC URNs (compound and with a version too) and URLs, AdV names
    (``urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH``), WKT 1 and 2, PROJ strings, PROJJSON, and names with a projection in
    them (``ETRS89 / UTM zone 32N``).  A bare word is not taken: PROJ would make degrees of ``CH1903``, whose
    files are in metres.

    Raises:
        UnknownCrsError: PROJ knows nothing of that name, or it is no place on Earth.
    """
    return _system(_parsed(text.strip()), origin, text)


def is_north_first(text: str, stored: Extent | None, *, stated: bool = True) -> bool:
    """Return whether coordinates stored as ``stored`` have the northing or latitude first.

    Formats disagree with their standards about this: German Gauß-Krüger files come as easting, northing under a
    URN that says the opposite.  So the numbers decide where only one order lies where the system is meant to be
    used, and the standard where both do.

    Args:
        text: The reference system as the file spells it.
        stored: Extent of the coordinates, first number as x, second as y; None: only the notation decides.
        stated: Whether the format goes by the axis order of the authority (GML does, for URNs and URLs; the short
            ``EPSG:4326`` is x, y by custom).  False: x, y is expected.

    Raises:
        UnknownCrsError: As :func:`parse_crs`.
    """
    crs = _parsed(text.strip())
    crs = crs.sub_crs_list[0] if crs.is_compound else crs
    if crs.is_geocentric or not crs.axis_info:
        return False
    if crs.axis_info[0].direction.lower() not in ("north", "south"):
        return False
    notation = stated and text.strip().lower().startswith(("urn:ogc", "urn:x-ogc", "http"))
    expected = notation or (stated and text.strip().startswith("urn:adv:crs:ETRS89_Lat-Lon"))
    if stored is None:
        return expected
    xy_fits, yx_fits = (_is_inside_area_of_use(crs, *point) for point in (stored.centre[:2], stored.centre[1::-1]))
    if xy_fits == yx_fits:
        return expected and (xy_fits or crs.is_geographic)
    return yx_fits


def to_pyproj(system: ReferenceSystem) -> CRS:
    """Return the system as pyproj's class: compound where it has a vertical part.

    Raises:
        UnknownCrsError: It is local, or PROJ does not know it.
    """
    horizontal = horizontal_crs(system)
    vertical = vertical_crs(system)
    if vertical is None:
        return horizontal
    return CompoundCRS(name=f"{horizontal.name} + {vertical.name}", components=[horizontal, vertical])


def horizontal_crs(system: ReferenceSystem) -> CRS:
    """Return the horizontal part as pyproj's class.

    Raises:
        UnknownCrsError: It is local, or PROJ does not know it.
    """
    if system.horizontal == LOCAL.horizontal:
        raise UnknownCrsError("A local system has no place on Earth.", cure="Give the layer a reference system.")
    return _parsed(system.horizontal)


def vertical_crs(system: ReferenceSystem) -> CRS | None:
    """Return the vertical part as pyproj's class, or None where heights are of an unnamed datum.

    Raises:
        UnknownCrsError: PROJ does not know it.
    """
    return None if system.vertical is None else _parsed(system.vertical)


def describe(system: ReferenceSystem) -> str:
    """Return the system's name for people: ``"ETRS89 / UTM zone 32N + DHHN2016 height"``."""
    if system.horizontal == LOCAL.horizontal:
        return "Local (nowhere on Earth)"
    vertical = vertical_crs(system)
    name = horizontal_crs(system).name
    return name if vertical is None else f"{name} + {vertical.name}"


def unit_of(system: ReferenceSystem) -> str:
    """Return the unit of x and y: ``"metre"``, ``"degree"``, ``"US survey foot"`` and so on."""
    if system.horizontal == LOCAL.horizontal:
        return "metre"
    axes = horizontal_crs(system).axis_info
    return axes[0].unit_name if axes else "metre"


def is_geographic(system: ReferenceSystem) -> bool:
    """Return whether x and y are degrees."""
    return system.horizontal != LOCAL.horizontal and horizontal_crs(system).is_geographic


@lru_cache(maxsize=256)
def _parsed(text: str) -> CRS:
    if not text:
        raise _unknown("No reference system is named.")
    if text.startswith("#"):
        raise _unknown(f"“{_shortened(text)}” is a system of the file's own, not a place on Earth.")
    try:
        crs = CRS.from_user_input(_spelled_for_proj(text))
    except (CRSError, ProjError) as error:
        raise _unknown(f"The reference system “{_shortened(text)}” is not known.") from error
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if crs.is_engineering:
        raise _unknown(f"“{_shortened(text)}” is a local system, not a place on Earth.")
    return crs


def _unknown(problem: str) -> UnknownCrsError:
    return UnknownCrsError(problem, cure="Choose the right one, for example EPSG:25832.")


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"


def _spelled_for_proj(text: str) -> str:
    """Return another spelling of the same system that PROJ reads."""
    if any(mark in text for mark in "[{") or text.startswith("+proj="):
        return text
    if text.startswith("urn:adv:crs:"):
        return _spelled_adv(text)
    if "/def/crs" in text or "/gml/srs/" in text:
        found = _CODE_IN_URL.findall(unquote(text)) or [("EPSG", code) for code in _GML_2_URL.findall(text)]
        if found:
            return _joined(found)
    elif urn := _URN.match(text):
        parts = [_CODE_IN_URN.search(part) for part in text[urn.end() :].split(",")]
        codes = [part.groups() for part in parts if part]
        if codes:
            return _joined(codes)
    elif match := _SHORT.match(text):
        authority, *parts_of_it = match.groups()
        return _joined([(authority, code) for code in parts_of_it if code])
    elif text.isdecimal():
        return f"EPSG:{text}"
    elif " / " in text:
        return text
    raise _unknown(f"The reference system “{_shortened(text)}” is not known.")


def _joined(codes: Sequence[Sequence[str]]) -> str:
    return "+".join(f"{authority.upper()}:{code}" for authority, code in codes)


def _spelled_adv(text: str) -> str:
    horizontal, _, vertical = text.removeprefix("urn:adv:crs:").partition("*")
    if horizontal not in _ADV_HORIZONTAL or (vertical and vertical not in _ADV_VERTICAL):
        raise _unknown(f"The reference system “{text}” is not known.")
    codes = [("EPSG", str(_ADV_HORIZONTAL[horizontal]))]
    if vertical:
        codes.append(("EPSG", str(_ADV_VERTICAL[vertical])))
    return _joined(codes)


def _system(crs: CRS, origin: CrsOrigin, text: str) -> ReferenceSystem:
    horizontal, vertical = crs, None
    if crs.is_compound:
        horizontal, vertical = crs.sub_crs_list[0], crs.sub_crs_list[1]
        if horizontal.is_bound and horizontal.source_crs is not None:
            horizontal = horizontal.source_crs
    if horizontal.is_vertical or horizontal.is_engineering:
        raise _unknown(f"“{_shortened(text)}” does not say where on Earth x and y lie.")
    return ReferenceSystem(
        horizontal=code_of(horizontal), vertical=None if vertical is None else code_of(vertical), origin=origin
    )


def code_of(crs: CRS) -> str:
    """Return the authority code of pyproj's class, or WKT 2 where there is none."""
    authority = crs.to_authority(min_confidence=70)
    if authority is not None:
        return ":".join(authority)
    wkt: str = crs.to_wkt("WKT2_2019")
    return wkt


# --- a place to measure in --------------------------------------------------------------------------------------


def projected_for(system: ReferenceSystem, extent: Extent) -> ReferenceSystem:
    """Return a system in metres for a project that begins with data of ``system`` and ``extent``.

    That is the system itself where a map metre is a metre on the ground to 1 %.  Degrees, geocentric coordinates,
    feet and Web Mercator get the UTM zone of the extent's centre (ETRS89 in Europe), data wider than two zones Web
    Mercator.  A vertical part in feet gives way to the same in metres.

    Raises:
        UnknownCrsError: PROJ does not know the system.
        MissingCrsError: The coordinates contradict it.
    """
    crs = horizontal_crs(system)
    vertical = in_metres(vertical_crs(system))
    lon_lat = lon_lat_box(system, extent)
    centre = ((lon_lat[0] + lon_lat[2]) / 2, (lon_lat[1] + lon_lat[3]) / 2)
    if crs.is_projected and _measures_metres(crs, centre):
        return ReferenceSystem(horizontal=system.horizontal, vertical=vertical, origin=system.origin)
    if lon_lat[2] - lon_lat[0] > _UTM_SPAN_DEG or lon_lat[3] - lon_lat[1] > 2 * _UTM_SPAN_DEG:
        horizontal = "EPSG:3857"
    elif centre[1] > _UTM_LATITUDES_DEG[1]:
        horizontal = "EPSG:5041"  # universal polar stereographic
    elif centre[1] < _UTM_LATITUDES_DEG[0]:
        horizontal = "EPSG:5042"
    else:
        horizontal = _utm_zone(crs, centre)
    return ReferenceSystem(horizontal=horizontal, vertical=vertical, origin=system.origin)


def is_inside_area_of_use(system: ReferenceSystem, extent: Extent) -> bool:
    """Return whether the extent's centre lies where the system is meant to be used; true where nobody says."""
    return _is_inside_area_of_use(horizontal_crs(system), *extent.centre[:2], z=extent.centre[2])


def lon_lat_box(system: ReferenceSystem, extent: Extent) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) of the extent in degrees, as far as its corners and middles tell.

    Raises:
        UnknownCrsError: PROJ does not know the system.
        MissingCrsError: The coordinates contradict it.
    """
    crs = horizontal_crs(system)
    steps = np.linspace(0, 1, 5)
    corners = np.array(
        [
            (extent.min_x + u * extent.size[0], extent.min_y + v * extent.size[1], extent.centre[2])
            for u in steps
            for v in steps
        ]
    )
    if crs.is_geocentric:
        corners = np.array([extent.centre])
        if not _EARTH_RADIUS_M[0] < np.linalg.norm(extent.centre) < _EARTH_RADIUS_M[1]:
            raise MissingCrsError(
                f"The file says that its coordinates are geocentric ({crs.name}), but they are nowhere near the "
                "surface of the Earth.",
                cure="Find out what they really are, and choose that reference system.",
            )
    lon_lat = _to_lon_lat(crs, corners)
    lon_lat = lon_lat[np.isfinite(lon_lat).all(axis=1)]
    if len(lon_lat) == 0:
        raise MissingCrsError(
            f"The coordinates cannot be those of {crs.name}, which the file names.",
            cure="Find out what they really are, and choose that reference system.",
        )
    (west, south), (east, north) = lon_lat.min(axis=0), lon_lat.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _to_lon_lat(crs: CRS, points: Float64s) -> Float64s:
    geographic = crs.geodetic_crs
    assert geographic is not None
    if crs.is_geocentric:
        geographic = CRS("EPSG:4979")
    if crs.is_geographic:
        return points[:, :2]
    columns = transformer(crs, geographic).transform(*points.T)
    return np.column_stack(columns[:2])


def _is_inside_area_of_use(crs: CRS, x: float, y: float, z: float = 0.0) -> bool:
    if crs.area_of_use is None:
        return True
    return _holds(crs, *_to_lon_lat(crs, np.array([[x, y, z]], np.float64))[0])


def _holds(crs: CRS, lon: float, lat: float) -> bool:
    """Return whether the place is in the system's area of use."""
    if crs.area_of_use is None:
        return True
    west, south, east, north = crs.area_of_use.bounds
    inside_lon = west <= lon <= east if west <= east else lon >= west or lon <= east
    return bool(inside_lon and south <= lat <= north)


def _measures_metres(crs: CRS, lon_lat: tuple[float, float]) -> bool:
    if any(abs(axis.unit_conversion_factor - 1.0) > 1e-9 for axis in crs.axis_info[:2]):
        return False
    if not _holds(crs, *lon_lat):
        return True  # the coordinates or the name are wrong; another system would only hide it
    factors = Proj(crs).get_factors(*lon_lat)
    scales = (factors.meridional_scale, factors.parallel_scale)
    return all(abs(scale - 1.0) <= _MEANT_FOR_METRES for scale in scales)


def _utm_zone(crs: CRS, lon_lat: tuple[float, float]) -> str:
    """Return the code of the UTM zone around a place, of the data's own datum where there is one."""
    geodetic = crs.geodetic_crs
    own = geodetic.name if geodetic is not None else "WGS 84"
    point = AreaOfInterest(lon_lat[0], lon_lat[1], lon_lat[0], lon_lat[1])
    for datum in ("ETRS89" if own.startswith("WGS 84") else own, "ETRS89", "WGS 84"):
        for info in query_utm_crs_info(datum_name=datum, area_of_interest=point, contains=True):
            if re.fullmatch(rf"{re.escape(datum)} / UTM zone \d+[NS]", info.name):
                return f"{info.auth_name}:{info.code}"
    zone = int(min(max((lon_lat[0] + 180) // 6 + 1, 1), 60))
    return f"EPSG:{32600 + zone if lon_lat[1] >= 0 else 32700 + zone}"


def in_metres(vertical: CRS | None) -> str | None:
    """Return the code of a vertical system, or of its twin in metres counted upwards; None where there is none."""
    if vertical is None:
        return None
    if metres_per_height(vertical) == 1.0:
        return code_of(vertical)
    name = re.sub(r" (height|depth) .*| (height|depth)$", "", vertical.name)
    for twin in (f"{name} height", f"{name} height (m)"):
        try:
            crs = CRS.from_user_input(twin)
        except CRSError:
            continue
        if crs.is_vertical and metres_per_height(crs) == 1.0:
            return code_of(crs)
    return None


def metres_per_height(vertical: CRS) -> float:
    """Return what one unit of a vertical system is in metres; negative for depths."""
    axis = vertical.axis_info[0]
    factor = float(axis.unit_conversion_factor)
    return -factor if axis.direction.lower() == "down" else factor


def assumed_metres_per_height(system: ReferenceSystem) -> float:
    """Return what one unit of height is in metres: of the vertical system, else of x and y, else (degrees) a metre."""
    vertical = vertical_crs(system)
    if vertical is not None:
        return metres_per_height(vertical)
    if system.horizontal == LOCAL.horizontal:
        return 1.0
    crs = horizontal_crs(system)
    return float(crs.axis_info[0].unit_conversion_factor) if crs.is_projected and len(crs.axis_info) == 2 else 1.0


@lru_cache(maxsize=64)
def transformer(source: CRS, target: CRS) -> Transformer:
    """Return PROJ's best way, x first, that needs no grid which is not installed.

    Raises:
        UnknownCrsError: There is none.
    """
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except (ProjError, CRSError) as error:
        raise _unknown(f"There is no way from {source.name} to {target.name}.") from error
