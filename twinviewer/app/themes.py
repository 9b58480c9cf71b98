"""Themes of plugins: colour maps, made known by name, and styles, offered for the layers that they fit.

Both are data in small JSON files: no code runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pydantic

from twinviewer.app import colour_maps
from twinviewer.app.plugins.manifest import LayerKind, ThemeContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError
from twinviewer.model.project import Style

STYLE_LIMIT_BYTES = 64 * 1024

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_OWN_MAP = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class StylePreset:
    """A style that a plugin offers."""

    id: str
    """Contribution id."""
    title: str
    style: Style
    named: frozenset[str]
    """Those members of ``style`` that the file names; the others stay as they are."""
    kinds: tuple[LayerKind, ...]
    """Layers that it is for; empty: any."""

    def fits(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    def applied_to(self, style: Style) -> Style:
        """Return ``style`` with what the preset says."""
        return replace(style, **{name: getattr(self.style, name) for name in self.named})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributedMap:
    """A colour map that a plugin contributes."""

    id: str
    """Contribution id: its name in scales and styles."""
    title: str


class Themes:
    """What the plugins of a registry contribute to colours and styles.

    Args:
        registry: Where themes come from; :meth:`renew` follows what changed there.
        on_error: Hears of each file that cannot be used.
    """

    def __init__(self, registry: PluginRegistry, *, on_error: Callable[[PluginError], None]) -> None:
        self._registry, self._on_error = registry, on_error
        self.maps: tuple[ContributedMap, ...] = ()
        self.presets: tuple[StylePreset, ...] = ()
        self.renew()

    def renew(self) -> None:
        """Read the files anew: plugins came, went or were loaded again."""
        maps, presets = [], []
        for theme in self._registry.themes:
            folder = Path(self._registry.plugin_of(theme.id).code.folder)
            try:
                if theme.colour_map is not None:
                    colour_maps.contribute(theme.id, colour_maps.read_colour_map(file_of(folder, theme.colour_map)))
                    maps.append(ContributedMap(id=theme.id, title=theme.title))
                if theme.style is not None:
                    presets.append(_read_preset(theme, file_of(folder, theme.style)))
            except PluginError as error:
                self._on_error(error)
        for gone in {each.id for each in self.maps} - {each.id for each in maps}:
            colour_maps.withdraw(gone)
        self.maps, self.presets = tuple(maps), tuple(presets)

    def withdraw(self) -> None:
        """Forget the colour maps: the registry is of no use any more."""
        for each in self.maps:
            colour_maps.withdraw(each.id)
        self.maps = self.presets = ()


def file_of(folder: Path, name: str) -> Path:
    """Return the path of a plugin's file.

    Raises:
        PluginError: The name leads out of the plugin's folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PluginError(f"The file “{name}” is not in the plugin's folder.", cure="Put it there.", source=str(folder))
    return path


def read_style(path: Path) -> tuple[Style, frozenset[str]]:
    """Return a style from a JSON object of its members, and which of them the file names.

    Raises:
        PluginError: It cannot be read, is too large, or says what a style cannot be.
    """
    cure = "A style is a JSON object with members of a layer's style, as in project.schema.json."
    try:
        if path.stat().st_size > STYLE_LIMIT_BYTES:
            raise PluginError("A style is larger than 64 KiB.", cure=cure, source=str(path))
        text = path.read_bytes()
        style = _STYLE.validate_json(text)
        members = frozenset(_OBJECT.validate_json(text))
    except OSError as error:
        raise PluginError(
            f"A style cannot be read: {error.strerror}.", cure="Correct its path in plugin.toml.", source=str(path)
        ) from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the style"
        raise PluginError(f"“{where}” of a style does not fit: {first['msg']}.", cure=cure, source=str(path)) from error
    unknown = sorted(members - Style.__dataclass_fields__.keys())
    fault = f"“{unknown[0]}” is no member of a style." if unknown else _fault(style)
    if fault:
        raise PluginError(fault, cure=cure, source=str(path))
    return style, members


_STYLE = pydantic.TypeAdapter(Style)
_OBJECT = pydantic.TypeAdapter(dict[str, Any])


def _fault(style: Style) -> str:
    """Return what is wrong with a style's values; empty: nothing."""
    if style.colour is not None and not _COLOUR.fullmatch(style.colour):
        return f"“colour” is “{style.colour:.20}” instead of “#rrggbb”."
    if style.colour_map not in colour_maps.shipped() and not _OWN_MAP.fullmatch(style.colour_map):
        return f"There is no colour map “{style.colour_map:.40}”."
    low, high = style.value_range or (0.0, 1.0)
    if not -1e300 < low < high < 1e300:
        return "“value_range” is empty."
    if not (0.5 <= style.point_size_px <= 20 and 0.5 <= style.line_width_px <= 20):
        return "Sizes of points and lines are 0.5 to 20 px."
    return ""


def _read_preset(theme: ThemeContribution, path: Path) -> StylePreset:
    style, members = read_style(path)
    return StylePreset(id=theme.id, title=theme.title, style=style, named=members, kinds=theme.kinds)
