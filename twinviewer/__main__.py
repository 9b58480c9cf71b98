"""Where the program starts: ``twinviewer``, ``twinviewer-gui`` and ``python -m twinviewer``."""

from __future__ import annotations

import os
import sys

from twinviewer.app.spawning import WORKER_FLAG, run_spawned

INTERRUPTED_STATUS = 130
"""What shells call a program that Ctrl+C ended."""


def main() -> int:
    """Run the command line; return the exit status."""
    if sys.argv[1:2] == [WORKER_FLAG]:
        return run_spawned(sys.argv[2:])
    try:
        from twinviewer.cli.program import run  # the parser is not for workers

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl+C while the program was still being imported
        return INTERRUPTED_STATUS


def main_gui() -> int:
    """Run where there is no terminal: the GUI script of Windows has neither stdout nor stderr."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 – for as long as the program runs
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    return main()


if __name__ == "__main__":
    sys.exit(main())
