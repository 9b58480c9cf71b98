"""Lines along which something flows: dashes that the graphics card moves, so that no array is rewritten."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import FlowLines
from twinviewer.scene.drawn import Drawn, Surroundings, box_around, id_of, row_colours
from twinviewer.scene.picking import Hit, PickRay, nearest_segment
from twinviewer.scene.strips import Course, Strips, course_of, directions

Float32s = NDArray[np.float32]

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


class DrawnFlowLines(Drawn):
    """One ``FlowLines`` request."""

    def __init__(self, renderer: vtkRenderer) -> None:
        super().__init__(renderer)
        self._request: FlowLines | None = None
        self._surroundings: Surroundings | None = None
        self._strips: Strips | None = None
        self._course: Course | None = None
        self._local = np.empty((0, 3), np.float32)
        self._line = np.empty(0, np.int32)
        self._ids: Sequence[str] = ()
        self._time_s = 0.0

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, FlowLines)

    def draw(self, request: FlowLines, surroundings: Surroundings) -> None:
        before = self._request
        if before is None or not _same(request.offsets, before.offsets):
            self._build(request, surroundings)
            before = None
        elif request.vertices is not before.vertices or surroundings is not self._surroundings:
            self._local = surroundings.frame.to_local(request.vertices)
        self._request, self._ids = request, request.ids
        strips, course = self._strips, self._course
        assert strips is not None
        assert course is not None
        if before is None or request.vertices is not before.vertices or surroundings is not self._surroundings:
            self._write_places(strips, course)
        self._surroundings = surroundings
        if before is None or _dashes_differ(request, before) or request.vertices is not before.vertices:
            self._write_dashes(request, strips, course)
        if before is None or _colours_differ(request, before):
            rgb = row_colours(request.values, request.scale, colour=request.colour, count=len(request.offsets) - 1)
            strips.rgba[:, :3] = np.repeat(rgb.take(course.line, axis=0), 2, axis=0)
            strips.changed("colour")
        strips.set_width(request.width_px)

    def _build(self, request: FlowLines, surroundings: Surroundings) -> None:
        self.detach()
        lengths = np.diff(request.offsets)
        self._line = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        self._local = surroundings.frame.to_local(request.vertices)
        self._course = course = course_of(self._local, request.offsets)
        self._strips = strips = Strips(
            self._renderer,
            triangles=course.triangles,
            points=2 * len(course.rows),
            varies=_DASHES,
            rim=0.45,
            uniforms={"time": self._time_s % ROUND_S, "dashed": 0.0},
        )
        strips.line[0::2, 0], strips.line[1::2, 0] = -1.0, 1.0
        self._attach(strips.actor)
        self._follow()

    def _write_places(self, strips: Strips, course: Course) -> None:
        self._box = box_around(self._local)
        if len(course.rows) == 0:
            return
        reaching, leaving, metres = directions(self._local, self._line)
        along = reaching[course.rows] * course.arrives[:, None] + leaving[course.rows] * course.leaves[:, None]
        along /= (course.arrives.astype(np.float32) + course.leaves)[:, None]  # a unit vector, nearly: bends are slight
        paired = (len(course.rows), 2)
        strips.points.reshape(*paired, 3)[:] = self._local[course.rows][:, None]
        strips.along.reshape(*paired, 4)[..., :3] = along[:, None]
        strips.along.reshape(*paired, 4)[..., 3] = metres[course.rows, 0, None]
        strips.line.reshape(*paired, 4)[..., 3] = metres[course.rows, 1, None]
        strips.changed("points", "along", "line")

    def _write_dashes(self, request: FlowLines, strips: Strips, course: Course) -> None:
        if len(course.rows) == 0:
            return
        step = np.linalg.norm(np.diff(self._local, axis=0, prepend=self._local[:1]), axis=1).astype(np.float64)
        step[np.append(True, self._line[1:] != self._line[:-1])] = 0.0
        walked = np.cumsum(step)
        lengths = np.diff(request.offsets)
        begins = np.repeat(walked[request.offsets[:-1][lengths > 0]], lengths[lengths > 0])
        speed = np.broadcast_to(np.asarray(request.speed_m_s, dtype=np.float64), len(lengths))
        rate = dashes_per_s(speed, request.dash_m)
        dash_m = request.dash_m if request.dash_m > 0 else math.inf
        paired = strips.line.reshape(len(course.rows), 2, 4)
        paired[..., 1] = ((walked - begins) / dash_m)[course.rows, None]
        paired[..., 2] = rate[course.line, None]
        strips.set_growth(1 / dash_m)
        strips.changed("line")
        strips.set_number("dashed", float(request.dash_m > 0))

    @property
    def moves(self) -> bool:
        request = self._request
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
        if not self._visible or len(self._local) < 2:
            return None
        inside = np.flatnonzero(self._line[1:] == self._line[:-1])
        found = nearest_segment(ray, self._local[inside], self._local[inside + 1])
        if found is None:
            return None
        row = int(self._line[inside[found[1]]])
        return Hit(position=found[0], glyph=row), id_of(self._ids, row)


def _same(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    return first is second or np.array_equal(first, second)


def _dashes_differ(request: FlowLines, before: FlowLines) -> bool:
    return request.dash_m != before.dash_m or not (
        request.speed_m_s is before.speed_m_s or np.array_equal(request.speed_m_s, before.speed_m_s)
    )


def _colours_differ(request: FlowLines, before: FlowLines) -> bool:
    return request.values is not before.values or request.scale != before.scale or request.colour != before.colour
