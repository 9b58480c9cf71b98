"""The pieces of a CityGML file, put together in its order."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_columns import Names
from twinviewer.formats.city_surfaces import GeometryColumns, Look, RaggedSurfaces, offsets
from twinviewer.formats.citygml.piece import Settled, tell_of_too_many
from twinviewer.formats.citygml.references import Copies, Named, References, follow, lend, looked_up
from twinviewer.formats.citygml.spans import hashes_of, ragged
from twinviewer.formats.citygml.told import Told

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


class Bases:
    """What the numbers of a piece are in the whole file."""

    def __init__(
        self, objects: int, thematic: int, surface_types: Sequence[int], lods: Sequence[int], members: int
    ) -> None:
        self.object, self.thematic, self.member = objects, thematic, members
        self.surface_types = np.array([*surface_types, -1], np.int64)  # the last one is found by −1
        self.lods = np.array([*lods, -1], np.int64)


class GatheredGeometry:
    """Surfaces of the whole file, of everything that is drawn where it stands or of all shapes."""

    def __init__(self, geometries: GeometryColumns) -> None:
        self._geometries = geometries
        self._parts: dict[str, list[NDArray[Any]]] = {name: [] for name in (*_SURFACE, "ring_count", "ring_size")}
        self._parts |= {"ring_hash": [], "places": []}
        self._named: dict[str, list[NDArray[Any]]] = {field.name: [] for field in fields(Named)}
        self._references: dict[str, list[NDArray[Any]]] = {field.name: [] for field in fields(References)}
        self._copies: dict[str, list[NDArray[Any]]] = {field.name: [] for field in fields(Copies)}
        self._open: list[Int64s] = []
        self._open_texts: list[str] = []
        self._surfaces = self._references_count = 0

    def __len__(self) -> int:
        return self._surfaces

    def __deepcopy__(self, memo: dict[int, Any]) -> GatheredGeometry:
        """Return another that may grow by itself; arrays are shared, as nothing writes to them."""
        other = GatheredGeometry(deepcopy(self._geometries, memo))
        for name in ("_parts", "_named", "_references", "_copies"):
            setattr(other, name, {column: list(parts) for column, parts in getattr(self, name).items()})
        other._open, other._open_texts = list(self._open), list(self._open_texts)
        other._surfaces, other._references_count = self._surfaces, self._references_count
        return other

    def add(self, settled: Settled, bases: Bases) -> None:
        """Append the surfaces of a piece."""
        geometry = settled.geometry
        shells = len(self._geometries.shell_solid)
        first = self._surfaces
        by = {
            "object": bases.object,
            "thematic": bases.thematic,
            "member": bases.member,
            "geometry": len(self._geometries.type),
            "shell": shells,
            "partial": shells,
            "surface": first,
            "first": first,
            "end": first,
            "first_reference": self._references_count,
            "end_reference": self._references_count,
        }
        maps = {"semantic": bases.surface_types, "lod": bases.lods}
        for columns, source in (
            (self._parts, geometry),
            (self._named, geometry.named),
            (self._references, geometry.references),
            (self._copies, settled.copies),
        ):
            for name, parts in columns.items():
                values = getattr(source, name)
                if name in maps:
                    values = maps[name][values]
                elif by.get(name):
                    values = np.where(values >= 0, values + by[name], -1)
                parts.append(values)
        self._geometries.type.extend(geometry.geometry_type.tolist())
        solid = self._geometries.new_solid()
        self._geometries.shell_solid.extend((geometry.shell_solid + solid).tolist())
        self._open.append(settled.open + self._references_count)
        self._open_texts += settled.open_texts
        self._surfaces += len(geometry.object)
        self._references_count += len(geometry.references.hash)

    def finished(self, told: Told) -> WholeGeometry:
        """Return all surfaces, those copied for other levels of detail last.

        Args:
            told: Hears, with the objects of the whole file, of names that lead nowhere.
        """
        whole = WholeGeometry()
        for name, parts in self._parts.items():
            setattr(whole, name, _joined(parts, name))
        whole.named = Named(**{name: _joined(parts, name) for name, parts in self._named.items()})
        whole.references = References(**{name: _joined(parts, name) for name, parts in self._references.items()})
        open_ones = np.concatenate(self._open) if self._open else np.empty(0, np.int64)
        copies = [Copies(**{name: _joined(parts, name) for name, parts in self._copies.items()})]
        if len(open_ones):
            answers = follow(whole.named, whole.references, open_ones, within_members=False)
            if answers.is_cut:
                tell_of_too_many(told, whole.references.object[answers.reference[-1:]])
            copies.append(lend(whole, whole.references, answers))
            self._geometries.partial.update(whole.references.shell[answers.unknown].tolist())
            names = dict(zip(open_ones.tolist(), self._open_texts, strict=True))
            told.add(
                "xlink.unresolved",
                "Geometries that are only named, and are nowhere in the file, are missing.",
                whole.references.object[answers.unknown],
                details=[f"“{names[number][:80]}”" for number in answers.unknown.tolist()],
            )
        whole.copies = Copies(
            **{field.name: np.concatenate([getattr(part, field.name) for part in copies]) for field in fields(Copies)}
        )
        self._geometries.partial.update(whole.copies.partial.tolist())
        return whole


_SURFACE = ("object", "semantic", "lod", "reversed", "kind", "thematic", "geometry", "shell")
_DTYPES: dict[str, Any] = {
    "reversed": np.bool_,
    "turned": np.bool_,
    "kind": np.int8,
    "hash": np.uint64,
    "ring_hash": np.uint64,
    "places": np.float64,
}


def _joined(parts: Sequence[NDArray[Any]], name: str) -> NDArray[Any]:
    if parts:
        return np.concatenate(parts)
    return np.empty((0, 3) if name == "places" else 0, _DTYPES.get(name, np.int64))


class WholeGeometry:
    """The surfaces of a whole file, without copies, and the copies; columns as in ``PieceGeometry``."""

    object: Int64s
    semantic: Int64s
    lod: Int64s
    reversed: Bools
    kind: NDArray[np.int8]
    thematic: Int64s
    geometry: Int64s
    shell: Int64s
    ring_count: Int64s
    ring_size: Int64s
    ring_hash: Uint64s
    places: Float64s
    named: Named
    references: References
    copies: Copies

    def spans(self, names: set[str]) -> dict[str, tuple[int, int]]:
        """Return the first and the end of the surfaces of geometries by their ids, where there are such."""
        ordered = sorted(names)
        at = looked_up(self.named.hash, hashes_of(ordered)).tolist()
        return {
            name: (int(self.named.first[place]), int(self.named.end[place]))
            for name, place in zip(ordered, at, strict=True)
            if place >= 0
        }

    def surfaces(self, looks: dict[str, Look]) -> RaggedSurfaces:
        """Return all surfaces, copies last; ``looks`` are those of the surfaces without copies."""
        copies = self.copies
        source = copies.surface
        starts, corner_starts = offsets(self.ring_count)[:-1], offsets(self.ring_size)[:-1]
        rings = ragged(starts[source], self.ring_count[source])
        corners = ragged(corner_starts[rings], self.ring_size[rings])
        return RaggedSurfaces(
            object=np.concatenate([self.object, copies.object]),
            semantic=np.concatenate([self.semantic, copies.semantic]),
            lod=np.concatenate([self.lod, copies.lod]),
            reversed=np.concatenate([self.reversed, self.reversed[source] ^ copies.turned]),
            kind=np.concatenate([self.kind, self.kind[source]]),
            thematic=np.concatenate([self.thematic, copies.thematic]),
            geometry=np.concatenate([self.geometry, copies.geometry]),
            shell=np.concatenate([self.shell, copies.shell]),
            ring_count=np.concatenate([self.ring_count, self.ring_count[source]]),
            ring_size=np.concatenate([self.ring_size, self.ring_size[rings]]),
            corners=np.concatenate([np.arange(len(self.places)), corners]),
            looks={
                theme: Look(
                    material=np.concatenate([look.material, look.material[source]]),
                    texture=np.concatenate([look.texture, look.texture[source]]),
                    coordinates=np.concatenate([look.coordinates, look.coordinates[corners]])
                    if len(look.coordinates)
                    else look.coordinates,
                )
                for theme, look in looks.items()
            },
        )


def numbers_of(names: Names, own: Sequence[str]) -> list[int]:
    """Return the numbers in the whole file of a piece's names."""
    return [names.number(name) for name in own]
