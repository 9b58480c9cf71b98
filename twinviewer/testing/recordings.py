"""Observations in a file, so that a test has what a source once said: one batch a line, as JSON.

A line is ``{"kind": "observations", "property": {"name": …, "unit": …}, "things": [{"id": …, "name": …, "position":
[x, y, z]}, …], "thing": […], "phenomenon_time_s": […], "results": […]}`` or ``{"kind": "movement", "ids": […],
"object": […], "time_s": […], "positions": [[x, y, z], …], "heading_deg": […], "speed_m_s": […]}``; a number that is
missing is ``null``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.atomic import write_atomically
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.observation import Batch, MovementBatch, ObservationBatch, ObservedProperty, Thing


def record(batches: Iterable[Batch], path: Path) -> None:
    """Write batches into a file.

    Raises:
        WriteError: The disk said no; what was there before is intact.
    """
    lines = [json.dumps(_members(batch), ensure_ascii=False, allow_nan=False) for batch in batches]
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())


def replay(path: Path) -> tuple[Batch, ...]:
    """Return the batches of a file that :func:`record` wrote, or that was written by hand.

    Raises:
        DamagedFileError: A line is not a batch.
    """
    batches = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):  # names may hold other line breaks
        if not line.strip():
            continue
        try:
            batches.append(_batch(json.loads(line)))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DamagedFileError(
                f"The line is not a batch of observations: {type(error).__name__}: {error}.",
                cure="See twinviewer.testing.recordings for what belongs there.",
                source=f"{path.name}:{number}",
            ) from error
    return tuple(batches)


def _members(batch: Batch) -> dict[str, Any]:
    if isinstance(batch, ObservationBatch):
        return {
            "kind": "observations",
            "property": asdict(batch.property),
            "things": [asdict(thing) for thing in batch.things],
            "thing": batch.thing.tolist(),
            "phenomenon_time_s": _plain(batch.phenomenon_time_s),
            "results": _plain(batch.results),
        }
    return {
        "kind": "movement",
        "ids": list(batch.ids),
        "object": batch.object.tolist(),
        "time_s": _plain(batch.time_s),
        "positions": [_plain(position) for position in batch.positions],
        "heading_deg": _plain(batch.heading_deg),
        "speed_m_s": _plain(batch.speed_m_s),
    }


def _batch(members: dict[str, Any]) -> Batch:
    if members["kind"] == "observations":
        return ObservationBatch(
            property=ObservedProperty(**members["property"]),
            things=tuple(_thing(thing) for thing in members["things"]),
            thing=np.array(members["thing"], dtype=np.int32),
            phenomenon_time_s=_numbers(members["phenomenon_time_s"]),
            results=_numbers(members["results"]),
        )
    if members["kind"] != "movement":
        raise ValueError(f"there is no kind of batch “{members['kind']}”")
    return MovementBatch(
        ids=tuple(members["ids"]),
        object=np.array(members["object"], dtype=np.int32),
        time_s=_numbers(members["time_s"]),
        positions=np.array([_numbers(position) for position in members["positions"]]).reshape(-1, 3),
        heading_deg=_numbers(members["heading_deg"]),
        speed_m_s=_numbers(members["speed_m_s"]),
    )


def _thing(members: dict[str, Any]) -> Thing:
    x, y, z = map(float, members["position"])
    return Thing(id=members["id"], name=members["name"], position=(x, y, z))


def _plain(numbers: NDArray[np.float64]) -> list[float | None]:
    return [number if np.isfinite(number) else None for number in numbers.tolist()]


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
