"""How contributions fare: each failure is told once with the plugin's name, and three in a row switch one off."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from twinviewer.app.plugins.secret_values import without_secrets
from twinviewer.isolation.permissions import PermissionRefused
from twinviewer.model.errors import PluginError

_log = logging.getLogger(__name__)

T = TypeVar("T")

FAILURES_IN_A_ROW = 3
"""So many switch a contribution off."""


class WaitsForPersonError(PluginError):
    """A plugin can do nothing before the person did something; it did not fail."""

    code = "plugin.waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """What became of a contribution that fails."""

    contribution_id: str
    title: str
    plugin_name: str
    error: PluginError
    """The newest failure as one sentence, naming the plugin."""
    details: str
    """Its traceback, for the log and for the author."""
    count: int
    """Failures since it was first called."""
    disabled: bool
    """Whether it is switched off: one of its functions failed three times in a row, or did not come back."""

    @property
    def sentence(self) -> str:
        """What became of it, in one sentence that names the contribution."""
        if self.disabled:
            reason = self.error.problem.removeprefix(_failed(self.title, ""))
            return f"“{self.title}” is switched off because it kept failing. {reason}"
        return self.error.problem


class FailureBook:
    """What failed, by contribution.  Safe from any thread.

    Args:
        on_failure: Hears of the first failure of each contribution, of its being switched off, and of its 10th,
            100th, 1,000th … failure while it is on, on the thread where it happened.
    """

    def __init__(self, on_failure: Callable[[FailureRecord], None] = lambda record: None) -> None:
        self.on_failure = on_failure
        self._lock = threading.RLock()
        self._records: dict[str, FailureRecord] = {}
        self._in_a_row: dict[tuple[str, str], int] = {}

    @property
    def records(self) -> tuple[FailureRecord, ...]:
        with self._lock:
            return tuple(self._records.values())

    def get(self, contribution_id: str) -> FailureRecord | None:
        with self._lock:
            return self._records.get(contribution_id)

    def failed(
        self,
        contribution_id: str,
        error: BaseException,
        *,
        reference: str,
        title: str,
        plugin_name: str,
        is_final: bool = False,
        stays_on: bool = False,
    ) -> FailureRecord:
        """Count a failure of one of the contribution's functions; a final one switches it off at once.

        One whose author is at work on it stays on: the next save mends it.
        """
        if isinstance(error, PluginError):
            told = PluginError(without_secrets(error.problem), cure=without_secrets(error.cure), source=plugin_name)
        else:
            told = PluginError(
                _failed(title, f"{in_words(error)}."),
                cure="It is tried again, and switched off if it fails three times in a row. "
                "The log has the details for its author.",
                source=plugin_name,
            )
        details = without_secrets("".join(traceback.format_exception(error)))
        with self._lock:
            old = self._records.get(contribution_id)
            in_a_row = self._in_a_row[contribution_id, reference] = (
                self._in_a_row.get((contribution_id, reference), 0) + 1
            )
            record = FailureRecord(
                contribution_id=contribution_id,
                title=title,
                plugin_name=plugin_name,
                error=told,
                details=details,
                count=(old.count if old else 0) + 1,
                disabled=is_final
                or (in_a_row >= FAILURES_IN_A_ROW and not stays_on)
                or (old is not None and old.disabled),
            )
            self._records[contribution_id] = record
        if record.disabled and not (old and old.disabled):
            _log.error("The contribution %s of plugin %s is switched off.", contribution_id, plugin_name)
        if old is None:
            _log.error("The contribution %s of plugin %s failed.\n%s", contribution_id, plugin_name, details)
        if old is None or (not old.disabled and (record.disabled or _is_power_of_ten(record.count))):
            tell(self.on_failure, record)
        return record

    def worked(self, contribution_id: str, reference: str) -> None:
        """Note that the function works: its failures are no longer in a row."""
        with self._lock:
            self._in_a_row.pop((contribution_id, reference), None)

    def forget(self, contribution_id: str) -> None:
        """Give a contribution another chance."""
        with self._lock:
            self._records.pop(contribution_id, None)
            for key in [key for key in self._in_a_row if key[0] == contribution_id]:
                del self._in_a_row[key]


def tell(listener: Callable[[T], None], message: T) -> None:
    """Have a listener hear of something; a fault of its own goes to the log.

    It must not pass for the plugin's, nor end the thread that hears a plugin's process.
    """
    try:
        listener(message)
    except Exception:  # noqa: BLE001 – it is somebody else's
        _log.exception("A listener failed over %s.", message)


def _failed(title: str, how: str) -> str:
    return f"“{title}” failed: {how}"


def _is_power_of_ten(count: int) -> bool:
    return str(count).strip("0") == "1"


class RaisedInPlugin(Exception):
    """What a plugin's function raised in a process of its own: a type that may not exist here.

    Attributes:
        type_name: Of the exception.
    """

    def __init__(self, type_name: str, text: str) -> None:
        super().__init__(text)
        self.type_name = type_name


def in_words(error: BaseException) -> str:
    """Return what an exception of a plugin says, as the end of a sentence without its full stop."""
    try:
        text = without_secrets(" ".join(str(error).split()))
    except Exception:  # noqa: BLE001 – it is a plugin's own class
        text = ""
    name = error.type_name if isinstance(error, RaisedInPlugin) else type(error).__name__
    text = f"{text[:200]}…" if len(text) > 200 else text.rstrip(".")
    if name == PermissionRefused.__name__:
        return text  # a sentence of ours, for people
    return f"{name}: {text}" if text else name
