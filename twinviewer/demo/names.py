"""What streets and quarters are called."""

from __future__ import annotations

import random

_OLD = (
    "Baker", "Cooper", "Mint", "Goldsmith", "Chandler", "Tanner", "Weaver", "Candle", "Cloister", "Well", "Salt",
    "Corn", "Wool", "Fish", "Butter", "Bell", "Saddler", "Tailor", "Abbey", "Sexton", "Lantern", "Pilgrim", "Fuller",
    "Glover", "Mason", "Potter", "Barrel", "Anchor", "Crown", "Rose", "Swan", "Stork", "Linden", "Ferry", "Mill",
)  # fmt: skip
_OLD_ENDS = ("Lane", "Street", "Row", "Passage", "Steps", "Yard")
_RING = (
    "Beethoven", "Schubert", "Curie", "Humboldt", "Galileo", "Lovelace", "Noether", "Kepler", "Erasmus", "Spinoza",
    "Andersen", "Goethe", "Schiller", "Rembrandt", "Vermeer", "Dürer", "Chopin", "Dvořák", "Clara Schumann", "Merian",
    "Linnaeus", "Ørsted", "Herschel", "Theatre", "Library", "Academy", "Concert", "Museum",
)  # fmt: skip
_RING_ENDS = ("Street", "Street", "Street", "Avenue", "Place")
_GREEN = (
    "Apple", "Ash", "Aspen", "Beech", "Birch", "Bramble", "Briar", "Cherry", "Chestnut", "Clover", "Cornflower",
    "Crocus", "Elder", "Elm", "Fern", "Foxglove", "Hawthorn", "Hazel", "Heather", "Holly", "Hornbeam", "Iris", "Ivy",
    "Juniper", "Larch", "Lavender", "Lilac", "Lime", "Maple", "Meadow", "Mulberry", "Myrtle", "Oak", "Orchard", "Pear",
    "Pine", "Plum", "Poplar", "Poppy", "Primrose", "Quince", "Rowan", "Sorrel", "Spruce", "Sycamore", "Thistle",
    "Walnut", "Willow", "Yarrow", "Blackbird", "Finch", "Goldcrest", "Heron", "Kingfisher", "Lark", "Linnet",
    "Nightingale", "Nuthatch", "Oriole", "Owl", "Robin", "Siskin", "Skylark", "Swallow", "Swift", "Thrush", "Wren",
)  # fmt: skip
_GREEN_ENDS = ("Road", "Close", "Way", "Gardens", "Drive", "Walk", "Crescent", "Rise", "View", "Grove")
_WORK = (
    "Foundry", "Boiler", "Rope", "Crane", "Anchor", "Kiln", "Loom", "Turbine", "Signal", "Siding", "Gantry", "Forge",
    "Copper", "Tin", "Steam", "Chandlery", "Warehouse", "Customs", "Tide", "Pilot", "Beacon", "Harbour", "Dock",
    "Sail", "Mast", "Keel", "Compass", "Lighter", "Tar", "Timber",
)  # fmt: skip
_WORK_ENDS = ("Street", "Road", "Yard", "Way", "Quay", "Wharf")
_WIDE = (
    "Abbot's", "Coronation", "Elbow", "Friary", "Granary", "Hill", "Kingsway", "Long", "Monk's", "Northgate",
    "Old Mill", "Parkside", "Prior's", "Ridge", "St Anne's", "St Giles'", "St Martin's", "Toll", "Vineyard",
    "Watergate", "Windmill",
)  # fmt: skip
_WIDE_ENDS = ("Road", "Avenue", "Parade")
_POOLS = {
    "old town": (_OLD, _OLD_ENDS),
    "ring": (_RING, _RING_ENDS),
    "harbour": (_WORK, _WORK_ENDS),
    "garden": (_GREEN, _GREEN_ENDS),
    "terraces": (_GREEN, ("Row", "Mews", "Place", "Terrace", "Green")),
    "new": (_RING, ("Boulevard", "Way", "Place", "Mall")),
    "works": (_WORK, _WORK_ENDS),
    "main": (_WIDE, _WIDE_ENDS),
}
_BEFORE = ("", "Upper ", "Lower ", "North ", "South ", "East ", "West ", "New ", "Old ", "Little ", "Great ")
_MAIN = {
    "north": "Northgate Street",
    "north-east": "Cathedral Road",
    "east": "Eastgate Street",
    "south": "Bridge Street",
    "south-east": "Harbour Road",
    "south-west": "Orchard Road",
    "docks": "Dock Road",
    "west": "Westgate Street",
    "north-west": "St Martin's Road",
    "wall": "Wall Promenade",
    "ring 2": "Inner Ring",
    "ring 3": "Outer Ring",
}
_TOWNS = ("Havelbrück", "Altmere", "Lindenau", "Marrowick", "Sankt Florin", "Eschwater", "Brunnhaven", "Rosenfurt")


class StreetNames:
    """Gives every street a name that no other has, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"names {seed}")
        self._taken: set[str] = set()
        self._mixed: dict[str, list[str]] = {}

    def take(self, kind: str, main: str = "") -> str:
        """Return the next name for a kind of quarter; a main street's own where it has one."""
        if main in _MAIN and _MAIN[main] not in self._taken:
            self._taken.add(_MAIN[main])
            return _MAIN[main]
        names = self._mixed.get(kind)
        if names is None:
            stems, ends = _POOLS[kind]
            names = []
            for before in reversed(_BEFORE):
                some = [f"{before}{stem} {end}" for stem in stems for end in ends]
                self._rng.shuffle(some)
                names.extend(some)
            self._mixed[kind] = names
        while names:
            name = names.pop()
            if name not in self._taken:
                self._taken.add(name)
                return name
        number = len(self._taken)
        self._taken.add(f"Street {number}")
        return f"Street {number}"


def town_name(seed: int) -> str:
    return _TOWNS[seed % len(_TOWNS)]
