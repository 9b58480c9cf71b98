"""What an overlay or a layer of a plugin asks to be drawn: values, not calls.

An overlay answers each frame with a sequence of these.  The scene keeps the actors and writes new arrays into
them; it never rebuilds.  What does not change from frame to frame (ids, offsets, topology, a mesh) should be the same
object as before: then nobody looks at it again.  Legends follow from the scales.

Positions are metres in the project's reference system, x east, y north, z up; NaN in values is drawn as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.layer_data import TriangleMesh

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]


class GlyphShape(StrEnum):
    """Built-in shapes, one unit long, standing on z = 0, heading north."""

    SPHERE = "sphere"
    CYLINDER = "cylinder"
    CONE = "cone"
    CUBE = "cube"
    PIN = "pin"
    CAR = "car"
    BUS = "bus"
    TREE = "tree"
    PERSON = "person"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class IconShape:
    """A picture that always faces the viewer and stands on its lower edge; angles do not turn it."""

    path: str
    """A PNG file, relative to the plugin's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshShape:
    """A mesh of the plugin's own, brought to a length of one unit, standing on z = 0, heading north (y)."""

    path: str
    """A glTF, OBJ, PLY or STL file, relative to the plugin's folder."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedIcon:
    """The picture of an :class:`IconShape`, read from its file: what the scene draws."""

    rgba: NDArray[np.uint8]
    """(rows, columns, 4), the top row first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedMesh:
    """The mesh of a :class:`MeshShape`, read from its file as it is there: the scene brings it to one unit."""

    mesh: TriangleMesh


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourScale:
    """How values become colours, and what the legend says."""

    title: str
    unit: str
    """UCUM, shown in the legend."""
    colour_map: str
    """A name in ``assets/colour_maps`` (``viridis``, ``batlow``, ``cividis``, ``vik``, ``limit``), or the id of a
    colour map that a plugin contributes as a theme."""
    value_range: tuple[float, float]
    """Values at the two ends; what lies beyond is clipped, and the legend says so."""
    ticks: tuple[tuple[float, str], ...] = ()
    """(value, label) marks on the legend, e.g. ``(40.0, "limit")``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourObjects:
    """Colour city objects in every city-model layer; objects that are not named keep their own colour.

    They are named by persistent id (gml:id, CityJSON id, IFC GlobalId, or an NGSI-LD URN that ends in one of these),
    or by a position inside their footprint.  What is bound to no object is counted and listed at the overlay.
    """

    values: Float64s
    """(n,) NaN: drawn as missing."""
    scale: ColourScale
    object_ids: Sequence[str] = ()
    """(n,) or empty."""
    positions: Float64s | None = None
    """(n, 2) or (n, 3), in place of ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceGlyphs:
    """Place one shape at many positions, oriented, scaled and coloured."""

    shape: GlyphShape | IconShape | MeshShape | LoadedIcon | LoadedMesh
    """Plugins name a built-in shape or a file; the files are read before the scene sees the request."""
    positions: Float64s
    """(n, 3)"""
    size_m: float | Float64s
    """Length of the shape: one for all, or (n,)."""
    heading_deg: Float64s | None = None
    """(n,) clockwise from grid north."""
    pitch_deg: Float64s | None = None
    """(n,) nose up."""
    roll_deg: Float64s | None = None
    """(n,) right side down."""
    values: Float64s | None = None
    """(n,) coloured through ``scale``; None: all in ``colour``.  Of pictures, what is white takes the colour."""
    scale: ColourScale | None = None
    colour: str | None = None
    """None: the colours that a picture or mesh brings, or a light grey."""
    ids: Sequence[str] = ()
    """(n,) shown when one is picked."""
    stale: NDArray[np.bool_] | None = None
    """(n,) True: drawn grey and half transparent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Short texts at positions, always upright, decluttered by the scene."""

    positions: Float64s
    """(n, 3)"""
    texts: Sequence[str]
    size_px: int = 14
    priority: Float64s | None = None
    """(n,) where two overlap, the higher one is kept; None: the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLines:
    """Lines along which something flows, with dashes that move from each line's start to its end.

    The graphics card moves them, so no frame need be made for it.  They stand still while time does, and where a
    person wants no motion; a dash is brightest at its head, so that the direction can be seen then, too.
    """

    vertices: Float64s
    """(n, 3)"""
    offsets: Int64s
    """(lines + 1,) line i is ``vertices[offsets[i]:offsets[i + 1]]``."""
    values: Float64s | None = None
    """(lines,) coloured through ``scale``; None: all in ``colour``."""
    scale: ColourScale | None = None
    colour: str = "#3aa0ff"
    width_px: float = 3.0
    dash_m: float = 40.0
    """From the start of a dash to the start of the next; 0: a line without dashes."""
    speed_m_s: float | Float64s = 20.0
    """How fast dashes move: one for all, or (lines,); negative: backwards; 0: still."""
    ids: Sequence[str] = ()
    """(lines,) shown when one is picked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatGrid:
    """A grid of values draped on the terrain, blended between the middles of its cells."""

    values: Float64s
    """(rows, columns), the first row in the north; NaN: nothing is drawn there."""
    corner: tuple[float, float]
    """North-west corner of the grid (x, y)."""
    cell_m: float
    scale: ColourScale
    opacity: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtrudedColumns:
    """Upright columns whose heights tell a value, as in a bar chart on a map.

    Those that stand on the ground reach into it, so that none hovers over a slope.
    """

    positions: Float64s
    """(n, 3) middle of the foot."""
    heights_m: Float64s
    """(n,) without one (NaN, 0 or less) there is no column."""
    radius_m: float = 8.0
    values: Float64s | None = None
    """(n,) coloured through ``scale``; None: all in ``colour``."""
    scale: ColourScale | None = None
    colour: str = "#3aa0ff"
    ids: Sequence[str] = ()
    """(n,) shown when one is picked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trails:
    """Where moving objects were: lines that fade towards the past."""

    positions: Float64s
    """(objects, k, 3) the oldest first; NaN where an object was nowhere.  ``MovementFrame.trails`` is of this form."""
    values: Float64s | None = None
    """(objects,) coloured through ``scale``; None: all in ``colour``."""
    scale: ColourScale | None = None
    colour: str = "#ffffff"
    width_px: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawData:
    """Draw data as it is: meshes, features or points, in the project's reference system."""

    data: object
    """A ``pyvista.DataSet``, a ``trimesh.Trimesh`` or ``Scene``, a ``geopandas.GeoDataFrame``, or one of the layer
    data types.  Hand over the same object again where only ``values`` change."""
    values: str | Float64s | None = None
    """Name of an array or column of ``data``, or (n,) one per vertex, triangle, feature or point, coloured through
    ``scale``; None: all in ``colour``."""
    scale: ColourScale | None = None
    colour: str | None = None
    """None: the colours that the data brings, or a light one."""
    opacity: float = 1.0


DrawingRequest = ColourObjects | PlaceGlyphs | Labels | FlowLines | HeatGrid | ExtrudedColumns | Trails | DrawData
"""What an overlay, a layer or an analysis may ask to be drawn."""
