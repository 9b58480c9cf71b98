"""Light, backdrop and render presets: everything around the city that is not the city."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkEDLShading, vtkRenderStepsPass

from twinviewer.analysis.sun import SunPosition
from twinviewer.scene.layer_actor import Look
from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.sky import Sky, backdrop, lit_from, row_elevations, sky_at

_BACKDROP_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named set of render passes."""

    look: Look
    shadows: bool = False
    occlusion: bool = False
    """Darkens corners and narrow courts (SSAO)."""
    depth_shading: bool = False
    """Outlines by depth (EDL), for points without normals."""
    smooth: bool = True
    """Anti-aliasing (FXAA)."""
    sky: bool = True


PRESETS = {
    "planning": Preset(look=Look(edges=True, ambient=0.30), shadows=True),
    "point-cloud": Preset(look=Look(edges=False, ambient=0.40), depth_shading=True),
    "presentation": Preset(look=Look(edges=True, ambient=0.30), shadows=True, occlusion=True),
    "safe": Preset(look=Look(edges=False, ambient=0.40), smooth=False, sky=False),
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
        self._sunlight, self._fill, self._head = vtkLight(), vtkLight(), vtkLight()
        renderer.RemoveAllLights()
        renderer.SetAutomaticLightCreation(0)
        for light in (self._sunlight, self._fill):
            light.SetLightTypeToSceneLight()
            light.PositionalOff()
        self._head.SetLightTypeToHeadlight()
        for light in (self._sunlight, self._fill, self._head):
            renderer.AddLight(light)
        self._rows = np.zeros((_BACKDROP_ROWS, 3), dtype=np.uint8)
        self._rows_vtk = as_vtk(self._rows, "backdrop")
        self._picture = vtkImageData()
        self._picture.SetDimensions(1, _BACKDROP_ROWS, 1)
        self._picture.GetPointData().SetScalars(self._rows_vtk)
        self._texture = vtkTexture()
        self._texture.SetInputData(self._picture)
        self._texture.InterpolateOn()
        self._edl: vtkEDLShading | None = None
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

    def set_preset(self, name: str) -> None:
        """Use the preset ``name``; one that nobody here knows is drawn as the default one."""
        self._preset = PRESETS.get(name, PRESETS[DEFAULT_PRESET])
        self._apply_preset()

    def set_still(self, *, still: bool) -> None:
        """Leave out what is expensive while the camera moves."""
        if still != self._still:
            self._still = still
            self._apply_preset()

    def _shine(self) -> None:
        self._sky = sky = sky_at(self._sun.elevation_deg, dark=self._dark)
        self._sunlight.SetPosition(*lit_from(self._sun))
        self._sunlight.SetFocalPoint(0, 0, 0)
        self._sunlight.SetColor(*(part / 255 for part in sky.sun_colour))
        self._sunlight.SetIntensity(0.78 * sky.sun_strength)
        away = lit_from(self._sun)
        self._fill.SetPosition(-0.6 * away[0], -0.6 * away[1], 1.0)
        self._fill.SetFocalPoint(0, 0, 0)
        self._fill.SetColor(*(part / 255 for part in sky.fill_colour))
        self._fill.SetIntensity(0.55 * sky.fill_strength)
        self._head.SetColor(*(part / 255 for part in sky.fill_colour))
        self._head.SetIntensity(0.22 * sky.fill_strength)

    def _apply_preset(self) -> None:
        preset, renderer = self._preset, self._renderer
        renderer.SetUseFXAA(preset.smooth)
        renderer.SetUseSSAO(preset.occlusion and self._still)
        if preset.depth_shading and self._edl is None:
            self._edl = vtkEDLShading()
            self._edl.SetDelegatePass(vtkRenderStepsPass())
            renderer.SetPass(self._edl)
        elif not preset.depth_shading and self._edl is not None:
            self._drop_edl()

    def _drop_edl(self) -> None:
        if self._edl is not None:
            self._renderer.SetPass(None)
            self._edl.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
            self._edl = None

    def fit(self, bounds: NDArray[np.float64] | None) -> None:
        """Suit the passes to the size of what is shown, local (3, 2)."""
        if bounds is not None:
            self._renderer.SetSSAORadius(12.0)
            self._renderer.SetSSAOBias(0.4)
            self._renderer.SetSSAOKernelSize(24)
            self._renderer.SSAOBlurOn()

    def before_render(self) -> None:
        """Turn the backdrop with the camera."""
        sky = self._sky
        camera = self._renderer.GetActiveCamera()
        plain = not self._preset.sky or bool(camera.GetParallelProjection())
        self._renderer.SetTexturedBackground(not plain)
        self._renderer.GradientBackgroundOff()
        if plain:
            self._renderer.SetBackground(*_plain(sky))
            return
        self._renderer.SetBackgroundTexture(self._texture)
        pitch = math.degrees(math.asin(max(-1.0, min(1.0, camera.GetDirectionOfProjection()[2]))))
        heights = row_elevations(pitch_deg=pitch, view_angle_deg=camera.GetViewAngle(), rows=_BACKDROP_ROWS)
        rows = backdrop(sky, heights)
        if not np.array_equal(rows, self._rows):
            self._rows[:] = rows
            self._rows_vtk.Modified()
            self._picture.Modified()

    def close(self) -> None:
        """Let go of everything."""
        self._drop_edl()
        self._renderer.TexturedBackgroundOff()
        self._renderer.SetBackgroundTexture(None)
        self._texture.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._renderer.RemoveAllLights()


def _plain(sky: Sky) -> tuple[float, float, float]:
    red, green, blue = ((a * 0.6 + b * 0.4) / 255 for a, b in zip(sky.ground, sky.horizon, strict=True))
    return red, green, blue
