"""Runs ``venv`` and ``pip`` for an environment: what they say becomes progress, what goes wrong one sentence.

Nothing that is installed runs code while it is: only wheels are taken, and what in them would run whenever the
environment's interpreter starts, before the plugin is held to its permissions, is taken out again.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Feedback

_log = logging.getLogger(__name__)

_LOOK_S = 0.05
"""How often the person's wish to stop is looked at while pip says nothing."""
_TAIL_LINES = 15
_OPTIONS = (
    *("--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--only-binary=:all:"),
    *("--retries", "2", "--timeout", "15"),
)
_STEPS = {
    "Collecting": "Looking for",
    "Downloading": "Downloading",
    "Using cached": "Taking from the cache",
    "Processing": "Taking",
    "Installing collected packages:": "Installing",
}
_NO_NETWORK = re.compile(
    r"NewConnectionError|Failed to establish a new connection|Temporary failure in name resolution|ConnectTimeout"
    r"|ReadTimeout|ProxyError|getaddrinfo failed|nodename nor servname|Network is unreachable|SSLError|Max retries"
)


def make_environment(python: Path, folder: Path, requirements: Sequence[str], feedback: Feedback) -> None:
    """Make an environment with what is required in it.

    Raises:
        PluginError: It cannot be made; the note that the error carries is the end of what pip said.
        Cancelled: The person stopped it; what was started has ended.
    """
    feedback.progress(0.0, "Making an environment")
    interpreter = str(interpreter_in(folder))
    has_pip = _has_pip(python)
    venv = [str(python), "-I", "-m", "venv", *(["--without-pip"] if has_pip else []), str(folder)]
    _run(venv, feedback, lambda line: None)
    pip = [str(python), "-I", "-m", "pip", "--python", interpreter] if has_pip else [interpreter, "-I", "-m", "pip"]
    _run([*pip, "install", *_OPTIONS, "--", *requirements], feedback, _Progress(feedback).hear)
    disarm(folder)
    feedback.progress(1.0, "The environment is ready")


def interpreter_in(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def disarm(folder: Path) -> None:
    """Take out what would run code when the environment's interpreter starts."""
    for packages in (folder / "Lib" / "site-packages", *folder.glob("lib/python*/site-packages")):
        for paths_file in packages.glob("*.pth"):
            lines = paths_file.read_text("utf-8", errors="replace").splitlines(keepends=True)
            kept = [line for line in lines if not line.lstrip("\ufeff").startswith(("import ", "import\t"))]
            if kept != lines:
                paths_file.write_text("".join(kept), "utf-8")
        for name in ("sitecustomize", "usercustomize"):
            for module in packages.glob(f"{name}.*"):
                module.unlink()
            for package in packages.glob(name):
                package.rename(package.with_name(f"{name}-not-used"))


def _has_pip(python: Path) -> bool:
    """Return whether our own pip can be used, so that the environment needs none: seconds less, and less disk."""
    return str(python) == sys.executable and importlib.util.find_spec("pip") is not None


class _Progress:
    """What pip says, as progress: how many packages there are is known only at the end, so each takes less."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback
        self._left = 0.8

    def hear(self, line: str) -> None:
        for begin, text in _STEPS.items():
            if line.lstrip().startswith(begin):
                what = line.strip().removeprefix(begin).strip()
                self._left = 0.15 if begin.startswith("Installing") else max(0.2, self._left * 0.85)
                self._feedback.progress(1.0 - self._left, f"{text} {_short(what)}")


def _short(what: str) -> str:
    name = what.rpartition("/")[2] or what
    return name if len(name) <= 60 else f"{name[:59]}…"


def _run(command: list[str], feedback: Feedback, hear: Callable[[str], None]) -> None:
    """Run a program to its end; stop it, and what it started, when the person says so."""
    feedback.stop_if_cancelled()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_variables(os.environ),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise PluginError(
            f"The environment of the plugin could not be made: {error.strerror}.",
            cure="Check the Python installation.",
            source=command[0],
        ) from error
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
    reader.start()
    said: list[str] = []
    try:
        while True:
            feedback.stop_if_cancelled()
            try:
                line = lines.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if line is None:
                break
            said.append(line.rstrip())
            hear(line)
    except BaseException:
        _end(process)
        raise
    finally:
        reader.join()
    if process.wait() != 0:
        raise _explained(said)


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _variables(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the person's environment (with its index, proxies and certificates) without what leads pip elsewhere."""
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_NO_DEPS", "__PYVENV_LAUNCHER__")
    kept = {name: value for name, value in inherited.items() if name not in elsewhere}
    return {**kept, "PIP_USER": "0", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def _explained(said: Sequence[str]) -> PluginError:
    """Return what went wrong as one sentence; the end of what was said goes along as a note, and to the log."""
    text = "\n".join(said)
    tail = "\n".join(said[-_TAIL_LINES:])
    missing = re.search(r"No matching distribution found for (.+)", text)
    contradiction = re.search(r"ERROR: Cannot install (.+?) because these package versions have conflicting", text)
    if "No space left on device" in text or "not enough space" in text:
        error = PluginError("There is no room for what the plugin requires.", cure="Make room on the disk.")
    elif "ensurepip" in text or "No module named venv" in text or "No module named pip" in text:
        error = PluginError(
            "This Python cannot make environments: its modules venv and ensurepip are missing.",
            cure="Install them, on Debian and Ubuntu with “apt install python3-venv”.",
        )
    elif _NO_NETWORK.search(text):
        error = PluginError(
            "What the plugin requires could not be fetched: the package index does not answer.",
            cure="Check the network connection, then try again.",
        )
    elif missing:
        error = PluginError(
            f"The plugin requires “{missing[1].strip()}”, which the package index does not have for this Python and "
            "machine as a wheel.",
            cure="Ask the plugin's author for a version that runs here.",
        )
    elif contradiction:
        error = PluginError(
            f"What the plugin requires contradicts itself: {contradiction[1]}.",
            cure="Ask the plugin's author for another version.",
        )
    else:
        last = next((line for line in reversed(said) if line.startswith("ERROR")), said[-1] if said else "")
        error = PluginError(
            f"What the plugin requires could not be installed: {last.removeprefix('ERROR:').strip().rstrip('.')}.",
            cure="The log has the details for its author.",
        )
    error.add_note(f"pip said:\n{tail}")
    _log.error("An environment could not be made. %s\n%s", error, tail)
    return error
