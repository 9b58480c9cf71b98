"""Pictures that face the viewer: one rectangle each, turned by the graphics card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkPolyDataMapper, vtkRenderer, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLShaderProperty

from twinviewer.model.drawing import LoadedIcon, PlaceGlyphs
from twinviewer.scene.colours import Uint8s
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
from twinviewer.scene.glyphs import STALE_OPACITY, STALE_RGB
from twinviewer.scene.meshes import actor_of, as_vtk, packed, poly_data
from twinviewer.scene.picking import TOLERANCE_PX, Hit, PickRay
from twinviewer.scene.shading import replace_vertex, shader_property

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]

_TEXTURE = "materialTex"
"""See ``shading``: bound by VTK, and left to our own code."""
_CORNERS = np.array([[-0.5, 0.0], [0.5, 0.0], [0.5, 1.0], [-0.5, 1.0]], np.float32)
_VERTEX_DECLARATION = """in vec4 tvCornerMC;
out vec2 tvAt;
"""
# What hides what is decided at half their height: seen from above, pictures would lie in the ground.
_VERTEX = """
  vec4 tvUpright = MCDCMatrix * vec4(vertexMC.xyz + vec3(0.0, 0.0, 0.5 * tvCornerMC.w + 1.0), 1.0);
  if (tvUpright.w > 0.0) { gl_Position.z = tvUpright.z / tvUpright.w * gl_Position.w; }
  gl_Position.xy += tvCornerMC.xy * tvPerMetre;
  tvAt = vec2(tvCornerMC.z, tvCornerMC.y > 0.0 ? 1.0 : 0.0);
"""
# Colours are stored multiplied by their opacity: else the mean of a rim's pixels would take in the colour that
# transparent pixels happen to have.  Faint pixels are left out, since each also hides what lies behind it.
_FRAGMENT = """
  vec4 tvTexel = texture(materialTex, tvAt);
  if (tvTexel.a < 0.25) { discard; }
  gl_FragData[0] = vec4(tvTexel.rgb / tvTexel.a * diffuseColor, opacity * tvTexel.a);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedIcons:
    """What is drawn of a request of n pictures, four corners each."""

    local: Float32s
    """(n, 3)"""
    size_m: Float32s
    """(n, 2) width and height."""
    aspect: float
    """Width by height."""
    box: NDArray[np.float64] | None
    some_stale: bool
    points: Float32s
    """(4 n, 3)"""
    corners: Float32s
    """(4 n, 4) metres to the side and up, place across the picture (0 to 1), and its height in metres."""
    rgba: Uint8s
    """(4 n, 4)"""
    triangles: Int32s
    """(2 n, 3)"""


def prepared_icons(request: PlaceGlyphs, surroundings: Surroundings, before: PreparedIcons | None) -> PreparedIcons:
    """Return what is drawn of ``request``, where ``before`` was drawn until now."""
    assert isinstance(request.shape, LoadedIcon)
    count = len(request.positions)
    rows, columns = request.shape.rgba.shape[:2]
    share = np.array([columns, rows], np.float32) / max(rows, columns)
    each_m = np.broadcast_to(np.asarray(request.size_m, dtype=np.float32), count)
    local = surroundings.frame.to_local(request.positions)
    size_m = each_m[:, None] * share
    points = np.repeat(local, 4, axis=0)
    corners = np.empty((4 * count, 4), np.float32)
    of_each = corners.reshape(count, 4, 4)
    of_each[..., :2] = size_m[:, None] * _CORNERS
    of_each[..., 2] = _CORNERS[:, 0] + 0.5
    of_each[..., 3] = size_m[:, 1, None]
    rgb = row_colours(request.values, request.scale, colour=request.colour or "#ffffff", count=count)
    rgba = np.repeat(packed(rgb), 4).view(np.uint8).reshape(-1, 4)
    some_stale = request.stale is not None and bool(request.stale.any())
    if request.stale is not None:
        rgba.reshape(count, 4, 4)[request.stale.astype(np.bool_)] = (*STALE_RGB, round(255 * STALE_OPACITY))
    if before is not None and len(before.local) == count:
        triangles = before.triangles
    else:
        first = 4 * np.arange(count, dtype=np.int32)[:, None]
        triangles = (first + np.array([0, 1, 2, 0, 2, 3], np.int32)).reshape(-1, 3)
    return PreparedIcons(
        local=local,
        size_m=size_m,
        aspect=columns / rows,
        box=box_around(local, reach_m=float(size_m.max(initial=0.0))),
        some_stale=some_stale,
        points=points,
        corners=corners,
        rgba=rgba,
        triangles=triangles,
    )


class DrawnIcons(DrawnLater):
    """One ``PlaceGlyphs`` request of a picture."""

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._icon: LoadedIcon | None = None
        self._shader: vtkOpenGLShaderProperty = shader_property(_FRAGMENT)
        replace_vertex(self._shader, _VERTEX_DECLARATION, _VERTEX)
        self._texture: vtkTexture | None = None
        self._data = vtkPolyData()
        self._shown: PreparedIcons | None = None
        self._ids: Sequence[str] = ()

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, PlaceGlyphs) and isinstance(request.shape, LoadedIcon)

    def suits(self, request: PlaceGlyphs) -> bool:
        return self.takes(request) and (self._icon is None or self._icon is request.shape)

    def draw(self, request: PlaceGlyphs, surroundings: Surroundings) -> None:
        icon = request.shape
        assert isinstance(icon, LoadedIcon)
        if self._texture is None:
            self._icon, self._texture = icon, _texture_of(icon.rgba)
        super().draw(request, surroundings)

    def _is_large(self, request: PlaceGlyphs, surroundings: Surroundings) -> bool:
        return len(request.positions) > AT_ONCE

    def _preparation(self, request: PlaceGlyphs, surroundings: Surroundings) -> Callable[[], PreparedIcons]:
        before = self._shown
        return lambda: prepared_icons(request, surroundings, before)

    def _put(self, request: PlaceGlyphs, surroundings: Surroundings, prepared: PreparedIcons) -> None:
        if self._shown is None or prepared.triangles is not self._shown.triangles:
            self._build(prepared)
        else:
            self._data.GetPoints().SetData(as_vtk(prepared.points))
            self._data.GetPoints().Modified()
        self._data.GetPointData().SetScalars(as_vtk(prepared.rgba, "colour"))
        self._data.GetPointData().AddArray(as_vtk(prepared.corners, "corner"))
        self._data.Modified()
        self._shown, self._box, self._ids = prepared, prepared.box, request.ids
        self._follow()

    def _build(self, prepared: PreparedIcons) -> None:
        self._take_off()
        self._data = poly_data(prepared.points, triangles=prepared.triangles)
        actor = self._attach(actor_of(self._data))
        mapper = actor.GetMapper()
        assert isinstance(mapper, vtkPolyDataMapper)
        mapper.MapDataArrayToVertexAttribute("tvCornerMC", "corner", vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
        actor.SetShaderProperty(self._shader)
        assert self._texture is not None
        actor.GetProperty().SetTexture(_TEXTURE, self._texture)
        actor.GetProperty().LightingOff()

    def _follow(self) -> None:
        super()._follow()
        for actor in self._actors:
            # Opaque ones hide each other in the right order, whatever the order of drawing.
            some_stale = self._shown is not None and self._shown.some_stale
            actor.SetForceOpaque(self._opacity == 1.0 and not some_stale)
        self._turn()

    def before_render(self) -> None:
        if self._visible:
            self._turn()

    def _turn(self) -> None:
        """Take over how many clip units a metre across the line of sight is."""
        camera = self._renderer.GetActiveCamera()
        matrix = camera.GetProjectionTransformMatrix(self._renderer.GetTiledAspectRatio(), -1, 1)
        per_metre = [matrix.GetElement(0, 0), matrix.GetElement(1, 1)]
        self._shader.GetVertexCustomUniforms().SetUniform2f("tvPerMetre", per_metre)

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        shown = self._shown
        if shown is None or len(shown.local) == 0 or not self._visible:
            return None
        camera = self._renderer.GetActiveCamera()
        up = np.array(camera.GetViewUp())
        up -= (up @ ray.direction) * ray.direction
        up /= np.linalg.norm(up)
        feet, in_front = ray.to_pixels(shown.local)
        tops, _ = ray.to_pixels(shown.local + (shown.size_m[:, 1:] * up).astype(np.float32))
        height = np.linalg.norm(tops - feet, axis=1)
        half = np.maximum(height * shown.aspect / 2, TOLERANCE_PX)
        across = np.abs(feet[:, 0] - ray.pixel[0])
        above = feet[:, 1] - ray.pixel[1]
        under = in_front & (across <= half) & (above >= -TOLERANCE_PX) & (above <= np.maximum(height, TOLERANCE_PX))
        candidates = np.flatnonzero(under)
        if len(candidates) == 0:
            return None
        depths = (shown.local[candidates].astype(np.float64) - ray.start) @ ray.direction
        row = int(candidates[np.argmin(depths)])
        return Hit(position=shown.local[row].astype(np.float64), glyph=row), id_of(self._ids, row)


def _texture_of(rgba: Uint8s) -> vtkTexture:
    """Return a picture (rows, columns, 4) as a texture of colours multiplied by their opacity."""
    rows, columns = rgba.shape[:2]
    multiplied = rgba[::-1].astype(np.uint16)
    multiplied[..., :3] = (multiplied[..., :3] * multiplied[..., 3:] + 127) // 255
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(as_vtk(multiplied.astype(np.uint8).reshape(-1, 4), "rgba"))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.InterpolateOn()
    texture.MipmapOn()
    texture.RepeatOff()
    return texture
