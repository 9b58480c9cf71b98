"""Overlays on trial: what a feed says, and whether what it says is drawn by a pure function."""

from __future__ import annotations

import contextlib
import gc
import statistics
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from twinviewer.app.plugins.conformance.plugin_code import (
    INSTANT,
    Check,
    PluginCode,
    Stopped,
    at_once,
    frames_of,
    frozen,
    in_words,
    protect,
    says_why,
    seconds_of,
)
from twinviewer.app.plugins.conformance.verdicts import Verdict, failed, passed, warning
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.app.plugins.trial_places import bare_places, small_town
from twinviewer.app.site import SessionSite
from twinviewer.live.store import GAP_PERIODS
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import FeedError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.observation import (
    Batch,
    Frame,
    MovementFrame,
    ObservationBatch,
    ObservationFrame,
    ObservedProperty,
    Thing,
)

ENCODE_S = 0.010
"""What drawing one frame may take, so that forty overlays fit between two pictures of a clock that ticks."""
LEAK_BYTES = 512
"""Per call that stay: what is forgotten, by Python's own lists and caches, is less."""
CALLS = 200

_town: list[SessionSite] = []


def town() -> SessionSite:
    """Return the small town, the same each time."""
    if not _town:
        _town.append(small_town())
    return _town[0]


class Overlay:
    """An overlay's two functions, called as the program does, their answers checked."""

    def __init__(self, code: PluginCode, contribution: dict[str, Any]) -> None:
        self._code, self.contribution = code, contribution
        self.period_s = float(contribution["period_s"])

    def ask(self, site: SessionSite, start_s: float, end_s: float, feedback: Silent | None = None) -> tuple[Batch, ...]:
        """Return what the feed says of a span that is counted in seconds from the instant of the trial."""
        start, end = INSTANT + timedelta(seconds=start_s), INSTANT + timedelta(seconds=end_s)
        feed = self.contribution["feed"]
        return checked_batches(self._code.call(feed, site=site, start=start, end=end, feedback=feedback or Silent()))

    def draw(self, frames: Sequence[Frame], site: SessionSite) -> tuple[DrawingRequest, ...]:
        return checked_requests(self._code.call(self.contribution["encode"], frames=frames, site=site))

    def frames(self, site: SessionSite) -> tuple[Frame, ...]:
        """Return what is known at the instant of the trial."""
        return frames_of(
            lambda start, end: self.ask(site, (start - INSTANT).total_seconds(), (end - INSTANT).total_seconds()),
            instant=INSTANT,
            period_s=self.period_s,
            property=self.contribution["property"],
            trail_s=self.contribution["trail_s"],
        )

    def some_frames(self) -> tuple[Frame, ...]:
        """Return frames to draw: the feed's, or made-up ones where its source does not deliver."""
        try:
            found = self.frames(town())
        except FeedError:
            found = ()
        found = found or (made_up(self.contribution["property"] or "Value"),)
        for frame in found:
            protect(frame)
        return found


def made_up(name: str) -> ObservationFrame:
    """Return three things with one result each."""
    positions = np.array([(*town().extent.centre[:2], 40.0)] * 3) + np.arange(3)[:, None] * 30.0
    return ObservationFrame(
        instant=INSTANT,
        property=ObservedProperty(name=name, unit="1"),
        things=tuple(
            Thing(id=f"thing-{number}", name=f"Thing {number}", position=(float(x), float(y), float(z)))
            for number, (x, y, z) in enumerate(positions)
        ),
        positions=positions,
        results=np.array([1.0, 2.0, 3.0]),
        age_s=np.zeros(3),
        stale=np.zeros(3, np.bool_),
    )


def rows(batches: Sequence[Batch]) -> dict[tuple[str, str, float], tuple[float, ...]]:
    """Return what batches say, by stream, id and time: independent of order and of how it is cut."""
    found: dict[tuple[str, str, float], tuple[float, ...]] = {}
    for batch in batches:
        if isinstance(batch, ObservationBatch):
            values = zip(batch.thing.tolist(), batch.phenomenon_time_s.tolist(), batch.results.tolist(), strict=True)
            for thing, time_s, result in values:
                found[batch.property.name, batch.things[thing].id, time_s] = (result, *batch.things[thing].position)
        else:
            table = np.column_stack((batch.positions, batch.heading_deg, batch.speed_m_s)).tolist()
            for index, time_s, row in zip(batch.object.tolist(), batch.time_s.tolist(), table, strict=True):
                found["", batch.ids[index], time_s] = tuple(row)
    return found


# --- the feed -------------------------------------------------------------------------------------------------------


def feed(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """What it says, and how long it takes to say it."""
    overlay = Overlay(code, contribution)
    period_s = overlay.period_s
    try:
        first = rows(overlay.ask(town(), 0, 10 * period_s))
    except FeedError as error:
        cure = "Nothing: where the source delivers, check it there. What it draws is tried with made-up values."
        return [warning(f"Its source does not deliver here ({error.problem.rstrip('.')})", cure)]
    found = list(_simulated(overlay, first)) if contribution["simulated"] else []
    took_s = statistics.median(seconds_of(lambda: overlay.ask(town(), 0, period_s), times=5, within_s=1.0))
    if took_s > period_s:
        found.append(
            failed(
                f"It takes {took_s:.2g} s to say what was true in one period of {period_s:g} s",
                "Keep what depends on the site alone, or ask less often.",
            )
        )
    things = len({(stream, thing) for stream, thing, _ in first})
    return found or [passed(f"{things} things or moving objects, {took_s * 1000:.2g} ms for one period")]


def _simulated(overlay: Overlay, first: dict[tuple[str, str, float], tuple[float, ...]]) -> list[Verdict]:
    """What only made-up values must be: the same each time, of any past and future, without gaps."""
    period_s, found = overlay.period_s, []
    if "simulated" not in overlay.contribution["title"].lower():
        found.append(failed("The title does not say that the values are made up", "Add “(simulated)” to it."))
    if not first:
        found.append(failed("It says nothing of the small town", "Make up values for any site."))
        return found
    if rows(overlay.ask(town(), 0, 10 * period_s)) != first:
        cure = "Let values follow from the instant and the site, with random numbers seeded by them."
        found.append(failed("It says something else when asked again", cure))
    start_s = INSTANT.timestamp()
    times = np.unique([time_s for _, _, time_s in first])
    if times[0] < start_s or times[-1] >= start_s + 10 * period_s:
        found.append(failed("It says more than it was asked for", "Keep to start ≤ time < end."))
    if len(times) > 1 and np.diff(times).max() > GAP_PERIODS * period_s:
        cure = f"Deliver at least one sample per {GAP_PERIODS} periods."
        found.append(failed(f"It leaves gaps of {np.diff(times).max():g} s", cure))
    cut_s = 3.7 * period_s
    parts = rows(overlay.ask(town(), 0, cut_s)) | rows(overlay.ask(town(), cut_s, 10 * period_s))
    if parts != first:
        cure = "Take times from a grid that does not depend on start and end."
        found.append(failed("What it says of two spans is not what it says of both together", cure))
    return found


def feed_anywhere(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it answers wherever it is asked, or says why not; and stops when told to."""
    overlay, found = Overlay(code, contribution), []
    for what, site in bare_places().items():
        try:
            overlay.draw(overlay.frames(site), site)
        except BaseException as error:  # noqa: BLE001 – that it is raised is what is found out
            if not says_why(error):
                found.append(
                    failed(
                        f"Where {what}: {in_words(error)}",
                        "Raise a FeedError that says what is missing, or do without.",
                    )
                )
    with contextlib.suppress(Cancelled, FeedError):
        overlay.ask(town(), 0, 10 * overlay.period_s, Stopped())
    return found or [passed(f"It answers in {len(bare_places())} bare places, or says what is missing")]


# --- encode ---------------------------------------------------------------------------------------------------------


def purity(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Same arguments, same answer; what it gets it leaves as it is."""
    overlay = Overlay(code, contribution)
    frames = overlay.some_frames()
    before = frozen(frames)
    try:
        first = overlay.draw(frames, town())
    except ValueError as error:
        if "read-only" in str(error):
            return [failed("It writes into the frames that it gets", "Copy an array before changing it.")]
        raise
    if frozen(frames) != before:
        return [failed("It changes the frames that it gets", "Copy an array before changing it.")]
    if frozen(overlay.draw(frames, town())) != frozen(first):
        return [
            failed("It draws the same frames in another way the second time", "Take nothing from clocks or chance.")
        ]
    answers = at_once(lambda: frozen(overlay.draw(frames, town())), threads=4, times=5)
    if any(answer != frozen(first) for answer in answers):
        return [failed("Called on four threads at once it mixes up its answers", "Keep no state between calls.")]
    if not first:
        return [warning("It draws nothing of what is known in the small town", "Draw something for each frame.")]
    return [passed(f"Same frames, same {len(first)} requests, on several threads too")]


def timing(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    overlay = Overlay(code, contribution)
    frames = overlay.some_frames()
    overlay.draw(frames, town())
    took_s = statistics.median(seconds_of(lambda: overlay.draw(frames, town()), times=30, within_s=0.5))
    told = f"encode takes {took_s * 1000:.2g} ms"
    if took_s > ENCODE_S:
        cure = f"{ENCODE_S * 1000:g} ms are its share: cache what depends on the site, and work on whole arrays."
        return [warning(told, cure)]
    return [passed(told)]


def memory(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether calls leave something behind."""
    overlay = Overlay(code, contribution)
    frames = overlay.some_frames()
    per_call = bytes_left_per_call(lambda number: overlay.draw(_at(frames, number), town()))
    if per_call > LEAK_BYTES:
        cure = "Keep nothing per call; key caches by the site, in a WeakKeyDictionary."
        return [failed(f"Each call leaves {per_call / 1024:.1f} KiB behind", cure)]
    return [passed("Calls leave no memory behind")]


def bytes_left_per_call(call: Callable[[int], object]) -> float:
    """Return how many bytes each of many calls leaves behind; ``call`` gets its number."""
    took_s = max(seconds_of(lambda: call(0), times=3, within_s=0.5))
    count = int(np.clip(1.0 / max(took_s, 1e-6) / 3, 20, CALLS))  # tracing makes calls up to three times slower
    tracemalloc.start()
    try:
        for number in range(count // 4):
            call(number)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(count // 4, count + count // 4):
            call(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / count


def _at(frames: Sequence[Frame], number: int) -> tuple[Frame, ...]:
    """Return the same a few seconds later: new values, as the program makes them."""
    later = INSTANT + timedelta(seconds=number)
    return tuple(replace(frame, instant=later) for frame in frames)


def bad_frames(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it draws, or draws nothing, whatever the frames hold."""
    overlay, found = Overlay(code, contribution), []
    frames = overlay.some_frames()
    cases: dict[str, tuple[Frame, ...]] = {
        "nothing is known": (),
        "no result is known yet": tuple(_without_results(frame) for frame in frames),
        "there is only one thing": tuple(first_of(frame, 1) for frame in frames),
        "there is no thing": tuple(first_of(frame, 0) for frame in frames),
        "results are huge": tuple(_huge(frame) for frame in frames),
    }
    for what, bad in cases.items():
        try:
            overlay.draw(bad, town())
        except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
            found.append(
                failed(f"Where {what}: {in_words(error)}", "Draw what is known; NaN in values is drawn as missing.")
            )
    return found or [passed("It copes with missing, huge and no values")]


def _without_results(frame: Frame) -> Frame:
    if isinstance(frame, MovementFrame):
        return first_of(frame, 0)
    n = len(frame.results)
    return replace(frame, results=np.full(n, np.nan), age_s=np.full(n, np.inf), stale=np.ones(n, np.bool_))


def _huge(frame: Frame) -> Frame:
    return frame if isinstance(frame, MovementFrame) else replace(frame, results=np.full(len(frame.results), 1e300))


def first_of(frame: Frame, count: int) -> Frame:
    """Return a frame of the first things or objects alone."""
    if isinstance(frame, MovementFrame):
        return replace(
            frame,
            ids=frame.ids[:count],
            positions=frame.positions[:count],
            heading_deg=frame.heading_deg[:count],
            speed_m_s=frame.speed_m_s[:count],
            trails=frame.trails[:count],
        )
    return replace(
        frame,
        things=frame.things[:count],
        positions=frame.positions[:count],
        results=frame.results[:count],
        age_s=frame.age_s[:count],
        stale=frame.stale[:count],
    )


def settings(code: PluginCode, contribution: dict[str, Any]) -> list[Verdict]:
    """Whether it works with its settings at their bounds."""
    overlay, found = Overlay(code, contribution), []
    for values in code.each_settings():
        try:
            overlay.draw(overlay.frames(town()), town())
        except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
            if not says_why(error):
                found.append(failed(f"With {values}: {in_words(error)}", "Narrow the bounds, or cope with it."))
    if not code.settings:
        return []
    return found or [passed(f"It works with {len(code.settings)} combinations of its settings")]


CHECKS: dict[str, Check] = {
    "feed": feed,
    "purity": purity,
    "places": feed_anywhere,
    "timing": timing,
    "memory": memory,
    "bad input": bad_frames,
    "settings": settings,
}
