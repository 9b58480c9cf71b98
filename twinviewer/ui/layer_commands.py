"""What the Layer menu and the panels about layers do to the session, and what they show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QInputDialog

from twinviewer.app.commands import (
    HideTypes,
    MoveLayers,
    RemoveLayers,
    RenameLayer,
    SetOpacity,
    SetOverlay,
    SetStyle,
    SetVisible,
)
from twinviewer.app.object_facts import Attribute
from twinviewer.app.opening import Opening, Phase
from twinviewer.app.session import Change, Command
from twinviewer.app.style_choices import choices_for
from twinviewer.model import crs
from twinviewer.model.diagnostics import Severity
from twinviewer.model.layer_data import CityModel
from twinviewer.model.place import Extent
from twinviewer.model.project import LayerId, LayerSpec, OverlaySpec, Style
from twinviewer.scene.picking import Pick
from twinviewer.ui.facts import LayerFacts, around_point, layer_facts, object_extent, object_facts, surfaces_extent
from twinviewer.ui.layer_tree import (
    LayerState,
    Node,
    OverlayFacts,
    Pending,
    ResultFacts,
    move_by_one,
    move_for_drop,
    tree_of,
)
from twinviewer.ui.overlay_facts import inspector_facts
from twinviewer.ui.panels import Panels
from twinviewer.ui.services import Services

LOOK_EVERY_MS = 200


class LayerCommands(QObject):
    """Between the session and the panels about layers."""

    def __init__(
        self,
        services: Services,
        panels: Panels,
        *,
        overlays: Callable[[], tuple[OverlayFacts, ...]],
        results: Callable[[], tuple[ResultFacts, ...]],
        show_extent: Callable[[Extent], None],
        select: Callable[[Pick | None], None],
        describe: Callable[[str], None],
        on_pick: Callable[[Pick | None], None],
    ) -> None:
        super().__init__()
        self._services, self._panels = services, panels
        self._overlays, self._results = overlays, results
        self._show_extent = show_extent
        self._select_in_view, self._describe, self._on_pick = select, describe, on_pick
        self._session = services.session
        self.pick: Pick | None = None
        """What is selected in the view."""
        self._in_drag = False
        self._selecting = False
        self._overlay: OverlayFacts | None = None
        """What the inspector shows, where that is an overlay."""
        """Whether rows are being selected here, not by the person."""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.show_tree)
        self._stops = (
            services.analyst.on_change(self.show_tree),
            self._session.on_change(self._follow),
            self._session.store.on_put(lambda _layer_id: self._data_came()),
            services.opener.on_change(self.show_tree),
        )
        layers, style, inspector = panels.layers, panels.style, panels.inspector
        layers.model.shown_asked.connect(self._show_node)
        layers.model.rename_asked.connect(self._rename_node)
        layers.model.drop_asked.connect(self._drop)
        layers.opacity_asked.connect(self._set_opacity)
        layers.opacity_settled.connect(self._end_drag)
        layers.zoom_asked.connect(self.zoom)
        layers.remove_asked.connect(self.remove)
        layers.cancel_asked.connect(self._cancel)
        layers.selection_changed.connect(self._selection_changed)
        style.style_asked.connect(self._set_style)
        style.types_asked.connect(self._hide_types)
        inspector.object_asked.connect(self._show_other_object)
        inspector.zoom_asked.connect(self.zoom_to_selection)
        self.show_tree()

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands of the Layer menu do."""
        return {
            "layer.zoom": self.zoom,
            "layer.toggle": self.toggle,
            "layer.rename": self._panels.layers.rename_selected,
            "layer.style": lambda: self._panels.show("style"),
            "layer.facts": self._show_facts,
            "layer.crs": self._set_crs,
            "layer.reload": self._read_again,
            "layer.up": lambda: self._move(up=True),
            "layer.down": lambda: self._move(up=False),
            "layer.group": self._group,
            "layer.show_all": lambda: self._show_all(visible=True),
            "layer.hide_all": lambda: self._show_all(visible=False),
            "layer.remove": self.remove,
        }

    def can(self) -> Mapping[str, bool]:
        """Return which of those commands can be done now."""
        ids = self._ids()
        nodes = self._panels.layers.selected_nodes()
        one = len(nodes) == 1
        project = self._session.project
        return {
            "layer.zoom": bool(ids),
            "layer.toggle": bool(ids) or any(node.overlay is not None or node.result is not None for node in nodes),
            "layer.rename": one and (nodes[0].layer is not None or nodes[0].is_group) and not nodes[0].is_fixed_group,
            "layer.style": len(ids) == 1,
            "layer.facts": len(ids) == 1 or (one and nodes[0].overlay is not None),
            "layer.crs": len(ids) == 1,
            "layer.reload": bool(self._failed_openings()),
            "layer.up": bool(ids) and move_by_one(project, ids, up=True) is not None,
            "layer.down": bool(ids) and move_by_one(project, ids, up=False) is not None,
            "layer.group": bool(ids),
            "layer.show_all": bool(project.layers),
            "layer.hide_all": bool(project.layers),
            "layer.remove": bool(ids) or any(node.result is not None for node in nodes),
        }

    def close(self) -> None:
        self._timer.stop()
        for stop in self._stops:
            stop()

    # What is shown. ------------------------------------------------------------------------------

    def show_tree(self) -> None:
        """Bring the tree in line with the document and with what is being read."""
        opener = self._services.opener
        pending = tuple(
            Pending(
                job_id=opening.id,
                title=opening.title,
                progress=opening.progress,
                text=opening.job.text if opening.job else "",
            )
            for opening in opener.openings
            if not opening.layer_ids and opening.phase is not Phase.FAILED
        )
        states = {layer.id: self._state(layer) for layer in self._session.project.layers}
        nodes = tree_of(
            self._session.project, overlays=self._overlays(), results=self._results(), pending=pending, states=states
        )
        self._panels.layers.show_nodes(nodes)
        if opener.is_busy and not self._timer.isActive():
            self._timer.start()
        elif not opener.is_busy:
            self._timer.stop()
        if self._overlay is not None and self._overlay not in (node.overlay for node in self._selected()):
            self._show_selected_row()  # it fares otherwise than the inspector says

    def _selected(self) -> list[Node]:
        return self._panels.layers.selected_nodes()

    def _state(self, layer: LayerSpec) -> LayerState:
        state = self._services.opener.state(layer.id)
        data = self._session.store.get(layer.id)
        found = data.diagnostics if data is not None else ()
        problems = sum(1 for diagnostic in found if diagnostic.severity is not Severity.INFO)
        failed = state.problem.problem if state.phase is Phase.FAILED and state.problem is not None else ""
        loading = data is None and state.phase in (Phase.PENDING, Phase.READING)
        return LayerState(loading=loading, failed=failed, problems=problems)

    def show_pick(self, pick: Pick | None) -> None:
        """Show what was picked in the inspector, and its layer in the tree."""
        self.pick = pick
        self._select(pick)
        if pick is None:
            self._show_selected_row()
            return
        data = self._session.store.get(pick.layer_id) if pick.layer_id is not None else None
        result = next((facts for facts in self._results() if facts.id == pick.overlay_id), None)
        others = (facts.title for facts in self._overlays() if facts.id == pick.overlay_id)
        title = next(others, "") if result is None else result.title
        facts = object_facts(self._session.project, data, pick, overlay_title=title)
        if facts is None:
            self.show_pick(None)
            return
        self._describe(f"Selected: {facts.title}, in {facts.layer_title}.")
        self._panels.inspector.show_object(facts)
        kind = "overlay" if result is None else "result"
        self._select_row(f"{kind}:{pick.overlay_id}" if pick.layer_id is None else f"layer:{pick.layer_id}")
        self._show_style()
        self._panels.offer("inspector")

    def show_object(self, object_id: str, layer_id: LayerId | None = None) -> bool:
        """Select the city object of that id and fly to it; return whether there is one that can be seen."""
        for layer in self._session.project.layers:
            data = self._session.store.get(layer.id)
            if isinstance(data, CityModel) and layer_id in (None, layer.id) and object_id in data.object_ids:
                row = data.object_ids.index(object_id)
                extent = object_extent(data, row)
                self.select_object(layer.id, row)
                if extent is not None:
                    self._show_extent(extent)
                return extent is not None
        return False

    def select_object(self, layer_id: LayerId, row: int, surfaces: tuple[int, ...] = ()) -> None:
        """Select a city object, or some surfaces of it, and stay where the camera is."""
        data = self._session.store.get(layer_id)
        if isinstance(data, CityModel):
            box = object_extent(data, row) or data.extent
            position = (0.0, 0.0, 0.0) if box is None else box.centre
            surface = surfaces[0] if surfaces else None
            self.show_pick(Pick(position=position, layer_id=layer_id, object=row, surface=surface, surfaces=surfaces))

    def _show_other_object(self, object_id: str) -> None:
        """Follow a link of the inspector, which is about one layer."""
        ids = self._ids()
        self.show_object(object_id, self.pick.layer_id if self.pick is not None else ids[0] if len(ids) == 1 else None)

    def selection_extent(self) -> Extent | None:
        """Return the box around the picked object, or else around the selected layers."""
        if self.pick is not None:
            data = self._session.store.get(self.pick.layer_id) if self.pick.layer_id is not None else None
            if isinstance(data, CityModel) and self.pick.surfaces:
                return surfaces_extent(data, self.pick.surfaces)
            if isinstance(data, CityModel) and self.pick.object is not None:
                return object_extent(data, self.pick.object)
            return around_point(self.pick.position)
        return self._layers_extent()

    def zoom_to_selection(self) -> None:
        extent = self.selection_extent()
        if extent is not None:
            self._show_extent(extent)

    # What is done. -------------------------------------------------------------------------------

    def zoom(self) -> None:
        extent = self._layers_extent()
        if extent is not None:
            self._show_extent(extent)

    def toggle(self) -> None:
        nodes = self._panels.layers.selected_nodes()
        shown = any(node.shown is not False for node in nodes)
        for node in nodes:
            if node.overlay is not None or node.result is not None:
                self._show_node(node, not shown)
        ids = self._ids()
        if ids:
            self._do(SetVisible(layer_ids=frozenset(ids), visible=not shown))

    def remove(self) -> None:
        for node in self._panels.layers.selected_nodes():
            if node.pending is not None:
                self._cancel(node.pending.job_id)
            if node.result is not None:
                self._services.analyst.close(node.result.id)
        ids = self._ids()
        if ids:
            self._do(RemoveLayers(layer_ids=frozenset(ids)))

    def _show_node(self, node: Node, shown: bool) -> None:
        if node.overlay is not None:
            spec = node.overlay_spec or OverlaySpec(id=node.overlay.id)
            self._do(SetOverlay(overlay=replace(spec, visible=shown)))
        elif node.result is not None:
            self._services.analyst.show(node.result.id, visible=shown)
        elif node.is_fixed_group:
            for child in node.children:
                self._show_node(child, shown)
        else:
            self._do(SetVisible(layer_ids=frozenset(node.layer_ids), visible=shown))

    def _rename_node(self, node: Node, title: str) -> None:
        if node.layer is not None:
            self._do(RenameLayer(layer_id=node.layer.id, title=title))
        elif node.layer_ids:
            self._do(MoveLayers(layer_ids=frozenset(node.layer_ids), before=self._first_after(node), group=title))

    def _first_after(self, group: Node) -> LayerId | None:
        layers = self._session.project.layers
        last = max(at for at, layer in enumerate(layers) if layer.id in group.layer_ids)
        rest = (layer.id for layer in layers[last + 1 :] if layer.id not in group.layer_ids)
        return next(rest, None)

    def _drop(self, layer_ids: list[LayerId], group: Node | None, row: int) -> None:
        siblings = self._panels.layers.model.nodes if group is None else group.children
        command = move_for_drop(
            self._session.project, layer_ids, siblings=siblings, row=row, group="" if group is None else group.title
        )
        if command is not None:
            self._do(command)

    def _move(self, *, up: bool) -> None:
        command = move_by_one(self._session.project, self._ids(), up=up)
        if command is not None:
            self._do(command)

    def _group(self) -> None:
        ids = self._ids()
        known = list(dict.fromkeys(layer.group for layer in self._session.project.layers if layer.group))
        title, chosen = QInputDialog.getItem(
            self._panels.layers, "Group layers", "Name of the group (empty: none):", ["", *known], 0, True
        )
        if chosen and ids:
            self._do(MoveLayers(layer_ids=frozenset(ids), before=self._after(ids), group=title.strip()))

    def _after(self, ids: tuple[LayerId, ...]) -> LayerId | None:
        layers = [layer.id for layer in self._session.project.layers]
        first = min(layers.index(layer_id) for layer_id in ids)
        return next((layer_id for layer_id in layers[first:] if layer_id not in ids), None)

    def _show_all(self, *, visible: bool) -> None:
        ids = frozenset(layer.id for layer in self._session.project.layers)
        if ids:
            self._do(SetVisible(layer_ids=ids, visible=visible))

    def _set_opacity(self, key: str, opacity: float) -> None:
        command: Command
        if key.startswith("result:"):
            self._services.analyst.show(key.removeprefix("result:"), opacity=opacity)
            return
        if key.startswith("layer:"):
            command = SetOpacity(layer_id=key.removeprefix("layer:"), opacity=opacity)
        else:
            identifier = key.removeprefix("overlay:")
            spec = next((spec for spec in self._session.project.overlays if spec.id == identifier), None)
            command = SetOverlay(overlay=replace(spec or OverlaySpec(id=identifier), opacity=opacity))
        self._do(command, part_of_drag=True)

    def _set_style(self, style: Style, part_of_drag: bool) -> None:
        ids = self._ids()
        if len(ids) == 1:
            self._do(SetStyle(layer_id=ids[0], style=style), part_of_drag=part_of_drag)

    def _hide_types(self, types: tuple[str, ...], hidden: bool) -> None:
        ids = self._ids()
        if ids:
            self._do(HideTypes(layer_ids=frozenset(ids), types=types, hidden=hidden))

    def _set_crs(self) -> None:
        layer = self._session.project.layer(self._ids()[0])
        chosen = self._panels.ask_crs(f"Layer “{layer.title}”.", "")
        if chosen is not None:
            self._do(RemoveLayers(layer_ids=frozenset((layer.id,))))
            self._services.opener.open([layer.source.path], crs=chosen)

    def _failed_openings(self) -> list[Opening]:
        ids = set(self._ids())
        openings = self._services.opener.openings
        return [one for one in openings if one.phase is Phase.FAILED and ids.intersection(one.layer_ids)]

    def _read_again(self) -> None:
        for opening in self._failed_openings():
            self._services.opener.retry(opening)

    def _do(self, command: Command, *, part_of_drag: bool = False) -> None:
        """Do a command; of a drag only the first can be undone, and takes all of the drag with it."""
        if part_of_drag and self._in_drag:
            self._session.amend(command)
        else:
            self._session.do(command)
        self._in_drag = part_of_drag

    def _end_drag(self) -> None:
        self._in_drag = False

    def _cancel(self, opening_id: int) -> None:
        opening: Opening
        for opening in self._services.opener.openings:
            if opening.id == opening_id:
                self._services.opener.dismiss(opening)

    # What is heard. ------------------------------------------------------------------------------

    def _follow(self, change: Change) -> None:
        self.show_tree()
        present = {layer.id for layer in change.after.layers}
        if self.pick is not None and self.pick.layer_id is not None and self.pick.layer_id not in present:
            self.show_pick(None)
        self._show_selected_row()

    def _data_came(self) -> None:
        self.show_tree()
        self._show_selected_row()

    def _selection_changed(self) -> None:
        if not self._selecting:
            if self.pick is not None:
                self.pick = None
                self._select(None)
            self._show_selected_row()

    def _select(self, pick: Pick | None) -> None:
        """Highlight what is picked; what the view says of it in words is forgotten until it is known."""
        self._select_in_view(pick)
        self._describe("")
        self._on_pick(pick)

    def _show_selected_row(self) -> None:
        """Show style and, where nothing is picked, the facts of the selected layer."""
        self._show_style()
        if self.pick is not None:
            return
        ids, nodes = self._ids(), self._selected()
        results = [node.result for node in nodes if node.result is not None]
        self._overlay = nodes[0].overlay if len(nodes) == 1 else None
        if len(ids) == 1:
            self._show_layer_facts(ids[0])
        elif self._overlay is not None:
            self._panels.inspector.show_layer(inspector_facts(self._overlay))
        elif len(results) == 1:
            self._panels.inspector.show_layer(LayerFacts(title=results[0].title, rows=_rows_of(results[0])))
        else:
            self._panels.inspector.show_nothing()

    def _select_row(self, key: str) -> None:
        self._selecting = True
        self._panels.layers.select_keys({key})
        self._selecting = False

    def _show_facts(self) -> None:
        self.pick = None
        self._select(None)
        self._show_selected_row()
        self._panels.show("inspector")

    def _show_layer_facts(self, layer_id: LayerId) -> None:
        project = self._session.project
        system = project.crs
        text = crs.describe(system) if system is not None else "none"
        unit = crs.unit_of(system) if system is not None else "metre"
        facts = layer_facts(project.layer(layer_id), self._session.store.get(layer_id), crs_text=text, unit=unit)
        self._panels.inspector.show_layer(facts)

    def _show_style(self) -> None:
        ids = self._ids()
        layer = None
        if len(ids) == 1:
            layer = next((layer for layer in self._session.project.layers if layer.id == ids[0]), None)
        self._panels.style.show_layer(layer, choices_for(None if layer is None else self._session.store.get(layer.id)))

    def _ids(self) -> tuple[LayerId, ...]:
        return self._panels.layers.selected_layer_ids()

    def _layers_extent(self) -> Extent | None:
        data = (self._session.store.get(layer_id) for layer_id in self._ids())
        return Extent.around(layer.extent for layer in data if layer is not None)


def _rows_of(result: ResultFacts) -> tuple[Attribute, ...]:
    return tuple(Attribute(name=name, value=value) for name, value in result.provenance)
