"""How the parser is told of options; imported by whatever declares commands, so it imports nothing but the parser."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def flag(help: str) -> Parameter:
    """Return an option that takes no value and has no ``--no-`` form."""
    return Parameter(help=help, negative="", show_default=False)


SafeMode = Annotated[bool, Parameter(parse=False)]  # an option of all commands: see program.launch
