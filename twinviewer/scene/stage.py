"""Light, backdrop and render presets: everything around the city that is not the city."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkEDLShading, vtkRenderStepsPass

from twinviewer.analysis.sun import SunPosition
from twinviewer.scene.layer_actor import LayerActor, Look
from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.shading import Shading
from twinviewer.scene.shadows import ShadowCaster
from twinviewer.scene.sky import Sky, backdrop, lit_from, row_elevations, sky_at

Float64s = NDArray[np.float64]

_BACKDROP_ROWS = 256
_SHADOW_MAP_PX = 2048
_LEAST_SUN_DEG = 0.5
"""Lower, and shadows are longer than any city."""
_SOLID = 0.6
"""Layers more transparent than this cast no shadow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named set of render passes."""

    look: Look = field(default_factory=Look)
    own_light: bool = True
    """Our own sun and sky light (see ``shading``); off: VTK's plain lights."""
    shadows: bool = False
    occlusion: bool = False
    """Darkens corners and narrow courts (SSAO)."""
    depth_shading: bool = False
    """Outlines by depth (EDL), for points without normals."""
    smooth: bool = True
    """Anti-aliasing (FXAA)."""
    sky: bool = True


PRESETS = {
    "planning": Preset(shadows=True),
    "point-cloud": Preset(look=Look(edges=False), depth_shading=True),
    "presentation": Preset(shadows=True, occlusion=True),
    "safe": Preset(look=Look(edges=False), own_light=False, smooth=False, sky=False),
}
DEFAULT_PRESET = "planning"


class Stage:
    """Lights, backdrop and passes of one renderer."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._dark = False
        self._still = True
        self._preset = PRESETS[DEFAULT_PRESET]
        self._sun = SunPosition(azimuth_deg=160.0, elevation_deg=45.0)
        self._sky = sky_at(self._sun.elevation_deg)
        self._shading = Shading()
        self._caster: ShadowCaster | None = None
        self._shadows_are_old = True
        self._edl: vtkEDLShading | None = None
        self._sunlight, self._head = vtkLight(), vtkLight()
        self._sunlight.SetLightTypeToSceneLight()
        self._sunlight.PositionalOff()
        self._head.SetLightTypeToHeadlight()
        renderer.RemoveAllLights()
        renderer.SetAutomaticLightCreation(0)
        renderer.GetRenderWindow().SetMultiSamples(0)  # FXAA costs a third of it, and passes need a plain buffer
        renderer.SetUseOIT(False)  # noqa: FBT003 - plain blending: there are few translucent layers
        renderer.SetSSAORadius(9.0)
        renderer.SetSSAOBias(0.5)
        renderer.SetSSAOKernelSize(32)
        renderer.SSAOBlurOn()
        # Two columns wide: an image of one is taken for one that stands across.
        self._rows = np.zeros((_BACKDROP_ROWS, 2, 3), dtype=np.uint8)
        self._rows_vtk = as_vtk(self._rows.reshape(-1, 3), "backdrop")
        self._picture = vtkImageData()
        self._picture.SetDimensions(2, _BACKDROP_ROWS, 1)
        self._picture.GetPointData().SetScalars(self._rows_vtk)
        self._texture = vtkTexture()
        self._texture.SetInputData(self._picture)
        self._texture.InterpolateOn()
        self._shine()
        self._apply_preset()

    @property
    def look(self) -> Look:
        return self._preset.look

    def set_sun(self, sun: SunPosition) -> None:
        if sun != self._sun:
            self._sun = sun
            self._shine()

    def set_dark(self, *, dark: bool) -> None:
        if dark != self._dark:
            self._dark = dark
            self._shine()

    def set_preset(self, name: str, actors: Iterable[LayerActor]) -> None:
        """Use the preset ``name``; one that nobody here knows is drawn as the default one."""
        self._preset = PRESETS.get(name, PRESETS[DEFAULT_PRESET])
        self._apply_preset()
        for actor in actors:
            self.dress(actor)

    def set_still(self, *, still: bool) -> None:
        """Leave out what is expensive while the camera moves."""
        if still != self._still:
            self._still = still
            self._apply_preset()

    def dress(self, actor: LayerActor) -> None:
        """Light a layer as the preset says."""
        for surface in actor.surfaces:
            if self._preset.own_light:
                self._shading.dress(surface, smooth=actor.smooth)
            else:
                self._shading.undress(surface)
        for edge in actor.edges:
            if self._preset.own_light:
                self._shading.dress_edge(edge)
            else:
                self._shading.undress(edge)
        actor.set_look(self._preset.look)
        self.age_shadows()

    def age_shadows(self) -> None:
        """Draw the shadows anew with the next frame: what casts them has changed."""
        self._shadows_are_old = True

    def _shine(self) -> None:
        self._sky = sky = sky_at(self._sun.elevation_deg, dark=self._dark)
        self._shading.set_sky(sky)
        self._sunlight.SetPosition(*lit_from(self._sun))
        self._sunlight.SetFocalPoint(0, 0, 0)
        self._sunlight.SetColor(*(part / 255 for part in sky.sun_colour))
        self._sunlight.SetIntensity(0.5 * sky.sun_strength)
        self._head.SetColor(*(part / 255 for part in sky.fill_colour))
        self._head.SetIntensity(0.55 * sky.fill_strength)
        self.age_shadows()

    def _apply_preset(self) -> None:
        preset, renderer = self._preset, self._renderer
        renderer.RemoveAllLights()
        renderer.AddLight(self._head)
        if not preset.own_light:
            renderer.AddLight(self._sunlight)
        renderer.SetUseFXAA(preset.smooth and self._still)
        renderer.SetUseSSAO(preset.occlusion and self._still)
        if preset.depth_shading and self._edl is None:
            self._edl = vtkEDLShading()
            self._edl.SetDelegatePass(vtkRenderStepsPass())
            renderer.SetPass(self._edl)
        elif not preset.depth_shading:
            self._drop_edl()
        if not preset.shadows:
            self._shading.set_shadows(None, None, texel_m=0.0)
        self.age_shadows()

    def _drop_edl(self) -> None:
        if self._edl is not None:
            self._renderer.SetPass(None)  # type: ignore[arg-type]  # None is how VTK is told to forget it
            self._edl.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
            self._edl = None

    def before_render(self, actors: Iterable[LayerActor], bounds: Float64s | None) -> None:
        """Turn light and backdrop with the camera, and draw old shadows anew.  ``bounds``: local (3, 2)."""
        if self._shadows_are_old and self._preset.shadows:
            self._draw_shadows(actors, bounds)
        size = 1000.0 if bounds is None else max(float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])), 100.0)
        self._shading.follow(
            self._renderer, sun=lit_from(self._sun), haze_start_m=0.55 * size, haze_density=0.45 / size
        )
        self._turn_backdrop()

    def _draw_shadows(self, actors: Iterable[LayerActor], bounds: Float64s | None) -> None:
        self._shadows_are_old = False
        layers = [actor for actor in actors if actor.casts_shadows]
        casters = [
            surface
            for actor in layers
            for surface in actor.surfaces
            if surface.GetVisibility() and surface.GetProperty().GetOpacity() >= _SOLID
        ]
        if bounds is None or not casters or self._sun.elevation_deg < _LEAST_SUN_DEG:
            self._shading.set_shadows(None, None, texel_m=0.0)
            return
        boxes = [box for actor in layers if (box := actor.bounds()) is not None]
        box = np.stack([np.min([b[:, 0] for b in boxes], axis=0), np.max([b[:, 1] for b in boxes], axis=0)], axis=1)
        if self._caster is None:
            self._caster = ShadowCaster(_SHADOW_MAP_PX)
        shadows = self._caster.draw(casters, sun=lit_from(self._sun), bounds=box)
        self._renderer.GetRenderWindow().MakeCurrent()
        self._shading.set_shadows(shadows.depths, shadows.matrix, texel_m=shadows.texel_m)

    def _turn_backdrop(self) -> None:
        sky, renderer = self._sky, self._renderer
        camera = renderer.GetActiveCamera()
        if not self._preset.sky or camera.GetParallelProjection():
            renderer.TexturedBackgroundOff()
            renderer.GradientBackgroundOff()
            renderer.SetBackground(*_plain(sky))
            return
        pitch = math.degrees(math.asin(max(-1.0, min(1.0, camera.GetDirectionOfProjection()[2]))))
        heights = row_elevations(pitch_deg=pitch, view_angle_deg=camera.GetViewAngle(), rows=_BACKDROP_ROWS)
        rows = backdrop(sky, heights)
        if renderer.GetUseSSAO():  # that pass knows two colours, not a picture
            renderer.TexturedBackgroundOff()
            renderer.GradientBackgroundOn()
            renderer.SetBackground(*(rows[0] / 255))
            renderer.SetBackground2(*(rows[-1] / 255))
            return
        renderer.GradientBackgroundOff()
        renderer.TexturedBackgroundOn()
        renderer.SetBackgroundTexture(self._texture)
        if not np.array_equal(rows, self._rows[:, 0]):
            self._rows[:] = rows[:, None]
            self._rows_vtk.Modified()
            self._picture.Modified()

    def close(self) -> None:
        """Let go of everything."""
        self._drop_edl()
        if self._caster is not None:
            self._caster.close()
            self._caster = None
        self._renderer.TexturedBackgroundOff()
        self._renderer.SetBackgroundTexture(None)  # type: ignore[arg-type]
        self._texture.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._shading.release(self._renderer)
        self._renderer.RemoveAllLights()


def _plain(sky: Sky) -> tuple[float, float, float]:
    red, green, blue = ((a * 0.6 + b * 0.4) / 255 for a, b in zip(sky.ground, sky.horizon, strict=True))
    return red, green, blue
