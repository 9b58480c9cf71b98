"""What a plugin's process does with the calls that come in: each on a thread of its own, answered as a typed value."""

from __future__ import annotations

import itertools
import os
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twinviewer.api.importing import CodeLocation, import_function
from twinviewer.isolation.adopting import Adopter
from twinviewer.isolation.protocol import Channel, Message, TooLargeError
from twinviewer.isolation.remote_site import RemoteSite
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Cancelled, Silent

_PROGRESS_EVERY_S = 0.05
_SITES = 2
"""So many are remembered: the viewer has one at a time, and calls that began with the one before."""
_TEXT_LIMIT = 4000
_TRACEBACK_LIMIT = 50_000


class _Feedback(Silent):
    """Feedback of one call to the viewer."""

    def __init__(self, channel: Channel, call: int) -> None:
        self._channel, self._call = channel, call
        self._told_at = 0.0
        self.is_cancelled = False

    def progress(self, fraction: float, text: str = "") -> None:
        now = time.monotonic()
        if now - self._told_at >= _PROGRESS_EVERY_S:
            self._told_at = now
            told = str(text)[:_TEXT_LIMIT]
            self._channel.send("progress", call=self._call, fraction=float(fraction), text=told)

    def stop_if_cancelled(self) -> None:
        if self.is_cancelled:
            raise Cancelled


class _Question:
    """Something that the viewer was asked."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: Message | None = None


class Calls:
    """Runs a plugin's functions.

    Args:
        channel: To the viewer.
        code: Where the plugin's modules are, as a dictionary of :class:`CodeLocation`.
    """

    def __init__(self, channel: Channel, code: dict[str, str]) -> None:
        self._channel = channel
        self._code = CodeLocation(**code)
        self._lock = threading.Lock()
        self._listening = threading.Lock()
        self._listeners = 0
        """Threads that wait for a message, or for their turn to do so."""
        self._running: dict[int, _Feedback] = {}
        self._questions: dict[int, _Question] = {}
        self._question_numbers = itertools.count(1)
        self._sites: OrderedDict[int, RemoteSite] = OrderedDict()
        self._functions: dict[str, Callable[..., Any]] = {}
        self._adopters: dict[int, Adopter] = {}
        """By lane, which carries one call at a time."""

    def listen(self) -> None:
        """Take messages until the viewer is gone; then this process ends.

        A thread that gets a call answers it itself, while another one takes its place: handing calls over would cost
        more than many of them take.
        """
        self._begin_to_listen()
        while True:
            with self._listening:
                message = self._next()
            match message.kind:
                case "call":
                    feedback = _Feedback(self._channel, message.call)
                    with self._lock:
                        self._running[message.call] = feedback
                        self._listeners -= 1
                        is_last = self._listeners == 0
                    if is_last:
                        threading.Thread(target=self.listen, name="listener", daemon=True).start()
                    self._run(message, feedback)
                    self._begin_to_listen()
                case "cancel":
                    with self._lock:
                        running = self._running.get(message.call)
                    if running is not None:
                        running.is_cancelled = True
                case "told":
                    with self._lock:
                        question = self._questions.pop(message.call)
                    question.answer = message
                    question.answered.set()

    def _next(self) -> Message:
        try:
            message = self._channel.receive()
        except BaseException:  # noqa: BLE001 – told, and then there is nothing left to do
            traceback.print_exc()
            os._exit(1)
        if message is None:
            os._exit(0)  # the viewer is gone: whatever still runs, nobody wants it
        return message

    def _begin_to_listen(self) -> None:
        with self._lock:
            self._listeners += 1

    # --- calls ------------------------------------------------------------------------------------------------------

    def _run(self, message: Message, feedback: _Feedback) -> None:
        lane = int(message.extra["lane"])
        try:
            answer = self._answer(message, feedback)
        finally:
            with self._lock:
                del self._running[message.call]
        if "failure" not in answer:
            try:
                self._channel.send("answer", call=message.call, lane=lane, own_lane=False, value=answer["value"])
            except (TypeError, TooLargeError, ValueError) as error:
                answer = {"failure": "unfit", "text": str(error)}
            except OSError as error:
                answer = {"failure": "unfit", "text": f"there is no room for it ({error.strerror})"}
            except MemoryError:
                answer = {"failure": "memory"}
            else:
                return
        self._channel.send("answer", call=message.call, lane=0, **answer)

    def _answer(self, message: Message, feedback: _Feedback) -> dict[str, Any]:
        reference = str(message.extra["reference"])
        site = self._site(message)
        arguments = dict(message.value["arguments"])
        if message.extra["with_site"]:
            arguments["site"] = site
        if message.extra["with_feedback"]:
            arguments["feedback"] = feedback
        try:
            function = self._functions.get(reference)
            if function is None:
                function = self._functions[reference] = import_function(reference, code=self._code)
        except BaseException as error:  # noqa: BLE001 – told to the viewer, which knows what to do
            return {**_in_plain_values(error), "importing": True}
        try:
            value = function(**arguments)
            if site is not None:
                adopter = self._adopters.setdefault(int(message.extra["lane"]), Adopter())
                value = adopter.adopted(value, crs=site.crs)
        except BaseException as error:  # noqa: BLE001
            return _in_plain_values(error)
        return {"value": value}

    # --- sites ------------------------------------------------------------------------------------------------------

    def _site(self, message: Message) -> RemoteSite | None:
        place = message.value["place"]
        if place is None:
            return None
        number = int(message.extra["site"])
        with self._lock:
            site = self._sites.get(number)
            if site is None:

                def ask(what: str, **arguments: Any) -> Any:
                    return self._ask(number, what, arguments)

                site = RemoteSite(crs=place["crs"], extent=place["extent"], ask=ask)
                self._sites[number] = site
                if len(self._sites) > _SITES:
                    self._sites.popitem(last=False)
            self._sites.move_to_end(number)
        return site

    def _ask(self, site: int, what: str, arguments: dict[str, Any]) -> Any:
        """Have the viewer call a method of a site.

        Raises:
            ValueError: The arguments do not fit.
        """
        question = _Question()
        purpose = f"{what} {arguments.get('role', '')}"
        lane = self._channel.take_lane(purpose)
        try:
            number = next(self._question_numbers)
            with self._lock:
                self._questions[number] = question
            self._channel.send("ask", call=number, lane=lane, value=arguments, site=site, what=what)
            question.answered.wait()
        finally:
            self._channel.give_lane_back(purpose, lane)
        assert question.answer is not None
        if "fault" in question.answer.extra:
            raise ValueError(question.answer.extra["fault"])
        return question.answer.value


def _in_plain_values(error: BaseException) -> dict[str, Any]:
    """Return an exception as JSON values: ours by class, others as text."""
    if isinstance(error, Cancelled):
        return {"failure": "cancelled"}
    details = traceback.format_exc()[-_TRACEBACK_LIMIT:]
    if isinstance(error, TwinViewerError):
        told = {"problem": str(error.problem), "cure": str(error.cure), "source": str(error.source)}
        return {"failure": "told", "code": error.code, "details": details, **told}
    if isinstance(error, MemoryError):
        return {"failure": "memory", "details": details}
    try:
        text = str(error)[:_TEXT_LIMIT]
    except Exception:  # noqa: BLE001 – it is a plugin's own class
        text = ""
    return {"failure": "raised", "type": type(error).__name__, "text": text, "details": details}
