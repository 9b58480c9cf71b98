"""What the surfaces of a whole CityGML file look like: its materials and textures, put where their targets are.

Images are named, never read; only of a picture that lies on its place on Earth the size must be known, which its
first bytes say.  Nothing outside the folder of the model is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_appearance import AppearanceColumns
from twinviewer.formats.city_surfaces import Look, no_look, offsets
from twinviewer.formats.citygml.appearance import PieceAppearance, SurfaceData
from twinviewer.formats.citygml.gathering import WholeGeometry
from twinviewer.formats.citygml.references import References, follow, looked_up
from twinviewer.formats.citygml.shapes import numbers_in
from twinviewer.formats.citygml.spans import ragged
from twinviewer.formats.findings import Findings
from twinviewer.formats.folder import within
from twinviewer.model.diagnostics import Severity

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


class Looks:
    """The appearance of a whole file, gathered piece by piece."""

    def __init__(self, path: Path, findings: Findings) -> None:
        self._path, self._findings = path, findings
        self._data: list[SurfaceData] = []
        self._targets: list[tuple[Int64s, Uint64s]] = []
        self._rings: list[tuple[Int64s, Uint64s, Int64s]] = []
        self._numbers: list[Float64s] = []
        self._projections: list[tuple[int, int, tuple[float, ...]]] = []
        self._textured: list[tuple[int, int, int, str]] = []
        self._shared: list[tuple[str, str]] = []
        self._ids: dict[str, int] = {}

    def add(self, appearance: PieceAppearance, first_surface: int) -> None:
        """Append the appearance of a piece, whose surfaces begin at ``first_surface``."""
        first = len(self._data)
        self._data += appearance.data
        self._targets.append((appearance.target_data + first, appearance.target_hash))
        self._rings.append((appearance.ring_data + first, appearance.ring_hash, appearance.ring_counts))
        self._numbers.append(appearance.numbers)
        self._projections += [(number + first, *rest) for number, *rest in appearance.projections]  # type: ignore[misc]
        self._textured += [
            (number + first, start + first_surface, end + first_surface, text)
            for number, start, end, text in appearance.textured
        ]
        self._shared += appearance.shared
        self._ids |= {name: number + first for name, number in appearance.ids.items()}

    def finished(
        self, drawn: WholeGeometry, shapes: WholeGeometry
    ) -> tuple[AppearanceColumns | None, list[dict[str, Look]]]:
        """Return materials and textures, and the looks of what is drawn and of the shapes; tell what is wrong."""
        if not self._data:
            return None, [{}, {}]
        for theme, name in self._shared:
            if name in self._ids:
                self._data[self._ids[name]].themes.append(theme)
        columns = AppearanceColumns()
        numbers = self._numbered(columns)
        target_data, target_hash = (np.concatenate(parts) for parts in zip(*self._targets, strict=True))
        ring_data, ring_hash, ring_counts = (np.concatenate(parts) for parts in zip(*self._rings, strict=True))
        places = np.concatenate(self._numbers)
        target_met, ring_met = np.zeros(len(target_data), np.bool_), np.zeros(len(ring_data), np.bool_)
        looks = []
        for geometry in (drawn, shapes):
            put = _Put(self._data, numbers, geometry)
            put.at_targets(target_data, target_hash, target_met)
            put.at_rings(ring_data, ring_hash, ring_counts, places, ring_met, self._findings)
            put.by_projection(self._projections)
            put.by_place(target_data, target_hash, self._path, self._findings)
            if geometry is drawn:
                put.on_textured(self._textured)
            looks.append(put.looks)
        lost = int((~target_met).sum())
        if lost:
            problem = "Materials and textures of surfaces that are nowhere in the file are not shown."
            self._findings.add("appearance.target-missing", problem, severity=Severity.INFO, count=lost)
        lost = int((~ring_met & (ring_counts >= 0)).sum())
        if lost:
            problem = "Places in textures of rings that are nowhere in the file are left out."
            self._findings.add("appearance.target-missing", problem, severity=Severity.INFO, count=lost)
        return columns, looks

    def _numbered(self, columns: AppearanceColumns) -> list[int]:
        """Return the number of each material or texture among ``columns``, −1 where it is not used."""
        numbers: list[int] = []
        missing: list[str] = []
        known: dict[str, bool | None] = {}
        for data in self._data:
            if not data.is_front:
                problem = "Materials and textures of the backs of surfaces are not shown."
                self._findings.add("appearance.back", problem, severity=Severity.INFO)
                numbers.append(-1)
            elif data.texture is None:
                numbers.append(columns.material(data.material) if data.material else -1)
            else:
                name = data.texture.path
                if name not in known:
                    file = None if "://" in name else within(self._path.parent, name)
                    known[name] = None if file is None and "://" not in name else file is not None and file.is_file()
                if known[name] is None:
                    self._findings.add(
                        "texture.outside",
                        "Textures whose images are outside the folder of the model are not shown.",
                        where=name[:120],
                    )
                    numbers.append(-1)
                    continue
                if not known[name]:
                    missing.append(name)
                numbers.append(columns.texture(data.texture))
        if missing:
            missing = list(dict.fromkeys(missing))
            problem = "Images of textures are missing; the surfaces are shown without them."
            self._findings.add("texture.missing", problem, where=missing[0][:120], count=len(missing))
        return numbers


class _Put:
    """Materials and textures on the surfaces of one geometry."""

    def __init__(self, data: Sequence[SurfaceData], numbers: Sequence[int], geometry: WholeGeometry) -> None:
        self.looks: dict[str, Look] = {}
        self._data, self._numbers, self._geometry = data, np.array(numbers, np.int64), geometry
        self._corner_starts = offsets(geometry.ring_size)
        self._ring_starts = offsets(geometry.ring_count)

    def _look(self, theme: str, *, textured: bool = False) -> Look:
        look = self.looks.get(theme)
        if look is None:
            look = no_look(len(self._geometry.object))
            look = self.looks[theme] = replace(look, material=look.material.copy(), texture=look.texture.copy())
        if textured and not len(look.coordinates):
            nowhere = np.full((len(self._geometry.places), 2), np.nan, np.float32)
            look = self.looks[theme] = replace(look, coordinates=nowhere)
        return look

    def _surfaces_of(self, hash: Uint64s) -> tuple[Int64s, Int64s]:
        """Return pairs of a target's number and a surface that it stands for; wide targets come first."""
        geometry, count = self._geometry, len(hash)
        none = np.full(count, -1, np.int64)
        asked = {each.name: none for each in fields(References)} | {"hash": hash, "reversed": np.zeros(count, np.bool_)}
        joined = References(
            **{
                each.name: np.concatenate([getattr(geometry.references, each.name), asked[each.name]])
                for each in fields(References)
            }
        )
        first = len(geometry.references.hash)
        answers = follow(geometry.named, joined, np.arange(first, first + count), within_members=False)
        target = answers.reference - first
        width = np.bincount(target, minlength=count)
        order = np.argsort(-width[target], kind="stable")
        return target[order], answers.surface[order]

    def at_targets(self, data: Int64s, hash: Uint64s, met: Bools) -> None:
        """Put materials on their targets; note which targets were met."""
        target, surface = self._surfaces_of(hash)
        met[target] = True
        used = self._numbers[data[target]]
        for theme, of_theme in self._by_theme(data[target]):
            rows = of_theme & (used >= 0)
            is_material = np.array([each.material is not None for each in self._data], np.bool_)[data[target]]
            rows &= is_material
            if rows.any():
                self._look(theme).material[surface[rows]] = used[rows]

    def _by_theme(self, data: Int64s) -> list[tuple[str, Bools]]:
        """Return which of the rows of ``data`` are of each theme."""
        themes = dict.fromkeys(theme for number in np.unique(data).tolist() for theme in self._data[number].themes)
        return [(theme, np.array([theme in each.themes for each in self._data], np.bool_)[data]) for theme in themes]

    def at_rings(
        self, data: Int64s, hash: Uint64s, counts: Int64s, numbers: Float64s, met: Bools, findings: Findings
    ) -> None:
        """Put textures where the corners of rings have places in them."""
        geometry = self._geometry
        ring = looked_up(geometry.ring_hash, hash)
        ring[hash == 0] = -1
        met |= ring >= 0
        filled = np.maximum(counts, 0)
        firsts = np.cumsum(filled) - filled
        size = np.where(ring >= 0, geometry.ring_size[ring] if len(geometry.ring_size) else 0, 0)
        given = filled // 2
        fits = (ring >= 0) & (counts >= 0) & (filled % 2 == 0) & ((given == size) | (given == size - 1)) & (size > 0)
        unfit = (ring >= 0) & ~fits & (size > 0)
        if unfit.any():
            problem = "Rings with another number of places in a texture than of corners are shown without it."
            findings.add("texture.coordinates", problem, count=int(unfit.sum()))
        used = self._numbers[data]
        fits &= used >= 0
        surface = np.repeat(np.arange(len(geometry.object)), geometry.ring_count)
        for theme, of_theme in self._by_theme(data[fits]):
            rows = np.flatnonzero(fits)[of_theme]
            look = self._look(theme, textured=True)
            look.texture[surface[ring[rows]]] = used[rows]
            corners = ragged(self._corner_starts[ring[rows]], given[rows])
            at = ragged(firsts[rows], given[rows])
            step = at - np.repeat(firsts[rows], given[rows])
            source = np.repeat(firsts[rows], given[rows]) + 2 * step
            look.coordinates[corners, 0], look.coordinates[corners, 1] = numbers[source], numbers[source + 1]
            short = rows[given[rows] == size[rows] - 1]  # without the corner that closes the ring
            last = self._corner_starts[ring[short] + 1] - 1
            look.coordinates[last] = look.coordinates[self._corner_starts[ring[short]]]

    def by_projection(self, projections: Sequence[tuple[int, int, tuple[float, ...]]]) -> None:
        """Put textures on surfaces that they are thrown on by a matrix."""
        if not projections:
            return
        target, surface = self._surfaces_of(np.array([hash for _, hash, _ in projections], np.uint64))
        for number, (data, _, matrix) in enumerate(projections):
            rows = surface[target == number]
            corners = self._corners(rows)
            homogeneous = np.column_stack([self._geometry.places[corners], np.ones(len(corners))])
            s, t, q = np.reshape(matrix, (3, 4)) @ homogeneous.T
            with np.errstate(divide="ignore", invalid="ignore"):
                self._set(data, rows, corners, np.column_stack([s / q, t / q]))

    def by_place(self, data: Int64s, hash: Uint64s, path: Path, findings: Findings) -> None:
        """Put textures on surfaces by where both are on Earth."""
        placed = [number for number in np.unique(data).tolist() if self._data[number].georeference is not None]
        if not placed or not len(self._geometry.object):
            return
        target, surface = self._surfaces_of(hash)
        for number in placed:
            if self._numbers[number] < 0:
                continue
            rows = np.unique(surface[data[target] == number])
            if not len(rows):
                continue
            pixels = _pixels(self._data[number], path)
            if pixels is None:
                name = self._data[number].texture
                problem = "Textures that lie on their place on Earth need their image, and where it lies, to be shown."
                findings.add("texture.not-placed", problem, where="" if name is None else name.path[:120])
                continue
            to_pixels, reference, width, height = pixels
            corners = self._corners(rows)
            column, row = to_pixels @ (self._geometry.places[corners, :2] - reference).T
            self._set(number, rows, corners, np.column_stack([(column + 0.5) / width, 1 - (row + 0.5) / height]))

    def on_textured(self, textured: Sequence[tuple[int, int, int, str]]) -> None:
        """Put materials and textures on the textured surfaces of CityGML 1.0."""
        for number, first, end, text in textured:
            rows = np.arange(first, end)
            used = self._numbers[number]
            if used < 0 or not len(rows):
                continue
            if self._data[number].material is not None:
                self._look("").material[rows] = used
                continue
            corners, places = self._corners(rows[:1]), np.array(numbers_in(text))
            if len(places) == 2 * len(corners) - 2:
                places = np.append(places, places[:2])
            if len(places) == 2 * len(corners):
                self._set(number, rows[:1], corners, places.reshape(-1, 2))

    def _corners(self, surfaces: Int64s) -> Int64s:
        first, end = self._ring_starts[surfaces], self._ring_starts[surfaces + 1]
        return ragged(self._corner_starts[first], self._corner_starts[end] - self._corner_starts[first])

    def _set(self, data: int, surfaces: Int64s, corners: Int64s, places: Float64s) -> None:
        for theme in self._data[data].themes:
            look = self._look(theme, textured=True)
            if self._numbers[data] >= 0:
                look.texture[surfaces], look.coordinates[corners] = self._numbers[data], places


def _pixels(data: SurfaceData, path: Path) -> tuple[Float64s, Float64s, int, int] | None:
    """Return what makes (column, row) of (x, y), from where on, and how many pixels there are; None if unknown."""
    if data.texture is None or data.georeference is None:
        return None
    image = within(path.parent, data.texture.path)
    if image is None or not image.is_file():
        return None
    size = _size_of(image)
    reference, orientation = data.georeference.reference, data.georeference.orientation
    if data.georeference.prefers_world_file or not (reference and orientation):
        world = _world_file(image)
        if world is not None:
            a, d, b, e, x, y = world
            reference, orientation = (x, y), (a, b, d, e)
    if size is None or not reference or not orientation:
        return None
    matrix = np.reshape(orientation, (2, 2))
    if abs(np.linalg.det(matrix)) < 1e-300:
        return None
    return np.linalg.inv(matrix), np.array(reference), *size


def _size_of(image: Path) -> tuple[int, int] | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(image) as opened:
            return opened.size
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None


def _world_file(image: Path) -> tuple[float, ...] | None:
    """Return the six numbers of the world file beside an image: ``.jgw`` or ``.jpgw`` beside ``.jpg``."""
    ending = image.suffix
    for candidate in (ending[:2] + ending[-1:] + "w", ending + "w", ".wld"):
        file = image.with_suffix(candidate)
        try:
            numbers = numbers_in(file.read_text(encoding="ascii", errors="replace")[:1000])
        except OSError:
            continue
        if len(numbers) == 6:
            return numbers
    return None
