"""``python -m tests.fuzzing [COUNT]``: read COUNT mutated CityGML files and as many of CityJSON (20,000 of each).

Each is read twice, without compiled loops and with them.  Files that end a reader, take longer than ten seconds or more
than a gigabyte, or give something else than layers or a sentence, are kept in the folder that is named at the end, and
read again by ``--again FORMAT NUMBER``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzzing.mutations import FORMATS, mutated
from tests.fuzzing.running import outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--again", nargs=2, metavar=("FORMAT", "NUMBER"), help="read one input and say what came of it")
    arguments = parser.parse_args()
    if arguments.again:
        format, number = arguments.again[0], int(arguments.again[1])
        return max(_fuzz(format, [number], is_compiled=each, keep_all=True) for each in (False, True))
    numbers = range(arguments.first, arguments.first + arguments.count)
    ways = [(format, is_compiled) for format in FORMATS for is_compiled in (False, True)]
    return max(_fuzz(format, numbers, is_compiled=is_compiled, keep_all=False) for format, is_compiled in ways)


def _fuzz(format: str, numbers: range | list[int], *, is_compiled: bool, keep_all: bool) -> int:
    """Read the inputs and print what came of them; return the exit status."""
    began = time.monotonic()
    way = f"{format}{' compiled' if is_compiled else ''}"
    kinds: Counter[str] = Counter()
    faults = []
    longest, largest = (0.0, -1), (0.0, -1)
    for done, outcome in enumerate(outcomes(format, numbers, is_compiled=is_compiled), start=1):
        kinds[outcome.kind] += 1
        longest = max(longest, (outcome.seconds, outcome.number))
        largest = max(largest, (outcome.megabytes, outcome.number))
        if outcome.is_fault or keep_all:
            faults.append(outcome)
            print(f"{way} {outcome.number}: {outcome.kind}\n{outcome.words}", flush=True)
        if done % 1000 == 0:
            print(f"{way}: {done:,} of {len(numbers):,}", file=sys.stderr, flush=True)
    took_s = time.monotonic() - began
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{way}: {counts}; {took_s:.0f} s, {len(numbers) / took_s:.0f} a second")
    print(f"{way}: the longest took {longest[0]:.2f} s ({longest[1]}), the largest {largest[0]:.0f} MB ({largest[1]})")
    if faults:
        folder = Path(tempfile.gettempdir()) / "twinviewer-fuzzing"
        folder.mkdir(exist_ok=True)
        for fault in faults:
            (folder / f"{format}-{fault.number}").write_bytes(mutated(format, fault.number))
        print(f"{way}: {len(faults)} inputs are in {folder}")
    return 1 if any(fault.is_fault for fault in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
