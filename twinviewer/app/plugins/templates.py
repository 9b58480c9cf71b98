"""A new plugin as a project of its own: small, typed, tested, and at work at once.

The files are plain ones in ``assets/templates``; in them ``$name`` and its like are filled in, and nothing else is.
"""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from twinviewer.model.errors import UsageError, WriteError
from twinviewer.resources import asset

LICENCES = ("Apache-2.0", "MIT")
"""SPDX identifiers of the licences whose text a project can begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a template makes."""

    module: str
    """Of the code, and of its test."""
    description: str
    """Of the plugin, until its author has a better one."""
    examples: tuple[str, ...] = ()
    """Files to try it on."""


KINDS: Mapping[str, Kind] = {
    "overlay": Kind(module="overlay", description="Drones that circle over the town, made up."),
    "reader": Kind(module="reader", description="Reads tables of places as points.", examples=("squares.places.csv",)),
    "analysis": Kind(module="analysis", description="Finds the buildings that are higher than a limit."),
    "panel": Kind(module="panel", description="Says how high the buildings of the town are."),
    "layer": Kind(module="layer", description="Rings around the middle of the town: how far one walks."),
}

LONGEST_NAME = 64
"""Characters; with what is put around it, a file name may have 255 on most systems."""
_NAME = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")  # PyPA's specification of names
_TAKEN = sys.stdlib_module_names | {"numpy", "twinviewer", "tests", "examples"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a plugin is called in each of the places where it has a name."""

    name: str
    """Of the distribution, normalised as PEP 503 says; the plugin's id too."""
    package: str
    """For ``import``."""
    title: str
    """For people."""


def names_of(name: str) -> Names:
    """Return how a plugin is called.

    Raises:
        UsageError: A distribution or a Python package cannot be called so.
    """
    if len(name) > LONGEST_NAME:
        raise UsageError(f"A plugin cannot be called “{name[:20]}…”.", cure=f"Use at most {LONGEST_NAME} characters.")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"A plugin cannot be called “{name}”.",
            cure="Use letters, digits and hyphens, with a letter at the beginning: hello-city.",
        )
    normalised = re.sub(r"[-_.]+", "-", name).lower()
    package = normalised.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        raise UsageError(
            f"“{name}” cannot be the name of a Python package.",
            cure="Begin it with a letter, and take no word of the language.",
        )
    if package in _TAKEN:
        raise UsageError(f"There is a Python package “{package}” already.", cure="Choose a name of your own.")
    return Names(name=normalised, package=package, title=normalised.replace("-", " ").capitalize())


def new_project(name: str, *, kind: str, parent: Path, licence: str = LICENCES[0]) -> Path:
    """Write a project for a plugin into a new folder, all or nothing; return the folder.

    Args:
        name: Of the plugin and of the folder.
        kind: One of :data:`KINDS`.
        parent: Where the folder is made.
        licence: One of :data:`LICENCES`.

    Raises:
        UsageError: There is no such kind or licence, the name is none, or the folder is there already.
        WriteError: The disk said no.
    """
    names = names_of(name)
    if kind not in KINDS:
        raise UsageError(f"There is no template for “{kind}”.", cure=f"Choose one of {', '.join(KINDS)}.")
    if licence not in LICENCES:
        raise UsageError(
            f"There is no text for the licence “{licence}”.",
            cure=f"Choose one of {', '.join(LICENCES)}; another one you can put into the file LICENSE yourself.",
        )
    folder = parent / names.name
    if folder.exists() or folder.is_symlink():
        raise UsageError("It is there already.", cure="Choose another name or folder.", source=str(folder))
    unfinished: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{names.name}-", dir=parent))
        for path, text in _files(names, kind=kind, licence=licence).items():
            target = unfinished / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8", newline="\n")
        unfinished.chmod(0o777 & ~_umask())
        unfinished.rename(folder)
    except OSError as error:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
        raise WriteError(
            f"The project could not be written ({error.strerror or error}).",
            cure="Check that the folder can be written to, or choose another one.",
            source=str(folder),
        ) from error
    return folder


def _files(names: Names, *, kind: str, licence: str) -> dict[str, str]:
    """Return the text of each file of a new project, by its path in the project."""
    made = KINDS[kind]
    known = {
        "name": names.name,
        "id": names.name,
        "package": names.package,
        "title": names.title,
        "description": made.description,
        "module": made.module,
        "licence": licence,
    }
    places = {
        "pyproject.toml": "project/pyproject.toml",
        "README.md": "project/README.md",
        "LICENSE": f"licences/{licence}.txt",
        ".gitignore": "project/gitignore",
        ".github/workflows/check.yml": "project/workflow.yml",
        f"{names.package}/__init__.py": "project/__init__.py",
        f"{names.package}/plugin.toml": f"{kind}/plugin.toml",
        f"{names.package}/{made.module}.py": f"{kind}/{made.module}.py",
        f"tests/test_{made.module}.py": f"{kind}/test_{made.module}.py",
        **{f"examples/{example}": f"{kind}/{example}" for example in made.examples},
    }
    folder = asset("templates")
    filled = {path: Template((folder / source).read_text("utf-8")).substitute(known) for path, source in places.items()}
    return {**filled, f"{names.package}/py.typed": ""}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
