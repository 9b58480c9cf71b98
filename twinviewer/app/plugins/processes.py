"""The processes of isolated plugins: started at the first call, watched, ended when they go too far, started anew."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from twinviewer.app.folders import data_dir
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.plugin_process import MESSAGES_PER_S, SILENCE_LIMIT_S, PluginProcess
from twinviewer.app.plugins.process_ends import LetGoError, ProcessEndedError
from twinviewer.app.scratch import Scratch
from twinviewer.isolation.permissions import MOST_REFUSALS_TOLD
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Feedback, Silent

_log = logging.getLogger(__name__)

WATCH_EVERY_S = 0.25
DEATHS = 3
DEATHS_WITHIN_S = 300.0
"""A function that ended the process so often within so many seconds is not called before somebody says so."""
_LOOK_CLOSELY_EVERY_S = 1.0
_AWAY_S = 2.0
_WORDS_TOLD = 4000
"""Characters of what a plugin printed that the log gets when its process dies."""
_TRIES = 3
"""So often a call is made again when the process ended because of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessHealth:
    """How the process of a plugin fares."""

    pid: int
    cpu_percent: float
    """Of one processor, over the last second or so."""
    memory_mb: float
    """Resident."""
    messages_per_s: float
    calls: tuple[str, ...]
    """Functions that are running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a process had done when it was last looked at closely."""

    at: float
    messages: int
    notices: int
    cpu_s: float


@dataclass(slots=True)
class _Watched:
    """What is remembered of a plugin from process to process."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    process: PluginProcess | None = None
    starts: int = 0
    deaths: dict[str, deque[float]] = field(default_factory=dict)
    """When each function ended the process."""
    last_words: str = ""
    health: ProcessHealth | None = None
    looked: _Look | None = None
    refusals: list[PluginError] = field(default_factory=list)
    """What it was refused since it was switched on or read anew."""


class PluginProcesses:
    """Calls functions of plugins in processes of their own.  Safe from any thread.

    Args:
        environment_for: Returns the interpreter for a plugin that has requirements; see
            :func:`twinviewer.app.plugins.environments.environment_for`.
        on_refusal: Hears once of each thing that a plugin was refused because its manifest does not ask for it.
    """

    def __init__(
        self,
        *,
        environment_for: Callable[[Plugin, Feedback], Path],
        on_refusal: Callable[[Plugin, PluginError], None] = lambda plugin, error: None,
    ) -> None:
        self._environment_for, self._on_refusal = environment_for, on_refusal
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._scratch: Scratch | None = None
        self._watching: threading.Thread | None = None
        self._closing = threading.Event()

    def call(
        self, plugin: Plugin, reference: str, arguments: Mapping[str, Any], *, limit_s: float | None
    ) -> dict[str, Any]:
        """Have a function called; see :meth:`PluginProcess.call`.

        Raises:
            PluginError: The process ended because of this call, or it did so too often.
            LetGoError: The plugin was read anew, switched off or removed, or all processes are ended.
            Cancelled: The call's feedback says so.
        """
        watched = self._watched_of(plugin.id)
        for tries_left in reversed(range(_TRIES)):
            self._refuse_after_deaths(watched, plugin, reference)
            process = self._running(watched, plugin, arguments.get("feedback") or Silent())
            try:
                return process.call(reference, arguments, limit_s=limit_s)
            except ProcessEndedError as error:
                if not error.was_culprit and tries_left and limit_s is not None:
                    continue  # another function did it
                self._note_death(watched, process, reference, error)
                raise PluginError(
                    f"The process of “{plugin.name}” {error.how}.",
                    cure=error.cure or "It is started again when it is next needed; the log has what it said last.",
                    source=plugin.name,
                ) from error
        raise AssertionError("the last try returns or raises")

    def health(self, plugin_id: str) -> ProcessHealth | None:
        """Return how the plugin's process fares, or None where it has none now."""
        return self._watched[plugin_id].health if self._process(plugin_id) else None

    def process_id(self, plugin_id: str) -> int | None:
        """Return the number of the plugin's process, or None where it has none now."""
        process = self._process(plugin_id)
        return process.process.pid if process else None

    def calls_of(self, plugin_id: str) -> tuple[str, ...]:
        """Return the functions of the plugin that are running in its process."""
        process = self._process(plugin_id)
        return process.calls if process else ()

    def ready_for_s(self, plugin_id: str) -> float:
        """Return how long the plugin's process has been taking calls; 0 where it has none, or while it starts."""
        process = self._process(plugin_id)
        return process.ready_for_s if process else 0.0

    def _process(self, plugin_id: str) -> PluginProcess | None:
        watched = self._watched.get(plugin_id)
        process = watched.process if watched else None
        return process if process and not process.is_over else None

    def restarts(self, plugin_id: str) -> int:
        """Return how often the plugin's process had to be started again."""
        watched = self._watched.get(plugin_id)
        return max(0, watched.starts - 1) if watched else 0

    def last_words(self, plugin_id: str) -> str:
        """Return the end of what the plugin printed."""
        watched = self._watched.get(plugin_id)
        if watched is None:
            return ""
        return watched.process.last_words if watched.process else watched.last_words

    def end(self, plugin_id: str) -> None:
        """End a plugin's process: it was switched off, changed or removed.  Its calls raise ``LetGoError``."""
        watched = self._watched.get(plugin_id)
        if watched is not None:
            with watched.lock:
                self._let_go(watched)
                watched.deaths.clear()
                watched.refusals.clear()
                watched.starts = 0

    def refusals(self, plugin_id: str) -> tuple[PluginError, ...]:
        """Return what the plugin was refused since it was switched on or read anew, each once."""
        watched = self._watched.get(plugin_id)
        return tuple(watched.refusals) if watched else ()

    def forgive(self, plugin_id: str) -> None:
        """Give functions that ended the process too often another chance."""
        watched = self._watched.get(plugin_id)
        if watched is not None:
            watched.deaths.clear()

    def close(self) -> None:
        """End all processes; this is of no use afterwards."""
        with self._lock:
            self._closing.set()
            known = list(self._watched)
        for plugin_id in known:
            self.end(plugin_id)
        if self._scratch is not None:
            self._scratch.remove()

    # --- starting ---------------------------------------------------------------------------------------------------

    def _watched_of(self, plugin_id: str) -> _Watched:
        with self._lock:
            return self._watched.setdefault(plugin_id, _Watched())

    def _running(self, watched: _Watched, plugin: Plugin, feedback: Feedback) -> PluginProcess:
        """Return the plugin's process, started where there is none."""
        # Outside of the lock: making an environment takes minutes, and switching the plugin off must not wait for it.
        python = self._environment_for(plugin, feedback) if plugin.requirements else None
        with watched.lock:
            process = watched.process
            if process is not None and not process.is_over and process.plugin is plugin:
                return process
            if process is not None:
                self._let_go(watched)
            with self._lock:
                if self._closing.is_set():
                    raise LetGoError
                if self._scratch is None:
                    self._scratch = Scratch()
                folders = self._scratch.new_folders()
            data_folder = data_dir() / "plugin-data" / plugin.id
            data_folder.mkdir(parents=True, exist_ok=True)
            watched.process = PluginProcess(
                plugin,
                folders=folders,
                data_folder=data_folder,
                python=python,
                on_refusal=lambda error: self._refused(watched, plugin, error),
            )
            watched.starts += 1
            watched.looked = None
            self._watch()
            return watched.process

    def _refused(self, watched: _Watched, plugin: Plugin, error: PluginError) -> None:
        is_new = all(each.problem != error.problem for each in watched.refusals)
        if is_new and len(watched.refusals) < MOST_REFUSALS_TOLD:
            watched.refusals.append(error)
            self._on_refusal(plugin, error)

    @staticmethod
    def _let_go(watched: _Watched) -> None:
        """Have done with a process, whether or not it has ended."""
        process, watched.process, watched.health = watched.process, None, None
        if process is not None:
            process.end("was ended", wanted=True)
            watched.last_words = process.last_words

    # --- what went wrong --------------------------------------------------------------------------------------------

    @staticmethod
    def _refuse_after_deaths(watched: _Watched, plugin: Plugin, reference: str) -> None:
        deaths = watched.deaths.get(reference, deque())
        if len(deaths) == DEATHS and time.monotonic() - deaths[0] < DEATHS_WITHIN_S:
            raise PluginError(
                f"“{plugin.name}” is not started again: its process ended {DEATHS} times within "
                f"{DEATHS_WITHIN_S / 60:g} minutes.",
                cure="Update the plugin, or switch it on again to try once more.",
                source=plugin.name,
            )

    @staticmethod
    def _note_death(watched: _Watched, process: PluginProcess, reference: str, error: ProcessEndedError) -> None:
        watched.deaths.setdefault(reference, deque(maxlen=DEATHS)).append(time.monotonic())
        words = process.last_words[-_WORDS_TOLD:]
        _log.warning("The process of %s %s during %s.\n%s", process.plugin.id, error.how, reference, words)

    # --- watching ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        with self._lock:
            if self._watching is None:
                self._watching = threading.Thread(target=self._keep_watching, name="plugin watchdog", daemon=True)
                self._watching.start()

    def _keep_watching(self) -> None:
        then = time.monotonic()
        while not self._closing.wait(WATCH_EVERY_S):
            now = time.monotonic()
            was_away = now - then > _AWAY_S  # this program itself was stopped, or the machine asleep
            then = now
            with self._lock:
                watched = list(self._watched.values())
            for each in watched:
                process = each.process
                if process is not None and not process.is_over:
                    if was_away:
                        process.heard_at = now
                    try:
                        self._look_at(each, process, now)
                    except Exception:  # noqa: BLE001 – the others are watched on
                        _log.exception("The process of %s cannot be watched.", process.plugin.id)

    @staticmethod
    def _look_at(watched: _Watched, process: PluginProcess, now: float) -> None:
        try:
            memory, cpu = process.memory(), process.cpu_s()
        except psutil.Error:
            return  # it has just ended
        if memory > process.memory_limit:
            process.end(
                f"used more than the {process.memory_limit // 2**20} MB of memory that it may and was ended",
                cure="Its plugin.toml can allow it more with memory_mb under [limits].",
            )
        elif now - process.heard_at > SILENCE_LIMIT_S and process.is_ready:
            process.end(f"was silent for {SILENCE_LIMIT_S:g} s and was ended: its code lets nothing else run")
        looked = watched.looked
        if looked is None or now - looked.at > _LOOK_CLOSELY_EVERY_S:
            seconds = max(WATCH_EVERY_S, now - (looked.at if looked else process.started_at))
            notices = process.notice_count - (looked.notices if looked else 0)
            if notices > MESSAGES_PER_S * max(1.0, seconds):
                process.end(f"sent more than {MESSAGES_PER_S} messages a second and was ended")
            messages = process.message_count - (looked.messages if looked else 0)
            watched.health = ProcessHealth(
                pid=process.process.pid,
                cpu_percent=100 * (cpu - (looked.cpu_s if looked else 0.0)) / seconds,
                memory_mb=memory / 2**20,
                messages_per_s=messages / seconds,
                calls=process.calls,
            )
            watched.looked = _Look(at=now, messages=process.message_count, notices=process.notice_count, cpu_s=cpu)
