"""Wheels of plugins: which of their packages is the plugin, and what it requires, read without running any of it."""

from __future__ import annotations

import ast
import configparser
import email.parser
import platform
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from twinviewer import __version__
from twinviewer.app.plugins.collection import ENTRY_POINT_GROUP
from twinviewer.app.plugins.manifest import FILE_NAME
from twinviewer.model.errors import PluginError

OUR_NAME = "twinviewer"


def check_wheel_name(wheel: Path) -> None:
    """Make sure that a wheel is one for this Python and machine.

    Raises:
        PluginError: It is not, or is called as no wheel is.
    """
    try:
        _, _, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise PluginError(
            "The file is not called as wheels are: name-version-py3-none-any.whl.",
            cure="Give it the name back that it was built or published with.",
            source=wheel.name,
        ) from error
    if not tags & set(sys_tags()):
        raise PluginError(
            f"The wheel is for another Python or machine than this one ({platform.python_version()}, "
            f"{platform.machine()}).",
            cure="Choose the wheel for this one.",
            source=wheel.name,
        )


def plugin_in_wheel(unpacked: Path, name: str) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of the plugin's package in an unpacked wheel, and what the wheel requires here.

    Args:
        unpacked: The folder into which it was unpacked.
        name: Of the wheel, for messages.

    Raises:
        PluginError: There is no plugin in it, or not just one package; its entry point names something else; it
            requires another Python or another twinviewer.
    """
    (information, *others) = sorted(unpacked.glob("*.dist-info")) or [unpacked]
    metadata_file = information / "METADATA"
    if others or not metadata_file.is_file():
        raise _fault("The file is no wheel: it has no METADATA", name)
    metadata = email.parser.Parser().parsestr(metadata_file.read_text("utf-8", errors="replace"))
    _check_python(metadata.get("Requires-Python"), name)
    package = _package(unpacked, information / "entry_points.txt", name)
    _check_alone(unpacked, package, information, name)
    _check_imports(package, package.relative_to(unpacked), name)
    return package, applicable(metadata.get_all("Requires-Dist", []), name)


def applicable(requirements: Iterable[str], source: str) -> tuple[str, ...]:
    """Return the requirements that hold here, without twinviewer and without extras.

    Raises:
        PluginError: One is none, or asks for another twinviewer than this.
    """
    kept = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise _fault(f"“{text}” is not a requirement", source) from error
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        requirement.marker = None
        if requirement.name.lower() == OUR_NAME:
            if not requirement.specifier.contains(__version__, prereleases=True):
                raise PluginError(
                    f"The plugin requires twinviewer {requirement.specifier}; this is {__version__}.",
                    cure="Update twinviewer, or choose another version of the plugin.",
                    source=source,
                )
            continue
        kept.append(str(requirement))
    return tuple(kept)


def _check_python(required: str | None, name: str) -> None:
    try:
        fits = required is None or SpecifierSet(required).contains(platform.python_version(), prereleases=True)
    except InvalidSpecifier as error:
        raise _fault(f"“{required}” does not say which Python it requires", name) from error
    if not fits:
        raise PluginError(
            f"The plugin requires Python {required}; this program runs on {platform.python_version()}.",
            cure="Choose another version of the plugin, or of Python.",
            source=name,
        )


def _package(unpacked: Path, entry_points: Path, name: str) -> Path:
    found = sorted(manifest.parent for manifest in unpacked.rglob(FILE_NAME))
    named = _named_packages(entry_points, name)
    for package in named:
        if unpacked.joinpath(*package.split(".")) not in found:
            raise PluginError(
                f"The entry point in the wheel names “{package}”, where there is no {FILE_NAME}.",
                cure=f"Have the package contain {FILE_NAME}, or correct the entry point; then build the wheel anew.",
                source=name,
            )
    chosen = [unpacked.joinpath(*package.split(".")) for package in named] or found
    if len(chosen) != 1 or chosen[0] == unpacked:
        many = "more than one" if len(chosen) > 1 else "no"
        raise _fault(f"The wheel holds {many} package with a {FILE_NAME}", name)
    return chosen[0]


def _named_packages(entry_points: Path, name: str) -> list[str]:
    if not entry_points.is_file():
        return []
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        parser.read_string(entry_points.read_text("utf-8"))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise _fault("The entry points in the wheel cannot be read", name) from error
    return list(dict(parser[ENTRY_POINT_GROUP]).values()) if parser.has_section(ENTRY_POINT_GROUP) else []


def _check_alone(unpacked: Path, package: Path, information: Path, name: str) -> None:
    """Make sure that nothing is needed beside the package: it alone is installed."""
    top = unpacked / package.relative_to(unpacked).parts[0]
    others = sorted(
        each.name
        for each in unpacked.iterdir()
        if each not in (top, information) and (each.is_dir() or each.suffix in (".py", ".so", ".pyd", ".pth"))
    )
    if others:
        raise PluginError(
            f"The wheel holds more than the plugin's package: {', '.join(others)}.",
            cure="Put all of it into the package, or publish the rest by itself and require it.",
            source=name,
        )


def _check_imports(package: Path, relative: Path, name: str) -> None:
    """Make sure that the plugin's modules import each other relatively: installed, it has no import name of its own."""
    own = ".".join(relative.parts)
    for module in sorted(package.rglob("*.py")):
        try:
            tree = ast.parse(module.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            continue  # it is told with its place when the module is used
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported = [node.module or ""]
            else:
                continue
            if any(f"{each}.".startswith(f"{own}.") for each in imported):
                raise PluginError(
                    f"The module {module.relative_to(package)} imports its own package by name (line {node.lineno}).",
                    cure="Write “from .module import …”: a plugin has no import name of its own.",
                    source=name,
                )


def _fault(problem: str, source: str) -> PluginError:
    return PluginError(f"{problem}.", cure="Ask the plugin's author for another one.", source=source)
