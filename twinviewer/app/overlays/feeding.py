"""When a feed is asked, and for which span of time: at the live edge, around a scrubbed instant, ahead while playing.

:func:`next_span` decides and knows no thread; :class:`Feeder` is the thread of one overlay.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from twinviewer.api.contracts import Site
from twinviewer.app.overlays.metering import Meter
from twinviewer.app.overlays.threads import OverlayThread
from twinviewer.app.plugins.manifest import OverlayContribution
from twinviewer.app.plugins.process_ends import LetGoError
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches
from twinviewer.live.clock import Clock, ClockMode
from twinviewer.live.store import ObservationStore
from twinviewer.model.errors import FeedError, PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled
from twinviewer.model.observation import Batch, MovementBatch, ObservationBatch

_log = logging.getLogger(__name__)

BACK_PERIODS = 2
"""Periods before the shown instant that are needed to know the last result of each thing."""
AHEAD_S = 1.5
"""Seconds of the wall clock for which data must lie ready while playing; twice that is fetched."""
LONGEST_SPAN_PERIODS = 200
"""Playing faster than this can be fetched in one go, only the neighbourhood of single instants is."""
ROWS_AT_ONCE = 20_000
"""Rows that the store takes in one go: it must not keep the frame waiting."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
_IDLE_S = 0.25
_LEAST_REST_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``[start, end)``, to be asked for now."""

    start: datetime
    end: datetime


def next_span(
    *, store: ObservationStore, instant: datetime, wall: datetime, rate: float, period_s: float, knows_future: bool
) -> Span | None:
    """Return what to ask the feed for next, or None while enough is there.

    Args:
        store: What is there.
        instant: What is shown.
        wall: The present.
        rate: Seconds shown per second.
        period_s: Of the feed.
        knows_future: Whether the feed can be asked beyond the present: generators can.
    """
    back, period = timedelta(seconds=BACK_PERIODS * period_s + store.trail_s), timedelta(seconds=period_s)
    ahead = timedelta(seconds=rate * AHEAD_S)
    if 2 * ahead > LONGEST_SPAN_PERIODS * period:
        enough, end = instant, instant + 2 * period
    else:
        enough, end = instant + period + ahead, instant + 2 * (period + ahead)
    start = instant - back
    until_s = store.covered_until(start)
    if until_s is not None:
        start = max(start, datetime.fromtimestamp(until_s, UTC))
    if not knows_future and end > wall:
        if until_s is not None and start > wall - period:
            return None
        end = wall
    elif until_s is not None and start > enough:
        return None
    return Span(start=start, end=end) if end > start else None


class Feeder(OverlayThread):
    """Asks one overlay's feed and appends what it gives to the store."""

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        overlay: OverlayContribution,
        site: Site,
        clock: Clock,
        store: ObservationStore,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"feed {overlay.id}", monotonic)
        self._registry, self._overlay, self._site = registry, overlay, site
        self._clock, self._store, self._wall = clock, store, wall
        self._errors_in_a_row = 0
        self._fetch_took_s = 0.0
        self.batches, self.rows = Meter(monotonic), Meter(monotonic)
        self.content_at: datetime | None = None
        """The last instant for which the store had all that the feed can give."""
        self.problem: TwinViewerError | None = None
        """Why the last call gave nothing; None while the feed delivers."""

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look at once whether something is to be asked for: the clock was moved."""
        self._wake.set()

    def step(self) -> float:
        """Ask the feed if something is due; return how many seconds to rest then."""
        live = self._clock.mode is ClockMode.LIVE
        rate = self._clock.rate
        instant = self._clock.now() + timedelta(seconds=rate * self._fetch_took_s if rate > 1 else 0.0)
        self._store.keep_around(None if live else instant)
        span = next_span(
            store=self._store,
            instant=instant,
            wall=self._wall(),
            rate=rate,
            period_s=self._overlay.period_s,
            knows_future=self._overlay.simulated,
        )
        if span is None:
            self.content_at = instant
            return min(_IDLE_S, self._overlay.period_s / 4)
        began = time.perf_counter()
        try:
            batches = self._ask(span)
        except LetGoError:
            return _LEAST_REST_S  # whoever changed the plugin stops this thread or lets it go on
        except TwinViewerError as error:
            return self._pause_after(error)
        self.stop_if_cancelled()
        for batch in batches:
            self.batches.count()
            self.rows.count(_rows(batch))
            if self._is_wanted(batch):
                for part in _parts(batch):
                    self._store.append(part)
        self._store.mark_covered(span.start, span.end)
        took_s = time.perf_counter() - began
        self._fetch_took_s = 0.5 * (self._fetch_took_s + took_s)
        self._errors_in_a_row = 0
        self.problem = None
        return max(_LEAST_REST_S, took_s)  # at most half of the time, however much the feed gives

    def _ask(self, span: Span) -> tuple[Batch, ...]:
        arguments = {"site": self._site, "start": span.start, "end": span.end, "feedback": self}
        self._called_at = self._monotonic()
        try:
            return self._registry.call(self._overlay.id, self._overlay.feed, arguments, check=checked_batches)
        except LetGoError:
            raise
        except Cancelled as error:
            self.stop_if_cancelled()
            record = self._registry.report_failure(self._overlay.id, error, reference=self._overlay.feed)
            raise record.error from error
        finally:
            self._called_at = None

    def _run(self) -> None:
        try:
            _ = self._site.city_objects  # worked out here, so that no frame has to wait for it
            while not self._stopped.is_set():
                rest_s = self.step()
                if self.problem is not None:
                    self._stopped.wait(rest_s)
                elif self._wake.wait(rest_s):
                    self._wake.clear()
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 – a bug of ours must show on its overlay, not only in the log
            _log.exception("The feed of %s ended.", self._overlay.id)
            self.problem = FeedError(f"The feed ended: {error}.", source=self._overlay.title)

    def _is_wanted(self, batch: Batch) -> bool:
        wanted = self._overlay.property
        return not wanted or isinstance(batch, MovementBatch) or batch.property.name == wanted

    def _pause_after(self, error: TwinViewerError) -> float:
        """Remember why nothing came; return the pause before the next try, which grows."""
        if not isinstance(error, PluginError):
            _log.warning("The feed of %s does not deliver: %s", self._overlay.id, error)
        self.problem = error
        if self._registry.is_disabled(self._overlay.id):
            self._stopped.set()
            return 0.0
        doublings = min(self._errors_in_a_row, 10)  # enough for the longest; a broker may be down for days
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**doublings)
        self._errors_in_a_row += 1
        return pause


def _rows(batch: Batch) -> int:
    return len(batch.thing) if isinstance(batch, ObservationBatch) else len(batch.object)


def _parts(batch: Batch) -> list[Batch]:
    """Cut a batch into ones of at most ROWS_AT_ONCE rows."""
    n = _rows(batch)
    if n <= ROWS_AT_ONCE:
        return [batch]
    cuts = [slice(at, at + ROWS_AT_ONCE) for at in range(0, n, ROWS_AT_ONCE)]
    if isinstance(batch, ObservationBatch):
        return [
            ObservationBatch(
                property=batch.property,
                things=batch.things,
                thing=batch.thing[cut],
                phenomenon_time_s=batch.phenomenon_time_s[cut],
                results=batch.results[cut],
            )
            for cut in cuts
        ]
    return [_movement_part(batch, cut) for cut in cuts]


def _movement_part(batch: MovementBatch, cut: slice) -> MovementBatch:
    """Return rows of a movement, with only the ids that they use."""
    used, index = np.unique(batch.object[cut], return_inverse=True)
    return MovementBatch(
        ids=tuple(batch.ids[i] for i in used.tolist()),
        object=index.astype(np.int32),
        time_s=batch.time_s[cut],
        positions=batch.positions[cut],
        heading_deg=batch.heading_deg[cut],
        speed_m_s=batch.speed_m_s[cut],
    )
