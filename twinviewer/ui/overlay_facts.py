"""What the layers panel and the inspector say about overlays and layers of plugins, without Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from twinviewer.app.object_facts import Attribute
from twinviewer.app.overlays.running import OverlayPicture, OverlayState
from twinviewer.app.plugins.manifest import LayerContribution, OverlayContribution
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.drawing import ColourScale, Labels
from twinviewer.model.errors import PluginError
from twinviewer.ui.facts import LayerFacts, count_text
from twinviewer.ui.layer_tree import OverlayFacts

STATE_WORDS = {
    OverlayState.OFF: "",
    OverlayState.WAITING: "waiting for data",
    OverlayState.DRAWING: "drawing…",
    OverlayState.STOPPED: "stopped",
    OverlayState.SHOWN: "",
    OverlayState.SIMULATED: "simulated",
    OverlayState.LIVE: "live",
    OverlayState.STALE: "old values",
    OverlayState.NOT_ANSWERING: "does not answer",
    OverlayState.NEEDS_PERSON: "waits for you",
    OverlayState.FAILED: "failed",
}
NO_DATA = "no data"
AWAITING = frozenset({STATE_WORDS[OverlayState.WAITING], STATE_WORDS[OverlayState.DRAWING]})
"""Words of those that have nothing to show yet."""


def overlay_facts(
    contribution: OverlayContribution | LayerContribution, picture: OverlayPicture, *, plugin: str
) -> OverlayFacts:
    """Return what there is to say about an overlay or a layer of the plugin called ``plugin``."""
    simulated = isinstance(contribution, OverlayContribution) and contribution.simulated
    words = STATE_WORDS[picture.state]
    if picture.state is OverlayState.OFF and simulated:
        words = STATE_WORDS[OverlayState.SIMULATED]
    problem = picture.problem
    if picture.state is OverlayState.FAILED and problem is not None and not isinstance(problem, PluginError):
        words = NO_DATA  # the plugin works; its source does not deliver
    return OverlayFacts(
        id=contribution.id,
        title=contribution.title,
        plugin=plugin,
        description=contribution.description,
        is_layer=isinstance(contribution, LayerContribution),
        state=words,
        simulated=simulated,
        needs_person=picture.state is OverlayState.NEEDS_PERSON,
        failed=picture.state in (OverlayState.FAILED, OverlayState.NOT_ANSWERING),
        problem="" if problem is None else f"{problem.problem} {problem.cure}".strip(),
        unbound=picture.unbound,
        notes=picture.notes,
    )


def told_scales(
    scales: Iterable[ColourScale], pictures: Mapping[str, OverlayPicture], *, simulated: frozenset[str]
) -> list[ColourScale]:
    """Return ``scales`` as a legend shows them: those of ``simulated`` overlays, by contribution id, say so."""
    made_up = {
        request.scale
        for overlay_id in simulated & pictures.keys()
        for request in pictures[overlay_id].requests
        if not isinstance(request, Labels)
    }
    word = STATE_WORDS[OverlayState.SIMULATED]
    return [
        replace(scale, title=f"{scale.title}, {word}")
        if scale in made_up and word not in scale.title.casefold()
        else scale
        for scale in scales
    ]


def inspector_facts(facts: OverlayFacts) -> LayerFacts:
    """Return what the inspector shows of it: where it comes from, how it fares, and what it did not find."""
    rows = [
        Attribute(name="Plugin", value=facts.plugin),
        Attribute(name="Kind", value="layer, drawn once" if facts.is_layer else "overlay, follows the time"),
        Attribute(name="Id", value=facts.id),
    ]
    if facts.description:
        rows.append(Attribute(name="Description", value=facts.description))
    if facts.state:
        rows.append(Attribute(name="State", value=facts.state))
    unbound = facts.unbound
    if unbound:
        found = unbound.total - unbound.count
        rows.append(Attribute(name="Objects found", value=f"{count_text(found)} of {count_text(unbound.total)}"))
        rows += [Attribute(name="Not found", value=name) for name in unbound.names]
    told = [Diagnostic(severity=Severity.INFO, code="overlay.note", problem=note) for note in facts.notes]
    if facts.problem:
        told.append(Diagnostic(severity=Severity.ERROR, code="overlay.failed", problem=facts.problem))
    if unbound.count > len(unbound.names):
        told.append(
            Diagnostic(
                severity=Severity.INFO,
                code="overlay.unbound",
                problem=f"Only the first {count_text(len(unbound.names))} that were not found are listed.",
            )
        )
    return LayerFacts(title=facts.title, rows=tuple(rows), diagnostics=tuple(told))
