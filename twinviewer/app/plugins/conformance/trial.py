"""Runs the code of a plugin that is checked, in a process of its own: ``python -m …conformance.trial``.

The process gets its task as a file and writes what it finds out into another, line by line, so that all that was found
is there when the plugin ends it.  Nothing but numpy is needed here.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO, get_type_hints

import numpy as np

from twinviewer.api.importing import CodeLocation, import_function
from twinviewer.app import colour_maps
from twinviewer.app.plugins.conformance import trial_files, trial_overlays, trial_values
from twinviewer.app.plugins.conformance.plugin_code import Check, Contribution, PluginCode, in_words, traceback_in
from twinviewer.app.plugins.conformance.verdicts import Finding, Outcome, Verdict, failed, passed, warning
from twinviewer.isolation.permissions import Granted, Refusal, enforce
from twinviewer.model.errors import PluginError

ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "readers": {"read": ("path", "feedback"), "probe": ("path",)},
    "writers": {"write": ("path", "layers", "feedback")},
    "layers": {"draw": ("site", "feedback")},
    "overlays": {"feed": ("site", "start", "end", "feedback"), "encode": ("frames", "site")},
    "analyses": {"analyse": ("site", "feedback")},
    "panels": {"show": ("site", "selection", "instant", "entries", "pressed")},
    "commands": {"run": ("site", "selection", "instant")},
}
"""The functions of each table of a manifest, and the arguments that the contract gives them."""

CHECKS: dict[str, dict[str, Check]] = {
    "readers": {"probe": trial_files.probe, "examples": trial_files.examples, "bad input": trial_files.bad_files},
    "writers": {"write": trial_files.write},
    "layers": trial_values.LAYER_CHECKS,
    "overlays": trial_overlays.CHECKS,
    "analyses": trial_values.ANALYSIS_CHECKS,
    "panels": trial_values.PANEL_CHECKS,
    "commands": trial_values.COMMAND_CHECKS,
}

_FIRST = ("functions", "purity", "show")
"""Where one of these fails, the others would only say the same in other words."""


class Diary:
    """Writes what is found out, and what is being tried, as it happens."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def begin(self, check: str, subject: str) -> None:
        self._write({"begins": [check, subject]})

    def note(self, verdict: Verdict, *, check: str, subject: str) -> None:
        self._write({"found": Finding.of(verdict, check=check, subject=subject).to_json()})

    def end(self) -> None:
        self._write({"ends": True})

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry) + "\n")


def try_plugin(task: dict[str, Any], diary: Diary) -> None:
    """Try all that the plugin contributes."""
    scratch = Path(task["scratch"])
    refusals: list[Refusal] = []
    enforce(
        Granted(
            network=tuple(task["permissions"]["network"]),
            read=tuple(task["permissions"]["read"]),
            write=tuple(task["permissions"]["write"]),
            subprocess=task["permissions"]["subprocess"],
        ),
        plugin_folder=Path(task["folder"]),
        writable=[scratch],
        readable=[Path(each) for each in task["readable"]],
        on_refusal=refusals.append,
    )
    code = PluginCode(
        location=CodeLocation(package=task["package"], folder=task["folder"]),
        settings=task["settings"],
        examples=tuple(Path(each) for each in task["examples"]),
        scratch=scratch,
    )
    for name in task["colour_maps"]:  # of its own themes: scales may name them
        colour_maps.contribute(name, np.zeros((2, 3), np.uint8))
    before, outdated = set(threading.enumerate()), Outdated(Path(task["folder"]))
    for table, roles in ROLES.items():
        for contribution in task["contributions"].get(table, ()):
            _try_contribution(code, contribution, roles, CHECKS[table], diary)
    for check, verdicts in (
        ("threads", _threads(before)),
        ("permissions", _permissions(refusals, task)),
        ("deprecations", outdated.verdicts()),
    ):
        for verdict in verdicts:
            diary.note(verdict, check=check, subject="")


def _try_contribution(
    code: PluginCode,
    contribution: Contribution,
    roles: dict[str, tuple[str, ...]],
    checks: dict[str, Check],
    diary: Diary,
) -> None:
    """Try one contribution after each check, until it fails where it should not."""
    subject = contribution["id"]
    ways: dict[str, Check] = {"functions": lambda code, contribution: functions(code, contribution, roles), **checks}
    for check, run in ways.items():
        diary.begin(check, subject)
        try:
            verdicts, goes_on = run(code, contribution), True
        except BaseException as error:  # noqa: BLE001 – SystemExit and the panics of Rust libraries too: it is foreign code
            verdicts, goes_on = [_raised(error, code)], False
        for verdict in verdicts:
            diary.note(verdict, check=check, subject=subject)
        if not goes_on or (check in _FIRST and any(each.outcome is Outcome.FAILED for each in verdicts)):
            return


def _raised(error: BaseException, code: PluginCode) -> Verdict:
    details = traceback_in(code.location.folder, error)
    if isinstance(error, PluginError):
        return failed(in_words(error), error.cure, details)
    return failed(f"It raised {in_words(error)}", "Correct the plugin; the traceback shows where.", details)


# --- checks of every contribution -----------------------------------------------------------------------------------


def functions(code: PluginCode, contribution: Contribution, roles: dict[str, tuple[str, ...]]) -> list[Verdict]:
    """Whether its functions are there, take their arguments by keyword, and say what they take and give."""
    found = list(_function_faults(code, contribution, roles))
    names = [role for role in roles if contribution.get(role)]
    return found or [passed(f"{' and '.join(names)}: there, typed, with the arguments of the contract")]


def _function_faults(
    code: PluginCode, contribution: Contribution, roles: dict[str, tuple[str, ...]]
) -> Iterator[Verdict]:
    for role, arguments in roles.items():
        reference = contribution.get(role)
        if not reference:
            continue
        function = import_function(reference, code=code.location)
        due = [*arguments, *(parameter["key"] for parameter in contribution.get("parameters", ()))]
        if code.settings and role != "probe":
            due.append("settings")
        if role == "read" and contribution.get("max_points"):
            due.append("max_points")
        yield from _signature_faults(function, reference, due)
        if not inspect.getdoc(function):
            yield warning(f"“{reference}” has no docstring", "Say in one sentence what it returns.")


def _signature_faults(function: Callable[..., Any], reference: str, due: list[str]) -> Iterator[Verdict]:
    signature = inspect.signature(function)
    try:
        signature.bind(**dict.fromkeys(due))
    except TypeError as error:
        yield failed(f"“{reference}” cannot be called: {error}", f"Let it take, by keyword: {', '.join(due)}.")
        return
    try:
        hints = get_type_hints(function)
    except Exception as error:  # noqa: BLE001 – annotations are code of the plugin
        yield failed(f"The annotations of “{reference}” lead nowhere: {in_words(error)}", "Import what they name.")
        return
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    named = [name for name, parameter in signature.parameters.items() if parameter.kind not in kinds]
    bare = [name for name in (*named, "return") if name not in hints]
    if bare:
        yield warning(f"“{reference}” does not say the types of {', '.join(bare)}", "Annotate them; mypy finds faults.")


class Outdated:
    """Hears of what will be taken away one day and the plugin uses, of the contract or of a library.

    Args:
        folder: The plugin's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, None] = {}
        self._show_others = warnings.showwarning
        warnings.simplefilter("always", DeprecationWarning)
        warnings.showwarning = self._hear

    def _hear(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, DeprecationWarning):
            self._show_others(message, category, filename, lineno, file, line)
        elif Path(filename).is_relative_to(self._folder):
            text = " ".join(str(message).split()).rstrip(".")
            self._found[f"{Path(filename).relative_to(self._folder)}:{lineno}: {text}"] = None

    def verdicts(self) -> list[Verdict]:
        """Return one for each place."""
        cure = "Use what it names instead, before it is taken away."
        return [warning(text, cure) for text in self._found] or [passed("It uses nothing that is going to go")]


def _threads(before: set[threading.Thread]) -> list[Verdict]:
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    if left:
        return [
            failed(
                f"{len(left)} threads of the plugin still run after all calls: {', '.join(left[:5])}",
                "Start none, or end them before the function returns.",
            )
        ]
    return [passed("No thread is left running")]


def _permissions(refusals: list[Refusal], task: dict[str, Any]) -> list[Verdict]:
    declared = task["permissions"]
    if refusals:
        return [failed(refusal.problem.rstrip("."), refusal.cure) for refusal in refusals]
    asked = [f"{key} {', '.join(declared[key])}" for key in ("network", "read", "write") if declared[key]]
    asked += ["other programs"] if declared["subprocess"] else []
    return [passed(f"It did nothing but what it asks for ({'; '.join(asked) or 'nothing'})")]


def main(arguments: Sequence[str]) -> int:
    """Try the plugin of the task in the first argument; the diary is the second."""
    task = json.loads(Path(arguments[0]).read_text("utf-8"))
    diary = Diary(Path(arguments[1]))
    os.dup2(2, 1)  # what the plugin prints is for its author; stdout belongs to the report
    sys.stdout = sys.stderr
    try_plugin(task, diary)
    diary.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
