"""One process of a plugin, as the viewer sees it: calls into it, what it asks, what it prints and how it ends."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import psutil

from twinviewer.api.contracts import Site
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.process_ends import LetGoError, ProcessEndedError, functions_on_the_stack
from twinviewer.app.plugins.process_start import start_process
from twinviewer.app.plugins.secret_values import without_secrets
from twinviewer.app.spawning import end_in_words
from twinviewer.isolation import frames
from twinviewer.isolation.protocol import Channel, Message
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Cancelled, Feedback, Silent

_log = logging.getLogger(__name__)

START_WITHIN_S = 60.0
SILENCE_LIMIT_S = 20.0
"""A process whose interpreter shows no sign of life for so long is ended."""
CANCEL_WITHIN_S = 0.25
CANCEL_GRACE_S = 1.0
"""What is left to code that does not ask often enough whether it is to stop, before its process is ended."""
LAST_WORDS = 64 * 2**10
"""Bytes of what it printed that are kept."""
PRINTED_AT_ONCE = 2**20
PRINTED_PER_S = 32 * 2**20
"""Bytes: whoever prints more than the first at once goes on at this pace."""
MESSAGES_PER_S = 2000
"""More messages of its own accord, and the process is ended."""
_LAST_WORDS_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.05
_ADDRESSES_BESIDE = 3 * 2**30
"""Addresses, in bytes, beside the memory that a plugin may use: libraries and threads reserve more than they use."""


@dataclass(slots=True, eq=False)
class _Pending:
    """A call that has not been answered."""

    reference: str
    lane: int
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Message | None = None
    progress: tuple[float, str] | None = None
    """The newest; None once it was told."""


@dataclass(frozen=True, slots=True)
class _End:
    """How the viewer ended a process."""

    how: str
    cure: str
    culprit: _Pending | None
    """None: all calls that were running."""
    wanted: bool = False
    """Nobody is at fault: the plugin was switched off, or the program ends."""


class PluginProcess:
    """A process and the threads that listen to it.  Safe from any thread.

    Args:
        plugin: Whose it is.
        folders: For arrays, the best first; its own.
        data_folder: Where the plugin may keep files.
        python: The interpreter of its environment; None: ours.
        on_refusal: Hears what the process was refused because its manifest does not ask for it, on a thread of its
            own.
    """

    def __init__(
        self,
        plugin: Plugin,
        *,
        folders: Sequence[Path],
        data_folder: Path,
        python: Path | None = None,
        on_refusal: Callable[[PluginError], None] = lambda error: None,
    ) -> None:
        self.plugin = plugin
        self._on_refusal = on_refusal
        self.memory_limit = plugin.manifest.limits.memory_mb * 2**20
        self.message_count = 0
        self.notice_count = 0
        """Messages that nobody asked for."""
        self._words = bytearray()
        self._lock = threading.Lock()
        self._pending: dict[int, _Pending] = {}
        self._numbers = itertools.count(1)
        self._site_numbers: WeakKeyDictionary[Site, int] = WeakKeyDictionary()
        self._sites: WeakValueDictionary[int, Site] = WeakValueDictionary()
        """By number.  Not held: a site holds all of its layers, and a call holds its site."""
        self._next_site = itertools.count(1)
        self._questions: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._answering: threading.Thread | None = None
        self._ready = threading.Event()
        self._ready_at: float | None = None
        self._over = threading.Event()
        self._end: _End | None = None
        self.heard_at = time.monotonic()
        self.started_at = time.monotonic()
        self.process, self._death_pipe = start_process(plugin, python)
        self._about = psutil.Process(self.process.pid)
        self._folders = folders
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._channel = Channel(self.process.stdout, self.process.stdin, folders, side="host")  # type: ignore[arg-type]
        permissions = plugin.manifest.permissions
        with contextlib.suppress(OSError):  # where it is gone already, its end is told
            frames.send(
                self.process.stdin,  # type: ignore[arg-type]
                {
                    "code": {"package": plugin.code.package, "folder": plugin.code.folder},
                    "folders": [str(folder) for folder in folders],
                    "data_folder": str(data_folder),
                    "memory_limit": self.memory_limit + _ADDRESSES_BESIDE,
                    "silence_limit_s": SILENCE_LIMIT_S,
                    "granted": permissions.model_dump(mode="json"),
                },
            )
        self._words_listener = threading.Thread(target=self._hear_words, name=f"words of {plugin.id}", daemon=True)
        self._words_listener.start()
        threading.Thread(target=self._hear_messages, name=f"plugin {plugin.id}", daemon=True).start()

    # --- calls ------------------------------------------------------------------------------------------------------

    def call(self, reference: str, arguments: Mapping[str, Any], *, limit_s: float | None) -> dict[str, Any]:
        """Have a function called; return its answer: ``value``, or what :mod:`twinviewer.isolation.calls` says failed.

        Args:
            reference: ``"module:function"``.
            arguments: By keyword; ``site`` and ``feedback`` stay here, and the function gets others that ask them.
            limit_s: How long it may take; None: as long as it likes.

        Raises:
            ProcessEndedError: The process ended, or was ended because of this call or another.
            LetGoError: The process was ended because nobody wants it.
            Cancelled: The call's feedback says so.
            TypeError: An argument cannot be handed over (also ``TooLargeError``).
        """
        feedback: Feedback = arguments.get("feedback") or Silent()
        self._wait_until_ready(feedback)
        rest = {key: value for key, value in arguments.items() if key not in ("site", "feedback")}
        site = arguments.get("site")
        lane = self._channel.take_lane(reference)
        pending = _Pending(reference=reference, lane=lane)
        number = next(self._numbers)
        with self._lock:
            self._pending[number] = pending
        try:
            self._channel.send(
                "call",
                call=number,
                lane=lane,
                value={"arguments": rest, "place": None if site is None else {"crs": site.crs, "extent": site.extent}},
                reference=reference,
                site=self._number_of(site) if site is not None else 0,
                with_site="site" in arguments,
                with_feedback="feedback" in arguments,
            )
        except (OSError, ValueError):
            self._over.wait(START_WITHIN_S)  # its pipe has ended, and it is about to
            raise self._ended(pending) from None
        except BaseException:
            self._drop(number)
            raise
        return self._wait(number, pending, feedback, limit_s)

    def _wait(self, number: int, pending: _Pending, feedback: Feedback, limit_s: float | None) -> dict[str, Any]:
        began = time.monotonic()
        while not pending.answered.wait(_LOOK_EVERY_S):
            try:
                feedback.stop_if_cancelled()
            except Cancelled:
                self._cancel(number, pending)
                raise
            if pending.progress is not None:
                (fraction, text), pending.progress = pending.progress, None
                feedback.progress(fraction, text)
            if self._over.is_set() and not pending.answered.is_set():
                raise self._ended(pending)
            if limit_s is not None and time.monotonic() - began > limit_s:
                self.end(
                    f"did not answer within {limit_s:g} s and was ended",
                    cure="Its plugin.toml can allow it more time with call_s under [limits].",
                    culprit=pending,
                )
                self._over.wait(START_WITHIN_S)
                raise self._ended(pending)
        if pending.answer is None:
            raise self._ended(pending)
        return {"value": pending.answer.value, **pending.answer.extra}

    def _cancel(self, number: int, pending: _Pending) -> None:
        """Ask a call to stop; where it does not, end the process."""
        with contextlib.suppress(OSError, ValueError):
            self._channel.send("cancel", call=number)
        if not pending.answered.wait(CANCEL_WITHIN_S + CANCEL_GRACE_S) and not self._over.is_set():
            _log.info("A function of %s does not stop when asked; its process is ended.", self.plugin.id)
            self.end("was ended because one of its functions did not stop when asked", culprit=pending)

    def _wait_until_ready(self, feedback: Feedback) -> None:
        while not self._ready.wait(_LOOK_EVERY_S):
            feedback.stop_if_cancelled()
            if self._over.is_set():
                raise self._ended(None)
            if time.monotonic() - self.started_at > START_WITHIN_S:
                self.end(f"did not start within {START_WITHIN_S:g} s and was ended")

    def _drop(self, number: int) -> None:
        """Forget a call that was never made."""
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is not None:
            self._channel.give_lane_back(pending.reference, pending.lane)

    @property
    def calls(self) -> tuple[str, ...]:
        """The functions that are running."""
        with self._lock:
            return tuple(pending.reference for pending in self._pending.values())

    # --- what it says -----------------------------------------------------------------------------------------------

    def _hear_messages(self) -> None:
        try:
            while (message := self._channel.receive()) is not None:
                self.heard_at = time.monotonic()
                self.message_count += 1
                self._hear(message)
        except MemoryError:
            self.end("delivered more than there is memory for and was ended")
        except Exception as error:  # noqa: BLE001 – whatever it was, those who wait for an answer must hear that none comes
            _log.warning("What %s said makes no sense.", self.plugin.id, exc_info=error)
            self.end(f"said something that makes no sense ({error}) and was ended")
        self._finish()

    def _hear(self, message: Message) -> None:
        match message.kind:
            case "answer":
                with self._lock:
                    pending = self._pending.pop(message.call)
                pending.answer = message
                self._channel.give_lane_back(pending.reference, pending.lane)
                pending.answered.set()
            case "progress":
                self.notice_count += 1
                with self._lock:
                    running = self._pending.get(message.call)
                if running is not None:
                    running.progress = (float(message.extra["fraction"]), str(message.extra["text"]))
            case "ask":
                if self._answering is None:
                    self._answering = threading.Thread(
                        target=self._answer_questions, name=f"site of {self.plugin.id}", daemon=True
                    )
                    self._answering.start()
                self._questions.put(message)
            case "ready":
                self._ready_at = time.monotonic()
                self._ready.set()
            case "refused":
                self.notice_count += 1
                problem, cure = (without_secrets(str(message.extra[key])[:500]) for key in ("problem", "cure"))
                self._on_refusal(PluginError(problem, cure=cure, source=self.plugin.name))
            case _:
                self.notice_count += 1

    def _answer_questions(self) -> None:
        """Answer what is asked of a site; never more than half of the time, whoever asks how often."""
        while (question := self._questions.get()) is not None:
            began = time.monotonic()
            lane = int(question.extra["lane"])
            try:
                value = self._answer(question)
                self._channel.send("told", call=question.call, lane=lane, own_lane=False, value=value)
            except OSError:
                return  # it has ended
            except Exception as error:  # noqa: BLE001 – what a plugin asks may be anything
                with contextlib.suppress(OSError, ValueError):
                    self._channel.send("told", call=question.call, fault=f"{type(error).__name__}: {error}"[:2000])
            self._over.wait(min(time.monotonic() - began, 0.002))

    def _answer(self, question: Message) -> Any:
        site = self._sites.get(int(question.extra["site"]))
        if site is None:
            raise ValueError("the place has changed, and nothing is known of the one before")
        match question.extra["what"]:
            case "city_objects":
                return site.city_objects
            case "features":
                return site.features(question.value["role"])
            case "ground_height":
                return site.ground_height(question.value["xy"])
            case "objects_at":
                return site.objects_at(question.value["xy"])
            case what:
                raise ValueError(f"a site has no {what}")

    def _number_of(self, site: Site) -> int:
        with self._lock:
            number = self._site_numbers.get(site)
            if number is None:
                number = self._site_numbers[site] = next(self._next_site)
                self._sites[number] = site
            return number

    def _hear_words(self) -> None:
        stream: IO[bytes] | None = self.process.stderr
        assert stream is not None
        allowance, then, unheard = float(PRINTED_AT_ONCE), time.monotonic(), 0
        with stream:
            # In pieces, not lines: a library that prints without end must not cost the viewer memory or time.
            while piece := stream.read1(65536):  # type: ignore[attr-defined]
                with self._lock:
                    self._words += piece
                    del self._words[:-LAST_WORDS]
                now = time.monotonic()
                allowance = min(PRINTED_AT_ONCE, allowance + (now - then) * PRINTED_PER_S) - len(piece)
                then = now
                if allowance > 0:
                    text = without_secrets(piece.decode("utf-8", "replace")).rstrip()
                    more = f" (and {unheard} bytes before)" if unheard else ""
                    _log.debug("%s prints%s: %s", self.plugin.id, more, text)
                    unheard = 0
                else:
                    unheard += len(piece)
                    self._over.wait(len(piece) / PRINTED_PER_S)

    @property
    def last_words(self) -> str:
        """The end of what it printed."""
        with self._lock:
            words = bytes(self._words)
        return without_secrets(words.decode("utf-8", "replace"))

    # --- its end ----------------------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    @property
    def ready_for_s(self) -> float:
        """How long it has been taking calls; 0 while it starts."""
        return 0.0 if self._ready_at is None else time.monotonic() - self._ready_at

    def memory(self) -> int:
        """Return the resident memory in bytes.

        Raises:
            psutil.Error: The process has ended.
        """
        return int(self._about.memory_info().rss)

    def cpu_s(self) -> float:
        """Return the processor time used so far.

        Raises:
            psutil.Error: The process has ended.
        """
        times = self._about.cpu_times()
        return float(times.user + times.system)

    @property
    def is_over(self) -> bool:
        return self._over.is_set() or self._end is not None or self.process.poll() is not None

    def end(self, how: str, *, cure: str = "", culprit: _Pending | None = None, wanted: bool = False) -> None:
        """End the process, with the programs that it started.

        Args:
            how: See :class:`ProcessEndedError`.
            cure: See there.
            culprit: The call because of which it is ended; None: any that is running.
            wanted: Nobody is at fault.
        """
        with self._lock:
            if self._end is None and self.process.poll() is None:  # else it has ended by itself
                self._end = _End(how=how, cure=cure, culprit=culprit, wanted=wanted)
        if not self._over.is_set():  # else its number may be another's by now
            self._kill()

    def _kill(self) -> None:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def _finish(self) -> None:
        """Tell all calls that the process has ended."""
        try:
            self.process.wait(2.0)
        except subprocess.TimeoutExpired:  # its pipe ended, and it did not
            self.end("closed its pipe and was ended")
            self.process.wait()
        self._kill()  # the programs that it started and left behind
        self._words_listener.join(_LAST_WORDS_WITHIN_S)  # they say who did it; a child that it left may go on printing
        self._questions.put(None)
        with self._lock:
            waiting = list(self._pending.values())
        self._over.set()
        for pending in waiting:
            pending.answered.set()
        self._channel.close()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._death_pipe is not None:
            os.close(self._death_pipe)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _ended(self, pending: _Pending | None) -> Exception:
        """Return what became of a call when the process ended."""
        end = self._end
        if end is not None and end.wanted:
            return LetGoError()
        if end is not None:
            is_culprit = end.culprit is None or end.culprit is pending
            return ProcessEndedError(end.how, cure=end.cure, was_culprit=is_culprit)
        words = self.last_words
        functions = functions_on_the_stack(words)
        function = pending.reference.partition(":")[2] if pending else ""
        others = {each.partition(":")[2] for each in self.calls} - {function}
        is_culprit = function in functions or not (functions & others)
        return ProcessEndedError(end_in_words(self.process.returncode), was_culprit=is_culprit)
