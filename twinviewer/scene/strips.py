"""Lines that are so many pixels wide on every graphics card: strips of triangles that the vertex shader widens.

OpenGL's own wide lines are missing on some systems, are not smooth, and know nothing of dashes.  A strip has two
vertices for each of a line's, moved apart on the screen; what varies along the line comes to the fragments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLShaderProperty

from twinviewer.scene.meshes import actor_of, as_vtk, poly_data
from twinviewer.scene.shading import replace_vertex, shader_property

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint8s = NDArray[np.uint8]

CASING_PX = 1.25
"""Width of the darker rim that sets lines off from ground of any colour."""
NEARER_M, NEARER_SHARE = 1.0, 0.003
"""How much nearer to the eye lines count when it is decided what hides what, in metres and by distance: their
vertices stand on the ground, and between them lines would sink into it."""
_SHARP = np.cos(np.radians(25.0))
"""Bends beyond this angle are not mitred: each of the two strips keeps its own width."""

_VERTEX_DECLARATION = """in vec4 tvAlongMC;
in vec4 tvLineMC;
out vec3 tvLine;
out float tvAside;
"""
# A vertex behind the eye is moved along the line to just before it, if the next vertex lies there: a strip from
# behind the eye cannot be told from one that is turned over.
_VERTEX = (
    """
  vec4 tvD = MCDCMatrix * vec4(tvAlongMC.xyz, 0.0);
  tvLine = tvLineMC.xyz;
  if (gl_Position.w < NEAREST)
  {
    float tvOn = (NEAREST - gl_Position.w) / tvD.w;
    if (abs(tvD.w) > 1e-6 && tvOn <= tvLineMC.w && -tvOn <= tvAlongMC.w)
    {
      gl_Position += tvOn * tvD;
      tvLine.y += tvOn * tvPerMetre;
    }
  }
  vec2 tvOnScreen = (tvD.xy * gl_Position.w - gl_Position.xy * tvD.w) * tvViewport;
  float tvLength = length(tvOnScreen);
  vec2 tvNormal = tvLength > 0.0 ? vec2(-tvOnScreen.y, tvOnScreen.x) / tvLength : vec2(0.0);
  gl_Position.xy += tvNormal * (2.0 * tvLineMC.x * tvReach * gl_Position.w) / tvViewport;
  if (tvParallel != 0)
  {
    gl_Position.z += (MCDCMatrix * vec4(tvEye * NEARER_M, 0.0)).z;
  }
  else
  {
    // Nearer by a share of the distance is the same place on the screen, and a straight line stays one.
    gl_Position.z += min(NEARER_M / gl_Position.w + NEARER_SHARE, 0.05) * (MCDCMatrix * vec4(tvEye, 1.0)).z;
  }
  tvAside = tvLineMC.x * tvReach * gl_Position.w;  // in metres, so to say: they grow evenly, pixels do not
""".replace("NEAREST", "0.2")
    .replace("NEARER_M", str(NEARER_M))
    .replace("NEARER_SHARE", str(NEARER_SHARE))
)
_FRAGMENT = """
  float tvFromRim = halfWidth - abs(tvAside * gl_FragCoord.w);
  float tvShown = 1.0;
  WHAT_VARIES
  float tvCore = clamp(tvFromRim + 0.5, 0.0, 1.0);
  float tvRim = CASING * clamp(tvFromRim + casing + 0.5, 0.0, 1.0);
  gl_FragData[0] = vec4(diffuseColor * mix(0.25, 1.0, tvCore), opacity * tvShown * max(tvCore, tvRim));
"""
_OF_POINTS = vtkDataObject.FIELD_ASSOCIATION_POINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How lines become strips: what stays while their vertices move."""

    rows: Int32s
    """(p,) the vertex of each pair."""
    arrives: NDArray[np.bool_]
    """(p,) whether the pair has the direction of what comes before it, at sharp bends."""
    leaves: NDArray[np.bool_]
    """(p,) of what comes after it."""
    line: Int32s
    """(p,) of each pair."""
    triangles: Int32s
    """(m, 3) into 2 p points: those of pair i are 2 i and 2 i + 1."""


def directions(vertices: Float32s, line: Int32s) -> tuple[Float32s, Float32s, Float32s]:
    """Return how each vertex is reached and left.

    Args:
        vertices: (n, 3) of all lines, one after the other.
        line: (n,) of each vertex, ascending.

    Returns:
        Unit vectors (n, 3) with which it is reached and left, the ends of lines have one for both; and the metres
        (n, 2) from the vertex before and to the next one, 0 at the ends.
    """
    step = np.diff(vertices, axis=0, append=vertices[-1:])
    last = np.append(line[1:] != line[:-1], True)
    first = np.roll(last, 1)
    length = np.linalg.norm(step, axis=1, keepdims=True)
    leaving: Float32s = (step / np.where(length > 0, length, 1)).astype(np.float32, copy=False)
    reaching = np.roll(leaving, 1, axis=0)
    metres = np.concatenate([np.roll(length, 1, axis=0), length], axis=1)
    leaving[last], metres[last, 1] = reaching[last], 0
    reaching[first], metres[first, 0] = leaving[first], 0
    return reaching, leaving, metres


def course_of(vertices: Float32s, offsets: Int64s) -> Course:
    """Return how ragged lines (n, 3), (l + 1,) become strips."""
    lengths = np.diff(offsets)
    line = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    if len(line) == 0:
        nobody = np.empty(0, np.bool_)
        return Course(rows=line, arrives=nobody, leaves=nobody, line=line, triangles=np.empty((0, 3), np.int32))
    reaching, leaving, _ = directions(vertices, line)
    sharp = np.einsum("ij,ij->i", reaching, leaving) < _SHARP
    rows = np.repeat(np.arange(len(line), dtype=np.int32), 1 + sharp)
    second = np.append(False, rows[1:] == rows[:-1])
    followed = np.append(rows[1:] == rows[:-1], False)
    of_pair = line[rows]
    start = 2 * np.flatnonzero(of_pair[1:] == of_pair[:-1]).astype(np.int32)
    triangles = np.stack([start, start + 1, start + 2, start + 2, start + 1, start + 3], axis=1)
    return Course(
        rows=rows, arrives=~second, leaves=~followed, line=of_pair, triangles=triangles.reshape(-1, 3).astype(np.int32)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StripArrays:
    """What is drawn of strips of p points, two side by side for each place along a line."""

    points: Float32s
    """(p, 3)"""
    along: Float32s
    """(p, 4) unit vectors along the line, and metres from the vertex before."""
    line: Float32s
    """(p, 4) side −1 or 1, two numbers for the fragments, and metres to the next vertex."""
    rgba: Uint8s
    """(p, 4)"""


def sides(pairs: int) -> Float32s:
    """Return ``StripArrays.line`` (2 pairs, 4) with the two sides of each pair, and all else 0."""
    line = np.zeros((2 * pairs, 4), np.float32)
    line[0::2, 0], line[1::2, 0] = -1.0, 1.0
    return line


class Strips:
    """The strips of one request in one actor.

    Args:
        renderer: Where they are drawn.
        triangles: (m, 3) into the points.
        arrays: What is drawn first.
        varies: GLSL that sets ``tvShown``, 0 to 1, from ``tvLine``.
        rim: How visible the darker rim is, 0 to 1.
        uniforms: Numbers that ``varies`` needs, with what they are at first.
    """

    def __init__(
        self,
        renderer: vtkRenderer,
        *,
        triangles: Int32s,
        arrays: StripArrays,
        varies: str,
        rim: float,
        uniforms: dict[str, float],
    ) -> None:
        self._renderer = renderer
        self.arrays = arrays
        self.data = poly_data(arrays.points, triangles=triangles)
        attributes = self.data.GetPointData()
        attributes.SetScalars(as_vtk(arrays.rgba, "colour"))
        attributes.AddArray(as_vtk(arrays.along, "along"))
        attributes.AddArray(as_vtk(arrays.line, "line"))
        self.actor: vtkActor = actor_of(self.data)
        mapper = self.actor.GetMapper()
        assert isinstance(mapper, vtkPolyDataMapper)
        mapper.MapDataArrayToVertexAttribute("tvAlongMC", "along", _OF_POINTS, -1)
        mapper.MapDataArrayToVertexAttribute("tvLineMC", "line", _OF_POINTS, -1)
        self._shader: vtkOpenGLShaderProperty = shader_property(
            _FRAGMENT.replace("WHAT_VARIES", varies).replace("CASING", f"{rim:.2f}")
        )
        replace_vertex(self._shader, _VERTEX_DECLARATION, _VERTEX)
        self.actor.SetShaderProperty(self._shader)
        self.actor.GetProperty().LightingOff()
        self.actor.ForceTranslucentOn()  # their rims are smooth
        for name, value in uniforms.items():
            self.set_number(name, value)
        self.set_width(1.0)
        self.set_growth(0.0)
        self.follow()

    def put(self, arrays: StripArrays) -> None:
        """Draw other arrays of as many points; what is the same array as before is left alone."""
        before, self.arrays = self.arrays, arrays
        attributes = self.data.GetPointData()
        if arrays.points is not before.points:
            self.data.GetPoints().SetData(as_vtk(arrays.points))
            self.data.GetPoints().Modified()
        if arrays.along is not before.along:
            attributes.AddArray(as_vtk(arrays.along, "along"))
        if arrays.line is not before.line:
            attributes.AddArray(as_vtk(arrays.line, "line"))
        if arrays.rgba is not before.rgba:
            attributes.SetScalars(as_vtk(arrays.rgba, "colour"))
        self.data.Modified()

    def set_width(self, width_px: float) -> None:
        fragment = self._shader.GetFragmentCustomUniforms()
        fragment.SetUniformf("halfWidth", float(width_px) / 2)
        fragment.SetUniformf("casing", CASING_PX)
        self._shader.GetVertexCustomUniforms().SetUniformf("tvReach", float(width_px) / 2 + CASING_PX + 0.5)

    def set_growth(self, per_metre: float) -> None:
        """Say by how much the first number for the fragments grows along the line."""
        self._shader.GetVertexCustomUniforms().SetUniformf("tvPerMetre", float(per_metre))

    def set_number(self, name: str, value: float) -> None:
        self._shader.GetFragmentCustomUniforms().SetUniformf(name, float(value))

    def follow(self) -> None:
        """Take over what depends on the camera, just before a frame."""
        camera = self._renderer.GetActiveCamera()
        parallel = bool(camera.GetParallelProjection())
        eye: Any = -np.array(camera.GetDirectionOfProjection()) if parallel else camera.GetPosition()
        width, height = self._renderer.GetSize()
        vertex = self._shader.GetVertexCustomUniforms()
        vertex.SetUniform2f("tvViewport", [float(max(width, 1)), float(max(height, 1))])
        vertex.SetUniform3f("tvEye", [float(part) for part in eye])
        vertex.SetUniformi("tvParallel", int(parallel))
