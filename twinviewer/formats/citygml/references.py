"""Geometries that are named instead of given (``xlink:href``): forwards, backwards, and from one member to another.

A name adds nothing where what it stands for is drawn already: it lends what that lacks (a solid's polygon becomes a
wall because a wall surface names it, a wall's polygon one of the solid that names it), and only another level of
detail gets a copy.  Names are told apart by their hashes: the names themselves would need more memory than all
coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.spans import ragged

Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

_STEPS_LIMIT = 4_000_000
"""Of following names, at one time; real files need as many as they have polygons."""
_OF_A_MEMBER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True, kw_only=True)
class Named:
    """Ids of ``k`` geometries, and what they stand for."""

    hash: Uint64s
    member: Int64s
    """Of the city model that it is in."""
    first: Int64s
    """The first of its surfaces."""
    end: Int64s
    first_reference: Int64s
    """The first of the references in it."""
    end_reference: Int64s


@dataclass(slots=True, kw_only=True)
class References:
    """``f`` places where a geometry is named, and what is asked of it there."""

    hash: Uint64s
    member: Int64s
    object: Int64s
    semantic: Int64s
    lod: Int64s
    thematic: Int64s
    reversed: Bools
    geometry: Int64s
    shell: Int64s
    rows: Int64s
    """Elements that they are, in their piece."""
    attributes: Int64s
    """Attributes of XML that have the name, in their piece."""

    def those(self, which: Int64s | Bools) -> References:
        """Return some of them."""
        return References(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


@dataclass(slots=True, kw_only=True)
class Answers:
    """What references lead to: ``p`` pairs of a reference and a surface, in the order of the references."""

    reference: Int64s
    surface: Int64s
    reversed: Bools
    """Whether the surface is asked for the other way round than it is given."""
    unknown: Int64s
    """References whose name nothing has."""
    is_cut: bool
    """Whether there were too many names to follow."""


def follow(named: Named, references: References, asked: Int64s, *, within_members: bool) -> Answers:
    """Return what some references lead to, names of names to their end.

    Args:
        named: All ids that may be meant.
        references: All references that may be among what is named.
        asked: (q,) those that are to be followed.
        within_members: Whether an id in the same member of the city model comes before all others.
    """
    target = _found(named, references, within_members=within_members)
    known = target[asked] >= 0
    root = present = asked[known]
    turned = references.reversed[root].copy()
    met = [root * len(named.hash) + target[root]]
    roots: list[Int64s] = []
    surfaces: list[Int64s] = []
    turns: list[Bools] = []
    steps, is_cut = 0, False
    while len(present):
        at = target[present]
        counts = named.end[at] - named.first[at]
        inner = named.end_reference[at] - named.first_reference[at]
        steps += int((counts + inner).sum())
        if steps > _STEPS_LIMIT:
            is_cut = True
            allowed = np.cumsum(counts + inner) <= _STEPS_LIMIT - (steps - int((counts + inner).sum()))
            root, at, turned = root[allowed], at[allowed], turned[allowed]
            counts, inner = counts[allowed], inner[allowed]
        roots.append(np.repeat(root, counts))
        surfaces.append(ragged(named.first[at], counts))
        turns.append(np.repeat(turned, counts))
        if is_cut:
            break
        following = ragged(named.first_reference[at], inner)
        next_root, next_turned = np.repeat(root, inner), np.repeat(turned, inner) ^ references.reversed[following]
        is_known = target[following] >= 0
        following, next_root, next_turned = following[is_known], next_root[is_known], next_turned[is_known]
        keys = next_root * len(named.hash) + target[following]
        _, first = np.unique(keys, return_index=True)
        first = first[~np.isin(keys[first], np.concatenate(met))]
        root, present, turned = next_root[first], following[first], next_turned[first]
        met.append(keys[first])
    reference = np.concatenate(roots) if roots else np.empty(0, np.int64)
    order = np.argsort(reference, kind="stable")
    return Answers(
        reference=reference[order],
        surface=np.concatenate(surfaces)[order] if surfaces else np.empty(0, np.int64),
        reversed=np.concatenate(turns)[order] if turns else np.empty(0, np.bool_),
        unknown=asked[~known],
        is_cut=is_cut,
    )


def _found(named: Named, references: References, *, within_members: bool) -> Int64s:
    """Return (f,) which id each reference means, −1 for none."""
    found = looked_up(named.hash, references.hash)
    if within_members:
        own = looked_up(
            named.hash ^ (named.member.astype(np.uint64) * _OF_A_MEMBER),
            references.hash ^ (references.member.astype(np.uint64) * _OF_A_MEMBER),
        )
        found = np.where(own >= 0, own, found)
    return found


def looked_up(known: Uint64s, wanted: Uint64s) -> Int64s:
    """Return the place of each of the ``wanted`` among the ``known``, of the first where it is there twice, else −1."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    at = np.minimum(np.searchsorted(ordered, wanted), len(known) - 1)
    return np.where(ordered[at] == wanted, order[at], -1)


@dataclass(slots=True, kw_only=True)
class Copies:
    """Surfaces that are drawn once more, for another level of detail."""

    surface: Int64s
    object: Int64s
    semantic: Int64s
    lod: Int64s
    thematic: Int64s
    turned: Bools
    """Whether the other way round."""
    geometry: Int64s
    shell: Int64s
    partial: Int64s
    """(q,) shells that name surfaces which they do not get, or not as they ask for them."""


class Lends(Protocol):
    """Columns (s,) of surfaces."""

    semantic: Int64s
    lod: Int64s
    thematic: Int64s
    geometry: Int64s
    shell: Int64s


def lend(surfaces: Lends, references: References, answers: Answers) -> Copies:
    """Give surfaces what they lack and what names them has, and return those that are needed once more."""
    asking, surface = answers.reference, answers.surface

    def first(which: Bools) -> tuple[Int64s, Int64s]:
        """Return, of those pairs, the surfaces and the first reference to each."""
        numbers = np.flatnonzero(which)
        found, at = np.unique(surface[numbers], return_index=True)
        return found, asking[numbers[at]]

    lod = references.lod[asking]
    named, by = first((surfaces.lod[surface] < 0) & (lod >= 0))
    surfaces.lod[named] = references.lod[by]
    is_same = (lod < 0) | (surfaces.lod[surface] == lod)
    named, by = first((references.semantic[asking] >= 0) & (surfaces.semantic[surface] < 0))
    surfaces.semantic[named], surfaces.thematic[named] = references.semantic[by], references.thematic[by]
    named, by = first(is_same & (references.shell[asking] >= 0) & (surfaces.shell[surface] < 0))
    surfaces.shell[named], surfaces.geometry[named] = references.shell[by], references.geometry[by]
    wanted = np.flatnonzero(~is_same)
    _, at = np.unique(surface[wanted] * (lod.max(initial=0) + 1) + lod[wanted], return_index=True)
    pairs = wanted[np.sort(at)]
    has = is_same & (surfaces.shell[surface] == references.shell[asking]) & ~answers.reversed
    has[pairs] = True
    partial = references.shell[asking[~has]]
    asking, surface = asking[pairs], surface[pairs]
    own = references.semantic[asking] >= 0
    return Copies(
        surface=surface,
        object=references.object[asking],
        semantic=np.where(own, references.semantic[asking], surfaces.semantic[surface]),
        lod=references.lod[asking],
        thematic=np.where(own, references.thematic[asking], surfaces.thematic[surface]),
        turned=answers.reversed[pairs],
        geometry=references.geometry[asking],
        shell=references.shell[asking],
        partial=np.unique(partial[partial >= 0]),
    )
