"""Everything that changes the document, each a value that can be done, undone, tested and scripted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import Bookmark, LayerId, LayerSpec, OverlaySpec, Project, Style


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLayers:
    """Put layers on top of the list; the first ones of a project also bring its reference system and origin."""

    layers: tuple[LayerSpec, ...]
    crs: ReferenceSystem | None = None
    origin: tuple[float, float, float] | None = None

    @property
    def label(self) -> str:
        return f"Add {self.layers[0].title}" if len(self.layers) == 1 else f"Add {len(self.layers)} layers"

    def apply(self, project: Project) -> Project:
        if project.crs is None:
            project = replace(project, crs=self.crs, origin=self.origin)
        return replace(project, layers=(*self.layers, *project.layers))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLayers:
    layer_ids: frozenset[LayerId]

    @property
    def label(self) -> str:
        return "Remove layer" if len(self.layer_ids) == 1 else f"Remove {len(self.layer_ids)} layers"

    def apply(self, project: Project) -> Project:
        return replace(project, layers=tuple(layer for layer in project.layers if layer.id not in self.layer_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameLayer:
    layer_id: LayerId
    title: str

    @property
    def label(self) -> str:
        return f"Rename to {self.title}"

    def apply(self, project: Project) -> Project:
        return project.with_layer(replace(project.layer(self.layer_id), title=self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVisible:
    layer_ids: frozenset[LayerId]
    visible: bool

    @property
    def label(self) -> str:
        return ("Show" if self.visible else "Hide") + (" layer" if len(self.layer_ids) == 1 else " layers")

    def apply(self, project: Project) -> Project:
        return replace(
            project,
            layers=tuple(
                replace(layer, visible=self.visible) if layer.id in self.layer_ids else layer
                for layer in project.layers
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOpacity:
    layer_id: LayerId
    opacity: float
    """0 (not seen) to 1."""

    @property
    def label(self) -> str:
        return "Change opacity"

    def apply(self, project: Project) -> Project:
        return project.with_layer(replace(project.layer(self.layer_id), opacity=min(1.0, max(0.0, self.opacity))))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStyle:
    layer_id: LayerId
    style: Style

    @property
    def label(self) -> str:
        return "Change style"

    def apply(self, project: Project) -> Project:
        return project.with_layer(replace(project.layer(self.layer_id), style=self.style))


@dataclass(frozen=True, slots=True, kw_only=True)
class HideTypes:
    """Hide classes of city objects and types of surfaces, or show them again."""

    layer_ids: frozenset[LayerId]
    types: tuple[str, ...]
    hidden: bool

    @property
    def label(self) -> str:
        what = self.types[0] if len(self.types) == 1 else f"{len(self.types)} types"
        return f"{'Hide' if self.hidden else 'Show'} {what}"

    def apply(self, project: Project) -> Project:
        return replace(
            project,
            layers=tuple(
                replace(layer, style=replace(layer.style, hidden_types=self._hidden_of(layer.style)))
                if layer.id in self.layer_ids
                else layer
                for layer in project.layers
            ),
        )

    def _hidden_of(self, style: Style) -> tuple[str, ...]:
        others = set(style.hidden_types).difference(self.types)
        return tuple(sorted(others.union(self.types if self.hidden else ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLayers:
    """Move layers, in their present order, to stand before ``before`` (None: at the end), within ``group``."""

    layer_ids: frozenset[LayerId]
    before: LayerId | None
    group: str = ""

    @property
    def label(self) -> str:
        return "Move layer" if len(self.layer_ids) == 1 else "Move layers"

    def apply(self, project: Project) -> Project:
        moved = [replace(layer, group=self.group) for layer in project.layers if layer.id in self.layer_ids]
        rest = [layer for layer in project.layers if layer.id not in self.layer_ids]
        at = next((i for i, layer in enumerate(rest) if layer.id == self.before), len(rest))
        return replace(project, layers=(*rest[:at], *moved, *rest[at:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOverlay:
    """Switch an overlay on or off, or change how it is shown."""

    overlay: OverlaySpec

    @property
    def label(self) -> str:
        return "Show overlay" if self.overlay.visible else "Hide overlay"

    def apply(self, project: Project) -> Project:
        others = tuple(overlay for overlay in project.overlays if overlay.id != self.overlay.id)
        return replace(project, overlays=tuple(sorted((*others, self.overlay), key=lambda overlay: overlay.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddBookmark:
    bookmark: Bookmark

    @property
    def label(self) -> str:
        return f"Add bookmark {self.bookmark.title}"

    def apply(self, project: Project) -> Project:
        return replace(project, bookmarks=(*project.bookmarks, self.bookmark))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveBookmark:
    title: str

    @property
    def label(self) -> str:
        return f"Remove bookmark {self.title}"

    def apply(self, project: Project) -> Project:
        return replace(project, bookmarks=tuple(mark for mark in project.bookmarks if mark.title != self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreset:
    preset: str

    @property
    def label(self) -> str:
        return "Change render preset"

    def apply(self, project: Project) -> Project:
        return replace(project, preset=self.preset)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOverlays:
    """Switch several overlays on or off at once; how they are shown stays."""

    switches: tuple[tuple[str, bool], ...]
    """(contribution id, whether it is on)"""
    label: str = "Switch overlays"

    def apply(self, project: Project) -> Project:
        specs = {spec.id: spec for spec in project.overlays}
        for overlay_id, on in self.switches:
            spec = specs.get(overlay_id)
            if spec is not None or on:
                specs[overlay_id] = replace(spec or OverlaySpec(id=overlay_id), visible=on)
        return replace(project, overlays=tuple(sorted(specs.values(), key=lambda spec: spec.id)))
