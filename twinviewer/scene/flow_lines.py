"""Lines along which something flows: dashes that the graphics card moves, so that no array is rewritten."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import FlowLines
from twinviewer.scene.drawn import (
    AT_ONCE,
    DrawnLater,
    OnLate,
    RunInBackground,
    Surroundings,
    box_around,
    id_of,
    row_colours,
)
from twinviewer.scene.meshes import packed
from twinviewer.scene.picking import Hit, PickRay, nearest_segment
from twinviewer.scene.strips import Course, StripArrays, Strips, course_of, directions, sides

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]

DASH_SHARE = 0.6
"""Of the way from dash to dash that is dash."""
ROUND_S = 4096.0
"""After so long the dashes are where they were, and time begins anew: float32 cannot count seconds for ever."""

# A dash is brightest at its head, so that a still picture tells the direction too.  Where a pixel is longer than a
# few dashes they would flicker: there the line has their mean.
_DASHES = """
  if (dashed > 0.5)
  {
    float tvPerPixel = max(fwidth(tvLine.y), 1e-6);
    float tvAt = fract(tvLine.y - tvLine.z * time + 0.2) - 0.2;
    float tvIn = clamp((0.5 * SHARE - abs(tvAt - 0.5 * SHARE)) / tvPerPixel + 0.5, 0.0, 1.0);
    float tvAhead = clamp(tvAt / SHARE, 0.0, 1.0);
    float tvHead = tvLine.z == 0.0 ? 1.0 : mix(0.35, 1.0, tvLine.z > 0.0 ? tvAhead : 1.0 - tvAhead);
    tvShown = mix(mix(REST, tvHead, tvIn), 0.6, smoothstep(0.2, 0.5, tvPerPixel));
  }
""".replace("SHARE", str(DASH_SHARE)).replace("REST", "0.2")


def dashes_per_s(speed_m_s: NDArray[np.float64], dash_m: float) -> NDArray[np.float64]:
    """Return how many dashes pass a place in a second, so rounded that all come round in ``ROUND_S``."""
    if dash_m <= 0:
        return np.zeros_like(speed_m_s)
    rounded: NDArray[np.float64] = np.round(speed_m_s / dash_m * ROUND_S) / ROUND_S
    return rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFlow:
    """What is drawn of a request; arrays that another one has in common with it are the same objects."""

    request: FlowLines
    surroundings: Surroundings
    local: Float32s
    """(n, 3) vertices."""
    line: Int32s
    """(n,) of each vertex."""
    box: NDArray[np.float64] | None
    course: Course
    arrays: StripArrays

    @property
    def per_metre(self) -> float:
        """Dashes in a metre."""
        return 1 / self.request.dash_m if self.request.dash_m > 0 else 0.0


def prepared_flow(request: FlowLines, surroundings: Surroundings, before: PreparedFlow | None) -> PreparedFlow:
    """Return what is drawn of ``request``, where ``before`` was drawn until now."""
    if before is not None and not _same(request.offsets, before.request.offsets):
        before = None
    moved = before is None or request.vertices is not before.request.vertices
    if before is not None and not moved and surroundings is before.surroundings:
        local, line, box, course = before.local, before.line, before.box, before.course
        points, along, strip_line = before.arrays.points, before.arrays.along, before.arrays.line
    else:
        local = surroundings.frame.to_local(request.vertices)
        lengths = np.diff(request.offsets)
        line = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths) if before is None else before.line
        course = course_of(local, request.offsets) if before is None else before.course
        box = box_around(local)
        strip_line = sides(len(course.rows)) if before is None else before.arrays.line.copy()
        points, along = _places(local, line, course, strip_line)
    if before is None or moved or _dashes_differ(request, before.request):
        if before is not None and strip_line is before.arrays.line:
            strip_line = strip_line.copy()
        _write_dashes(request, local, line, course, strip_line)
    if before is None or _colours_differ(request, before.request):
        rgb = row_colours(request.values, request.scale, colour=request.colour, count=len(request.offsets) - 1)
        rgba = np.repeat(packed(rgb).take(course.line), 2).view(np.uint8).reshape(-1, 4)
    else:
        rgba = before.arrays.rgba
    return PreparedFlow(
        request=request,
        surroundings=surroundings,
        local=local,
        line=line,
        box=box,
        course=course,
        arrays=StripArrays(points=points, along=along, line=strip_line, rgba=rgba),
    )


def _places(local: Float32s, line: Int32s, course: Course, strip_line: Float32s) -> tuple[Float32s, Float32s]:
    """Return ``points`` and ``along`` of the strips, and write into ``strip_line`` how far the next vertex is."""
    pairs = len(course.rows)
    points, along = np.empty((2 * pairs, 3), np.float32), np.empty((2 * pairs, 4), np.float32)
    if pairs == 0:
        return points, along
    reaching, leaving, metres = directions(local, line)
    ahead = reaching[course.rows] * course.arrives[:, None] + leaving[course.rows] * course.leaves[:, None]
    ahead /= (course.arrives.astype(np.float32) + course.leaves)[:, None]  # a unit vector, nearly: bends are slight
    points.reshape(pairs, 2, 3)[:] = local[course.rows][:, None]
    along.reshape(pairs, 2, 4)[..., :3] = ahead[:, None]
    along.reshape(pairs, 2, 4)[..., 3] = metres[course.rows, 0, None]
    strip_line.reshape(pairs, 2, 4)[..., 3] = metres[course.rows, 1, None]
    return points, along


def _write_dashes(request: FlowLines, local: Float32s, line: Int32s, course: Course, strip_line: Float32s) -> None:
    """Write into the strips' ``line`` how many dashes lie before a place, and how many pass it in a second."""
    if len(course.rows) == 0:
        return
    step = np.linalg.norm(np.diff(local, axis=0, prepend=local[:1]), axis=1).astype(np.float64)
    step[np.append(True, line[1:] != line[:-1])] = 0.0
    walked = np.cumsum(step)
    lengths = np.diff(request.offsets)
    begins = np.repeat(walked[request.offsets[:-1][lengths > 0]], lengths[lengths > 0])
    speed = np.broadcast_to(np.asarray(request.speed_m_s, dtype=np.float64), len(lengths))
    rate = dashes_per_s(speed, request.dash_m)
    dash_m = request.dash_m if request.dash_m > 0 else math.inf
    paired = strip_line.reshape(len(course.rows), 2, 4)
    paired[..., 1] = ((walked - begins) / dash_m)[course.rows, None]
    paired[..., 2] = rate[course.line, None]


class DrawnFlowLines(DrawnLater):
    """One ``FlowLines`` request."""

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._shown: PreparedFlow | None = None
        self._strips: Strips | None = None
        self._time_s = 0.0

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, FlowLines)

    def _is_large(self, request: FlowLines, surroundings: Surroundings) -> bool:
        return len(request.vertices) > AT_ONCE

    def _preparation(self, request: FlowLines, surroundings: Surroundings) -> Callable[[], PreparedFlow]:
        before = self._shown
        return lambda: prepared_flow(request, surroundings, before)

    def _put(self, request: FlowLines, surroundings: Surroundings, prepared: PreparedFlow) -> None:
        if self._strips is not None and self._shown is not None and prepared.course is self._shown.course:
            self._strips.put(prepared.arrays)
        else:
            self._take_off()
            self._strips = Strips(
                self._renderer,
                triangles=prepared.course.triangles,
                arrays=prepared.arrays,
                varies=_DASHES,
                rim=0.45,
                uniforms={"time": self._time_s % ROUND_S},
            )
            self._attach(self._strips.actor)
            self._follow()
        self._shown, self._box = prepared, prepared.box
        self._strips.set_growth(prepared.per_metre)
        self._strips.set_number("dashed", float(request.dash_m > 0))
        self._strips.set_width(request.width_px)

    @property
    def moves(self) -> bool:
        request = None if self._shown is None else self._shown.request
        return (
            request is not None
            and self._visible
            and self._opacity > 0
            and request.dash_m > 0
            and len(request.offsets) > 1
            and bool(np.any(request.speed_m_s))
        )

    def set_time(self, time_s: float) -> None:
        self._time_s = time_s
        if self._strips is not None:
            self._strips.set_number("time", time_s % ROUND_S)

    def before_render(self) -> None:
        if self._strips is not None and self._visible:
            self._strips.follow()

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        shown = self._shown
        if shown is None or not self._visible or len(shown.local) < 2:
            return None
        inside = np.flatnonzero(shown.line[1:] == shown.line[:-1])
        found = nearest_segment(ray, shown.local[inside], shown.local[inside + 1])
        if found is None:
            return None
        row = int(shown.line[inside[found[1]]])
        return Hit(position=found[0], glyph=row), id_of(shown.request.ids, row)


def _same(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    return first is second or np.array_equal(first, second)


def _dashes_differ(request: FlowLines, before: FlowLines) -> bool:
    return request.dash_m != before.dash_m or not (
        request.speed_m_s is before.speed_m_s or np.array_equal(request.speed_m_s, before.speed_m_s)
    )


def _colours_differ(request: FlowLines, before: FlowLines) -> bool:
    return request.values is not before.values or request.scale != before.scale or request.colour != before.colour
