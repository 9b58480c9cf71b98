"""The one place where the document changes, and the arrays beside it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twinviewer.model.layer_data import LayerData
from twinviewer.model.project import LayerId, Project


class Command(Protocol):
    """A change to the document as a value: a frozen dataclass.  Menus, palette, tests and scripts use the same."""

    @property
    def label(self) -> str:
        """What the Edit menu calls it: ``"Hide Buildings"``."""

    def apply(self, project: Project) -> Project:
        """Return the changed document; return ``project`` itself where nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The document changed.  Listeners compare and fix what differs; there is no other message."""

    before: Project
    after: Project


class LayerStore:
    """The bulky data beside the document, by layer id.  Kept while a layer can come back through undo."""

    def __init__(self) -> None:
        self._data: dict[LayerId, LayerData] = {}
        self._previews: dict[LayerId, LayerData] = {}
        self._listeners: list[Callable[[LayerId], None]] = []
        self._onlookers: list[Callable[[LayerId], None]] = []

    def on_put(self, listener: Callable[[LayerId], None]) -> Callable[[], None]:
        """Call ``listener`` whenever a layer's data arrives or is replaced; return a function that stops it.

        The layer may be in the document already (a project that is being loaded) or come with a later command.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_preview(self, onlooker: Callable[[LayerId], None]) -> Callable[[], None]:
        """Call ``onlooker`` whenever what :meth:`shown` returns changes without all being there."""
        self._onlookers.append(onlooker)
        return lambda: self._onlookers.remove(onlooker)

    def put(self, layer_id: LayerId, data: LayerData) -> None:
        self._previews.pop(layer_id, None)
        self._data[layer_id] = data
        for listener in tuple(self._listeners):
            listener(layer_id)

    def get(self, layer_id: LayerId) -> LayerData | None:
        """Return the data, or None while the layer is being read or could not be."""
        return self._data.get(layer_id)

    def show_preview(self, layer_id: LayerId, data: LayerData | None) -> None:
        """Have a part of a layer seen until all of it is :meth:`put`; None: nothing of it any more.

        Nobody but who draws may take it for the layer: it is neither written nor analysed.
        """
        if data is not None:
            self._previews[layer_id] = data
        elif self._previews.pop(layer_id, None) is None:
            return
        for onlooker in tuple(self._onlookers):
            onlooker(layer_id)

    def shown(self, layer_id: LayerId) -> LayerData | None:
        """Return what is to be seen of a layer: its data, or what has been read so far, or None."""
        return self._data.get(layer_id) or self._previews.get(layer_id)

    def keep_only(self, layer_ids: set[LayerId]) -> None:
        for kept in (self._data, self._previews):
            for layer_id in kept.keys() - layer_ids:
                del kept[layer_id]


class Session:
    """A document being worked on: ``do``, ``undo``, ``redo``, and who hears of it.

    Only the thread that made the session may change it (in the app: the main thread).
    """

    UNDO_LIMIT = 200

    def __init__(self, project: Project | None = None) -> None:
        self.store = LayerStore()
        self._project = project or Project()
        self._undo: list[tuple[str, Project]] = []
        self._redo: list[tuple[str, Project]] = []
        self._listeners: list[Callable[[Change], None]] = []
        self._thread = threading.get_ident()

    @property
    def project(self) -> Project:
        return self._project

    @property
    def undo_label(self) -> str | None:
        """What ``undo`` would take back, or None if there is nothing."""
        return self._undo[-1][0] if self._undo else None

    @property
    def redo_label(self) -> str | None:
        return self._redo[-1][0] if self._redo else None

    def on_change(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` after every change; return a function that stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def do(self, command: Command) -> None:
        """Apply ``command``; it can be undone unless it changed nothing."""
        after = command.apply(self._project)
        if after == self._project:
            return
        self._undo.append((command.label, self._project))
        del self._undo[: -self.UNDO_LIMIT]
        self._redo.clear()
        self._become(after)

    def undo(self) -> None:
        """Take back the last command, if there is one."""
        if self._undo:
            label, before = self._undo.pop()
            self._redo.append((label, self._project))
            self._become(before)

    def redo(self) -> None:
        """Do again what was undone last, if anything."""
        if self._redo:
            label, after = self._redo.pop()
            self._undo.append((label, self._project))
            self._become(after)

    def take_back(self, before: Project) -> bool:
        """Undo the last command for good, if the document was ``before`` then; return whether it was."""
        if not self._undo or self._undo[-1][1] is not before:
            return False
        self._undo.pop()
        self._redo.clear()
        self._become(before)
        return True

    def amend(self, command: Command) -> None:
        """Apply ``command`` as part of the last one: for drags that change one value many times.

        Undo then returns to the state before the first of them.
        """
        self._redo.clear()
        self._become(command.apply(self._project))

    def replace_project(self, project: Project) -> None:
        """Start over with another document: opened, new, or restored.  Nothing of the old one can be undone.

        In between the document is empty, since a layer of the new one may have the id of one of the old one's.
        """
        self._undo.clear()
        self._redo.clear()
        self._become(Project())
        self.store.keep_only(set())
        self._become(project)

    def layers_that_may_return(self) -> set[LayerId]:
        """Return the ids of layers in the document, or reachable by undo and redo: their data must be kept."""
        documents = [self._project, *(project for _, project in (*self._undo, *self._redo))]
        return {layer.id for document in documents for layer in document.layers}

    def new_layer_ids(self, count: int) -> list[LayerId]:
        """Return ids that no layer has now or may get back by undo."""
        taken = self.layers_that_may_return()
        ids = (f"layer-{number}" for number in itertools.count(len(taken) + 1))
        return list(itertools.islice((layer_id for layer_id in ids if layer_id not in taken), count))

    def _become(self, after: Project) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("the document was changed from a foreign thread")
        before, self._project = self._project, after
        if after != before:
            change = Change(before=before, after=after)
            for listener in tuple(self._listeners):
                listener(change)
            self.store.keep_only(self.layers_that_may_return())
