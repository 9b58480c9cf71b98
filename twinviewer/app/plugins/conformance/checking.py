"""Checks a plugin: its files here, its code in a process of its own, which it may end or block."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twinviewer.api.importing import package_name
from twinviewer.app.plugins.conformance import project_files
from twinviewer.app.plugins.conformance.plugin_code import extremes
from twinviewer.app.plugins.conformance.project_files import PluginFiles, files_of
from twinviewer.app.plugins.conformance.report import Report
from twinviewer.app.plugins.conformance.verdicts import Finding, failed, passed
from twinviewer.app.plugins.environments import environment_for
from twinviewer.app.plugins.finding import Plugin, plugin_folder
from twinviewer.app.plugins.manifest import FILE_NAME
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.spawning import spawn
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Feedback, Silent

BLOCKED_S = 30.0
"""A check that does not end within this is blocked."""
_LOOK_EVERY_S = 0.02
_TRIAL = "twinviewer.app.plugins.conformance.trial"


def check_plugin(path: Path, *, feedback: Feedback | None = None, blocked_s: float = BLOCKED_S) -> Report:
    """Check the plugin that an author points at: its folder, or its project's.

    Args:
        path: The folder.
        feedback: Hears while an environment is made for what the plugin requires.
        blocked_s: A check that does not end within this is blocked.

    Raises:
        PluginError: There is no plugin, or its environment cannot be made.
        Cancelled: The person stopped it.
    """
    began = time.monotonic()
    folder = plugin_folder(path.absolute())
    try:
        plugin = PluginRegistry(folders=[]).add(folder)
        files = files_of(folder, plugin.manifest)
    except PluginError as error:
        verdict = failed(_with_place(error, folder), error.cure)
        return Report(
            plugin_id="",
            version="",
            findings=(Finding.of(verdict, check="manifest", subject=""),),
            took_s=time.monotonic() - began,
        )
    count = len(plugin.manifest.contributions)
    valid = passed(f"{FILE_NAME} is valid; {count} contribution{'' if count == 1 else 's'}")
    findings = [Finding.of(valid, check="manifest", subject="")]
    for check, run in project_files.CHECKS.items():
        findings += [Finding.of(verdict, check=check, subject="") for verdict in run(files)]
    findings += _trial(plugin, files, feedback or Silent(), blocked_s)
    return Report(
        plugin_id=plugin.id,
        version=plugin.manifest.version,
        findings=tuple(findings),
        took_s=time.monotonic() - began,
    )


def _with_place(error: PluginError, folder: Path) -> str:
    problem = error.problem.rstrip(".")
    where = error.source.removeprefix(f"{folder}/")
    return f"{where}: {problem}" if where else problem


def _trial(plugin: Plugin, files: PluginFiles, feedback: Feedback, blocked_s: float) -> list[Finding]:
    """Run the plugin's code in a process of its own, and return what was found out until that ended."""
    with tempfile.TemporaryDirectory(prefix="twinviewer-check-") as name:
        home = Path(name)
        scratch, diary = home / "scratch", home / "scratch" / "diary"
        scratch.mkdir()
        (home / "task").write_text(json.dumps(_task(plugin, files, scratch)), "utf-8")
        python = environment_for(plugin, feedback) if plugin.requirements else None
        process = spawn(_TRIAL, str(home / "task"), str(diary), python=python)
        words = _Words(process)
        status = _await(process, diary, blocked_s)
        findings, ended = _findings(diary)
        if not ended:
            findings.append(_end_finding(diary, status, blocked_s, words.heard()))
        words.stop()
        shutil.rmtree(scratch, ignore_errors=True)
        return findings


def _task(plugin: Plugin, files: PluginFiles, scratch: Path) -> dict[str, Any]:
    """Return what the process has to know, as plain values: it has numpy and nothing else."""
    manifest = plugin.manifest.model_dump(mode="json")
    tables = ("readers", "writers", "layers", "overlays", "analyses", "panels", "commands")
    return {
        "colour_maps": [theme.id for theme in plugin.manifest.themes if theme.colour_map is not None],
        "contributions": {table: manifest[table] for table in tables},
        "examples": [str(path) for path in files.examples],
        "folder": str(files.folder),
        "package": package_name(plugin.id, files.folder),
        "permissions": manifest["permissions"],
        "readable": [str(files.home)],
        "scratch": str(scratch),
        "settings": extremes(manifest["settings"]),
    }


class _Words:
    """What the process writes to its terminal, heard on threads so that it never waits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._hear, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _hear(self, stream: Any) -> None:
        for line in stream:
            self._lines = [*self._lines[-50:], line.decode("utf-8", errors="replace").rstrip()]

    def heard(self) -> str:
        """Return its last words; it has ended."""
        for thread in self._threads:
            thread.join(1.0)
        return "\n".join(self._lines)

    def stop(self) -> None:
        for thread in self._threads:
            thread.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _await(process: subprocess.Popen[bytes], diary: Path, blocked_s: float) -> int | None:
    """Wait for the end of the process; return its status, or None where it was blocked and had to be ended."""
    size, since = -1, time.monotonic()
    while process.poll() is None:
        now = diary.stat().st_size if diary.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > blocked_s:
            process.kill()
            process.wait()
            return None
        time.sleep(_LOOK_EVERY_S)
    return process.returncode


def _entries(diary: Path) -> Iterator[dict[str, Any]]:
    if diary.exists():
        for line in diary.read_text("utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                return  # the last line of a process that was ended
            if isinstance(entry, dict):
                yield entry


def _findings(diary: Path) -> tuple[list[Finding], bool]:
    """Return what was found out, and whether the process came to its end."""
    entries = list(_entries(diary))
    found = [Finding.from_json(entry["found"]) for entry in entries if "found" in entry]
    return found, any("ends" in entry for entry in entries)


def _end_finding(diary: Path, status: int | None, blocked_s: float, words: str) -> Finding:
    """Return what is to be said of a plugin that ended its process, or did not come back."""
    begun = [entry["begins"] for entry in _entries(diary) if "begins" in entry]
    check, subject = begun[-1] if begun else ("start", "")
    if status is None:
        verdict = failed(f"It does not come back: ended after {blocked_s:g} s", "Let every call end.", words)
    else:
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        cure = "Look for native code that fails, and for sys.exit and os._exit."
        verdict = failed(f"It ended the process ({how})", cure, words)
    return Finding.of(verdict, check=check, subject=subject)
