"""The appearance in a piece of a CityGML file: materials, textures, and what they are put on.

The module Appearance of CityGML 1.0, 2.0 and 3.0, and the textured surfaces of 1.0.  What is put on what is kept by
the hashes of ids, as both may be anywhere in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.pieces import positions
from twinviewer.formats.citygml.shapes import numbers_in
from twinviewer.formats.citygml.spans import hashes, inside, text_spans, texts, trimmed, value_spans
from twinviewer.formats.citygml.vocabulary import SURFACE_DATA
from twinviewer.model.city_parts import Material, Texture, WrapMode

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

_TRUE = ("true", "1")
_WRAPS = frozenset(mode.value for mode in WrapMode)


@dataclass(slots=True, kw_only=True)
class SurfaceData:
    """One material or texture."""

    themes: list[str]
    material: Material | None = None
    texture: Texture | None = None
    is_front: bool = True
    georeference: Georeference | None = None
    """Of a texture that lies on its place on Earth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Georeference:
    """Where a picture lies, as the file says it."""

    prefers_world_file: bool
    reference: tuple[float, ...]
    """x, y of the middle of the upper left pixel, as stored; empty where the file does not say."""
    orientation: tuple[float, ...]
    """Two times two numbers, from pixels (column, row) to (x, y); empty where the file does not say."""


@dataclass(slots=True, kw_only=True)
class PieceAppearance:
    """``d`` materials and textures, ``t`` targets, places of ``l`` rings, ``p`` projections."""

    data: list[SurfaceData]
    target_data: Int64s
    target_hash: Uint64s
    ring_data: Int64s
    """(l,) texture."""
    ring_hash: Uint64s
    """(l,) 0 where the ring is not named."""
    ring_counts: Int64s
    """(l,) numbers, −1 where one is none."""
    numbers: Float64s
    """All numbers of places, two for each corner."""
    projections: list[tuple[int, int, tuple[float, ...]]]
    """Texture, hash of the target, 12 numbers of a matrix from the world to places in the texture."""
    textured: list[tuple[int, int, int, str]]
    """Material or texture, first and end among the elements that are surfaces, places of the first: of 1.0."""
    shared: list[tuple[str, str]] = field(default_factory=list)
    """Theme, and id of a material or texture elsewhere that it has, too."""
    ids: dict[str, int] = field(default_factory=dict)
    """Materials and textures by their id."""

    def __bool__(self) -> bool:
        return bool(self.data)


def appearance_of(outline: Outline) -> PieceAppearance:
    """Return the appearance in a piece."""
    elements = outline.elements
    is_appearance = outline.role == Role.APPEARANCE
    none = np.empty(0, np.int64)
    found = PieceAppearance(
        data=[],
        target_data=none,
        target_hash=none.astype(np.uint64),
        ring_data=none,
        ring_hash=none.astype(np.uint64),
        ring_counts=none,
        numbers=np.empty(0),
        projections=[],
        textured=[],
    )
    if not is_appearance.any():
        return found
    rows = np.flatnonzero(is_appearance & outline.named(*SURFACE_DATA))
    ends = elements.end[rows]
    themes = _themes(outline, is_appearance)
    fields = _fields(outline, rows)
    ids = dict(
        zip(
            elements.attribute_element[outline.ids()].tolist(),
            texts(elements.content, *value_spans(elements, outline.ids())),
            strict=True,
        )
    )
    for number, row in enumerate(rows.tolist()):
        kind = outline.words[elements.name[row]].local
        found.data.append(
            _surface_data(kind, fields[number], themes.get(int(elements.parent[elements.parent[row]]), ""))
        )
        if row in ids:
            found.ids[ids[row]] = number
    _find_shared(outline, found, themes)
    of_target = _find_targets(outline, found, rows, ends)
    _find_places(outline, found, rows, ends)
    _find_projections(outline, found, rows, ends, of_target)
    _find_textured(outline, found)
    return found


def _themes(outline: Outline, is_appearance: NDArray[np.bool_]) -> dict[int, str]:
    """Return the theme by the row of its appearance."""
    elements = outline.elements
    rows = np.flatnonzero(is_appearance & outline.named("theme"))
    return dict(zip(elements.parent[rows].tolist(), texts(elements.content, *text_spans(elements, rows)), strict=True))


def _fields(outline: Outline, rows: Int64s) -> list[dict[str, str]]:
    """Return the texts of the properties of materials and textures."""
    elements = outline.elements
    found: list[dict[str, str]] = [{} for _ in rows]
    if not len(rows):
        return found
    at = np.searchsorted(rows, elements.parent)
    is_field = rows[np.minimum(at, len(rows) - 1)] == elements.parent
    is_field &= ~outline.named("target", "textureParameterization")
    fields = np.flatnonzero(is_field)
    points = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("pos", "coordinates"))
    holder = inside(rows, elements.end[rows], points)
    for row, number, text in zip(
        points.tolist(), holder.tolist(), texts(elements.content, *text_spans(elements, points)), strict=True
    ):
        if number >= 0:
            found[number].setdefault("referencePoint", text.replace(",", " "))
            del row
    for row, number, text in zip(
        fields.tolist(), at[fields].tolist(), texts(elements.content, *text_spans(elements, fields)), strict=True
    ):
        if text:
            found[number][outline.words[elements.name[row]].local] = text
    return found


def _surface_data(kind: str, fields: dict[str, str], theme: str) -> SurfaceData:
    is_front = fields.get("isFront", "true") in _TRUE
    if kind == "X3DMaterial":
        return SurfaceData(themes=[theme], material=_material(fields), is_front=is_front)
    georeference = None
    if kind == "GeoreferencedTexture":
        reference, orientation = (numbers_in(fields.get(name, "")) for name in ("referencePoint", "orientation"))
        georeference = Georeference(
            prefers_world_file=fields.get("preferWorldFile", "true") in _TRUE,
            reference=reference[:2] if len(reference) >= 2 else (),
            orientation=orientation if len(orientation) == 4 else (),
        )
    return SurfaceData(themes=[theme], texture=_texture(fields), is_front=is_front, georeference=georeference)


def _material(fields: dict[str, str]) -> Material:
    plain = Material()
    return Material(
        name=fields.get("name", ""),
        diffuse=_colour(fields.get("diffuseColor"), plain.diffuse),
        emissive=_colour(fields.get("emissiveColor"), plain.emissive),
        specular=_colour(fields.get("specularColor"), plain.specular),
        ambient_intensity=_share(fields.get("ambientIntensity"), plain.ambient_intensity),
        shininess=_share(fields.get("shininess"), plain.shininess),
        transparency=_share(fields.get("transparency"), plain.transparency),
        is_smooth=fields.get("isSmooth", "") in _TRUE,
    )


def _texture(fields: dict[str, str]) -> Texture:
    border = [min(max(number, 0.0), 1.0) for number in numbers_in(fields.get("borderColor", ""))]
    if len(border) == 3:
        border.append(1.0)
    wrap = fields.get("wrapMode", "none")
    return Texture(
        path=fields.get("imageURI", "").replace("\\", "/"),
        media_type=fields.get("mimeType", ""),
        wrap=WrapMode(wrap) if wrap in _WRAPS else WrapMode.NONE,
        border_rgba=(border[0], border[1], border[2], border[3]) if len(border) > 3 else (0.0, 0.0, 0.0, 0.0),
        kind=fields.get("textureType", ""),
    )


def _colour(text: str | None, otherwise: tuple[float, float, float]) -> tuple[float, float, float]:
    numbers = [min(max(number, 0.0), 1.0) for number in numbers_in(text or "")]
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else otherwise


def _share(text: str | None, otherwise: float) -> float:
    numbers = numbers_in(text or "")
    return min(max(numbers[0], 0.0), 1.0) if len(numbers) == 1 else otherwise


# --- what they are put on ---------------------------------------------------------------------------------------


def _find_shared(outline: Outline, found: PieceAppearance, themes: dict[int, str]) -> None:
    elements = outline.elements
    hrefs = outline.hrefs()
    rows = elements.attribute_element[hrefs]
    kept = (outline.role[rows] == Role.APPEARANCE) & outline.named("surfaceDataMember", "surfaceData")[rows]
    names = texts(elements.content, *value_spans(elements, hrefs[kept]))
    for row, name in zip(rows[kept].tolist(), names, strict=True):
        found.shared.append((themes.get(int(elements.parent[row]), ""), name.removeprefix("#")))


def _find_targets(outline: Outline, found: PieceAppearance, rows: Int64s, ends: NDArray[np.int32]) -> dict[int, int]:
    """Note what materials and textures are put on; return the hash of each target by its row."""
    elements, content = outline.elements, outline.elements.content
    targets = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("target"))
    data = inside(rows, ends, targets)
    targets, data = targets[data >= 0], data[data >= 0]
    starts, stops = trimmed(content, *text_spans(elements, targets))
    for name in ("href", "uri"):  # the uri comes first where there are both
        attributes = outline.hrefs() if name == "href" else outline.attributes("uri")
        at = np.searchsorted(targets, elements.attribute_element[attributes])
        same = (
            (at < len(targets)) & (targets[np.minimum(at, len(targets) - 1)] == elements.attribute_element[attributes])
            if len(targets)
            else np.zeros(len(attributes), np.bool_)
        )
        first, last = value_spans(elements, attributes[same])
        at = at[same]
        if name == "href":  # beside a text it names how, not what
            first, last, at = (each[starts[at] == stops[at]] for each in (first, last, at))
        starts[at], stops[at] = first, last
    named = starts < stops
    starts = starts + (named & (content[np.minimum(starts, max(len(content) - 1, 0))] == ord("#")))
    values = hashes(content, starts, stops)
    found.target_data, found.target_hash = data[named], values[named]
    return dict(zip(targets.tolist(), values.tolist(), strict=True))


def _find_places(outline: Outline, found: PieceAppearance, rows: Int64s, ends: NDArray[np.int32]) -> None:
    """Note the places in textures of the corners of rings."""
    elements = outline.elements
    lists = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("textureCoordinates"))
    data = inside(rows, ends, lists)
    lists, data = lists[data >= 0], data[data >= 0]
    if not len(lists):
        return
    content = elements.content
    starts, stops = np.zeros(len(lists), np.int64), np.zeros(len(lists), np.int64)
    attributes = outline.attributes("ring")
    at = np.searchsorted(lists, elements.attribute_element[attributes])
    same = (at < len(lists)) & (lists[np.minimum(at, len(lists) - 1)] == elements.attribute_element[attributes])
    starts[at[same]], stops[at[same]] = value_spans(elements, attributes[same])
    rings = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("ring"))  # 3.0: the k-th for the k-th
    if len(rings):
        list_key, ring_key = _ordinals(elements.parent[lists]), _ordinals(elements.parent[rings])
        wide = len(elements.name) + 1
        keys = elements.parent[rings].astype(np.int64) * wide + ring_key
        wanted = elements.parent[lists].astype(np.int64) * wide + list_key
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        same = keys[at] == wanted
        starts[same], stops[same] = trimmed(content, *text_spans(elements, rings[at[same]]))
    starts = starts + ((starts < stops) & (content[np.minimum(starts, len(content) - 1)] == ord("#")))
    found.ring_data, found.ring_hash = data, hashes(content, starts, stops)
    found.numbers, found.ring_counts = positions(elements, lists.astype(np.int32))


def _ordinals(groups: NDArray[np.int32]) -> Int64s:
    """Return (n,) how many earlier ones are of the same group; groups ascend."""
    first = np.searchsorted(groups, groups)
    return np.arange(len(groups)) - first


def _find_projections(
    outline: Outline,
    found: PieceAppearance,
    rows: Int64s,
    ends: NDArray[np.int32],
    of_target: dict[int, int],
) -> None:
    """Note the textures that are thrown on surfaces by a matrix (TexCoordGen)."""
    elements = outline.elements
    matrices = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("worldToTexture"))
    data = inside(rows, ends, matrices)
    siblings: dict[int, int] = {int(elements.parent[row]): value for row, value in of_target.items()}
    for row, number, text in zip(
        matrices.tolist(), data.tolist(), texts(elements.content, *text_spans(elements, matrices)), strict=True
    ):
        matrix = numbers_in(text)
        above = int(elements.parent[row])
        while above >= 0 and above not in of_target and above not in siblings:
            above = int(elements.parent[above])
        if number >= 0 and len(matrix) == 12 and above >= 0:
            target = of_target[above] if above in of_target else siblings[above]
            found.projections.append((number, target, matrix))


def _find_textured(outline: Outline, found: PieceAppearance) -> None:
    """Note the materials and textures of CityGML 1.0's textured surfaces, each in its surface."""
    elements = outline.elements
    rows = np.flatnonzero((outline.role == Role.APPEARANCE) & outline.named("Material", "SimpleTexture"))
    for row in rows.tolist():
        around = int(elements.parent[row])
        surface = int(elements.parent[around])
        if outline.role[surface] != Role.AGGREGATE:
            continue
        inner = np.arange(row + 1, elements.end[row])
        fields = {
            outline.words[name].local: text
            for name, text in zip(
                elements.name[inner].tolist(), texts(elements.content, *text_spans(elements, inner)), strict=True
            )
        }
        front = [
            value
            for at in outline.attributes("orientation")
            if elements.attribute_element[at] == around
            for value in elements.values([int(at)])
        ]
        repeats = fields.get("repeat", "") in _TRUE
        is_texture = outline.words[elements.name[row]].local == "SimpleTexture"
        found.textured.append(
            (len(found.data), surface, int(elements.end[surface]), fields.get("textureCoordinates", ""))
        )
        found.data.append(
            SurfaceData(
                themes=[""],
                material=None if is_texture else _material(fields),
                texture=_texture(
                    {**fields, "imageURI": fields.get("textureMap", ""), "wrapMode": "wrap" if repeats else "none"}
                )
                if is_texture
                else None,
                is_front=front != ["-"],
            )
        )
