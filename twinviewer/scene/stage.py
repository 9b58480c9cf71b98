"""Light, backdrop and render presets: everything around the city that is not the city."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkRenderer, vtkTexture
from vtkmodules.vtkRenderingOpenGL2 import vtkEDLShading, vtkRenderStepsPass

from twinviewer.analysis.sun import SunPosition
from twinviewer.scene.backdrop import Backdrop
from twinviewer.scene.base_plate import BasePlate
from twinviewer.scene.camera import around
from twinviewer.scene.layer_actor import AMBIENT, LayerActor, Look
from twinviewer.scene.shading import Shading, SurfaceKind
from twinviewer.scene.shadows import ShadowCaster, ShadowMap
from twinviewer.scene.sky import Sky, backdrop, lit_from, row_elevations, sky_at
from twinviewer.scene.visible_ground import GroundHeights, near_box

Float64s = NDArray[np.float64]

_SHADOW_MAP_PX = 2048
_LEAST_SUN_DEG = 0.5
"""Lower, and shadows are longer than any city."""
_WORTH_A_NEAR_MAP = 0.5
"""Share of the whole city's extent that the near part may have; more, and the one map is fine enough."""
_PLAIN_SHARE = 0.45
"""Of the brightness of copies that VTK's plain lights give; the rest is always there."""
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
    "point-cloud": Preset(look=Look(edges=False, point_scale=1.75), depth_shading=True),
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
        """The city has changed since they were drawn: drawn anew when the picture is still."""
        self._sun_has_moved = True
        """They are wrong everywhere: drawn anew at once."""
        self._casters: list[vtkActor] = []
        """What the shadows are of."""
        self._whole_map: ShadowMap | None = None
        self._near_part: Float64s | None = None
        """What the finer map is of; None: there is none."""
        self._edl: vtkEDLShading | None = None
        self._sunlight, self._head = vtkLight(), vtkLight()
        self._sunlight.SetLightTypeToSceneLight()
        self._sunlight.PositionalOff()
        self._head.SetLightTypeToHeadlight()
        renderer.RemoveAllLights()  # ours are for the safe preset, selections and glyphs
        for light in (self._head, self._sunlight):
            renderer.AddLight(light)
        renderer.SetAutomaticLightCreation(0)
        renderer.GetRenderWindow().SetMultiSamples(0)  # FXAA costs a third of it, and passes need a plain buffer
        renderer.SetUseOIT(False)  # noqa: FBT003 - plain blending: there are few translucent layers
        renderer.SetSSAORadius(9.0)
        renderer.SetSSAOBias(0.5)
        renderer.SetSSAOKernelSize(32)
        renderer.SSAOBlurOn()
        self._backdrop = Backdrop(renderer)
        self.base = BasePlate(renderer)
        self._shine()
        self._apply_preset()

    @property
    def look(self) -> Look:
        return self._preset.look

    @property
    def dark(self) -> bool:
        return self._dark

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
            self._choose_passes()

    def dress(self, actor: LayerActor) -> None:
        """Light a layer as the preset says."""
        for surface in actor.surfaces:
            self.dress_surface(surface, actor.kind_of(surface), pages=actor.pages)
        for edge in actor.edges:
            if self._preset.own_light:
                self._shading.dress_edge(edge)
            else:
                self._shading.undress_edge(edge)
        actor.set_look(self._preset.look)
        self.age_shadows()

    def dress_surface(
        self, surface: vtkActor, kind: SurfaceKind = SurfaceKind.FLAT, *, pages: Sequence[vtkTexture] = ()
    ) -> None:
        """Light one surface as the preset says, of a kind and with its textures."""
        if self._preset.own_light:
            self._shading.dress(surface, kind, pages=pages, for_occlusion=self._preset.occlusion)
        else:
            self._shading.undress(surface)

    def dress_copies(self, copies: vtkActor) -> None:
        """Light many copies of one shape as the preset says."""
        own = self._preset.own_light
        # VTK's lights go down with the sun; what tells values by its colour must be readable by night, too.
        copies.GetProperty().SetAmbient(AMBIENT if own else 1 - _PLAIN_SHARE)
        copies.GetProperty().SetDiffuse(1.0 if own else _PLAIN_SHARE)
        if own:
            self._shading.dress_copies(copies, for_occlusion=self._preset.occlusion)
        else:
            self._shading.undress(copies)

    def age_shadows(self) -> None:
        """Draw the shadows anew with the next still frame: what casts them has changed."""
        self._shadows_are_old = True

    def _shine(self) -> None:
        self._sky = sky = sky_at(self._sun.elevation_deg, dark=self._dark)
        self._shading.set_sky(sky)
        self._shading.set_sun(lit_from(self._sun))
        self.base.paint(_unlit_ground(sky, lit_from(self._sun)))
        self._sunlight.SetPosition(*lit_from(self._sun))
        self._sunlight.SetFocalPoint(0, 0, 0)
        self._sunlight.SetColor(*(part / 255 for part in sky.sun_colour))
        self._sunlight.SetIntensity(0.6 * sky.sun_strength)
        self._head.SetColor(*(part / 255 for part in sky.fill_colour))
        self._head.SetIntensity(0.8 * sky.fill_strength)
        self._sun_has_moved = True

    def _apply_preset(self) -> None:
        self.dress_surface(self.base.surface)
        self._choose_passes()
        if not self._preset.shadows:
            self._shading.set_shadows(None)
        self._sun_has_moved = True

    def _choose_passes(self) -> None:
        preset, renderer = self._preset, self._renderer
        renderer.SetUseFXAA(preset.smooth and self._still)
        renderer.SetUseSSAO(preset.occlusion and self._still)
        renderer.SetPass(self._depth_shading() if preset.depth_shading and self._still else None)  # type: ignore[arg-type]

    def _depth_shading(self) -> vtkEDLShading:
        if self._edl is None:
            self._edl = vtkEDLShading()
            self._edl.SetDelegatePass(vtkRenderStepsPass())
        return self._edl

    def before_render(
        self, actors: Collection[LayerActor], bounds: Float64s | None, ground_heights: GroundHeights
    ) -> None:
        """Turn light and backdrop with the camera, and draw old shadows anew.  ``bounds``: local (3, 2)."""
        for actor in actors:
            actor.follow(
                self._renderer.GetActiveCamera(), height_px=self._renderer.GetSize()[1], moving=not self._still
            )
        if self._preset.shadows and (self._still or self._sun_has_moved):
            self._draw_shadows(actors, ground_heights)
        size = 1000.0 if bounds is None else max(float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])), 100.0)
        self._shading.follow(self._renderer, haze_start_m=0.55 * size, haze_density=0.3 / size)
        self._turn_backdrop()

    def _draw_shadows(self, actors: Collection[LayerActor], ground_heights: GroundHeights) -> None:
        """Draw anew whatever map does not hold any more: that of the whole, and that of what is near."""
        layers = [actor for actor in actors if actor.casts_shadows]
        casters = [
            surface
            for actor in layers
            for surface in actor.surfaces
            if surface.GetVisibility() and _stops_light(surface)
        ]
        box = around([box for actor in layers for box in actor.boxes()])
        old = self._shadows_are_old or self._sun_has_moved or casters != self._casters
        self._casters = casters
        if box is None or not casters or self._sun.elevation_deg < _LEAST_SUN_DEG:
            if old:
                self._shading.set_shadows(None)
            self._shadows_are_old = self._sun_has_moved = False
            return
        wanted = self._near_part_wanted(box, ground_heights) if self._still else None
        if not old and _holds(self._near_part, wanted):
            return
        if self._caster is None:
            self._caster = ShadowCaster(_SHADOW_MAP_PX)
        sun = lit_from(self._sun)
        if old or self._whole_map is None:
            self._whole_map = self._caster.draw(casters, sun=sun, bounds=box, part=box)
        self._near_part = wanted
        near = None if wanted is None else self._caster.draw(casters, sun=sun, bounds=box, part=wanted)
        self._shadows_are_old = self._sun_has_moved = False
        self._renderer.GetRenderWindow().MakeCurrent()
        self._shading.set_shadows(self._whole_map, near)

    def _near_part_wanted(self, box: Float64s, ground_heights: GroundHeights) -> Float64s | None:
        width, height = self._renderer.GetSize()
        part = near_box(self._renderer.GetActiveCamera(), aspect=width / max(height, 1), ground_heights=ground_heights)
        if part is None:
            return None
        size, of_all = part[:2, 1] - part[:2, 0], box[:2, 1] - box[:2, 0]
        return part if size.max() < _WORTH_A_NEAR_MAP * of_all.max() else None

    def _turn_backdrop(self) -> None:
        camera = self._renderer.GetActiveCamera()
        self._renderer.SetBackground(*_plain(self._sky))
        pitch = math.degrees(math.asin(max(-1.0, min(1.0, camera.GetDirectionOfProjection()[2]))))
        heights = row_elevations(pitch_deg=pitch, view_angle_deg=camera.GetViewAngle(), rows=self._backdrop.rows)
        visible = self._preset.sky and not camera.GetParallelProjection()
        self._backdrop.show(backdrop(self._sky, heights), visible=visible)

    def close(self) -> None:
        """Let go of everything."""
        self._renderer.SetPass(None)  # type: ignore[arg-type]  # None is how VTK is told to forget it
        if self._edl is not None:
            self._edl.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
            self._edl = None
        if self._caster is not None:
            self._caster.close()
            self._caster = None
        self._casters.clear()
        self._backdrop.detach()
        self.base.detach()
        self._shading.release(self._renderer)
        self._renderer.RemoveAllLights()


def _stops_light(surface: vtkActor) -> bool:
    return not surface.GetForceTranslucent() and surface.GetProperty().GetOpacity() >= _SOLID


def _holds(drawn: Float64s | None, wanted: Float64s | None) -> bool:
    """Return whether the map of one part does for another: it holds it, and is not much coarser than it could be."""
    if drawn is None or wanted is None:
        return drawn is wanted
    inside = (drawn[:, 0] <= wanted[:, 0]).all() and (wanted[:, 1] <= drawn[:, 1]).all()
    return bool(inside and (drawn[:2, 1] - drawn[:2, 0]).max() <= 1.5 * (wanted[:2, 1] - wanted[:2, 0]).max())


def _unlit_ground(sky: Sky, sun: Float64s) -> tuple[int, int, int]:
    """Return the colour that looks like the backdrop's ground when the hour's light falls on it from above."""
    light = np.array(sky.fill_colour) * sky.fill_strength + np.array(sky.sun_colour) * sky.sun_strength * sun[2]
    red, green, blue = (int(part) for part in np.clip(np.array(sky.ground) / (light / 255), 0, 255))
    return red, green, blue


def _plain(sky: Sky) -> tuple[float, float, float]:
    red, green, blue = ((a * 0.6 + b * 0.4) / 255 for a, b in zip(sky.ground, sky.horizon, strict=True))
    return red, green, blue
