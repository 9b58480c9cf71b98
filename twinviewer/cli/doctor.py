"""``twinviewer doctor``: what works on this machine.

Graphics come last, and each line is written at once: a driver that ends the process leaves the rest to be read.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator

from twinviewer import __version__
from twinviewer.app.diagnosis import (
    Check,
    Health,
    checked,
    format_checks,
    machine_checks,
    place_checks,
    plugin_checks,
)
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import DisplayError


def print_diagnosis(*, safe_mode: bool) -> int:
    """Print what works; return 1 if something that is needed does not."""
    print(f"twinviewer {__version__}, Python {platform.python_version()}, {platform.platform()}")
    healthy = True
    groups: tuple[tuple[str, Callable[[], Iterable[Check]]], ...] = (
        ("Formats", format_checks),
        ("Reference systems", place_checks),
        ("Plugins", lambda: plugin_checks(PluginRegistry(safe_mode=safe_mode))),
        ("Machine", machine_checks),
        ("Pictures", _picture_checks),
        ("Window", _window_checks),
    )
    for title, checks in groups:
        print(f"\n{title}", flush=True)
        for check in checks():
            print(f"  {check.health:<6}{check.subject:<15} {check.text}", flush=True)
            healthy = healthy and check.health is not Health.FAILS
    return int(not healthy)


def _picture_checks() -> Iterator[Check]:
    yield checked("VTK", _vtk)
    yield _graphics_check(_graphics_without_window)


def _window_checks() -> Iterator[Check]:
    canary = checked("Qt", _sound_qt)
    yield canary
    if canary.health is Health.FAILS:
        return
    try:
        from twinviewer.ui.display import require_display

        require_display()
    except DisplayError as error:
        yield Check(subject="Display", health=Health.NOTE, text=str(error))
        return
    yield checked("Display", _screens)
    yield _graphics_check(_graphics_of_windows)


def _graphics_check(find: Callable[[], tuple[str, bool]]) -> Check:
    software = False

    def examine() -> str:
        nonlocal software
        text, software = find()
        return f"{text} – the processor draws: right, but slow" if software else text

    check = checked("OpenGL", examine)
    return Check(subject=check.subject, health=Health.NOTE, text=check.text) if software else check


def _vtk() -> str:
    from twinviewer.scene.opengl import library_versions

    return library_versions()


def _sound_qt() -> str:
    from twinviewer.ui.canary import library_versions, require_sound_qt

    require_sound_qt()
    return f"{library_versions()}, keeps count of its references"


def _screens() -> str:
    from twinviewer.ui.window_facts import screens

    return screens()


def _graphics_without_window() -> tuple[str, bool]:
    from twinviewer.scene.opengl import graphics_without_window

    found = graphics_without_window()
    return f"{found.vendor}, {found.renderer}, {found.version}", found.is_software


def _graphics_of_windows() -> tuple[str, bool]:
    from twinviewer.ui.window_facts import graphics_of_windows

    found = graphics_of_windows()
    return f"{found.vendor}, {found.renderer}, {found.version}", found.is_software
