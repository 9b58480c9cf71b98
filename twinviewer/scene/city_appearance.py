"""The look that a theme of a city model gives its surfaces: colours from materials, places in textures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.textures import TextureAtlas
from twinviewer.model.city_parts import Material, Texture, Theme, WrapMode
from twinviewer.model.layer_data import CityModel
from twinviewer.scene.colours import Uint8s
from twinviewer.scene.texture_shader import LIT_BIT, MODES, MODES_PER_PAGE, NO_TEXTURE, OPACITY_BITS, PLAIN_BIT

Bools = NDArray[np.bool_]
Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Uint32s = NDArray[np.uint32]

_GLOWS = 0.1
"""A material that sends out more light than this, of 1, is bright by night."""
_AT_EDGE = 1e-3
"""Coordinates so little beyond a texture's edge mean the edge."""
_SAMPLES = np.array(
    [(1 / 3, 1 / 3), (0.1, 0.1), (0.8, 0.1), (0.1, 0.8), (0.45, 0.45), (0.1, 0.45), (0.45, 0.1)], np.float32
)
"""Barycentric places in a triangle at which its mean colour is taken."""
_SAMPLE_PX = 8
"""Width of the square whose mean is one sample."""


def material_colours(theme: Theme, materials: Sequence[Material], own: Uint32s) -> Uint32s:
    """Return packed colours (s,): those of the theme's materials, and where it has none, ``own`` (s,)."""
    if not materials:
        return own
    rgba = np.array([_rgba(material) for material in materials], np.uint8)
    return np.where(theme.material >= 0, rgba.view(np.uint32).ravel()[theme.material], own)


def _rgba(material: Material) -> tuple[int, int, int, int]:
    glows = max(material.emissive) > _GLOWS
    colour = np.maximum(material.diffuse, material.emissive) if glows else np.array(material.diffuse)
    red, green, blue = (int(part) for part in np.clip(255 * colour + 0.5, 0, 255))
    opacity = int(255 * (1 - min(max(material.transparency, 0.0), 1.0)))
    return red, green, blue, opacity & OPACITY_BITS | PLAIN_BIT | (0 if glows else LIT_BIT)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedTextures:
    """What a theme needs to be drawn."""

    theme: Theme
    place: Int32s
    """For each texture of the appearance its place among ``textures``, −1 for none."""
    textures: tuple[Texture, ...]
    """Those that no coordinate leaves as such that end at their edges, whatever the file says of what is beyond."""


def wanted_textures(model: CityModel, theme: Theme) -> WantedTextures | None:
    """Return what the theme needs; None where it has no textures."""
    used = np.unique(theme.texture[theme.texture >= 0])
    if len(used) == 0 or model.appearance is None:
        return None
    place = np.full(len(model.appearance.textures), -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    textures = [model.appearance.textures[row] for row in used.tolist()]
    with np.errstate(invalid="ignore"):
        beyond = ((theme.coordinates < -_AT_EDGE) | (theme.coordinates > 1 + _AT_EDGE)).any(axis=(1, 2))
    left = np.zeros(len(model.appearance.textures) + 1, np.bool_)
    left[theme.texture[model.triangle_surface[beyond]]] = True  # −1 marks the last, which is nobody
    return WantedTextures(
        theme=theme,
        place=place,
        textures=tuple(
            texture if left[row] else replace(texture, wrap=WrapMode.CLAMP)
            for row, texture in zip(used.tolist(), textures, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CornerTextures:
    """What the corners of one piece have of the textures."""

    places: Float32s
    """(3 c, 3) s and t in the texture, and a number for the page and what is beyond the texture's edges."""
    boxes: Float32s
    """(3 c, 4) where the texture is on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TexturedLook:
    """A theme with its textures, ready to be drawn."""

    theme: Theme
    atlas: TextureAtlas
    corners: list[CornerTextures]
    """For each piece with textures."""
    mean_rgb: Uint8s
    """(s, 3) of what a surface has of its texture: its colour from afar."""
    textured: Bools
    """(s,) whether a surface has one."""


def textured_look(
    model: CityModel, wanted: WantedTextures, atlas: TextureAtlas, pieces: Sequence[Int32s]
) -> TexturedLook:
    """Return how textures lie on the triangles of each of ``pieces`` (rows of the model's triangles)."""
    theme, place = wanted.theme, wanted.place
    modes = np.array([MODES.index(texture.wrap) for texture in wanted.textures], np.int32)
    there = atlas.page >= 0
    codes = np.where(there, atlas.page * MODES_PER_PAGE + modes, NO_TEXTURE).astype(np.float32)
    small = [_reduced(page) for page in atlas.pages]
    count = len(model.surface_object)
    sums, areas = np.zeros((count, 3)), np.zeros(count)
    corners = []
    for rows in pieces:
        surface = model.triangle_surface[rows]
        of_surface = theme.texture[surface]
        texture = np.where(of_surface >= 0, place[of_surface], -1)
        coordinates = theme.coordinates[rows]
        whole = np.isfinite(coordinates).all(axis=(1, 2)) & (texture >= 0)
        whole[whole] = there[texture[whole]]
        coordinates = np.where(whole[:, None, None], coordinates, np.float32(0))
        code = np.where(whole, codes[texture], np.float32(NO_TEXTURE))
        box = atlas.box[texture]
        corners.append(
            CornerTextures(
                places=np.column_stack([coordinates.reshape(-1, 2), np.repeat(code, 3)]),
                boxes=np.repeat(box, 3, axis=0),
            )
        )
        shown = np.flatnonzero(whole)
        rgb, weight = _sampled(coordinates[shown], code[shown], box[shown], small)
        areas_shown = weight * _areas(model, rows[shown])
        areas += np.bincount(surface[shown], weights=areas_shown, minlength=count)
        for band in range(3):
            sums[:, band] += np.bincount(surface[shown], weights=areas_shown * rgb[:, band], minlength=count)
    textured = areas > 0
    means = sums / np.where(textured, areas, 1)[:, None]
    return TexturedLook(
        theme=theme,
        atlas=atlas,
        corners=corners,
        mean_rgb=np.clip(means + 0.5, 0, 255).astype(np.uint8),
        textured=textured,
    )


def with_textures(colours: Uint32s, look: TexturedLook) -> Uint32s:
    """Return packed colours (s,) in which the textured surfaces have their mean colour, and the texture before it."""
    rgba = np.full((len(colours), 4), OPACITY_BITS | LIT_BIT, np.uint8)
    rgba[:, :3] = look.mean_rgb
    return np.where(look.textured, rgba.view(np.uint32).ravel(), colours)


def _reduced(page: Uint8s) -> Float32s:
    """Return the means (rows, columns, 4) of squares of _SAMPLE_PX texels."""
    rows, columns = page.shape[0] // _SAMPLE_PX, page.shape[1] // _SAMPLE_PX
    squares = page.reshape(rows, _SAMPLE_PX, columns, _SAMPLE_PX, 4)
    sums = squares.sum(axis=1, dtype=np.uint16).sum(axis=2, dtype=np.uint16)
    means: Float32s = sums.astype(np.float32) / np.float32(_SAMPLE_PX**2)
    return means


def _sampled(
    coordinates: Float32s, code: Float32s, box: Float32s, pages: Sequence[Float32s]
) -> tuple[Float32s, Float32s]:
    """Return the mean colour (c, 3) of triangles and how opaque they are (c,), by samples of the reduced pages."""
    rgba = np.zeros((len(code), 4), np.float32)
    page, mode = np.divmod(code.astype(np.int32), MODES_PER_PAGE)
    first, second, third = coordinates[:, 0], coordinates[:, 1], coordinates[:, 2]
    for along, across in _SAMPLES:
        at = first + along * (second - first) + across * (third - first)
        at = np.where((mode == MODES.index(WrapMode.WRAP))[:, None], at - np.floor(at), at)
        at = np.where((mode == MODES.index(WrapMode.MIRROR))[:, None], 1 - np.abs(at % 2 - 1), at)
        at = np.clip(at, 0, 1)
        column = ((box[:, 0] + at[:, 0] * box[:, 2]) / _SAMPLE_PX).astype(np.int32)
        row = ((box[:, 1] + (1 - at[:, 1]) * box[:, 3]) / _SAMPLE_PX).astype(np.int32)
        for number, reduced in enumerate(pages):
            here = np.flatnonzero(page == number)
            last = len(reduced) - 1
            rgba[here] += reduced[np.minimum(row[here], last), np.minimum(column[here], last)]
    rgba /= len(_SAMPLES)
    return rgba[:, :3], np.maximum(rgba[:, 3] / 255, np.float32(1e-3))


def _areas(model: CityModel, rows: Int32s) -> NDArray[np.float64]:
    """Return twice the areas of triangles, never nothing."""
    corners = model.vertices[model.triangles[rows]]
    areas: NDArray[np.float64] = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    return np.maximum(areas, 1e-12)
