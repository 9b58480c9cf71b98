"""What the palette and the search find: commands, layers, bookmarks and city objects as entries."""

from __future__ import annotations

from collections.abc import Callable

from twinviewer.app.session import Session
from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import Bookmark, LayerId
from twinviewer.ui.action_table import ACTIONS
from twinviewer.ui.actions import Commands, keys_text
from twinviewer.ui.layer_tree_model import KIND_ICONS, UNKNOWN_KIND_ICON
from twinviewer.ui.search import COMMAND, Entry, objects_like, ranked


class Finder:
    """Answers queries with entries that do something when they are chosen."""

    def __init__(
        self,
        session: Session,
        commands: Commands,
        *,
        go_to: Callable[[Bookmark], None],
        show_layer: Callable[[LayerId], None],
        show_object: Callable[[str, LayerId], bool],
        contributed: Callable[[], list[Entry]] = list,
    ) -> None:
        self._session, self._commands = session, commands
        self._go_to, self._show_layer, self._show_object = go_to, show_layer, show_object
        self._contributed = contributed

    def commands(self, query: str) -> list[Entry]:
        """Return the commands that fit."""
        return ranked(query, self._command_entries(), most=200)

    def everything(self, query: str) -> list[Entry]:
        """Return layers, places, objects and commands that fit; for an empty query what the project has."""
        project = self._session.project
        layers = [
            Entry(
                title=layer.title,
                kind="Layer",
                detail=layer.group,
                icon=KIND_ICONS.get(layer.kind, UNKNOWN_KIND_ICON),
                words=layer.role,
                run=lambda layer_id=layer.id: self._show_layer(layer_id),  # type: ignore[misc]
            )
            for layer in project.layers
        ]
        places = [
            Entry(
                title=bookmark.title,
                kind="Place",
                icon="bookmark",
                run=lambda bookmark=bookmark: self._go_to(bookmark),  # type: ignore[misc]
            )
            for bookmark in project.bookmarks
        ]
        if not query.strip():
            return [*places, *layers]
        return [
            *ranked(query, [*places, *layers]),
            *self._object_entries(query),
            *ranked(query, self._command_entries(), most=12),
        ]

    def _command_entries(self) -> list[Entry]:
        own = [
            Entry(
                title=spec.title,
                kind=COMMAND,
                detail=" › ".join(spec.menu.split("/")),
                icon=spec.icon,
                words=f"{spec.words} {spec.tooltip}",
                keys=keys_text(spec),
                enabled=self._commands[spec.id].isEnabled(),
                run=lambda action_id=spec.id: self._commands.run(action_id),  # type: ignore[misc]
            )
            for spec in ACTIONS
        ]
        return [*own, *self._contributed()]

    def _object_entries(self, query: str) -> list[Entry]:
        found = ((layer, self._session.store.get(layer.id)) for layer in self._session.project.layers)
        models = [(layer, data) for layer, data in found if isinstance(data, CityModel)]
        entries = []
        for layer, row in objects_like(query, models):
            model = next(model for owner, model in models if owner is layer)
            identifier = model.object_ids[row]
            entries.append(
                Entry(
                    title=identifier,
                    kind=model.type_names[model.object_type[row]],
                    detail=layer.title,
                    icon="map-pin",
                    run=_showing(self._show_object, identifier, layer.id),
                )
            )
        return entries


def _showing(show: Callable[[str, LayerId], bool], object_id: str, layer_id: LayerId) -> Callable[[], None]:
    def run() -> None:
        show(object_id, layer_id)

    return run
