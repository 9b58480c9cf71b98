"""Checks of a plugin's files: none of its code is run."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from twinviewer import api
from twinviewer.app import colour_maps, themes, tours
from twinviewer.app.plugins.collection import ENTRY_POINT_GROUP
from twinviewer.app.plugins.conformance.verdicts import Verdict, failed, passed, warning
from twinviewer.app.plugins.manifest import Manifest
from twinviewer.model.errors import PluginError

_GUI = {"PySide6", "PySide2", "PyQt6", "PyQt5", "qtpy", "shiboken6", "pyvistaqt", "tkinter"}
_READMES = ("README.md", "README.rst", "README.txt", "README")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFiles:
    """Where the files of a plugin are, and what they say."""

    folder: Path
    """Of ``plugin.toml`` and the modules."""
    manifest: Manifest
    project: Path | None
    """Folder of its ``pyproject.toml``; None where it is a plain folder."""
    project_table: dict[str, Any]
    """``[project]``; empty where there is none."""

    @property
    def home(self) -> Path:
        """Where the README and the examples are."""
        return self.project or self.folder

    @property
    def examples(self) -> tuple[Path, ...]:
        """Files that its readers may be tried on."""
        roots = {self.home / "examples", self.folder / "examples"}
        return tuple(sorted(path for root in roots if root.is_dir() for path in root.rglob("*") if path.is_file()))


def files_of(folder: Path, manifest: Manifest) -> PluginFiles:
    """Return the files of a plugin and of its project: in the same folder, the one above, or above ``src``.

    Raises:
        PluginError: The project file is no TOML.
    """
    above = [folder, folder.parent, *([folder.parent.parent] if folder.parent.name == "src" else [])]
    for project in above:
        path = project / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            table = tomllib.loads(path.read_text("utf-8")).get("project", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PluginError(
                f"The project file is not valid TOML: {error}.", cure="Correct that line.", source=str(path)
            ) from error
        return PluginFiles(folder=folder, manifest=manifest, project=project, project_table=table)
    return PluginFiles(folder=folder, manifest=manifest, project=None, project_table={})


def _entry_points(table: dict[str, Any]) -> dict[str, str]:
    found = table.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
    return found if isinstance(found, dict) else {}


# --- what code imports ----------------------------------------------------------------------------------------------


def imports(files: PluginFiles) -> list[Verdict]:
    """Whether modules import nothing of the program but its API, and what they need is declared."""
    found: list[Verdict] = []
    declared: set[str] = {canonicalize_name(name) for name in _declared(files)}
    for path in sorted(files.folder.rglob("*.py")):
        name = str(path.relative_to(files.folder))
        try:
            tree = ast.parse(path.read_bytes(), filename=name)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            found.append(failed(f"{name}{f':{line}' if line else ''} is not Python: {error}", "Correct that line."))
            continue
        own = {files.folder.name, *(part.stem for part in files.folder.iterdir())}
        for line, module, names in _imports(tree):
            found += _import_faults(f"{name}:{line}", module, names, own=own, declared=declared)
    return found or [passed("Modules import twinviewer.api, what is declared, and each other")]


def _declared(files: PluginFiles) -> Iterator[str]:
    for text in files.project_table.get("dependencies", ()):
        try:
            yield Requirement(text).name
        except InvalidRequirement:
            continue  # told where the packaging is checked


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line, module and names of each import that is not relative."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, str(node.module), tuple(alias.name for alias in node.names)


def _import_faults(
    where: str, module: str, names: Sequence[str], *, own: set[str], declared: set[str]
) -> Iterator[Verdict]:
    top = module.partition(".")[0]
    if module == "twinviewer.api":
        unknown = sorted(set(names) - {*api.__all__, "*"})
        if unknown:
            yield failed(f"{where} uses {', '.join(unknown)}, which twinviewer.api does not promise", "Do without.")
    elif top == "twinviewer":
        if module != "twinviewer" or set(names) != {"api"}:
            yield failed(f"{where} imports {module}, which may change any day", "Import from twinviewer.api alone.")
    elif top in _GUI:
        yield failed(f"{where} imports {top}", "Return values: panels are made by the program.")
    elif top in own - sys.stdlib_module_names:
        cure = f"Import it relatively, “from .{module} import …”, so that it is found wherever the plugin lies."
        yield failed(f"{where} imports the plugin's own “{module}” by an absolute name", cure)
    elif top not in sys.stdlib_module_names and top != "numpy" and not _provided(top) & declared:
        cure = "List what provides it under [project] dependencies; the plugin then gets an environment of its own."
        yield failed(f"{where} imports {top}, which is not declared", cure)


def _provided(module: str) -> set[str]:
    """Return the normalised names of the distributions that may provide a module."""
    known = importlib.metadata.packages_distributions().get(module, ())
    return {canonicalize_name(name) for name in (module, *known)}


# --- what people read -----------------------------------------------------------------------------------------------


def documents(files: PluginFiles) -> list[Verdict]:
    """Whether it says what it is and does."""
    found = []
    if not any((files.home / name).is_file() for name in _READMES):
        found.append(warning("There is no README", "Say what it shows, where the data comes from, and how to try it."))
    if not files.manifest.description:
        found.append(warning("The manifest has no description", "Say in one sentence what the plugin does."))
    found += [
        warning(f"The title “{each.title}” ends in a full stop", "Titles have none.")
        for each in files.manifest.contributions
        if each.title.endswith(".")
    ]
    found += [
        warning(f"The setting “{each.key}” has no bounds", "Give it minimum and maximum.")
        for each in files.manifest.settings
        if each.type in ("number", "integer") and (each.minimum is None or each.maximum is None)
    ]
    return found or [passed("README, description and titles are there")]


def licence(files: PluginFiles) -> list[Verdict]:
    """Whether the licence is one that machines know, with its text beside it."""
    stated = files.manifest.licence
    try:
        right = canonicalize_license_expression(stated)
    except InvalidLicenseExpression:
        cure = "Use an SPDX expression: Apache-2.0, MIT, EUPL-1.2 …"
        return [failed(f"“{stated}” is not a licence that SPDX knows", cure)]
    found = []
    if right != stated:
        found.append(warning(f"SPDX spells the licence {right}", f"Write “{right}”."))
    of_project = files.project_table.get("license")
    if isinstance(of_project, str) and of_project != stated:
        found.append(failed(f"pyproject.toml says “{of_project}” and plugin.toml “{stated}”", "Say the same in both."))
    if files.project is not None and not [*files.project.glob("LICEN[CS]E*"), *files.project.glob("COPYING*")]:
        found.append(warning("The text of the licence is not there", "Put it into the file LICENSE."))
    return found or [passed(stated)]


def packaging(files: PluginFiles) -> list[Verdict]:
    """Whether a wheel of it would be found by the program."""
    if files.project is None:
        return [passed("A plain folder: it is installed as it is")]
    table, found = files.project_table, []
    package = ".".join(files.folder.relative_to(files.project).parts).removeprefix("src.")
    values = [str(value).partition(":")[0] for value in _entry_points(table).values()]
    if package not in values:
        said = f"names {', '.join(values)}" if values else "names nothing"
        cure = f'[project.entry-points."{ENTRY_POINT_GROUP}"]  {files.manifest.id} = "{package}"'
        found.append(failed(f"The entry point group {ENTRY_POINT_GROUP} {said}, and the plugin is {package}", cure))
    version = table.get("version")
    if version is not None and version != files.manifest.version:
        said = f"pyproject.toml says version {version} and plugin.toml {files.manifest.version}"
        found.append(failed(said, "Say the same in both."))
    for text in table.get("dependencies", ()):
        try:
            Requirement(text)
        except InvalidRequirement as error:
            found.append(failed(f"“{text}” is not a requirement: {error}", "Write it as PEP 508 says."))
    if not (files.folder / "__init__.py").is_file():
        found.append(warning("The package has no __init__.py", "Add one, so that all tools find the package."))
    return found or [passed(f"The entry point names {package}, and versions agree")]


def other_files(files: PluginFiles) -> list[Verdict]:
    """Whether the files of themes and tours say what they should."""
    found = []
    for theme in files.manifest.themes:
        try:
            if theme.colour_map is not None:
                colour_maps.read_colour_map(themes.file_of(files.folder, theme.colour_map))
            if theme.style is not None:
                themes.read_style(themes.file_of(files.folder, theme.style))
        except PluginError as error:
            found.append(failed(f"{theme.id}: {error.problem.rstrip('.')}", error.cure))
    for tour in files.manifest.tours:
        try:
            tours.read_tour(themes.file_of(files.folder, tour.file))
        except PluginError as error:
            found.append(failed(f"{tour.id}: {error.problem.rstrip('.')}", error.cure))
    ids = [each.id for each in (*files.manifest.themes, *files.manifest.tours)]
    return found or ([passed(f"The files of {', '.join(ids)} can be used")] if ids else [])


def secrets(files: PluginFiles) -> list[Verdict]:
    """Whether a secret lies in the files."""
    pattern = re.compile(r"""(?i)\b(api_?key|token|password|secret)\b\s*[:=]\s*["'][A-Za-z0-9_\-]{16,}["']""")
    for path in sorted(files.folder.rglob("*")):
        if path.suffix in (".py", ".toml", ".json") and path.is_file() and pattern.search(_text(path)):
            cure = "Declare a setting of type “secret”: the person enters it, and the system's keyring keeps it."
            return [failed(f"{path.relative_to(files.folder)} seems to hold a password or a key", cure)]
    return []


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


CHECKS = {
    "imports": imports,
    "documents": documents,
    "licence": licence,
    "packaging": packaging,
    "files": other_files,
    "secrets": secrets,
}
