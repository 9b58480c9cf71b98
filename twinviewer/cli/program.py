"""The commands, their options and what becomes of their errors.

``--help`` must be there at once, so this module imports nothing but the parser; each command imports what it needs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from twinviewer import __version__
from twinviewer.cli.parameters import SafeMode, flag
from twinviewer.cli.plugin import plugin_app
from twinviewer.demo import FEWEST_BUILDINGS, MOST_BUILDINGS, USUAL_BUILDINGS

FAILED_STATUS = 1
USAGE_STATUS = 2


Paths = Annotated[str, Parameter(help="Files, folders (all files in them that can be read) or a .twin project.")]
Crs = Annotated[str | None, Parameter(help="Reference system of files that do not say theirs, for example EPSG:25832.")]

app = App(
    name="twinviewer",
    version=f"twinviewer {__version__}",
    usage="Usage: twinviewer [PATH...] [OPTIONS]\n       twinviewer COMMAND [PATH...] [OPTIONS]",
    help="Show cities in three dimensions: city models, laser points, terrain and map layers in one scene.",
    help_epilogue="Example: twinviewer buildings.gml points.laz\n\n"
    "A file that is named like a command is opened as ./demo. More about a command: twinviewer COMMAND --help",
    help_format="plaintext",
    result_action="return_value",
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
)

app.meta.suppress_keyboard_interrupt = False


@app.default
def open_window(
    *paths: Paths,
    crs: Crs = None,
    self_check: Annotated[bool, flag("Open a small city, load the plugins, render one frame, and end.")] = False,
    safe_mode: SafeMode = False,
) -> int:
    """Open the window."""
    if self_check:
        from twinviewer.cli.self_check import check

        return check()
    from twinviewer.cli import window

    return window.open_window(paths, crs=crs, safe_mode=safe_mode)


@app.command(help_epilogue="Example: twinviewer demo --buildings 5000")
def demo(
    *,
    buildings: Annotated[
        int, Parameter(help=f"How large the town is: {FEWEST_BUILDINGS} to {MOST_BUILDINGS:,} buildings.")
    ] = USUAL_BUILDINGS,
    snapshot: Annotated[
        Path | None, Parameter(help="Write a picture of the window to this PNG once everything is shown, and end.")
    ] = None,
    safe_mode: SafeMode = False,
) -> int:
    """Open a fictional town with everything in it; it is made on first use."""
    from twinviewer.cli import window

    return window.open_demo(buildings, snapshot=snapshot, safe_mode=safe_mode)


@app.command(
    usage="Usage: twinviewer info PATH... [OPTIONS]",
    help_epilogue="Example: twinviewer info buildings.gml points.laz --json",
)
def info(
    *paths: Paths,
    json: Annotated[bool, flag("Print one JSON object per path, each on a line (docs/info-json.md).")] = False,
    crs: Crs = None,
    safe_mode: SafeMode = False,
) -> int:
    """Say what is in files: format, reference system, extent, counts, attributes, and what is wrong with them."""
    from twinviewer.cli.info import print_info

    return print_info(paths, as_json=json, crs=crs, safe_mode=safe_mode)


@app.command(
    usage="Usage: twinviewer render PATH... -o PICTURE.png [OPTIONS]",
    help_epilogue="Example: twinviewer render city.twin -o evening.png --time 2025-06-21T20:30",
)
def render(
    *paths: Paths,
    output: Annotated[Path, Parameter(name=("--output", "-o"), help="The PNG to write.")],
    size: Annotated[str, Parameter(help="Width and height in pixels.")] = "1600x1000",
    view: Annotated[str | None, Parameter(help="iso, top, overview, street, or the title of a bookmark.")] = None,
    time: Annotated[
        str | None, Parameter(help="Date and time for the sun, as ISO 8601; without an offset it is local time.")
    ] = None,
    color_by: Annotated[
        str | None,
        Parameter(help="An attribute to colour layers by; or type, surface, class, elevation, intensity, rgb."),
    ] = None,
    crs: Crs = None,
    safe_mode: SafeMode = False,
) -> int:
    """Draw a picture, without a window or a display."""
    from twinviewer.cli.render import render_picture

    return render_picture(
        paths, output=output, size=size, view=view, time=time, color_by=color_by, crs=crs, safe_mode=safe_mode
    )


@app.command(
    usage="Usage: twinviewer convert PATH... -o OUTPUT [OPTIONS]",
    help_epilogue="Example: twinviewer convert points.laz -o points-utm33.laz --to-crs EPSG:25833",
)
def convert(
    *paths: Annotated[str, Parameter(help="Files, or folders (all files in them that can be read).")],
    output: Annotated[Path, Parameter(name=("--output", "-o"), help="The file to write; its ending says the format.")],
    to_crs: Annotated[
        str | None, Parameter(help="The reference system to write in; without it, that of the file.")
    ] = None,
    layer: Annotated[str | None, Parameter(help="The one layer to write of files that hold several.")] = None,
    crs: Crs = None,
    safe_mode: SafeMode = False,
) -> int:
    """Write files in another format, or in another reference system."""
    from twinviewer.cli.convert import convert_files

    return convert_files(paths, output=output, crs=crs, to_crs=to_crs, layer=layer, safe_mode=safe_mode)


@app.command(help_epilogue="Example: twinviewer doctor")
def doctor(*, safe_mode: SafeMode = False) -> int:
    """Say what works on this machine: graphics, window system, formats, reference systems, folders."""
    from twinviewer.cli.doctor import print_diagnosis

    return print_diagnosis(safe_mode=safe_mode)


app.command(plugin_app)


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    safe_mode: Annotated[bool, flag("Load no plugins, only what is built in.")] = False,
    debug: Annotated[bool, flag("Write the log to the terminal, and tracebacks of errors.")] = False,
) -> int:
    """Read the options that all commands have, then run the command."""
    from twinviewer.app.log import start_logging

    command, bound, unparsed = app.parse_args(tokens, print_error=False, exit_on_error=False)
    start_logging(debug=debug)
    shared = {"safe_mode": safe_mode} if "safe_mode" in unparsed else {}
    status: int = command(*bound.args, **bound.kwargs, **shared)
    return status


def run(arguments: Sequence[str]) -> int:
    """Run a command line; return the exit status: 0, 1 for what went wrong, 2 for a command line that is no use."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows few letters must not end the work
    try:
        status = app.meta(list(arguments), print_error=False, exit_on_error=False) or 0  # --help gives None
        sys.stdout.flush()
        return int(status)
    except CycloptsError as error:
        print(f"twinviewer: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE_STATUS
    except BrokenPipeError:  # whoever read stdout (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED_STATUS
    except Exception as error:  # noqa: BLE001 – the last door: whatever it is, a person gets one sentence
        from twinviewer.cli.sentences import tell_end

        return tell_end(error, debug="--debug" in arguments)
