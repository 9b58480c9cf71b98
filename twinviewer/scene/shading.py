"""How surfaces take light: our own few lines of GLSL in place of VTK's lights.

One sun with a shadow map, light from the sky above and back from the ground below, and haze with distance.  It costs
about what one VTK light does, works on every OpenGL that VTK runs on, and lets translucent layers and ambient
occlusion be.  All surfaces share one shader property each, so a frame sets a handful of uniforms, not one per actor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor, vtkCamera, vtkPolyDataMapper, vtkRenderer, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLShaderProperty

from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.shadows import DEPTH_STEPS, ShadowMap
from twinviewer.scene.sky import Sky
from twinviewer.scene.texture_shader import GLOW, PAGES, PHOTO_LIGHT, TEXTURE_BOXES, TEXTURE_PLACES, UNPACK, find_texel

Float64s = NDArray[np.float64]

_TEXTURE = "materialTex"
"""One of the names that VTK binds without drawing the texture itself (it is used in physically based shading only)."""

_LIGHT = "//VTK::Light::Impl"
_TEXTURES = "//VTK::TCoord::Impl"
"""Where VTK multiplies what is drawn with all textures that it does not know by name."""
_NORMAL = "normal"
"""Name of the point array with the normals of smooth surfaces."""

_VERTEX_DECLARATION = "out vec3 tvPlace;\n"
_VERTEX = "  tvPlace = vertexMC.xyz;\n"
_COPIES_VERTEX = "  tvPlace = vertex.xyz;\n"  # where a copy of the shape stands, which vertexMC does not know
_SMOOTH_VERTEX_DECLARATION = _VERTEX_DECLARATION + "in vec3 tvNormalMC;\nout vec3 tvNormalVS;\n"
_SMOOTH_VERTEX = _VERTEX + "  tvNormalVS = tvNormalMC;\n"
_TEXTURED_VERTEX_DECLARATION = (
    _VERTEX_DECLARATION + "in vec3 tvPlaceMC;\nin vec4 tvBoxMC;\nout vec3 tvPlaceInTexture;\nout vec4 tvBox;\n"
)
_TEXTURED_VERTEX = _VERTEX + "  tvPlaceInTexture = tvPlaceMC;\n  tvBox = tvBoxMC;\n"
_FLAT_NORMAL = "cross(dFdx(tvPlace), dFdy(tvPlace))"
_SMOOTH_NORMAL = "tvNormalVS"

_SURFACE = """
  vec3 tvNormal = normalize(NORMAL);
  if (dot(tvNormal, parallel != 0 ? toEye : eye - tvPlace) < 0.0) { tvNormal = -tvNormal; }
  float tvSun = max(dot(tvNormal, sun), 0.0);
  if (shadowed != 0 && tvSun > 0.0)
  {
    vec3 tvAside = tvNormal * (1.6 - tvSun);
    vec3 tvAt = (nearMatrix * vec4(tvPlace + tvAside * nearTexel, 1.0)).xyz;
    bool tvNear = nearTexel > 0.0 && tvAt == clamp(tvAt, 0.002, 0.998);
    if (!tvNear) { tvAt = (shadowMatrix * vec4(tvPlace + tvAside * shadowTexel, 1.0)).xyz; }
    ivec2 tvSize = textureSize(materialTex, 0);
    tvSize.y /= 2;
    vec2 tvCorner = tvAt.xy * vec2(tvSize) - 0.5;
    ivec2 tvTexel = ivec2(floor(tvCorner));
    vec2 tvPart = tvCorner - vec2(tvTexel);
    if (tvTexel.x >= 0 && tvTexel.y >= 0 && tvTexel.x < tvSize.x - 1 && tvTexel.y < tvSize.y - 1)
    {
      if (tvNear) { tvTexel.y += tvSize.y; }
      const vec3 tvUnpack = vec3(255.0, 65280.0, 16711680.0) / DEPTH_STEPS.0;
      vec4 tvDepth = vec4(dot(texelFetch(materialTex, tvTexel, 0).rgb, tvUnpack),
                          dot(texelFetch(materialTex, tvTexel + ivec2(1, 0), 0).rgb, tvUnpack),
                          dot(texelFetch(materialTex, tvTexel + ivec2(0, 1), 0).rgb, tvUnpack),
                          dot(texelFetch(materialTex, tvTexel + ivec2(1, 1), 0).rgb, tvUnpack));
      vec4 tvLit = step(vec4(min(tvAt.z, 1.0)), tvDepth);  // what lies behind all casters lies in the light
      tvSun *= mix(mix(tvLit.x, tvLit.y, tvPart.x), mix(tvLit.z, tvLit.w, tvPart.x), tvPart.y);
    }
  }
  vec3 tvLight = mix(fromBelow, fromAbove, 0.5 + 0.5 * tvNormal.z) + sunLight * tvSun;
  vec3 tvColour = diffuseColor * tvLight;
""".replace("DEPTH_STEPS", str(DEPTH_STEPS))
_LIT = "diffuseColor * tvLight"
_GLOWING = """diffuseColor
    * (tvLight + glow * (0.6 + 0.4 * dot(tvNormal, normalize(parallel != 0 ? toEye : eye - tvPlace))))"""
_HAZE = """
  float tvFar = clamp((1.0 / gl_FragCoord.w - hazeStart) * hazeDensity, 0.0, 0.6);
  gl_FragData[0] = vec4(mix(COLOUR, hazeColour, tvFar), OPACITY);
"""
_EDGE = """
  float tvMetres = pixelSize / gl_FragCoord.w;
  float tvShown = 0.62 * (1.0 - smoothstep(edgeFade.x, edgeFade.y, tvMetres));
"""

_LEAST_LIGHT = 0.75
"""Of what tells values by its colour: it must be readable by night, too."""
_NO_SHADOWS = np.full((2, 1), DEPTH_STEPS, np.uint32)
_OF_POINTS = vtkDataObject.FIELD_ASSOCIATION_POINTS

EDGE_FADE_M = (0.12, 0.6)
"""Outlines fade away while a pixel grows from the first to the second length: far off they would be a grey noise."""


class SurfaceKind(Enum):
    """What there is to surfaces beside their colours."""

    FLAT = auto()
    """Each triangle is lit by its own normal."""
    SMOOTH = auto()
    """There is an array of normals."""
    CITY = auto()
    """Flat, and colours are as in :mod:`texture_shader`."""
    TEXTURED = auto()
    """The same, and corners say where they are in textures."""


_ATTRIBUTES = {
    SurfaceKind.SMOOTH: (("tvNormalMC", _NORMAL),),
    SurfaceKind.TEXTURED: (("tvPlaceMC", TEXTURE_PLACES), ("tvBoxMC", TEXTURE_BOXES)),
}
"""Names in the shader, and of arrays of points."""


class Shading:
    """The shader properties that surfaces and their outlines share, and the numbers in them."""

    def __init__(self) -> None:
        haze = _hazy("tvColour", opacity="opacity")
        surface = _SURFACE + haze
        flat = shader_property(surface.replace("NORMAL", _FLAT_NORMAL))
        replace_vertex(flat, _VERTEX_DECLARATION, _VERTEX)
        smooth = shader_property(surface.replace("NORMAL", _SMOOTH_NORMAL))
        replace_vertex(smooth, _SMOOTH_VERTEX_DECLARATION, _SMOOTH_VERTEX)
        lit, colour = surface.replace("NORMAL", _FLAT_NORMAL).split("  vec3 tvColour", 1)
        colour = f"{GLOW}  vec3 tvColour{colour}"
        city = shader_property(UNPACK + lit + colour)
        replace_vertex(city, _VERTEX_DECLARATION, _VERTEX)
        self._surfaces = {SurfaceKind.FLAT: flat, SurfaceKind.SMOOTH: smooth, SurfaceKind.CITY: city}
        self._textured = [city]
        """By the number of pages: processors that draw look at every page for every pixel."""
        for pages in range(1, len(PAGES) + 1):
            textured = shader_property(UNPACK + find_texel(pages) + lit + PHOTO_LIGHT + colour)
            replace_vertex(textured, _TEXTURED_VERTEX_DECLARATION, _TEXTURED_VERTEX)
            textured.AddFragmentShaderReplacement(_TEXTURES, True, "", False)  # noqa: FBT003 - we look them up ourselves
            self._textured.append(textured)
        self._copies = shader_property(surface.replace("NORMAL", _FLAT_NORMAL).replace(_LIT, _GLOWING))
        replace_vertex(self._copies, _VERTEX_DECLARATION, _COPIES_VERTEX)
        self._edge = shader_property(_EDGE + _hazy("diffuseColor * edgeLight", opacity="opacity * tvShown"))
        self._plain = vtkOpenGLShaderProperty()
        self._image = vtkImageData()
        self._texture = vtkTexture()
        self._texture.SetInputData(self._image)
        self._texture.SetColorModeToDirectScalars()
        self._texture.InterpolateOff()
        self._texture.RepeatOff()
        self._show_texels(_NO_SHADOWS)
        for uniform, value in (
            ("sun", (0.0, 0.0, 1.0)),
            ("eye", (0.0, 0.0, 1.0)),
            ("toEye", (0.0, 0.0, 1.0)),
            ("sunLight", (0.5, 0.5, 0.5)),
            ("fromAbove", (0.5, 0.5, 0.5)),
            ("fromBelow", (0.3, 0.3, 0.3)),
            ("edgeLight", (0.8, 0.8, 0.8)),
            ("hazeColour", (0.8, 0.8, 0.8)),
        ):
            self._set_vector(uniform, value)
        for name in ("shadowMatrix", "nearMatrix"):
            self._set_matrix(name, np.eye(4))
        for name in ("hazeStart", "hazeDensity", "shadowTexel", "nearTexel", "pixelSize"):
            self._set_number(name, 0.0)
        self._set_switch("shadowed", on=False)
        self._copies.GetFragmentCustomUniforms().SetUniformf("glow", 0.0)
        self._set_switch("parallel", on=False)
        self._edge.GetFragmentCustomUniforms().SetUniform2f("edgeFade", EDGE_FADE_M)

    @property
    def _all(self) -> tuple[vtkOpenGLShaderProperty, ...]:
        return (*self._surfaces.values(), *self._textured[1:], self._copies, self._edge)

    def dress(
        self, actor: vtkActor, kind: SurfaceKind, *, pages: Sequence[vtkTexture] = (), for_occlusion: bool
    ) -> None:
        """Light a surface.

        Args:
            actor: The surface.
            kind: What there is to it.
            pages: Its textures, at most MOST_PAGES.
            for_occlusion: Let VTK compute its own light too, of which ambient occlusion takes the normals.
        """
        actor.GetProperty().SetTexture(_TEXTURE, self._texture)
        actor.GetProperty().SetLighting(for_occlusion)
        mapper = actor.GetMapper()
        assert isinstance(mapper, vtkPolyDataMapper)
        for name, array in _ATTRIBUTES.get(kind, ()):
            mapper.MapDataArrayToVertexAttribute(name, array, _OF_POINTS, -1)
        for number, name in enumerate(PAGES):
            if kind is SurfaceKind.TEXTURED and number < len(pages):
                actor.GetProperty().SetTexture(name, pages[number])
            else:
                actor.GetProperty().RemoveTexture(name)
        textured = self._textured[len(pages)]
        actor.SetShaderProperty(textured if kind is SurfaceKind.TEXTURED else self._surfaces[kind])

    def dress_copies(self, actor: vtkActor, *, for_occlusion: bool) -> None:
        """Light many copies of one shape, each triangle flat."""
        actor.GetProperty().SetTexture(_TEXTURE, self._texture)
        actor.GetProperty().SetLighting(for_occlusion)
        actor.SetShaderProperty(self._copies)

    def dress_edge(self, actor: vtkActor) -> None:
        """Let outlines fade with distance."""
        actor.SetShaderProperty(self._edge)

    def undress(self, actor: vtkActor) -> None:
        """Leave an actor to VTK's own lights."""
        actor.GetProperty().RemoveAllTextures()
        actor.GetProperty().LightingOn()
        mapper = actor.GetMapper()
        if isinstance(mapper, vtkPolyDataMapper):  # copies have a mapper of their own
            mapper.RemoveAllVertexAttributeMappings()
        actor.SetShaderProperty(self._plain)

    def undress_edge(self, actor: vtkActor) -> None:
        actor.SetShaderProperty(self._plain)

    def set_sky(self, sky: Sky) -> None:
        """Take the colours of the hour."""
        fill = np.array(sky.fill_colour) / 255 * sky.fill_strength
        bounce = np.array(sky.fill_ground) / 255 * sky.fill_strength
        sun = np.array(sky.sun_colour) / 255 * sky.sun_strength
        self._set_vector("sunLight", sun)
        self._set_vector("fromAbove", fill)
        self._set_vector("fromBelow", 0.58 * fill + 0.28 * bounce)
        self._set_vector("edgeLight", fill + 0.4 * sun)
        self._set_vector("hazeColour", np.array(sky.horizon) / 255)
        glow = max(0.0, _LEAST_LIGHT - float((fill + 0.4 * sun).mean()))
        self._copies.GetFragmentCustomUniforms().SetUniformf("glow", glow)

    def set_shadows(self, whole: ShadowMap | None, near: ShadowMap | None = None) -> None:
        """Use a shadow map of the whole city and, where there is one, a finer one of what is near."""
        self._set_switch("shadowed", on=whole is not None)
        self._set_number("nearTexel", 0.0 if near is None else near.texel_m)
        if whole is None:
            self._show_texels(_NO_SHADOWS)
            return
        self._set_number("shadowTexel", whole.texel_m)
        self._set_matrix("shadowMatrix", whole.matrix)
        if near is not None:
            self._set_matrix("nearMatrix", near.matrix)
        self._show_texels(np.concatenate([whole.texels, (near or whole).texels]))

    def _show_texels(self, texels: NDArray[np.uint32]) -> None:
        """Put both maps (rows, columns), one over the other, into the texture.

        As four bytes each, lowest first: float textures lose their precision on some drivers.
        """
        rows, columns = texels.shape
        self._image.SetDimensions(columns, rows, 1)
        packed = texels.astype("<u4", copy=False).ravel().view(np.uint8).reshape(-1, 4)
        self._image.GetPointData().SetScalars(as_vtk(packed, "depth"))
        self._image.Modified()

    def set_sun(self, direction: Float64s) -> None:
        """Let the light come from ``direction``, a unit vector (3,)."""
        self._set_vector("sun", direction)

    def follow(self, renderer: vtkRenderer, *, haze_start_m: float, haze_density: float) -> None:
        """Take over what depends on the camera, just before a frame."""
        camera = renderer.GetActiveCamera()
        self._set_vector("eye", camera.GetPosition())
        self._set_vector("toEye", -np.array(camera.GetDirectionOfProjection()))
        self._set_number("hazeStart", haze_start_m)
        self._set_number("hazeDensity", 0.0 if camera.GetParallelProjection() else haze_density)
        self._set_switch("parallel", on=bool(camera.GetParallelProjection()))
        self._set_number("pixelSize", _pixel_size(camera, renderer.GetSize()[1]))

    def release(self, renderer: vtkRenderer) -> None:
        self._texture.ReleaseGraphicsResources(renderer.GetRenderWindow())

    def _set_vector(self, name: str, value: Float64s | tuple[float, float, float]) -> None:
        for item in self._all:
            item.GetFragmentCustomUniforms().SetUniform3f(name, [float(part) for part in value])

    def _set_number(self, name: str, value: float) -> None:
        for item in self._all:
            item.GetFragmentCustomUniforms().SetUniformf(name, float(value))

    def _set_switch(self, name: str, *, on: bool) -> None:
        for item in self._all:
            item.GetFragmentCustomUniforms().SetUniformi(name, int(on))

    def _set_matrix(self, name: str, matrix: Float64s) -> None:
        columns = [float(part) for part in matrix.T.ravel()]  # OpenGL counts down the columns
        for item in (*self._surfaces.values(), *self._textured[1:], self._copies):
            item.GetFragmentCustomUniforms().SetUniformMatrix4x4(name, columns)


def _pixel_size(camera: vtkCamera, height_px: int) -> float:
    """Return the size of a pixel: metres in parallel projection, else metres per metre of distance."""
    if camera.GetParallelProjection():
        return 2 * camera.GetParallelScale() / max(height_px, 1)
    return 2 * math.tan(math.radians(camera.GetViewAngle()) / 2) / max(height_px, 1)


def edges_fade_at_m(camera: vtkCamera, height_px: int) -> float:
    """Return the distance at which outlines have faded away."""
    size = _pixel_size(camera, height_px)
    if camera.GetParallelProjection():
        return math.inf if size < EDGE_FADE_M[1] else 0.0
    return EDGE_FADE_M[1] / size


def _hazy(colour: str, *, opacity: str) -> str:
    return _HAZE.replace("COLOUR", colour).replace("OPACITY", opacity)


def shader_property(code: str) -> vtkOpenGLShaderProperty:
    """Return a property whose fragments do ``code`` after VTK's own light."""
    item = vtkOpenGLShaderProperty()
    item.AddFragmentShaderReplacement(_LIGHT, True, f"{_LIGHT}\n  {{{code}  }}\n", False)  # noqa: FBT003
    return item


def replace_vertex(item: vtkOpenGLShaderProperty, declaration: str, code: str) -> None:
    """Let vertices do ``code`` after VTK has placed them; what ``declaration`` gives out comes into the fragments."""
    for tag, addition in (("//VTK::PositionVC::Dec", declaration), ("//VTK::PositionVC::Impl", code)):
        item.AddVertexShaderReplacement(tag, True, f"{tag}\n{addition}", False)  # noqa: FBT003
    inputs = "".join(f"in{line[3:]}\n" for line in declaration.splitlines() if line.startswith("out"))
    tag = "//VTK::PositionVC::Dec"
    item.AddFragmentShaderReplacement(tag, True, f"{tag}\n{inputs}", False)  # noqa: FBT003
