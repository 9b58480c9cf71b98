"""What lies under a pixel: rays, hits, and the answer that panels read.

No hardware selector: triangles through static cell locators, everything else by projecting positions to the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import reference
from vtkmodules.vtkCommonDataModel import vtkPolyData, vtkStaticCellLocator
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.project import LayerId

Float64s = NDArray[np.float64]
Float32s = NDArray[np.float32]

TOLERANCE_PX = 6.0
"""How far beside a point, line or glyph a click still counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """What was hit.  Exactly one of ``layer_id`` and ``overlay_id`` is given; rows are those of the layer's data."""

    position: tuple[float, float, float]
    """Where, in the project's reference system."""
    layer_id: LayerId | None = None
    object: int | None = None
    """Row of ``CityModel.object_ids``."""
    surface: int | None = None
    """Row of ``CityModel.surface_object``."""
    surfaces: tuple[int, ...] = ()
    """Rows likewise, where not all of the object is meant but only a wall of it, a window …"""
    feature: int | None = None
    """Row of a feature table."""
    point: int | None = None
    """Row of ``PointCloud.positions``."""
    mesh: int | None = None
    """Row of ``TriangleMesh.mesh_names``; 0 where there is only one."""
    overlay_id: str | None = None
    glyph: int | None = None
    """Row of the overlay's ``PlaceGlyphs``."""
    glyph_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where a ray met one layer, and which of its rows."""

    position: Float64s
    """(3,) local."""
    object: int | None = None
    surface: int | None = None
    surfaces: tuple[int, ...] = ()
    feature: int | None = None
    point: int | None = None
    mesh: int | None = None
    glyph: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PickRay:
    """The line of sight through a pixel, in local coordinates."""

    start: Float64s
    """(3,) on the near plane."""
    end: Float64s
    """(3,) on the far plane."""
    pixel: tuple[float, float]
    """From the top left, device pixels."""
    to_clip: Float64s
    """(4, 4) from local coordinates to clip space."""
    size_px: tuple[int, int]
    kept_by: Float64s = field(default_factory=lambda: np.empty((0, 4)))
    """Planes of a section: what is left is where n · x + d ≥ 0."""

    @property
    def direction(self) -> Float64s:
        """Unit vector (3,)."""
        along = self.end - self.start
        unit: Float64s = along / np.linalg.norm(along)
        return unit

    def distance_to(self, position: Float64s) -> float:
        """Return how far along the ray ``position`` (3,) lies."""
        return float((position - self.start) @ self.direction)

    def to_pixels(self, points: Float32s | Float64s) -> tuple[Float64s, NDArray[np.bool_]]:
        """Return the pixels (n, 2) of local ``points`` (n, 3), and which lie in front of the camera (n,)."""
        return project(points, to_clip=self.to_clip, size_px=self.size_px)

    def keeps(self, points: Float32s | Float64s) -> NDArray[np.bool_]:
        """Return which of ``points`` (n, 3) no section has cut away."""
        return np.asarray((points @ self.kept_by[:, :3].T + self.kept_by[:, 3] >= 0).all(axis=1), np.bool_)

    def may_pass(self, bounds: Sequence[float]) -> bool:
        """Return whether the local box (x, x, y, y, z, z) may cover the pixel, judged by its corners on the screen."""
        x, y, z = np.meshgrid(bounds[0:2], bounds[2:4], bounds[4:6])
        pixels, in_front = self.to_pixels(np.column_stack([x.ravel(), y.ravel(), z.ravel()]))
        if not in_front.all():
            return True  # reaches behind the camera: the corners say nothing
        low, high = pixels.min(axis=0) - TOLERANCE_PX, pixels.max(axis=0) + TOLERANCE_PX
        return bool(low[0] <= self.pixel[0] <= high[0] and low[1] <= self.pixel[1] <= high[1])

    def nearest(self, points: Float32s, *, tolerance_px: float = TOLERANCE_PX) -> int | None:
        """Return the row of the point under the pixel: among those within the tolerance, the one in front."""
        pixels, in_front = self.to_pixels(points)
        close = np.hypot(pixels[:, 0] - self.pixel[0], pixels[:, 1] - self.pixel[1])
        candidates = np.flatnonzero(in_front & (close <= tolerance_px))
        candidates = candidates[self.keeps(points[candidates])]
        if len(candidates) == 0:
            return None
        depth = (points[candidates].astype(np.float64) - self.start) @ self.direction
        # A point straight under the pixel wins over one at the edge of the tolerance unless it lies far behind.
        metres_per_px = np.maximum(depth, 1e-6) * 0.002
        return int(candidates[np.argmin(depth + close[candidates] * metres_per_px * 4)])


def project(
    points: Float32s | Float64s, *, to_clip: Float64s, size_px: tuple[int, int]
) -> tuple[Float64s, NDArray[np.bool_]]:
    """Return the pixels (n, 2), from the top left, of local ``points`` (n, 3), and which are in view (n,)."""
    clip = points @ to_clip[:, :3].T + to_clip[:, 3]
    w = clip[:, 3]
    in_front = w > 1e-9
    scale = np.where(in_front, w, 1.0)
    pixels = np.empty((len(points), 2))
    pixels[:, 0] = (clip[:, 0] / scale + 1) * 0.5 * size_px[0]
    pixels[:, 1] = (1 - clip[:, 1] / scale) * 0.5 * size_px[1]
    return pixels, in_front & (np.abs(clip[:, 2]) <= scale * 1.001)


def ray_through(renderer: vtkRenderer, x_px: float, y_px: float) -> PickRay:
    """Return the ray through a pixel counted from the top left."""
    width, height = renderer.GetSize()
    camera = renderer.GetActiveCamera()
    matrix = camera.GetCompositeProjectionTransformMatrix(renderer.GetTiledAspectRatio(), -1, 1)
    to_clip = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    clip_x, clip_y = 2 * x_px / width - 1, 1 - 2 * y_px / height
    ends = np.linalg.solve(to_clip, np.array([[clip_x, clip_y, -1, 1], [clip_x, clip_y, 1, 1]], dtype=np.float64).T).T
    near, far = ends[0, :3] / ends[0, 3], ends[1, :3] / ends[1, 3]
    return PickRay(start=near, end=far, pixel=(x_px, y_px), to_clip=to_clip, size_px=(width, height))


def nearest_segment(ray: PickRay, starts: Float32s, ends: Float32s) -> tuple[Float64s, int] | None:
    """Return the position (3,) and row of the segment (n, 3), (n, 3) under the pixel, or None."""
    first, first_seen = ray.to_pixels(starts)
    second, second_seen = ray.to_pixels(ends)
    along = second - first
    squared = np.einsum("ij,ij->i", along, along)
    share = np.einsum("ij,ij->i", np.array(ray.pixel) - first, along) / np.where(squared > 0, squared, 1)
    share = np.clip(share, 0, 1)
    apart = np.linalg.norm(first + along * share[:, None] - ray.pixel, axis=1)
    close = np.flatnonzero(first_seen & second_seen & (apart <= TOLERANCE_PX))
    positions = starts[close] + (ends[close] - starts[close]) * share[close, None]
    close, positions = close[kept := ray.keeps(positions)], positions[kept]
    if len(close) == 0:
        return None
    nearest = int(np.argmin(apart[close]))
    return positions[nearest].astype(np.float64), int(close[nearest])


class TriangleLocator:
    """Finds where a ray meets the triangles of one piece; built when first asked."""

    def __init__(self, data: vtkPolyData) -> None:
        self._data = data
        self._bounds = np.array(data.GetBounds()).reshape(3, 2)
        self._locator: vtkStaticCellLocator | None = None

    def first_hit(self, ray: PickRay) -> tuple[Float64s, int] | None:
        """Return the position (3,) and cell of the nearest hit, or None."""
        if not self._ray_passes_box(ray):
            return None
        if self._locator is None:
            self._locator = vtkStaticCellLocator()
            self._locator.SetDataSet(self._data)
            self._locator.BuildLocator()
        t, sub_id, cell_id = reference(0.0), reference(0), reference(-1)  # written by VTK
        position, parametric = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
        found = self._locator.IntersectWithLine(  # type: ignore[call-overload]
            ray.start.tolist(), ray.end.tolist(), 1e-4, t, position, parametric, sub_id, cell_id
        )
        return (np.array(position), int(cell_id)) if found else None

    def _ray_passes_box(self, ray: PickRay) -> bool:
        along = ray.end - ray.start
        with np.errstate(divide="ignore", invalid="ignore"):
            enter_leave = (self._bounds.T - ray.start) / np.where(along == 0, 1e-30, along)
        first, last = enter_leave.min(axis=0).max(), enter_leave.max(axis=0).min()
        return bool(first <= last and last >= 0 and first <= 1)
