"""The document: one immutable value that says everything a project file says.

It changes in one place, ``Session.do(command)``.  Undo is keeping the old value.  Bulky data lies beside it,
keyed by layer id; the camera and the clock are view state: saved with it, never undone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from twinviewer.model.place import ReferenceSystem

LayerId = str
"""Stable, unique within a project: ``"layer-3"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a layer is drawn.  ``None`` and empty mean: the default of the layer's kind."""

    colour: str | None = None
    """``#rrggbb``, for all of the layer."""
    color_by: str | None = None
    """An attribute's name, or ``type``, ``surface``, ``class``, ``elevation``, ``intensity``, ``rgb``, or ``plain``: a
    city model without its appearance."""
    colour_map: str = "viridis"
    value_range: tuple[float, float] | None = None
    """None: the 2nd to 98th percentile of the values."""
    point_size_px: float = 2.0
    line_width_px: float = 2.0
    lod: str | None = None
    """Level of detail to show; None: the highest that each object has."""
    theme: str | None = None
    """Of a city model's appearance, shown where neither ``colour`` nor ``color_by`` is given; None: the one with the
    most textures, and where nothing has textures, none."""
    hidden_types: tuple[str, ...] = ()
    """Classes of city objects and types of surfaces that are not drawn: ``RoofSurface``, ``Room`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSource:
    """Where a layer's data comes from, and what was chosen when it was read."""

    path: str
    """Absolute in memory; relative to the project file on disk where it lies below or beside it."""
    reader: str
    """Contribution id: ``"twinviewer.citygml"``."""
    sublayer: str = ""
    """Layer inside the file (GeoPackage), or empty."""
    crs: ReferenceSystem | None = None
    """Assigned by a person, overriding the file; None: what the file says."""
    options: tuple[tuple[str, Any], ...] = ()
    """Reader options that differ from their defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """The small half of a layer: what it is, where it comes from, how it is shown."""

    id: LayerId
    kind: str
    """A name in ``twinviewer.model.layer_data.KINDS``; one that nobody here knows is kept and saved back."""
    title: str
    source: LayerSource
    style: Style = field(default_factory=Style)
    visible: bool = True
    opacity: float = 1.0
    group: str = ""
    """Title of the group in the layer tree; empty: top level."""
    role: str = ""
    """What it is to overlays: ``buildings``, ``terrain``, ``streets``, ``land-use`` …; empty: nothing special."""
    licence: str = ""
    extra: tuple[tuple[str, Any], ...] = ()
    """Members of the project file that this version does not know, kept byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaySpec:
    """An overlay of a plugin that is switched on or off."""

    id: str
    """Contribution id: ``"air-quality.no2"``."""
    visible: bool = True
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """Where the camera is.  Positions in the project's reference system."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    view_angle_deg: float = 40.0
    parallel: bool = False
    """Parallel projection (plan and isometric views)."""
    parallel_height_m: float = 0.0
    """Height of the picture in parallel projection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A named view, with its time of day where that matters."""

    title: str
    viewpoint: Viewpoint
    instant: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The whole document.  Layers are ordered top of the list first."""

    title: str = ""
    crs: ReferenceSystem | None = None
    """Set by the first layer; None while there is none."""
    origin: tuple[float, float, float] | None = None
    """Of the local frame; set together with ``crs``."""
    layers: tuple[LayerSpec, ...] = ()
    overlays: tuple[OverlaySpec, ...] = ()
    bookmarks: tuple[Bookmark, ...] = ()
    preset: str = "planning"
    """Render preset: ``planning``, ``point-cloud``, ``presentation``, ``safe``."""
    extra: tuple[tuple[str, Any], ...] = ()
    """Members of the project file that this version does not know, kept byte for byte."""

    def layer(self, layer_id: LayerId) -> LayerSpec:
        """Return the layer.

        Raises:
            KeyError: There is none of this id.
        """
        for layer in self.layers:
            if layer.id == layer_id:
                return layer
        raise KeyError(layer_id)

    def with_layer(self, layer: LayerSpec) -> Project:
        """Return the project with the layer of the same id replaced."""
        return replace(self, layers=tuple(layer if old.id == layer.id else old for old in self.layers))
