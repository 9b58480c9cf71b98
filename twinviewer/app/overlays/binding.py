"""From the ids that an overlay names to the city objects that are there, and what was not found.

An object may be known by its own id (gml:id, CityJSON key), by an identifier among its attributes (an IFC GlobalId, a
number of the land register), by an NGSI-LD URN that ends in one of these, or by a position inside its footprint.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.site import SessionSite
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.drawing import ColourObjects
from twinviewer.model.layer_data import CityModel

MOST_LISTED = 1000
"""Names of things that were not found that are kept to be listed."""
_URN = "urn:ngsi-ld:"
_IDENTIFIERS = frozenset(
    {
        "alkisid", "bagid", "buildingid", "egid", "externalid", "gebaeudeid", "gmlid", "id", "identificatie",
        "identifier", "localid", "lokaalid", "osmid", "uri", "urn",
    }
)  # fmt: skip
"""Last parts of attribute names, without signs and in lower case, whose values name an object."""
_ENDS_AS_IDENTIFIER = ("globalid", "guid", "uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbound:
    """What an overlay named and the city does not have."""

    count: int = 0
    total: int = 0
    """Named in all."""
    names: tuple[str, ...] = ()
    """The first :data:`MOST_LISTED`: ids, or positions as text."""

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        return f"{self.count:,} of {self.total:,} not found" if self.count else ""

    def plus(self, other: Unbound) -> Unbound:
        """Return both together."""
        return Unbound(
            count=self.count + other.count,
            total=self.total + other.total,
            names=(*self.names, *other.names)[:MOST_LISTED],
        )


ALL_FOUND = Unbound()


class ObjectIndex:
    """The city objects of a site by whatever they may be called."""

    def __init__(self, models: Sequence[CityModel]) -> None:
        self._own: dict[str, str] = {}
        for model in models:
            self._own.update(zip(model.object_ids, model.object_ids, strict=True))
        self._other: dict[str, str] = {}
        for model in models:
            for column in model.attributes:
                if is_identifier(column.name):
                    self._learn(column, model.object_ids)

    def find(self, names: Sequence[str]) -> list[str | None]:
        """Return the id of the object of each name, None where there is none."""
        own = self._own.get
        found = [own(name) for name in names]
        if None in found:
            otherwise = self._otherwise
            return [each or otherwise(name) for each, name in zip(found, names, strict=True)]
        return found

    def _learn(self, column: AttributeColumn, ids: Sequence[str]) -> None:
        """Take the values of a column as names; of several objects with the same one, the first has it."""
        if column.values.dtype.kind not in "Oiu":
            return
        rows = np.flatnonzero(column.present).tolist()
        for row, value in zip(rows, column.values[rows].tolist(), strict=True):
            self._other.setdefault(str(value), ids[row])

    def _otherwise(self, name: str) -> str | None:
        own, other = self._own, self._other
        found = other.get(name)
        if found is None and name.startswith(_URN):
            at = name.find(":", len(_URN))  # behind the type; the identifier may have colons itself
            while at >= 0 and found is None:
                rest = name[at + 1 :]
                found = own.get(rest) or other.get(rest)
                at = name.find(":", at + 1)
        return found


def is_identifier(attribute: str) -> bool:
    """Return whether an attribute of that name holds names of objects: ``identificatie``, ``Pset.GlobalId`` …."""
    last = re.split(r"[.:/]", attribute)[-1] if not attribute.lower().endswith("gml:id") else "gmlid"
    word = re.sub(r"[^a-z0-9]", "", last.lower())
    return word in _IDENTIFIERS or word.endswith(_ENDS_AS_IDENTIFIER)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """What became of the ids or positions of one request."""

    site: SessionSite
    given: object
    """The very object that was given: the ids, or the positions."""
    object_ids: tuple[str, ...]
    rows: NDArray[np.intp] | None
    """Which of what was given is bound; None: all."""
    unbound: Unbound


class Binder:
    """Binds the colourings of one overlay, and remembers what the last ones were bound to.  For one thread."""

    def __init__(self) -> None:
        self._bound: list[_Bound] = []

    def bind(self, requests: Sequence[ColourObjects], site: SessionSite) -> tuple[tuple[ColourObjects, ...], Unbound]:
        """Return the requests with ids of the site's objects only, and what was not found.

        Ids that are the very object that they were in the last call are not looked at again, and what is returned for
        them is the very object of the last call.
        """
        known, self._bound = self._bound, []
        unbound = ALL_FOUND
        bound_requests = []
        for place, request in enumerate(requests):
            given = request.object_ids if request.positions is None else request.positions
            before = known[place] if place < len(known) else None
            if before is not None and before.site is site and _same(before.given, given):
                bound = before
            else:
                bound = _bind(request, given, site)
            self._bound.append(bound)
            unbound = unbound.plus(bound.unbound)
            if bound.object_ids is given:
                bound_requests.append(request)
            else:
                values = request.values if bound.rows is None else request.values[bound.rows]
                bound_requests.append(replace(request, object_ids=bound.object_ids, values=values, positions=None))
        return tuple(bound_requests), unbound


_indices: WeakKeyDictionary[SessionSite, ObjectIndex] = WeakKeyDictionary()
_indexing = threading.Lock()


def index_of(site: SessionSite) -> ObjectIndex:
    """Return the index of a site's objects, made when it is first asked for."""
    with _indexing:
        index = _indices.get(site)
        if index is None:
            index = _indices[site] = ObjectIndex(site.city_models)
        return index


def _same(before: object, given: object) -> bool:
    if before is given:
        return True
    return (
        isinstance(before, np.ndarray)
        and isinstance(given, np.ndarray)
        and before.shape == given.shape
        and bool(np.array_equal(before, given))
    )


def _bind(request: ColourObjects, given: object, site: SessionSite) -> _Bound:
    found: list[str | None]
    if request.positions is None:
        found = index_of(site).find(request.object_ids)
    else:
        found = [identifier or None for identifier in site.objects_at(request.positions[:, :2])]
    missing = [at for at, each in enumerate(found) if each is None]
    if request.positions is None:
        listed = tuple(request.object_ids[at] for at in missing[:MOST_LISTED])
    else:
        listed = tuple(f"{x:.1f}, {y:.1f}" for x, y in request.positions[missing[:MOST_LISTED], :2].tolist())
    last = {each: at for at, each in enumerate(found) if each is not None}  # of several values of an object it counts
    kept = tuple(last)
    if request.positions is None and kept == request.object_ids:
        kept = request.object_ids  # the very object: nobody need look at it again
    return _Bound(
        site=site,
        given=given,
        object_ids=kept,
        rows=None if len(last) == len(found) else np.fromiter(last.values(), np.intp, len(last)),
        unbound=Unbound(count=len(missing), total=len(found), names=listed),
    )
