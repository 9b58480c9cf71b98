"""Between the city models of the session and the objects panel: trees and searches are made off the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from twinviewer.app.commands import HideTypes
from twinviewer.app.object_search import ObjectSearch, object_search
from twinviewer.app.object_tree import ObjectTree, object_tree
from twinviewer.app.session import Change
from twinviewer.app.style_choices import roof_types
from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import LayerId
from twinviewer.scene.picking import Pick
from twinviewer.ui.facts import READERS_WITH_IDS, count_text
from twinviewer.ui.source_dialog import show_source

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow

NO_MODEL = "No layer has city objects.\nOpen a CityGML or CityJSON file to see them here."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What came of a search."""

    search: ObjectSearch
    query: str
    tree: ObjectTree
    count: int


class ObjectCommands(QObject):
    """Keeps the panel in line with layers and selection while it is on the screen."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window, self._services = window, window.services
        self._panel, self._session = window.panels.objects, window.services.session
        self._layer_id: LayerId = ""
        self._model: CityModel | None = None
        """The one whose tree is here or being made."""
        self._tree: ObjectTree | None = None
        self._search: ObjectSearch | None = None
        self._query = ""
        self._is_searching = False
        self._pick: Pick | None = None
        self._choosing = False
        """Whether what is selected was chosen here, where it is seen already."""
        self._stops = (
            self._session.on_change(self._follow),
            self._session.store.on_put(lambda _layer_id: self.show()),
        )
        panel, inspector = self._panel, window.panels.inspector
        panel.shown.connect(self.show)
        panel.layer_chosen.connect(self.show_layer)
        panel.search_asked.connect(self._search_for)
        panel.node_chosen.connect(self._choose)
        panel.zoom_asked.connect(lambda _node: window.layers.zoom_to_selection())
        panel.menu_asked.connect(self._fill_menu)
        inspector.tree_asked.connect(lambda: window.docks.show("objects"))
        inspector.source_asked.connect(self.show_source_of_selection)

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands about city objects do."""
        return {
            "tools.objects": self.find,
            "tools.source": self.show_source_of_selection,
            "layer.hide_roofs": self.hide_roofs,
        }

    def can(self) -> Mapping[str, bool]:
        """Return which of those commands can be done now."""
        return {"tools.source": self._selected_id() is not None, "layer.hide_roofs": bool(self._with_roofs())}

    def close(self) -> None:
        for stop in self._stops:
            stop()

    def show_layer(self, layer_id: LayerId) -> None:
        """List the objects of a layer, if it is a city model."""
        if isinstance(self._session.store.get(layer_id), CityModel):
            self._layer_id = layer_id
            self.show()

    def show_pick(self, pick: Pick | None) -> None:
        """Show what was selected elsewhere."""
        self._pick = pick
        for name, possible in self.can().items():
            self._window.commands[name].setEnabled(possible)
        if self._choosing:
            return
        if pick is not None and pick.object is not None and pick.layer_id is not None:
            self.show_layer(pick.layer_id)
        if self._panel.isVisible():
            self._reveal()

    def show(self) -> None:
        """Bring the panel in line with the layers, if it is seen."""
        if not self._panel.isVisible():
            return
        models = {
            layer.id: (layer.title, data)
            for layer in self._session.project.layers
            if isinstance(data := self._session.store.get(layer.id), CityModel)
        }
        if self._layer_id not in models:
            self._layer_id = next(iter(models), "")
        self._panel.show_layers([(layer_id, title) for layer_id, (title, _) in models.items()], self._layer_id)
        if not models:
            self._model = self._tree = self._search = None
            self._panel.show_hint(NO_MODEL)
            return
        self._show_hidden()
        model = models[self._layer_id][1]
        if model is not self._model:
            self._model, self._tree, self._search = model, None, None
            self._panel.show_hint("Sorting the objects …")
            self._services.background(lambda: object_tree(model), self._take_tree)

    # What is done. -------------------------------------------------------------------------------

    def find(self) -> None:
        """Go to the search field of the panel."""
        self._window.docks.show("objects")
        self._panel.focus_search()

    def show_source_of_selection(self) -> None:
        selected = self._selected_id()
        if selected is not None:
            show_source(self._services, *selected, self._window)

    def hide_roofs(self) -> None:
        """Look into the buildings of the selected layers, else of all, from above; or close them again."""
        layers = self._with_roofs()
        types = tuple(dict.fromkeys(name for names in layers.values() for name in names))
        hidden = all(
            set(names).issubset(self._session.project.layer(layer_id).style.hidden_types)
            for layer_id, names in layers.items()
        )
        if layers:
            self._session.do(HideTypes(layer_ids=frozenset(layers), types=types, hidden=not hidden))

    def _with_roofs(self) -> dict[LayerId, tuple[str, ...]]:
        """Return the layers that are meant, and which of their types are roofs."""
        found = {
            layer.id: names
            for layer in self._session.project.layers
            if (names := roof_types(self._session.store.get(layer.id)))
        }
        selected = {
            layer_id: found[layer_id]
            for layer_id in self._window.panels.layers.selected_layer_ids()
            if layer_id in found
        }
        return selected or found

    def _selected_id(self) -> tuple[LayerId, str] | None:
        pick = self._pick
        data = None if pick is None or pick.layer_id is None else self._session.store.get(pick.layer_id)
        if pick is None or pick.layer_id is None or pick.object is None or not isinstance(data, CityModel):
            return None
        if self._session.project.layer(pick.layer_id).source.reader not in READERS_WITH_IDS:
            return None
        return pick.layer_id, data.object_ids[pick.object]

    # What is heard. ------------------------------------------------------------------------------

    def _follow(self, change: Change) -> None:
        if change.before.layers != change.after.layers:
            self.show()

    def _take_tree(self, tree: ObjectTree) -> None:
        if tree.model is not self._model:
            return  # another layer is listed by now
        self._tree = tree
        if self._query:
            self._search_for(self._query)
        else:
            self._show_all(tree)

    def _show_all(self, tree: ObjectTree) -> None:
        count = tree.object_count
        self._panel.show_tree(tree, note=f"{count_text(count)} object{'' if count == 1 else 's'}", opened=count == 1)
        self._reveal()

    def _search_for(self, text: str) -> None:
        self._query = text.strip()
        if self._tree is None:
            return
        if not self._query:
            self._show_all(self._tree)
        elif not self._is_searching:
            self._is_searching = True
            tree, known, query = self._tree, self._search, self._query
            self._services.background(lambda: _found(tree, known, query), self._take_found)

    def _take_found(self, found: _Found) -> None:
        self._is_searching = False
        if found.search.tree is not self._tree:
            self._search_for(self._query)
            return
        self._search = found.search
        if found.query != self._query:  # it was typed on
            self._search_for(self._query)
            return
        if found.count:
            self._panel.show_tree(found.tree, note=f"{count_text(found.count)} found", opened=True)
            self._reveal()
        else:
            self._panel.show_hint(f"Nothing is said anywhere of “{found.query}”.")

    def _reveal(self) -> None:
        pick, tree = self._pick, self._tree
        if tree is None or pick is None or pick.layer_id != self._layer_id or pick.object is None:
            self._panel.reveal(None)
        elif pick.surfaces:
            self._panel.reveal(tree.node_of(pick.object, pick.surfaces[0]))
        else:
            self._panel.reveal(pick.object)

    def _choose(self, node: int) -> None:
        tree = self._tree
        if tree is not None:
            self._choosing = True
            self._window.layers.select_object(
                self._layer_id, tree.object_of(node), tuple(tree.surfaces_of(node).tolist())
            )
            self._choosing = False

    def _fill_menu(self, node: int, menu: QMenu) -> None:
        tree = self._tree
        if tree is None:
            return
        identifier, type_name = tree.id(node), tree.type_name(node)
        layer = self._session.project.layer(self._layer_id)
        hidden = type_name in layer.style.hidden_types
        menu.addAction("&Zoom to").triggered.connect(lambda: self._zoom_to(node))
        copy = menu.addAction("&Copy id")
        copy.triggered.connect(lambda: self._copy(identifier))
        copy.setEnabled(bool(identifier))
        source = menu.addAction("Show s&ource")
        source.triggered.connect(lambda: show_source(self._services, layer.id, identifier, self._window))
        source.setEnabled(bool(identifier) and layer.source.reader in READERS_WITH_IDS)
        menu.addSeparator()
        hide = menu.addAction(f"{'Show' if hidden else '&Hide'} all of class {type_name}")
        hide.triggered.connect(lambda: self._hide(type_name, hidden=not hidden))

    def _zoom_to(self, node: int) -> None:
        self._choose(node)
        self._window.layers.zoom_to_selection()

    def _copy(self, identifier: str) -> None:
        QGuiApplication.clipboard().setText(identifier)
        self._window.toasts.show(f"Copied {identifier}")

    def _hide(self, type_name: str, *, hidden: bool) -> None:
        self._session.do(HideTypes(layer_ids=frozenset((self._layer_id,)), types=(type_name,), hidden=hidden))

    def _show_hidden(self) -> None:
        self._panel.model.show_hidden(frozenset(self._session.project.layer(self._layer_id).style.hidden_types))


def _found(tree: ObjectTree, known: ObjectSearch | None, query: str) -> _Found:
    search = known or object_search(tree)
    matches = search.matching(query)
    return _Found(search=search, query=query, tree=tree.only(matches), count=int(np.count_nonzero(matches)))
