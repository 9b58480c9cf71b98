"""CityGML 2.0: buildings in LoD2, written one after the other, so that a hundred thousand need no more memory than one.

Each building has its surfaces once, below ``boundedBy``, and a solid that names them by xlink, as the surveying
authorities deliver them.  What its roof, age or use are is said in words, not in code lists of one country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from twinviewer.demo.georeference import MARKET, URN
from twinviewer.demo.town import Building, Ring, Surface

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" \
xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:gen="http://www.opengis.net/citygml/generics/2.0" \
xmlns:gml="http://www.opengis.net/gml" xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0" \
xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.opengis.net/citygml/building/2.0 \
http://schemas.opengis.net/citygml/building/2.0/building.xsd \
http://www.opengis.net/citygml/generics/2.0 http://schemas.opengis.net/citygml/generics/2.0/generics.xsd">
"""
_TAIL = "</core:CityModel>\n"
_CORNER_WIDTH = 44
"""Of the text of an envelope's corner: what it will be is known at the end, where it stands at the beginning."""
_NUMBER_AT_END = re.compile(r"^(?P<street>.*\D) (?P<number>\d+\w?)$")


def write_buildings(path: Path, buildings: Iterable[Building], *, town: str) -> int:
    """Write buildings as they come; return how many.

    Raises:
        OSError: The disk said no.
    """
    count = 0
    box = _Box()
    with path.open("wb") as file:
        file.write(f"{_HEAD}<gml:name>{escape(town)}</gml:name>\n".encode())
        envelope_at = file.tell()
        file.write(box.envelope().encode())
        for building in buildings:
            file.write("".join(_member(building, town, box)).encode())
            count += 1
        file.write(_TAIL.encode())
        file.seek(envelope_at)
        file.write(box.envelope().encode())
    return count


class _Box:
    """Grows around all that was written."""

    def __init__(self) -> None:
        self._low = [float("inf")] * 3
        self._high = [float("-inf")] * 3

    def add(self, ring: Ring) -> None:
        for axis, values in enumerate(zip(*ring, strict=True)):
            self._low[axis] = min(self._low[axis], *values)
            self._high[axis] = max(self._high[axis], *values)

    def envelope(self) -> str:
        """Return the element, as long before anything was added as after."""
        low, high = (_position(corner).ljust(_CORNER_WIDTH) for corner in (tuple(self._low), tuple(self._high)))
        return (
            f'<gml:boundedBy><gml:Envelope srsName="{URN}" srsDimension="3"><gml:lowerCorner>{low}</gml:lowerCorner>'
            f"<gml:upperCorner>{high}</gml:upperCorner></gml:Envelope></gml:boundedBy>\n"
        )


def _member(building: Building, town: str, box: _Box) -> Iterator[str]:
    """Yield a building's text in the order of the schema."""
    yield f'<core:cityObjectMember>\n<bldg:Building gml:id="{building.id}">\n'
    if building.name:
        yield f"<gml:name>{escape(building.name)}</gml:name>\n"
    yield _generic("string", "quarter", building.quarter)
    yield _generic("string", "energy_class", building.energy_class)
    yield _generic("int", "residents", str(building.residents))
    yield (
        f"<bldg:function>{escape(building.function)}</bldg:function>\n"
        f"<bldg:yearOfConstruction>{building.year_of_construction:04d}</bldg:yearOfConstruction>\n"
        f"<bldg:roofType>{escape(building.roof_type)}</bldg:roofType>\n"
        f'<bldg:measuredHeight uom="m">{building.measured_height_m:.2f}</bldg:measuredHeight>\n'
        f"<bldg:storeysAboveGround>{building.storeys_above_ground}</bldg:storeysAboveGround>\n"
    )
    links = "".join(
        f'<gml:surfaceMember xlink:href="#{_polygon_id(building, number)}"/>\n'
        for number in range(len(building.surfaces))
    )
    yield (
        f"<bldg:lod2Solid>\n<gml:Solid>\n<gml:exterior>\n<gml:CompositeSurface>\n{links}"
        "</gml:CompositeSurface>\n</gml:exterior>\n</gml:Solid>\n</bldg:lod2Solid>\n"
    )
    for number, surface in enumerate(building.surfaces):
        box.add(surface.exterior)
        yield _boundary(building, number, surface)
    yield from _address(building.address, town)
    yield "</bldg:Building>\n</core:cityObjectMember>\n"


def _generic(kind: str, name: str, value: str) -> str:
    return (
        f'<gen:{kind}Attribute name="{name}"><gen:value>{escape(value)}</gen:value></gen:{kind}Attribute>\n'
        if value
        else ""
    )


def _polygon_id(building: Building, number: int) -> str:
    return f"{building.id}_P{number}"


def _boundary(building: Building, number: int, surface: Surface) -> str:
    holes = "".join(f"<gml:interior>{_ring(ring)}</gml:interior>\n" for ring in surface.interiors)
    return (
        f'<bldg:boundedBy>\n<bldg:{surface.type} gml:id="{building.id}_S{number}">\n'
        "<bldg:lod2MultiSurface>\n<gml:MultiSurface>\n<gml:surfaceMember>\n"
        f'<gml:Polygon gml:id="{_polygon_id(building, number)}">\n'
        f"<gml:exterior>{_ring(surface.exterior)}</gml:exterior>\n{holes}"
        "</gml:Polygon>\n</gml:surfaceMember>\n</gml:MultiSurface>\n</bldg:lod2MultiSurface>\n"
        f"</bldg:{surface.type}>\n</bldg:boundedBy>\n"
    )


def _ring(ring: Ring) -> str:
    positions = " ".join(_position(corner) for corner in (*ring, ring[0]))
    return f'<gml:LinearRing><gml:posList srsDimension="3">{positions}</gml:posList></gml:LinearRing>'


def _position(corner: tuple[float, ...]) -> str:
    x, y, z = corner
    return f"{MARKET[0] + x:.3f} {MARKET[1] + y:.3f} {z:.3f}"


def _address(address: str, town: str) -> Iterator[str]:
    """Yield an address in xAL, where there is one."""
    if not address:
        return
    split = _NUMBER_AT_END.match(address)
    street = split["street"] if split else address
    number = f"<xAL:ThoroughfareNumber>{split['number']}</xAL:ThoroughfareNumber>" if split else ""
    yield (
        "<bldg:address><core:Address><core:xalAddress><xAL:AddressDetails>"
        f'<xAL:Locality Type="Town"><xAL:LocalityName>{escape(town)}</xAL:LocalityName>'
        f'<xAL:Thoroughfare Type="Street">{number}<xAL:ThoroughfareName>{escape(street)}</xAL:ThoroughfareName>'
        "</xAL:Thoroughfare></xAL:Locality></xAL:AddressDetails></core:xalAddress></core:Address></bldg:address>\n"
    )
