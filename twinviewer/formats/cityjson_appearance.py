"""Materials and textures of CityJSON on their way from parsed JSON to columns.

The values of a theme are nested like the boundaries of their geometry: one number per surface for materials, for
textures one list per ring, of the number of the texture and of a place in it for each vertex.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_appearance import AppearanceColumns
from twinviewer.formats.city_surfaces import Look
from twinviewer.formats.cityjson_nesting import listed, unrolled
from twinviewer.formats.findings import Findings
from twinviewer.model.city_parts import Material, Texture, WrapMode

Json = dict[str, Any]

MEDIA_TYPES = {"PNG": "image/png", "JPG": "image/jpeg"}
_WRAP_MODES = frozenset(WrapMode)
_KINDS = ("specific", "typical", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAppearance:
    """What the numbers in the geometries of one document stand for."""

    materials: tuple[int, ...] = ()
    """Numbers of all materials that were read."""
    textures: tuple[int, ...] = ()
    first_place: int = 0
    """Of the document's places in textures, among all."""
    place_count: int = 0


@dataclass(slots=True)
class _Theme:
    """Which surface has which material, and which texture at which places, in the order of the file."""

    material_surfaces: array[int] = field(default_factory=lambda: array("q"))
    materials: array[int] = field(default_factory=lambda: array("q"))
    texture_surfaces: array[int] = field(default_factory=lambda: array("q"))
    textures: array[int] = field(default_factory=lambda: array("q"))
    corners: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("q"))


class LookColumns:
    """What surfaces look like, theme by theme."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._themes: dict[str, _Theme] = {}

    def add(
        self,
        geometry: Json,
        boundaries: Sequence[Any],
        depth: int,
        surfaces: Sequence[Sequence[Sequence[int]]],
        *,
        first_surface: int,
        first_corner: int,
        appearance: DocumentAppearance,
        where: str,
    ) -> None:
        """Note the materials and textures of a geometry whose surfaces have been taken.

        Args:
            geometry: With ``material`` and ``texture``.
            boundaries: Of the geometry.
            depth: Lists around its surfaces.
            surfaces: Rings of vertex numbers, surface by surface.
            first_surface: Row of the first of them.
            first_corner: Of the first of them.
            appearance: Of the document.
            where: What to name where something does not fit.
        """
        try:
            for name, given in _themes(geometry.get("material")):
                theme = self._themes.setdefault(name, _Theme())
                numbers = _numbers(given, boundaries, depth, len(surfaces))
                materials = [-1 if number is None else _at(appearance.materials, number) for number in numbers]
                theme.material_surfaces.extend(range(first_surface, first_surface + len(surfaces)))
                theme.materials.extend(materials)
            for name, given in _themes(geometry.get("texture")):
                theme = self._themes.setdefault(name, _Theme())
                values = unrolled(given.get("values"), boundaries, depth)
                _add_textures(theme, values, surfaces, first_surface, first_corner, appearance)
        except (TypeError, IndexError, KeyError, OverflowError):
            problem = "Materials and textures that do not fit their geometry, or are not listed, are left out."
            self._findings.add("appearance.mismatch", problem, where=where, objects=(where,))

    def finished(self, surfaces: int, corners: int, places: NDArray[np.float32]) -> Mapping[str, Look]:
        """Return the looks of so many surfaces and corners; ``places`` (n, 2) are those of all documents."""
        looks = {}
        for name, theme in self._themes.items():
            material, texture = np.full(surfaces, -1, np.int64), np.full(surfaces, -1, np.int64)
            # What does not fit may have been begun: the shorter of the two counts.
            count = min(len(theme.material_surfaces), len(theme.materials))
            material[np.array(theme.material_surfaces, np.int64)[:count]] = np.array(theme.materials, np.int64)[:count]
            texture[np.array(theme.texture_surfaces, np.int64)] = np.array(theme.textures, np.int64)
            coordinates = np.empty((0, 2), np.float32)
            if len(theme.corners):
                coordinates = np.full((corners, 2), np.nan, np.float32)
                coordinates[np.array(theme.corners, np.int64)] = places[np.array(theme.places, np.int64)]
            looks[name] = Look(material=material, texture=texture, coordinates=coordinates)
        return looks


def _themes(given: object) -> list[tuple[str, Json]]:
    if given is None:
        return []
    if not isinstance(given, dict):
        raise TypeError("no themes")
    return [(name, theme) for name, theme in given.items() if isinstance(theme, dict)]


def _numbers(theme: Json, boundaries: Sequence[Any], depth: int, count: int) -> list[Any]:
    """Return the number of the material of each surface, None where it has none."""
    if "value" in theme:
        return [theme["value"]] * count
    return list(unrolled(theme.get("values"), boundaries, depth))


def _at(numbers: Sequence[int], index: object) -> int:
    if not isinstance(index, int) or not 0 <= index < len(numbers):
        raise IndexError(index)
    return numbers[index]


def _add_textures(
    theme: _Theme,
    values: Any,
    surfaces: Sequence[Sequence[Sequence[int]]],
    first_surface: int,
    corner: int,
    appearance: DocumentAppearance,
) -> None:
    """Note the textures of surfaces, one list per ring in ``values``.

    Raises:
        TypeError: They are not nested as the surfaces are.
        IndexError: A texture, or a place in it, is not listed.
    """
    rows: list[int] = []
    textures: list[int] = []
    corners: list[int] = []
    places: list[int] = []
    for row, (of_surface, surface) in enumerate(zip(values, surfaces, strict=True), start=first_surface):
        of_rings = of_surface or ()
        texture = -1
        for of_ring, ring in zip(chain(of_rings, repeat(None)), surface, strict=False):
            if of_ring and of_ring[0] is not None:
                if texture < 0:
                    texture = _at(appearance.textures, of_ring[0])
                own = of_ring[1:]
                if len(own) != len(ring) or min(own) < 0 or max(own) >= appearance.place_count:
                    raise IndexError("places in a texture")
                corners.extend(range(corner, corner + len(ring)))
                places.extend([place + appearance.first_place for place in own])
            corner += len(ring)
        if texture >= 0:
            rows.append(row)
            textures.append(texture)
    # All four become whole numbers before the first is kept: what does not fit must leave nothing behind.
    added = [array("q", numbers) for numbers in (rows, textures, corners, places)]
    for column, numbers in zip(
        (theme.texture_surfaces, theme.textures, theme.corners, theme.places), added, strict=True
    ):
        column.extend(numbers)


class AppearanceReader:
    """The ``appearance`` of one document after the other."""

    def __init__(self, findings: Findings) -> None:
        self.columns = AppearanceColumns()
        self._findings = findings
        self._places = array("d")

    @property
    def places(self) -> NDArray[np.float32]:
        """(n, 2) in textures, of all documents."""
        return np.array(self._places, np.float64).reshape(-1, 2).astype(np.float32)

    def read(self, appearance: object) -> DocumentAppearance:
        """Return what the numbers of a document stand for whose ``appearance`` this is."""
        if not isinstance(appearance, dict):
            return DocumentAppearance()
        first = len(self._places) // 2
        self._places.extend(self._flat(listed(appearance.get("vertices-texture"))))
        return DocumentAppearance(
            materials=tuple(self.columns.material(_material(each)) for each in listed(appearance.get("materials"))),
            textures=tuple(self.columns.texture(_texture(each)) for each in listed(appearance.get("textures"))),
            first_place=first,
            place_count=len(self._places) // 2 - first,
        )

    def _flat(self, places: list[Any]) -> array[float]:
        try:
            if set(map(len, places)) <= {2}:
                return array("d", chain.from_iterable(places))
        except (TypeError, OverflowError):
            pass
        problem = "Places in textures that are not pairs of numbers cannot be used."
        self._findings.add("appearance.mismatch", problem, where="vertices-texture")
        return array("d")


def _material(given: object) -> Material:
    given = given if isinstance(given, dict) else {}
    name = given.get("name")
    standard = Material()
    return Material(
        name=name if isinstance(name, str) else "",
        diffuse=_colour(given.get("diffuseColor"), standard.diffuse),
        emissive=_colour(given.get("emissiveColor"), standard.emissive),
        specular=_colour(given.get("specularColor"), standard.specular),
        ambient_intensity=_share(given.get("ambientIntensity"), standard.ambient_intensity),
        shininess=_share(given.get("shininess"), standard.shininess),
        transparency=_share(given.get("transparency"), standard.transparency),
        is_smooth=given.get("isSmooth") is True,
    )


def _texture(given: object) -> Texture:
    given = given if isinstance(given, dict) else {}
    image, wrap, kind = given.get("image"), given.get("wrapMode"), given.get("textureType")
    border = given.get("borderColor")
    red, green, blue = _colour(border[:3] if isinstance(border, list) else None, (0.0, 0.0, 0.0))
    opacity = _share(border[3], 0.0) if isinstance(border, list) and len(border) > 3 else float(border is not None)
    return Texture(
        path=image if isinstance(image, str) else "",
        media_type=MEDIA_TYPES.get(str(given.get("type")).upper(), ""),
        wrap=WrapMode(wrap) if isinstance(wrap, str) and wrap in _WRAP_MODES else WrapMode.NONE,
        border_rgba=(red, green, blue, opacity),
        kind=kind if kind in _KINDS else "",
    )


def _colour(given: object, otherwise: tuple[float, float, float]) -> tuple[float, float, float]:
    if not isinstance(given, list) or len(given) != 3 or not all(isinstance(each, int | float) for each in given):
        return otherwise
    red, green, blue = (_share(each, 0.0) for each in given)
    return red, green, blue


def _share(given: object, otherwise: float) -> float:
    """Return a number from 0 to 1."""
    return min(1.0, max(0.0, float(given))) if isinstance(given, int | float) else otherwise
