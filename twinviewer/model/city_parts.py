"""What a city model may hold beside triangles: geometries, thematic surfaces, points, and appearance, as columns.

Terms of CityGML 3.0 (OGC 20-010) and CityJSON 2.0 (OGC 20-072r5), which say the same in other words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.attributes import AttributeColumn

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]

GEOMETRY_TYPES = (
    "MultiPoint",
    "MultiLineString",
    "MultiSurface",
    "CompositeSurface",
    "Solid",
    "MultiSolid",
    "CompositeSolid",
)
"""CityJSON's names for ISO 19107 primitives, aggregates and composites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometries:
    """How the surfaces of a city model make up the geometries of its objects: ``g`` geometries, ``h`` shells.

    A surface that a wall has and a solid names is the solid's.
    """

    type: Int32s
    """(g,) index into :data:`GEOMETRY_TYPES`."""
    surface_geometry: Int32s
    """(s,) −1 where unknown."""
    surface_shell: Int32s
    """(s,) which shell the surface bounds, −1 where it is of no solid."""
    shell_solid: Int32s
    """(h,) which solid each shell bounds, ascending; the first shell of a solid is the outer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThematicSurfaces:
    """Boundaries of city objects that mean something: roofs, walls, windows, doors, lanes (``k`` of them)."""

    ids: tuple[str, ...]
    """(k,) gml:id, empty where there is none."""
    type: Int32s
    """(k,) index into ``CityModel.surface_type_names``."""
    object: Int32s
    """(k,) the city object that it bounds."""
    parent: Int32s
    """(k,) the thematic surface that it is an opening of, −1 for none."""
    attributes: tuple[AttributeColumn, ...]
    """Columns of k rows."""
    of_surface: Int32s
    """(s,) the thematic surface that each surface is part of, −1 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPoints:
    """Points that are geometries of city objects (GML MultiPoint, mass points), ``p`` of them."""

    vertices: Int32s
    """(p,) index into ``CityModel.vertices``."""
    surface: Int32s
    """(p,) the row among the model's surfaces that says whose they are, of which type and level of detail."""


class WrapMode(StrEnum):
    """What a texture is beyond its edges (CityGML 3.0 ``WrapMode``)."""

    NONE = "none"
    """Nothing: the surface has its own colour there."""
    WRAP = "wrap"
    MIRROR = "mirror"
    CLAMP = "clamp"
    BORDER = "border"
    """The border colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Light and colour of surfaces (X3DMaterial).  All parts are 0 to 1."""

    name: str = ""
    diffuse: tuple[float, float, float] = (0.8, 0.8, 0.8)
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    specular: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient_intensity: float = 0.2
    shininess: float = 0.2
    transparency: float = 0.0
    is_smooth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Texture:
    """An image on surfaces."""

    path: str
    """As the file names it: relative to the file, or a URL."""
    media_type: str = ""
    """``image/jpeg`` …; empty where the file does not say."""
    wrap: WrapMode = WrapMode.NONE
    border_rgba: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    kind: str = ""
    """``specific``, ``typical``, ``unknown``, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """One look of the whole model: a material, a texture or neither for each surface and theme."""

    name: str
    """Empty for what the file gives without a theme."""
    material: Int32s
    """(s,) index into the materials, −1 for none."""
    texture: Int32s
    """(s,) index into the textures, −1 for none."""
    coordinates: Float32s
    """(m, 3, 2) place (s, t) in the texture of each corner of each triangle, t upwards from the lower edge of the
    image; NaN where there is none.  (0, 3, 2) where the theme has no textures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What surfaces look like, by theme."""

    materials: tuple[Material, ...]
    textures: tuple[Texture, ...]
    themes: tuple[Theme, ...]

    def theme(self, name: str | None) -> Theme | None:
        """Return the theme of that name; for None the one with the most textured surfaces, if any has textures."""
        if name is not None:
            return next((theme for theme in self.themes if theme.name == name), None)
        textured = [int((theme.texture >= 0).sum()) for theme in self.themes]
        return self.themes[textured.index(max(textured))] if any(textured) else None
