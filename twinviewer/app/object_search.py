"""Finding city objects by anything that is said of them: id, class, name, the values of attributes.

All texts of a column are one long text, so that a word is looked for once in a hundred thousand values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.object_tree import ObjectTree
from twinviewer.model.attributes import AttributeColumn

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BETWEEN = "\n"
"""Between two texts: nobody types it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    text: str
    """All of them in small letters, :data:`_BETWEEN` between each two."""
    starts: Int64s
    """Where each begins."""
    nodes: Int64s
    """Of which node each is said."""

    def holding(self, word: str) -> Int64s:
        """Return the nodes whose text holds ``word``."""
        places = []
        place = self.text.find(word)
        while place >= 0:
            places.append(place)
            following = self.text.find(_BETWEEN, place)
            place = -1 if following < 0 else self.text.find(word, following)
        return self.nodes[np.searchsorted(self.starts, places, side="right") - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Types:
    names: tuple[str, ...]
    numbers: NDArray[np.int32]
    first_node: int

    def holding(self, word: str) -> Int64s:
        fitting = [number for number, name in enumerate(self.names) if word in name.casefold()]
        return self.first_node + np.flatnonzero(np.isin(self.numbers, fitting))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    column: AttributeColumn
    first_node: int

    def holding(self, word: str) -> Int64s:
        try:
            number = float(word)
        except ValueError:
            return np.empty(0, np.int64)
        return self.first_node + np.flatnonzero(self.column.present & (self.column.values == number))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSearch:
    """What is said of the nodes of a tree, ready to be searched."""

    tree: ObjectTree
    _said: tuple[_Texts | _Types | _Numbers, ...]

    def matching(self, query: str, *, stop_if_unwanted: Callable[[], None] = lambda: None) -> Bools:
        """Return the nodes (n + k,) of which every word of ``query`` is said, case ignored.

        Args:
            query: Words with spaces between them.
            stop_if_unwanted: Called now and then; may raise to end the search.
        """
        found = np.ones(len(self.tree.parent), np.bool_)
        for word in query.casefold().split():
            has_word = np.zeros_like(found)
            for said in self._said:
                stop_if_unwanted()
                has_word[said.holding(word)] = True
            found &= has_word
        return found


def object_search(tree: ObjectTree) -> ObjectSearch:
    """Return what is said of the nodes of a tree, ready to be searched; takes a second for millions of values."""
    model, boundaries, count = tree.model, tree.boundaries, tree.object_count
    said: list[_Texts | _Types | _Numbers] = [
        _Types(names=model.type_names, numbers=model.object_type, first_node=0),
        _Types(names=model.surface_type_names, numbers=boundaries.type, first_node=count),
        _texts(model.object_ids, np.arange(count)),
        _texts(boundaries.ids, count + np.arange(len(boundaries.ids))),
    ]
    for columns, first in ((model.attributes, 0), (boundaries.attributes, count)):
        said += _of_attributes(columns, first)
    return ObjectSearch(tree=tree, _said=tuple(said))


def _of_attributes(columns: Iterable[AttributeColumn], first_node: int) -> Iterable[_Texts | _Numbers]:
    for column in columns:
        if column.values.dtype == object:
            rows = np.flatnonzero(column.present)
            yield _texts(column.values[rows].tolist(), first_node + rows)
        elif column.values.dtype != np.bool_:
            yield _Numbers(column=column, first_node=first_node)


def _texts(texts: Sequence[str], nodes: Int64s) -> _Texts:
    small = [text.casefold().replace(_BETWEEN, " ") for text in texts]
    starts = np.zeros(len(small), np.int64)
    np.cumsum(np.fromiter(map(len, small[:-1]), np.int64, max(0, len(small) - 1)) + len(_BETWEEN), out=starts[1:])
    return _Texts(text=_BETWEEN.join(small), starts=starts, nodes=nodes)
