"""The code of a plugin that is checked, and what comparing its answers takes."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from twinviewer.api.importing import CodeLocation, import_function
from twinviewer.app.plugins.conformance.verdicts import Verdict
from twinviewer.formats import soundness
from twinviewer.live.store import ObservationStore
from twinviewer.model.errors import DamagedFileError, PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.observation import Batch, Frame, ObservationBatch

INSTANT = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
"""A Monday morning."""


@dataclass(frozen=True, kw_only=True)
class PluginCode:
    """Calls functions of the plugin as the program does."""

    location: CodeLocation
    settings: tuple[dict[str, Any], ...] | list[dict[str, Any]]
    """Values for its settings: the defaults first, then ones at the bounds; empty where it declares none."""
    examples: tuple[Path, ...]
    """Files beside it that its readers may be tried on."""
    scratch: Path
    """A folder that it may write to."""
    variant: list[int] = field(default_factory=lambda: [0])

    def call(self, reference: str, **arguments: Any) -> Any:
        """Call a function with the settings' defaults, or with those of :meth:`each_settings`."""
        if self.settings:
            arguments["settings"] = dict(self.settings[self.variant[0]])
        return self.call_bare(reference, **arguments)

    def call_bare(self, reference: str, **arguments: Any) -> Any:
        """Call a function that gets no settings: a probe."""
        return import_function(reference, code=self.location)(**arguments)

    def each_settings(self) -> Iterator[dict[str, Any]]:
        """Let calls have one variant of the settings after the other, the defaults aside."""
        for number, values in enumerate(self.settings[1:], start=1):
            self.variant[0] = number
            yield values
        self.variant[0] = 0


Contribution = dict[str, Any]
"""What the manifest says of it."""
Check = Callable[[PluginCode, Contribution], Sequence[Verdict]]
"""Tries one thing with a contribution; one that raises found a fault, too."""


class Stopped(Silent):
    """Feedback of a person who has changed their mind."""

    def stop_if_cancelled(self) -> None:
        raise Cancelled


def frames_of(
    ask: Callable[[datetime, datetime], Sequence[Batch]],
    *,
    instant: datetime,
    period_s: float,
    property: str = "",
    trail_s: float = 0.0,
) -> tuple[Frame, ...]:
    """Return what an overlay knows at an instant.

    Args:
        ask: Returns what is known of a span of time: a feed.
        instant: What is shown.
        period_s: Of the feed.
        property: The one observed property that is kept; empty: all.
        trail_s: How far back trails reach.
    """
    store = ObservationStore(period_s=period_s, trail_s=trail_s)
    before = timedelta(seconds=max(3 * period_s, trail_s + period_s))
    for batch in ask(instant - before, instant + timedelta(seconds=3 * period_s)):
        if not property or not isinstance(batch, ObservationBatch) or batch.property.name == property:
            store.append(batch)
    return store.frames_at(instant)


def checked_layer(layer: LayerData) -> LayerData:
    """Return layer data whose arrays fit together.

    Raises:
        PluginError: They do not.
    """
    try:
        soundness.check(layer)
    except DamagedFileError as error:
        raise PluginError(error.problem, cure="Correct the plugin: shapes, types and indices must fit.") from error
    return layer


def in_words(error: BaseException) -> str:
    """Return what an error says, without a full stop."""
    text = " ".join(str(error.problem if isinstance(error, PluginError) else error).split()).rstrip(".")[:300]
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def traceback_in(folder: str, error: BaseException) -> str:
    """Return the traceback of an error from where it enters the code in a folder; empty where it never does."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((number for number, frame in enumerate(frames) if frame.filename.startswith(folder)), None)
    if first is None:
        return ""
    lines = [*traceback.format_list(frames[first:]), *traceback.format_exception_only(error)]
    return "".join(lines).rstrip()


def says_why(error: BaseException) -> bool:
    """Return whether an error tells the person that the place, the source or the file is at fault."""
    return isinstance(error, TwinViewerError) and not isinstance(error, PluginError) and bool(error.problem)


def frozen(value: Any) -> Any:
    """Return a deep copy that can be compared: arrays as bytes."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), *(frozen(getattr(value, item.name)) for item in fields(value)))
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def protect(value: Any) -> None:
    """Make all arrays in a value read-only."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            protect(getattr(value, item.name))
    elif isinstance(value, list | tuple):
        for item in value:
            protect(item)


def seconds_of(run: Callable[[], object], *, times: int, within_s: float) -> list[float]:
    """Return how long each of some runs took (s): at most ``times``, and no more once ``within_s`` is over."""
    took: list[float] = []
    until = time.perf_counter() + within_s
    while len(took) < times and (not took or time.perf_counter() < until):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return took


def at_once(run: Callable[[], Any], *, threads: int, times: int) -> list[Any]:
    """Run a function on several threads at the same time; return all that it returned.

    Raises:
        Exception: The first that one of the runs raised.
    """
    results: list[Any] = []
    errors: list[BaseException] = []
    together = threading.Barrier(threads)

    def work() -> None:
        together.wait()
        try:
            results.extend(run() for _ in range(times))
        except BaseException as error:  # noqa: BLE001 – it is told on the thread that asked
            errors.append(error)

    workers = [threading.Thread(target=work, name=f"trial {number}") for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return results


def extremes(parameters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return values for declared parameters: the defaults, then each of them at its bounds and at each choice."""
    usual = {each["key"]: _usual(each) for each in parameters}
    others = [{**usual, each["key"]: value} for each in parameters for value in _extreme_values(each)]
    return [usual, *(values for values in others if values != usual)] if parameters else []


def _usual(parameter: dict[str, Any]) -> Any:
    """Return the default, or what a person might choose."""
    if parameter["default"] is not None:
        return float(parameter["default"]) if parameter["type"] == "number" else parameter["default"]
    lowest = parameter["minimum"] if parameter["minimum"] is not None else 1
    match parameter["type"]:
        case "number":
            return float(lowest)
        case "integer":
            return int(lowest)
        case "boolean":
            return False
        case "choice":
            return parameter["choices"][0] if parameter["choices"] else ""
        case "colour":
            return "#336699"
        case _:
            return ""


def _extreme_values(parameter: dict[str, Any]) -> list[Any]:
    match parameter["type"]:
        case "number" | "integer":
            kind = float if parameter["type"] == "number" else int
            return [kind(parameter[key]) for key in ("minimum", "maximum") if parameter[key] is not None]
        case "boolean":
            return [False, True]
        case "choice":
            return list(parameter["choices"])
        case "text":
            return ["", "Übergroße Straße 1/ä\u202e"]
        case _:
            return []
