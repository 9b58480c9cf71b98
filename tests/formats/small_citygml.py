"""CityGML files of a few lines, put together piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float, float]

GML = {
    "1.0": "http://www.opengis.net/gml",
    "2.0": "http://www.opengis.net/gml",
    "3.0": "http://www.opengis.net/gml/3.2",
}
_MODULES = {
    "bldg": "building",
    "gen": "generics",
    "dem": "relief",
    "tran": "transportation",
    "veg": "vegetation",
    "con": "construction",
    "grp": "cityobjectgroup",
    "app": "appearance",
    "wtr": "waterbody",
}


def start_of(version: str = "2.0", *, more: str = "") -> str:
    """The start tag of the root."""
    modules = " ".join(
        f'xmlns:{prefix}="http://www.opengis.net/citygml/{module}/{version}"' for prefix, module in _MODULES.items()
    )
    return (
        f'<core:CityModel xmlns:core="http://www.opengis.net/citygml/{version}" {modules} xmlns:gml="{GML[version]}" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0" {more}>'
    )


def envelope(srs: str) -> str:
    return f'<gml:boundedBy><gml:Envelope srsName="{srs}" srsDimension="3"/></gml:boundedBy>'


def city(*members: str, version: str = "2.0", srs: str | None = "urn:ogc:def:crs:EPSG::25832") -> str:
    """A whole file with each of ``members`` as a member of the city model."""
    inside = "".join(f"<core:cityObjectMember>{member}</core:cityObjectMember>\n" for member in members)
    return f"{start_of(version)}\n{'' if srs is None else envelope(srs)}\n{inside}</core:CityModel>\n"


def building(content: str, id: str = "house") -> str:
    return f'<bldg:Building gml:id="{id}">{content}</bldg:Building>'


def ring(points: Sequence[Point]) -> str:
    numbers = " ".join(str(value) for point in (*points, points[0]) for value in point)
    return f"<gml:LinearRing><gml:posList>{numbers}</gml:posList></gml:LinearRing>"


def polygon(points: Sequence[Point], *holes: Sequence[Point], id: str = "", attributes: str = "") -> str:
    gml_id = f' gml:id="{id}"' if id else ""
    inner = "".join(f"<gml:interior>{ring(hole)}</gml:interior>" for hole in holes)
    return f"<gml:Polygon{gml_id} {attributes}><gml:exterior>{ring(points)}</gml:exterior>{inner}</gml:Polygon>"


def named(*ids: str) -> str:
    """Members of a surface that are given elsewhere."""
    return "".join(f'<gml:surfaceMember xlink:href="#{id}"/>' for id in ids)


def held(*surfaces: str) -> str:
    """Members of a surface that are given here."""
    return "".join(f"<gml:surfaceMember>{surface}</gml:surfaceMember>" for surface in surfaces)


def multi_surface(members: str, id: str = "") -> str:
    gml_id = f' gml:id="{id}"' if id else ""
    return f"<gml:MultiSurface{gml_id}>{members}</gml:MultiSurface>"


def solid(members: str) -> str:
    return f"<gml:Solid><gml:exterior><gml:CompositeSurface>{members}</gml:CompositeSurface></gml:exterior></gml:Solid>"


def wall(members: str, *, type: str = "WallSurface", lod: int = 2) -> str:
    """A thematic surface below a building."""
    return (
        f"<bldg:boundedBy><bldg:{type}><bldg:lod{lod}MultiSurface>{multi_surface(members)}"
        f"</bldg:lod{lod}MultiSurface></bldg:{type}></bldg:boundedBy>"
    )


def square(x: float = 500_000.0, y: float = 5_600_000.0, z: float = 50.0, side: float = 10.0) -> list[Point]:
    """A level square, counter-clockwise seen from above."""
    return [(x, y, z), (x + side, y, z), (x + side, y + side, z), (x, y + side, z)]


def cube(x: float = 500_000.0, y: float = 5_600_000.0, z: float = 50.0, side: float = 10.0) -> list[list[Point]]:
    """The six faces of a cube, each counter-clockwise seen from outside: bottom, top and four sides."""
    a, b, c, d = square(x, y, z, side)
    e, f, g, h = square(x, y, z + side, side)
    return [[d, c, b, a], [e, f, g, h], [a, b, f, e], [b, c, g, f], [c, d, h, g], [d, a, e, h]]
