"""The scene: hears of changes to the document and keeps the picture in line with it.

Layers are prepared in the background and attached on the main thread; a change touches only what differs.
Nothing is drawn here at once: ``request_render`` is asked, and the owner renders when it is ready.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pyvista import BasePlotter, Plotter
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from twinviewer.analysis.sun import NOWHERE, SolarSite, solar_site
from twinviewer.app.session import Change, Session
from twinviewer.app.textures import TextureSource
from twinviewer.model.drawing import ColourScale, DrawingRequest
from twinviewer.model.layer_data import LayerData, TerrainGrid
from twinviewer.model.place import LOCAL, Extent, LocalFrame
from twinviewer.model.project import LayerId, LayerSpec, Project, Viewpoint
from twinviewer.model.section import Section
from twinviewer.scene.animation import Animation
from twinviewer.scene.camera import apply_viewpoint, around, set_clipping_range, viewpoint_of
from twinviewer.scene.city_appearance import TexturedLook
from twinviewer.scene.city_model_actor import CityModelActor
from twinviewer.scene.drawn import RunInBackground
from twinviewer.scene.feature_actor import FeatureActor
from twinviewer.scene.furniture import furniture
from twinviewer.scene.ground import Ground, ground_level, ground_of, standing_beside
from twinviewer.scene.layer_actor import LayerActor
from twinviewer.scene.mesh_actor import MeshActor, PictureActor
from twinviewer.scene.named_views import NamedView, named_view
from twinviewer.scene.navigation import Limits, Picture
from twinviewer.scene.overlays import Overlays
from twinviewer.scene.picking import Hit, Pick, PickRay, ray_through
from twinviewer.scene.picture import write_picture
from twinviewer.scene.point_actor import PointCloudActor
from twinviewer.scene.sections import Cut
from twinviewer.scene.selection import Selection
from twinviewer.scene.stage import Stage
from twinviewer.scene.terrain_actor import TerrainActor
from twinviewer.scene.texturing import Texturing

T = TypeVar("T")

NAMED_VIEWS = {
    "overview": (NamedView.OVERVIEW, False),
    "iso": (NamedView.ISOMETRIC_SOUTH_WEST, True),
    "top": (NamedView.TOP, True),
    "street": (NamedView.STREET, False),
}
"""Views that a picture can be asked for by name, and whether they are parallel projections."""

ACTOR_KINDS: dict[str, type[LayerActor]] = {
    actor.kind: actor
    for actor in (CityModelActor, PointCloudActor, FeatureActor, TerrainActor, PictureActor, MeshActor)
}
"""How each kind of layer is drawn; a layer of any other kind is kept in the document and not drawn."""


def run_at_once(task: Callable[[], T], done: Callable[[T], None], /) -> None:
    """Run in the foreground: for pictures without a window, and tests."""
    done(task())


class CityScene:
    """The picture of a session in one renderer.  Only the thread that made it may use it.

    Pixels are counted from the top left, in device pixels; positions are in the project's reference system.
    """

    def __init__(
        self,
        plotter: BasePlotter,
        session: Session,
        *,
        request_render: Callable[[], None],
        run_in_background: RunInBackground,
        textures: TextureSource | None = None,
    ) -> None:
        self._thread = threading.get_ident()
        self._renderer = plotter.renderer
        self._session = session
        self._request_render = request_render
        self._run_in_background = run_in_background
        self._frame = _frame_of(session.project)
        self._cut = Cut(None, self._frame)
        self._site: SolarSite = NOWHERE
        self._instant = datetime(2025, 6, 21, 9, 30, tzinfo=UTC)
        self._ground = Ground()
        self._ground_basis: list[LayerData] = []
        self._actors: dict[LayerId, LayerActor] = {}
        self._preparing: dict[LayerId, object] = {}
        self._moving = self._loading = False
        self._extents: dict[LayerId, tuple[LayerData, Extent | None]] = {}
        self._stage = Stage(self._renderer)
        self._overlays = Overlays(
            self._renderer, self._stage, run_in_background=run_in_background, request_render=request_render
        )
        self._texturing = Texturing(
            textures, self._actors, run_in_background=run_in_background, on_laid=self._lay_textures
        )
        self._selection = Selection(self._renderer)
        self._selected: Pick | None = None
        self._animation = Animation()
        self._stop_listening = (
            session.on_change(self._on_change),
            session.store.on_put(self._on_data),
            session.store.on_preview(self._on_data),
        )
        self._window: vtkRenderWindow = self._renderer.GetRenderWindow()
        self._observers = (
            self._window.AddObserver("StartEvent", self._before_render),
            self._window.AddObserver("EndEvent", self._after_render),
        )
        self._closed = False
        self._on_change(Change(before=Project(preset=""), after=session.project))

    # --- the document ---------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        self._require_main_thread()
        before, after = change.before, change.after
        if before.origin != after.origin or before.crs != after.crs:
            self._take_place(after)
            before = Project(preset=before.preset)
        if before.preset != after.preset:
            self.set_preset(after.preset)
        old = {layer.id: layer for layer in before.layers}
        new = {layer.id: layer for layer in after.layers}
        for layer_id in old.keys() - new.keys():
            self._drop(layer_id)
        for layer_id, spec in new.items():
            if layer_id in old and spec != old[layer_id]:
                self._update(old[layer_id], spec)
        self._follow_ground()
        for layer_id, spec in new.items():
            if layer_id not in old:
                self._prepare(spec)
        self._rank_layers()
        self._lay_base()
        self._request_render()

    def _on_data(self, layer_id: LayerId) -> None:
        self._require_main_thread()
        for spec in self._session.project.layers:
            if spec.id == layer_id:
                self._follow_ground()
                if self._session.store.shown(layer_id) is None:
                    self._drop(layer_id)
                    self._lay_base()
                    self._request_render()
                self._prepare(spec)

    def _take_place(self, project: Project) -> None:
        """Start over in another frame."""
        for layer_id in tuple(self._actors):
            self._drop(layer_id)
        self._preparing.clear()
        self._selection.clear()
        self._frame = _frame_of(project)
        self._cut = Cut(None, self._frame)
        self._overlays.set_surroundings(self._frame, self._ground)
        self._site = NOWHERE
        if project.crs is not None and project.origin is not None:
            self._site = solar_site(crs=project.crs, position=project.origin)
        self.set_instant(self._instant)

    def _drop(self, layer_id: LayerId) -> None:
        self._preparing.pop(layer_id, None)
        self._extents.pop(layer_id, None)
        actor = self._actors.pop(layer_id, None)
        if actor is not None:
            if self._selection.layer_id == layer_id:
                self._selection.clear()
            self._overlays.forget_layer(layer_id)
            self._texturing.forget(layer_id)
            actor.detach()
            self._stage.age_shadows()

    def _update(self, before: LayerSpec, after: LayerSpec) -> None:
        actor = self._actors.get(after.id)
        if actor is None:
            return
        if type(actor).must_prepare_again(before.style, after.style):
            self._prepare(after)
        else:
            kinds = [actor.kind_of(surface) for surface in actor.surfaces]
            actor.update(before, after)
            if kinds != [actor.kind_of(surface) for surface in actor.surfaces]:
                self._stage.dress(actor)
            self._bring_textures(after)
            if before.style.hidden_types != after.style.hidden_types and self._selected_layer == after.id:
                self.select(self._selected)
            if before.style.hidden_types != after.style.hidden_types:
                self._stage.age_shadows()

    @property
    def _selected_layer(self) -> LayerId | None:
        return None if self._selected is None else self._selected.layer_id

    def _prepare(self, spec: LayerSpec) -> None:
        """Build the layer's arrays in the background, then put it in place of what is shown of it now."""
        data = self._session.store.shown(spec.id)
        kind = ACTOR_KINDS.get(spec.kind)
        if data is None or kind is None:
            return
        token = object()
        self._preparing[spec.id] = token
        style, frame, ground = spec.style, self._frame, self._ground

        def attach(prepared: Any) -> None:
            if not self._closed and self._preparing.get(spec.id) is token:
                del self._preparing[spec.id]
                self._attach(spec.id, kind, data, prepared)

        self._run_in_background(lambda: kind.prepare(data, style, frame, ground), attach)

    def _attach(self, layer_id: LayerId, kind: type[LayerActor], data: LayerData, prepared: Any) -> None:
        self._require_main_thread()
        old = self._actors.pop(layer_id, None)
        if old is not None:
            self._overlays.forget_layer(layer_id)
            old.detach()
        actor = kind(self._renderer, data, prepared)
        self._stage.dress(actor)
        actor.update(None, self._session.project.layer(layer_id))
        self._cut.apply(actor)
        self._actors[layer_id] = actor
        if isinstance(actor, CityModelActor):
            self._overlays.add_city_model(layer_id, actor)
        self._bring_textures(self._session.project.layer(layer_id))
        self._rank_layers()
        self._lay_base()
        self._request_render()

    def _bring_textures(self, spec: LayerSpec) -> None:
        actor = self._actors.get(spec.id)
        if isinstance(actor, CityModelActor) and actor.model is self._session.store.get(spec.id):  # no preview
            self._texturing.follow(spec, actor)

    def _lay_textures(self, layer_id: LayerId, actor: CityModelActor, look: TexturedLook) -> None:
        self._require_main_thread()
        actor.lay_textures(look, self._session.project.layer(layer_id).style)
        self._stage.dress(actor)
        self._request_render()

    def _follow_ground(self) -> None:
        """Lay draped layers anew if the ground under them has changed."""
        layers = self._session.project.layers
        data = [item for spec in layers if (item := self._session.store.shown(spec.id)) is not None]
        terrain = [item for item in data if isinstance(item, TerrainGrid)]
        beside = standing_beside(terrain[0], data) if terrain else []
        basis: list[LayerData] = [terrain[0], *beside] if terrain else data
        if [id(item) for item in basis] == [id(item) for item in self._ground_basis]:
            return
        self._ground_basis = basis
        before = self._ground
        self._ground = ground_of(terrain[0], beside=beside) if terrain else ground_level(data)
        if before.terrain is None and self._ground.terrain is None and before.level_m == self._ground.level_m:
            return
        self._overlays.set_surroundings(self._frame, self._ground)
        for spec in layers:
            kind = ACTOR_KINDS.get(spec.kind)
            if kind is not None and kind.drapes and (spec.id in self._actors or spec.id in self._preparing):
                self._prepare(spec)

    def _rank_layers(self) -> None:
        shown = [self._actors.get(spec.id) for spec in reversed(self._session.project.layers)]
        draped = [actor for actor in shown if actor is not None and actor.drapes]
        for rank, actor in enumerate(draped):
            actor.set_rank(rank)

    def _lay_base(self) -> None:
        """Put a plate under city models that have no terrain to stand on."""
        shown = [self._actors.get(spec.id) for spec in self._session.project.layers if spec.visible]
        cities = [actor for actor in shown if isinstance(actor, CityModelActor)]
        grounded = any(isinstance(actor, TerrainActor) for actor in shown)
        box = None if grounded else around([box for actor in cities for box in actor.boxes()])
        self._stage.base.lay(box, level_m=self._ground.level_m - self._frame.origin[2])

    # --- what panels and the viewport ask ---------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether all layers that have data are on the screen."""
        return not self._preparing

    @property
    def window(self) -> vtkRenderWindow:
        return self._window

    @property
    def frame(self) -> LocalFrame:
        return self._frame

    @property
    def viewpoint(self) -> Viewpoint:
        return viewpoint_of(self._renderer.GetActiveCamera(), self._frame)

    @viewpoint.setter
    def viewpoint(self, viewpoint: Viewpoint) -> None:
        self._require_main_thread()
        apply_viewpoint(self._renderer.GetActiveCamera(), viewpoint, self._frame)
        self._request_render()

    def extent(self) -> Extent | None:
        """Return the box around all visible layers that have data, or else around what overlays draw."""
        visible = [spec.id for spec in self._session.project.layers if spec.visible]
        of_layers = Extent.around(self._extent_of(layer_id) for layer_id in visible)
        if of_layers is not None:
            return of_layers
        boxes = self._overlays.bounds()
        return Extent.of(self._frame.to_world(np.concatenate([box.T for box in boxes]))) if boxes else None

    def _extent_of(self, layer_id: LayerId) -> Extent | None:
        """Return the box around a layer, found once: navigation asks with every step."""
        data = self._session.store.shown(layer_id)
        if data is None:
            return None
        known = self._extents.get(layer_id)
        if known is None or known[0] is not data:
            known = self._extents[layer_id] = (data, data.extent)
        return known[1]

    def named_view(self, name: str, extent: Extent | None = None) -> Viewpoint | None:
        """Return the view ``name`` (one of ``NAMED_VIEWS``) of ``extent`` or of everything; None if that is nothing.

        Raises:
            KeyError: There is no view of that name.
        """
        view, parallel = NAMED_VIEWS[name]
        extent = extent or self.extent()
        if extent is None:
            return None
        x, y, z = extent.centre
        width, height = self._renderer.GetSize()
        return named_view(
            view,
            current=Viewpoint(position=(x, y - 1.0, z), target=(x, y, z), parallel=parallel),
            extent=extent,
            picture=Picture(width_px=width, height_px=height),
            limits=Limits(ground_height=self.ground_height, extent=extent),
        )

    def fit(self, extent: Extent | None = None) -> None:
        """Look at ``extent``, or at everything, from the south."""
        viewpoint = self.named_view("overview", extent)
        if viewpoint is not None:
            self.viewpoint = viewpoint

    def ground_height(self, x: float, y: float) -> float:
        """Return the height of the ground in metres at a position in the project's reference system."""
        return float(self._ground.heights_at(np.array([[x, y]]))[0])

    def world_at(self, x_px: float, y_px: float) -> tuple[float, float, float] | None:
        """Return the position under a pixel, on the ground's plane where nothing is drawn; None above the horizon."""
        self._require_main_thread()
        ray = self._ray(x_px, y_px)
        found = self._first_hit(ray)
        if found is not None:
            return self._world(found[1].position)
        height = self._ground.level_m - self._frame.origin[2]
        if abs(ray.direction[2]) < 1e-6:
            return None
        along = (height - ray.start[2]) / ray.direction[2]
        if along < 0:
            return None
        return self._world(ray.start + along * ray.direction)

    def pick(self, x_px: float, y_px: float) -> Pick | None:
        """Return what lies under a pixel, or None: glyphs of overlays first, then the nearest of the visible layers."""
        self._require_main_thread()
        ray = self._ray(x_px, y_px)
        found = self._first_hit(ray)
        glyph = self._overlays.pick(ray)
        if glyph is not None:
            overlay_id, hit, glyph_id = glyph
            # A glyph that stands behind a house is not seen and not meant.
            if found is None or ray.distance_to(hit.position) < ray.distance_to(found[1].position) + 15.0:
                return Pick(
                    position=self._world(hit.position), overlay_id=overlay_id, glyph=hit.glyph, glyph_id=glyph_id
                )
        if found is None:
            return None
        layer_id, hit = found
        return Pick(
            position=self._world(hit.position),
            layer_id=layer_id,
            object=hit.object,
            surface=hit.surface,
            feature=hit.feature,
            point=hit.point,
            mesh=hit.mesh,
        )

    def select(self, pick: Pick | None) -> None:
        """Highlight what was picked, and nothing else."""
        self._require_main_thread()
        self._selection.clear()
        self._selected = pick
        if pick is not None and pick.layer_id in self._actors:
            hit = Hit(
                position=np.asarray(pick.position) - np.asarray(self._frame.origin),
                object=pick.object,
                surface=pick.surface,
                surfaces=pick.surfaces,
                feature=pick.feature,
                point=pick.point,
                mesh=pick.mesh,
            )
            outline = self._actors[pick.layer_id].outline(hit)
            if outline is not None:
                self._selection.show(outline, pick.layer_id)
                for surface in self._selection.surfaces:
                    self._stage.dress_surface(surface)
                self._cut_selection()
        self._request_render()

    @property
    def section(self) -> Section | None:
        """What is cut away."""
        return self._cut.section

    def set_section(self, section: Section | None) -> None:
        """Cut city models, meshes and laser points so that their insides can be seen; None: show them whole."""
        self._require_main_thread()
        if section == self._cut.section:
            return
        self._cut = Cut(section, self._frame)
        for actor in self._actors.values():
            self._cut.apply(actor)
        self._cut_selection()
        self._stage.age_shadows()
        self._request_render()

    def _cut_selection(self) -> None:
        layer = self._actors.get(self._selection.layer_id or "")
        for actor in self._selection.actors:
            self._cut.cut(actor, whole=layer is None or not self._cut.reaches(layer))

    def set_instant(self, instant: datetime) -> None:
        """Put the sun where it stands at ``instant``."""
        self._require_main_thread()
        self._instant = instant
        self._stage.set_sun(self._site.sun_at(instant))
        self._request_render()

    def by_day(self, instant: datetime) -> datetime:
        """Return ``instant``, or where it is dark then, one when the city is seen by day."""
        return self._site.by_day(instant)

    def set_preset(self, name: str) -> None:
        """Use a render preset: ``planning``, ``point-cloud``, ``presentation`` or ``safe``."""
        self._require_main_thread()
        self._stage.set_preset(name, self._actors.values())
        self._overlays.dress()
        for surface in self._selection.surfaces:
            self._stage.dress_surface(surface)
        self._request_render()

    def set_dark(self, dark: bool) -> None:  # noqa: FBT001 - a plain switch, like the theme's
        """Suit the backdrop to a light or a dark theme."""
        self._require_main_thread()
        self._stage.set_dark(dark=dark)
        self._overlays.set_dark(dark=dark)
        self._request_render()

    def set_interactive(self, interactive: bool) -> None:  # noqa: FBT001 - switched on and off by gestures
        """Leave out expensive passes while the camera moves."""
        self._require_main_thread()
        self._moving = interactive
        self._follow_haste()

    def set_loading(self, loading: bool) -> None:  # noqa: FBT001 - a plain switch
        """Leave out expensive passes while layers come in, one after the other."""
        self._require_main_thread()
        self._loading = loading
        self._follow_haste()

    def _follow_haste(self) -> None:
        still = not (self._moving or self._loading)
        self._stage.set_still(still=still)
        if still:
            self._request_render()

    def draw_overlay(
        self, overlay_id: str, requests: Sequence[DrawingRequest], *, opacity: float = 1.0, visible: bool = True
    ) -> None:
        """Bring an overlay in line with its newest frame; actors are kept, arrays are rewritten."""
        self._require_main_thread()
        self._overlays.draw(overlay_id, requests, opacity=opacity, visible=visible)
        self._request_render()

    def remove_overlay(self, overlay_id: str) -> None:
        """Take an overlay off; objects that it coloured get their own colours back."""
        self._require_main_thread()
        self._overlays.remove(overlay_id)
        self._request_render()

    def animate(self, elapsed_s: float) -> None:
        """Let what moves by itself, the dashes of flow lines, move on by ``elapsed_s`` seconds.

        A frame is asked for only if something moves, and on slow graphics not with every call.
        """
        self._require_main_thread()
        self._animation.wait(elapsed_s)
        if self._overlays.moves and self._animation.is_due:
            self._overlays.set_time(self._animation.advance())
            self._request_render()

    def legends(self) -> tuple[ColourScale, ...]:
        """Return the colour scales in use, overlays first."""
        visible = [spec.id for spec in self._session.project.layers if spec.visible]
        of_layers = [self._actors[layer_id].legend() for layer_id in visible if layer_id in self._actors]
        return (*self._overlays.legends(), *(scale for scale in of_layers if scale is not None))

    def screenshot(self, path: Path, size: tuple[int, int] | None = None, *, map_furniture: bool = False) -> None:
        """Write what is shown as a PNG.

        Args:
            path: The file to write.
            size: Width and height in pixels; None: those of the window.
            map_furniture: Draw a scale bar and a north arrow into it.

        Raises:
            WriteError: The file cannot be written; what was there before is intact.
        """
        self._require_main_thread()
        if size is not None and size != self._window.GetSize():
            self._screenshot_elsewhere(path, size, map_furniture=map_furniture)
        elif map_furniture:
            width, height = self._window.GetSize()
            found = self._first_hit(self._ray(width / 2, height / 2))
            target = np.array(self._renderer.GetActiveCamera().GetFocalPoint())
            with furniture(self._renderer, target if found is None else found[1].position):
                write_picture(self._window, path)
        else:
            write_picture(self._window, path)

    def _screenshot_elsewhere(self, path: Path, size: tuple[int, int], *, map_furniture: bool) -> None:
        """Draw the same in a window of another size that nobody sees."""
        plotter = Plotter(off_screen=True, window_size=list(size))
        twin = CityScene(plotter, self._session, request_render=_nothing, run_in_background=run_at_once)
        try:
            twin._stage.set_dark(dark=self._stage.dark)
            twin.set_instant(self._instant)
            twin.set_section(self.section)
            self._overlays.copy_to(twin._overlays)
            self._texturing.copy_to(twin._texturing)
            twin.select(self._selected)
            twin.viewpoint = self.viewpoint
            twin.screenshot(path, map_furniture=map_furniture)
        finally:
            twin.close()
            plotter.close()

    def close(self) -> None:
        """Stop listening and let go of every VTK object."""
        if self._closed:
            return
        self._require_main_thread()
        self._closed = True
        for stop in self._stop_listening:
            stop()
        for observer in self._observers:
            self._window.RemoveObserver(observer)
        self._preparing.clear()
        for layer_id in tuple(self._actors):
            self._drop(layer_id)
        self._selection.clear()
        self._overlays.close()
        self._texturing.close()
        self._stage.close()

    # --- inside -----------------------------------------------------------------------------------------------

    def _before_render(self, _caller: object, _event: str) -> None:
        self._animation.frame_begins()
        boxes = self._boxes()
        set_clipping_range(self._renderer, boxes)
        layers = [*self._actors.values(), *self._overlays.layer_actors()]
        self._stage.before_render(layers, around(boxes), self._local_heights)
        self._overlays.before_render()

    def _after_render(self, _caller: object, _event: str) -> None:
        self._animation.frame_ends()

    def _local_heights(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        origin = np.asarray(self._frame.origin)
        heights: NDArray[np.float64] = self._ground.heights_at(xy + origin[:2]) - origin[2]
        return heights

    def _boxes(self) -> list[NDArray[np.float64]]:
        """Return the local boxes (3, 2) of all that may be seen."""
        return [box for actor in self._actors.values() for box in actor.boxes()] + (
            self._stage.base.box() + self._overlays.bounds()
        )

    def _ray(self, x_px: float, y_px: float) -> PickRay:
        set_clipping_range(self._renderer, self._boxes())
        return ray_through(self._renderer, x_px, y_px)

    def _first_hit(self, ray: PickRay) -> tuple[LayerId, Hit] | None:
        best: tuple[LayerId, Hit] | None = None
        for spec in self._session.project.layers:
            actor = self._actors.get(spec.id)
            if actor is None or not spec.visible or spec.opacity == 0:
                continue
            part = self._cut.shortened(ray, actor)
            hit = None if part is None else actor.first_hit(part)
            if hit is not None and (best is None or ray.distance_to(hit.position) < ray.distance_to(best[1].position)):
                best = spec.id, hit
        return best

    def _world(self, position: NDArray[np.float64]) -> tuple[float, float, float]:
        x, y, z = self._frame.to_world(position)
        return float(x), float(y), float(z)

    def _require_main_thread(self) -> None:
        assert threading.get_ident() == self._thread, "the scene was touched from a foreign thread"


def _frame_of(project: Project) -> LocalFrame:
    return LocalFrame(crs=project.crs or LOCAL, origin=project.origin or (0.0, 0.0, 0.0))


def _nothing() -> None:
    """Render only when asked."""
