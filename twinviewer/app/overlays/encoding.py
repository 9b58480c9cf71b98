"""Pictures of one overlay, made on a thread of their own: the newest instant that is wanted, whatever came before.

The main thread says which instant it shows and takes what is finished; it calls no code of a plugin and waits for
nothing.  What a plugin's function does in its call, this thread alone suffers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from twinviewer.app.overlays.finishing import NOTHING, Finished, Finisher
from twinviewer.app.overlays.metering import Meter
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.overlays.threads import OverlayThread
from twinviewer.app.plugins.failures import WaitsForPersonError
from twinviewer.app.plugins.fingerprints import feed_fingerprint
from twinviewer.app.plugins.manifest import OverlayContribution
from twinviewer.app.plugins.process_ends import LetGoError
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.site import SessionSite
from twinviewer.live.clock import Clock
from twinviewer.live.store import ObservationStore
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled
from twinviewer.model.observation import Frame, ObservationFrame

_log = logging.getLogger(__name__)

REENCODE_S = 1.0
"""An unchanged frame is drawn anew after so long: labels may say how old a result is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The newest that an encoder has to show."""

    instant: datetime | None = None
    """That was wanted; None: there is nothing yet."""
    revision: int = -1
    """Of the store that it was made from."""
    finished: Finished = NOTHING
    age_s: float = float("inf")
    """Between the shown instant and the newest result before it; inf where nothing is known."""
    problem: TwinViewerError | None = None
    """Why there is no picture of that instant."""


NOTHING_MADE = Made()


class Encoder(OverlayThread):
    """Asks one overlay's encode function.

    Args:
        registry: Calls the function.
        overlay: Whose it is.
        site: Passed to it.
        store: What is known.
        clock: Says how fast time runs.
        shapes: Reads the files of icons and meshes.
        wake_feed: Called where something is wanted that the store does not have.
        monotonic: Seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        overlay: OverlayContribution,
        site: SessionSite,
        store: ObservationStore,
        clock: Clock,
        shapes: ShapeFiles,
        wake_feed: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(f"encode {overlay.id}", monotonic)
        self._registry, self._overlay, self._site = registry, overlay, site
        self._store, self._clock, self._wake_feed = store, clock, wake_feed
        self._plugin = registry.plugin_of(overlay.id)
        self._finisher = Finisher(folder=Path(self._plugin.code.folder), shapes=shapes)
        self.pictures = Meter(monotonic)
        self.made = NOTHING_MADE
        """Replaced as a whole: any thread may read it."""
        self.fingerprint: object = None
        """Of the feed, as it was at the start; None: not known yet."""
        self._wanted: datetime | None = None
        self._asked: tuple[datetime, int] | None = None
        """Instant and revision that the last frames were taken for."""
        self._frames: tuple[Frame, ...] = ()
        """What the last picture was made from."""
        self._encoded_at = -np.inf
        self._not_before = -np.inf

    def start(self, made: Made = NOTHING_MADE) -> None:
        """Begin; until there is something new, show ``made``."""
        self.made = replace(made, instant=None, revision=-1, problem=None)
        self._thread.start()

    def want(self, instant: datetime) -> None:
        """Say which instant is shown.  Costs nothing."""
        made = self.made
        if made.instant == instant and made.revision == self._store.revision and made.problem is None:
            return
        self._wanted = instant
        self._wake.set()

    def _run(self) -> None:
        self.fingerprint = feed_fingerprint(self._plugin, self._overlay)
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            wanted = self._wanted
            if wanted is None or self._stopped.is_set():
                continue
            try:
                made = self._make(wanted)
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 – a bug of ours must show on its overlay, not only in the log
                _log.exception("The pictures of %s ended.", self._overlay.id)
                problem = PluginError(f"Its pictures ended: {error}.", source=self._overlay.title)
                self.made = replace(self.made, problem=problem)
                return
            if not self._stopped.is_set():
                self.made = made

    def _make(self, instant: datetime) -> Made:
        """Return what there is to show at ``instant``."""
        shown, revision = self._known_instant(instant), self._store.revision
        before = replace(self.made, instant=instant, revision=revision)
        if (shown, revision) == self._asked or self._monotonic() < self._not_before:
            return before
        frames = self._store.frames_at(shown)
        if not frames:
            return before
        age_s = min(_age_s(frame) for frame in frames)
        self._asked = (shown, revision)
        if _look_the_same(frames, self._frames) and self._monotonic() - self._encoded_at < REENCODE_S:
            return replace(before, age_s=age_s)
        try:
            finished = self._finished(frames)
        except LetGoError:
            self._asked = None  # whoever changed the plugin stops this thread or lets it go on
            return before
        except TwinViewerError as error:
            self._asked, self._frames = None, ()
            counts = isinstance(error, PluginError) and not isinstance(error, WaitsForPersonError)
            if not counts or self._registry.is_worked_on(self._plugin.id):
                self._not_before = self._monotonic() + REENCODE_S  # nobody counts: it would be tried for ever
            return replace(before, age_s=age_s, problem=error)  # the last picture stays until it is switched off
        self._frames, self._encoded_at = frames, self._monotonic()
        self.pictures.count()
        return replace(before, finished=finished, age_s=age_s, problem=None)

    def _finished(self, frames: Sequence[Frame]) -> Finished:
        def finish(result: object) -> Finished:
            self._called_at = None  # reading files takes a while and is no fault of the function
            self.stop_if_cancelled()
            return self._finisher.finished(result, site=self._site, feedback=self)

        self._called_at = self._monotonic()
        try:
            arguments = {"frames": tuple(frames), "site": self._site}
            return self._registry.call(self._overlay.id, self._overlay.encode, arguments, check=finish)
        except LetGoError:
            raise
        except Cancelled as error:
            self.stop_if_cancelled()
            record = self._registry.report_failure(self._overlay.id, error, reference=self._overlay.encode)
            raise record.error from error
        finally:
            self._called_at = None

    def _known_instant(self, instant: datetime) -> datetime:
        """Return ``instant``, or the last one before it that is known while the clock runs faster than the feed."""
        if self._clock.rate <= 1:
            if self._store.covered_until(instant) is None:
                self._wake_feed()
            return instant
        known_s = self._store.known_until(instant)
        if known_s is None:
            self._wake_feed()
            return instant
        return min(instant, datetime.fromtimestamp(known_s, UTC))


def _age_s(frame: Frame) -> float:
    if isinstance(frame, ObservationFrame):
        return float(frame.age_s.min(initial=np.inf))
    return 0.0 if frame.ids else float("inf")


def _look_the_same(frames: Sequence[Frame], before: Sequence[Frame]) -> bool:
    """Return whether only the instant differs: nothing moves, and all results are as they were."""
    return len(frames) == len(before) and all(
        isinstance(new, ObservationFrame)
        and isinstance(old, ObservationFrame)
        and new.things is old.things
        and np.array_equal(new.results, old.results, equal_nan=True)
        and np.array_equal(new.stale, old.stale)
        for new, old in zip(frames, before, strict=True)
    )
