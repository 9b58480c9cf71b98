"""What the layers panel lists: the document as a tree of groups, layers and overlays, without Qt.

The document keeps layers in one flat order, top of the list first; a group stands where its first layer stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twinviewer.app.commands import MoveLayers
from twinviewer.app.overlays.binding import ALL_FOUND, Unbound
from twinviewer.model.project import LayerId, LayerSpec, OverlaySpec, Project

LIVE_GROUP = "Live"
PLUGIN_LAYERS_GROUP = "Plugin layers"
RESULTS_GROUP = "Results"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayFacts:
    """An overlay or a layer that some plugin offers, and how it fares."""

    id: str
    title: str
    plugin: str = ""
    """Name of the plugin."""
    description: str = ""
    is_layer: bool = False
    """Whether it is drawn once, and does not change by itself."""
    state: str = ""
    """For people: ``"simulated"``, ``"waiting for data"``, ``"failed"``."""
    simulated: bool = False
    needs_person: bool = False
    """Whether it waits for a consent or a setting."""
    failed: bool = False
    problem: str = ""
    """Why it failed, and what can be done about it."""
    unbound: Unbound = ALL_FOUND
    """The city objects that it names and that are not there."""
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A file that is being read and is no layer yet."""

    job_id: int
    title: str
    progress: float
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFacts:
    """What an analysis found and draws, until the person closes it."""

    id: str
    title: str
    note: str
    """A few words at the end of the row: when it was made."""
    provenance: tuple[tuple[str, str], ...]
    """Where it comes from: names and values."""
    visible: bool
    opacity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerState:
    """What a layer's row says beside its title."""

    loading: bool = False
    failed: str = ""
    """Why it could not be read: one sentence."""
    problems: int = 0
    """Diagnostics of severity warning or error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One row.  Exactly one of ``layer``, ``overlay``, ``result``, ``pending`` is given, none of them for a group."""

    key: str
    """Unique in the tree, stable from one document to the next."""
    title: str
    layer: LayerSpec | None = None
    state: LayerState = field(default_factory=LayerState)
    overlay: OverlayFacts | None = None
    overlay_spec: OverlaySpec | None = None
    result: ResultFacts | None = None
    pending: Pending | None = None
    children: tuple[Node, ...] = ()

    @property
    def is_group(self) -> bool:
        return self.layer is None and self.overlay is None and self.result is None and self.pending is None

    @property
    def is_live_group(self) -> bool:
        return self.key == f"group:{LIVE_GROUP}:overlays"

    @property
    def is_plugin_layers_group(self) -> bool:
        return self.key == f"group:{PLUGIN_LAYERS_GROUP}:overlays"

    @property
    def is_results_group(self) -> bool:
        return self.key == f"group:{RESULTS_GROUP}:results"

    @property
    def is_fixed_group(self) -> bool:
        """Whether it is a group that is always there and holds no layers of the document."""
        return self.is_live_group or self.is_plugin_layers_group or self.is_results_group

    @property
    def shown(self) -> bool | None:
        """Whether it is switched on; None for a group with both and for what cannot be switched."""
        if self.layer is not None:
            return self.layer.visible
        if self.result is not None:
            return self.result.visible
        if self.overlay_spec is not None:
            return self.overlay_spec.visible
        if self.overlay is not None:
            return False
        states = {child.shown for child in self.children}
        return states.pop() if len(states) == 1 else None

    @property
    def layer_ids(self) -> tuple[LayerId, ...]:
        """The layers of this row: itself, or all of the group."""
        if self.layer is not None:
            return (self.layer.id,)
        return tuple(child.layer.id for child in self.children if child.layer is not None)


def tree_of(
    project: Project,
    *,
    overlays: Sequence[OverlayFacts] = (),
    results: Sequence[ResultFacts] = (),
    pending: Sequence[Pending] = (),
    states: Mapping[LayerId, LayerState] | None = None,
) -> tuple[Node, ...]:
    """Return the rows of the top level: what is being read, overlays, results, then groups and layers in order."""
    states = states or {}
    specs = {spec.id: spec for spec in project.overlays}
    top: list[Node] = [Node(key=f"pending:{job.job_id}", title=job.title, pending=job) for job in pending]
    for group, is_layer in ((LIVE_GROUP, False), (PLUGIN_LAYERS_GROUP, True)):
        children = tuple(
            Node(key=f"overlay:{facts.id}", title=facts.title, overlay=facts, overlay_spec=specs.get(facts.id))
            for facts in overlays
            if facts.is_layer is is_layer
        )
        if children:
            top.append(Node(key=f"group:{group}:overlays", title=group, children=children))
    if results:
        found = tuple(Node(key=f"result:{facts.id}", title=facts.title, result=facts) for facts in results)
        top.append(Node(key=f"group:{RESULTS_GROUP}:results", title=RESULTS_GROUP, children=found))
    seen: set[str] = set()
    for layer in project.layers:
        if not layer.group:
            top.append(_layer_node(layer, states))
        elif layer.group not in seen:
            seen.add(layer.group)
            members = tuple(_layer_node(other, states) for other in project.layers if other.group == layer.group)
            top.append(Node(key=f"group:{layer.group}", title=layer.group, children=members))
    return tuple(top)


def _layer_node(layer: LayerSpec, states: Mapping[LayerId, LayerState]) -> Node:
    return Node(key=f"layer:{layer.id}", title=layer.title, layer=layer, state=states.get(layer.id, LayerState()))


def move_for_drop(
    project: Project, dragged: Sequence[LayerId], *, siblings: Sequence[Node], row: int, group: str
) -> MoveLayers | None:
    """Return the command for dropping layers between rows of one level of the tree.

    Args:
        project: The document as it is.
        dragged: The layers, in any order.
        siblings: The rows of the level that was dropped on, as shown.
        row: Before which of them; ``len(siblings)`` or less than 0: after the last.
        group: Title of that level's group; empty for the top level.

    Returns:
        None where the drop changes nothing.
    """
    moved = frozenset(dragged)
    following = siblings[row:] if row >= 0 else ()
    before = next((layer_id for node in following for layer_id in node.layer_ids if layer_id not in moved), None)
    if before is None and group:
        before = _layer_after_group(project, group, moved)
    command = MoveLayers(layer_ids=moved, before=before, group=group)
    return None if not moved or command.apply(project) == project else command


def _layer_after_group(project: Project, group: str, moved: frozenset[LayerId]) -> LayerId | None:
    rest = [layer for layer in project.layers if layer.id not in moved]
    last = max((at for at, layer in enumerate(rest) if layer.group == group), default=len(rest) - 1)
    return rest[last + 1].id if last + 1 < len(rest) else None


def move_by_one(project: Project, layer_ids: Sequence[LayerId], *, up: bool) -> MoveLayers | None:
    """Return the command that moves layers over the row above them, or under the one below, within their group.

    Returns:
        None where they stand at the end already, or belong to different groups.
    """
    moved = frozenset(layer_ids)
    groups = {layer.group for layer in project.layers if layer.id in moved}
    if len(groups) != 1:
        return None
    group = groups.pop()
    level = [layer.id for layer in project.layers if layer.group == group]
    rest = [layer_id for layer_id in level if layer_id not in moved]
    places = [at for at, layer_id in enumerate(level) if layer_id in moved]
    if up:
        above = [layer_id for layer_id in level[: places[0]] if layer_id in rest]
        if not above:
            return None
        before: LayerId | None = above[-1]
    else:
        below = [layer_id for layer_id in level[places[-1] + 1 :] if layer_id in rest]
        if not below:
            return None
        before = below[1] if len(below) > 1 else _layer_after(project, below[0], moved)
    command = MoveLayers(layer_ids=moved, before=before, group=group)
    return None if command.apply(project) == project else command


def _layer_after(project: Project, layer_id: LayerId, moved: frozenset[LayerId]) -> LayerId | None:
    rest = [layer.id for layer in project.layers if layer.id not in moved]
    at = rest.index(layer_id) + 1
    return rest[at] if at < len(rest) else None
