"""A city model as a tree: objects, their parts, and the surfaces that bound them and mean something.

Nodes are numbers: the objects come first, ``0`` to ``n − 1``, in the order of the model, then their thematic surfaces.
Everything is found with whole columns, so that a hundred thousand objects take no longer than a look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.layer_data import CityModel

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOP = -1
"""The node above those that are part of nothing."""
NAME_COLUMNS = ("name", "gml:name")
"""Attributes that hold what people call an object, the best first."""
_DEEPEST_NESTING = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """The thematic surfaces of a model, ``k`` of them.

    Where the source names none, the surfaces of one type that an object has are taken together as one.
    """

    ids: tuple[str, ...]
    """(k,) empty where there is none."""
    type: Int32s
    """(k,) index into ``CityModel.surface_type_names``."""
    object: Int32s
    """(k,) the city object that each bounds."""
    parent: Int32s
    """(k,) the thematic surface that each is an opening of, −1 for none."""
    of_surface: Int32s
    """(s,) which of them each surface is part of, −1 for none."""
    attributes: tuple[AttributeColumn, ...]
    """Columns of k rows."""


def boundaries_of(model: CityModel) -> Boundaries:
    """Return the thematic surfaces of a model, or what stands for them."""
    if model.thematic is not None:
        given = model.thematic
        return Boundaries(
            ids=given.ids,
            type=given.type,
            object=given.object,
            parent=given.parent,
            of_surface=given.of_surface,
            attributes=given.attributes,
        )
    types = max(1, len(model.surface_type_names))
    known = np.flatnonzero(model.surface_type >= 0)
    keys = model.surface_object[known].astype(np.int64) * types + model.surface_type[known]
    found, which = np.unique(keys, return_inverse=True)
    of_surface = np.full(len(model.surface_object), -1, np.int32)
    of_surface[known] = which
    return Boundaries(
        ids=("",) * len(found),
        type=(found % types).astype(np.int32),
        object=(found // types).astype(np.int32),
        parent=np.full(len(found), -1, np.int32),
        of_surface=of_surface,
        attributes=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectTree:
    """Who is part of whom, all of a model or what of it was searched for."""

    model: CityModel
    boundaries: Boundaries
    parent: Int32s
    """(n + k,) the node above each, :data:`TOP` for none."""
    kept: Bools
    """(n + k,) which nodes the tree has."""
    order: Int32s
    """The nodes that the tree has, by the node above them, then as in the model."""
    first: Int64s
    """(n + k + 2,) the children of node ``i`` are ``order[first[i + 1] : first[i + 2]]``."""
    row: Int32s
    """(n + k,) the place of each node among its siblings."""

    def children(self, node: int) -> Int32s:
        """Return the nodes below ``node``."""
        return self.order[self.first[node + 1] : self.first[node + 2]]

    def count(self, node: int) -> int:
        """Return how many nodes are below ``node``."""
        return int(self.first[node + 2] - self.first[node + 1])

    @property
    def object_count(self) -> int:
        return len(self.model.object_ids)

    def path(self, node: int) -> list[int]:
        """Return the nodes from the top down to ``node``."""
        found = [node]
        while self.parent[found[-1]] != TOP and len(found) <= _DEEPEST_NESTING:
            found.append(int(self.parent[found[-1]]))
        return found[::-1]

    def object_of(self, node: int) -> int:
        """Return the city object that ``node`` is or bounds."""
        return node if node < self.object_count else int(self.boundaries.object[node - self.object_count])

    def surfaces_of(self, node: int) -> Int32s:
        """Return the surfaces of a thematic surface and of its openings, none for an object."""
        if node < self.object_count:
            return np.empty(0, np.int32)
        meant = np.zeros(len(self.boundaries.type) + 1, np.bool_)  # last: of no thematic surface
        meant[node - self.object_count] = True
        for _ in range(_DEEPEST_NESTING):
            openings = (self.boundaries.parent >= 0) & meant[self.boundaries.parent] & ~meant[:-1]
            if not openings.any():
                break
            meant[:-1] |= openings
        return np.flatnonzero(meant[self.boundaries.of_surface]).astype(np.int32)

    def node_of(self, object_row: int, surface: int | None = None) -> int:
        """Return the node of an object, or of the thematic surface of it that ``surface`` is part of."""
        boundary = -1 if surface is None else int(self.boundaries.of_surface[surface])
        return object_row if boundary < 0 else self.object_count + boundary

    def id(self, node: int) -> str:
        """Return the id of a node, empty where it has none."""
        if node < self.object_count:
            return self.model.object_ids[node]
        return self.boundaries.ids[node - self.object_count]

    def type_name(self, node: int) -> str:
        """Return the class of an object, the type of a thematic surface."""
        if node < self.object_count:
            return self.model.type_names[int(self.model.object_type[node])]
        kind = int(self.boundaries.type[node - self.object_count])
        return self.model.surface_type_names[kind] if kind >= 0 else "Surface"

    def name(self, node: int) -> str:
        """Return what people call it: its name, or else its id, or else its class."""
        columns, row = self.model.attributes, node
        if node >= self.object_count:
            columns, row = self.boundaries.attributes, node - self.object_count
        return name_in(columns, row) or self.id(node) or self.type_name(node)

    def only(self, wanted: Bools) -> ObjectTree:
        """Return the tree of the nodes that are ``wanted`` (n + k,) and of those above them."""
        kept = wanted.copy()
        above = self.parent[kept]
        for _ in range(_DEEPEST_NESTING):
            above = above[above >= 0]
            above = above[~kept[above]]
            if not len(above):
                break
            kept[above] = True
            above = self.parent[np.unique(above)]
        return _tree(self.model, self.boundaries, self.parent, kept)


def object_tree(model: CityModel) -> ObjectTree:
    """Return all of a model as a tree."""
    boundaries = boundaries_of(model)
    count = len(model.object_ids)
    inside = boundaries.parent >= 0
    parent = np.concatenate([model.object_parent, np.where(inside, boundaries.parent + count, boundaries.object)])
    parent = parent.astype(np.int32)
    parent[_endless(parent)] = TOP
    return _tree(model, boundaries, parent, np.ones(len(parent), np.bool_))


def name_in(columns: tuple[AttributeColumn, ...], row: int) -> str:
    """Return the name that attributes give what is in ``row``; empty where they give none."""
    named = {column.name: column for column in columns if column.name in NAME_COLUMNS}
    values = (named[name].value(row) for name in NAME_COLUMNS if name in named)
    return next((str(value) for value in values if value not in (None, "")), "")


def _tree(model: CityModel, boundaries: Boundaries, parent: Int32s, kept: Bools) -> ObjectTree:
    nodes = np.flatnonzero(kept).astype(np.int32)
    order = nodes[np.argsort(parent[nodes], kind="stable")]
    first = np.zeros(len(parent) + 2, np.int64)
    np.cumsum(np.bincount(parent[nodes] + 1, minlength=len(parent) + 1), out=first[1:])
    row = np.full(len(parent), -1, np.int32)
    row[order] = np.arange(len(order)) - first[parent[order] + 1]
    return ObjectTree(model=model, boundaries=boundaries, parent=parent, kept=kept, order=order, first=first, row=row)


def _endless(parent: Int32s) -> Bools:
    """Return which nodes (n,) never come to the top: a damaged file may say that two are part of each other."""
    above = np.append(parent, TOP).astype(np.int32)  # last: the top, which stays there
    climbed = above
    for _ in range(5):  # 2⁵ steps up
        climbed = climbed[climbed]
    endless: Bools = climbed[:-1] >= 0
    return endless
