"""What is said about overlays and layers of plugins."""

from __future__ import annotations

import numpy as np
import pytest

from twinviewer.app.overlays.binding import Unbound
from twinviewer.app.overlays.running import OverlayPicture, OverlayState
from twinviewer.app.plugins.manifest import LayerContribution, OverlayContribution
from twinviewer.model.drawing import ColourObjects, ColourScale
from twinviewer.model.errors import FeedError, PluginError
from twinviewer.model.project import OverlaySpec, Project
from twinviewer.ui.layer_tree import OverlayFacts, tree_of
from twinviewer.ui.layer_tree_model import describe, icon_name, note, spoken_state
from twinviewer.ui.overlay_facts import AWAITING, STATE_WORDS, inspector_facts, overlay_facts, told_scales

OVERLAY = OverlayContribution(
    id="air.no2", title="NO2 (simulated)", feed="a:b", encode="a:c", period_s=1.0, simulated=True, description="Air."
)
LAYER = LayerContribution(id="plan.zones", title="Zones", draw="a:d")
LOST = Unbound(count=12, total=300, names=tuple(f"b-{n}" for n in range(12)))


def facts(contribution: OverlayContribution | LayerContribution = OVERLAY, **picture: object) -> OverlayFacts:
    return overlay_facts(contribution, OverlayPicture(**picture), plugin="Air quality")  # type: ignore[arg-type]


def test_every_state_has_words_of_its_own() -> None:
    assert STATE_WORDS.keys() == set(OverlayState)
    said = [words for words in STATE_WORDS.values() if words]
    assert len(said) == len(set(said))
    assert facts(state=OverlayState.WAITING).state in AWAITING
    assert facts(LAYER, state=OverlayState.DRAWING).state in AWAITING
    assert facts(state=OverlayState.LIVE).state not in AWAITING


@pytest.mark.parametrize(
    ("state", "failed"),
    [(OverlayState.FAILED, True), (OverlayState.NOT_ANSWERING, True), (OverlayState.STALE, False)],
)
def test_what_needs_attention_is_marked(state: OverlayState, failed: bool) -> None:
    assert facts(state=state).failed is failed


def test_a_source_that_does_not_deliver_is_no_failure_of_the_plugin() -> None:
    assert facts(state=OverlayState.FAILED, problem=FeedError("No table is chosen yet.")).state == "no data"
    assert facts(state=OverlayState.FAILED, problem=PluginError("It raised KeyError.")).state == "failed"


def test_simulated_is_said_even_of_what_is_off() -> None:
    assert facts(state=OverlayState.OFF).state == "simulated"
    assert facts(LAYER, state=OverlayState.OFF).state == ""


def test_the_legend_says_what_is_simulated_once_and_of_nothing_else() -> None:
    bicycles, measured, marked = (
        ColourScale(title=title, unit="1", colour_map="viridis", value_range=(0, 9))
        for title in ("Bicycles", "Heating demand", "Speed, simulated")
    )
    pictures = {
        overlay_id: OverlayPicture(
            state=OverlayState.LIVE,
            requests=tuple(ColourObjects(object_ids=("a",), values=np.ones(1), scale=scale) for scale in scales),
        )
        for overlay_id, scales in {"made.up": (bicycles, marked), "real.one": (measured,)}.items()
    }
    told = told_scales([bicycles, measured, marked], pictures, simulated=frozenset({"made.up", "not.on"}))
    assert [scale.title for scale in told] == ["Bicycles, simulated", "Heating demand", "Speed, simulated"]
    assert told[1] is measured


def test_layers_of_plugins_stand_in_a_group_of_their_own() -> None:
    both = (facts(state=OverlayState.LIVE), facts(LAYER, state=OverlayState.SHOWN))
    live, layers = tree_of(Project(overlays=(OverlaySpec(id="plan.zones"),)), overlays=both)
    assert (live.title, layers.title) == ("Live", "Plugin layers")
    assert live.is_fixed_group
    assert layers.is_fixed_group
    assert layers.is_plugin_layers_group
    assert [node.title for node in (*live.children, *layers.children)] == ["NO2 (simulated)", "Zones"]
    assert (live.children[0].shown, layers.children[0].shown) == (False, True)
    assert icon_name(layers.children[0]) != icon_name(live.children[0])
    assert tree_of(Project(), overlays=both[:1])[0].title == "Live"
    assert len(tree_of(Project(), overlays=both[:1])) == 1


def test_what_was_not_found_stands_in_the_row_in_the_tooltip_and_in_the_inspector() -> None:
    lost = facts(state=OverlayState.SIMULATED, unbound=LOST)
    ((node,),) = [group.children for group in tree_of(Project(), overlays=(lost,))]
    assert note(node) == "12 of 300 not found"
    assert "12 of 300 not found" in spoken_state(node)
    assert "b-0, b-1, b-2, b-3, b-4, …" in describe(node)
    rows = inspector_facts(lost).rows
    assert [row.value for row in rows if row.name == "Not found"] == list(LOST.names)
    assert [row.value for row in rows if row.name == "Objects found"] == ["288 of 300"]
    assert inspector_facts(lost).diagnostics == ()
    thousands = Unbound(count=5000, total=5000, names=LOST.names)
    (told,) = inspector_facts(facts(state=OverlayState.LIVE, unbound=thousands)).diagnostics
    assert told.problem == "Only the first 12 that were not found are listed."


def test_a_problem_goes_before_what_was_not_found() -> None:
    problem = PluginError("It failed.", cure="Mend it.")
    failed = facts(state=OverlayState.FAILED, problem=problem, unbound=LOST, notes=("Taken as the project's.",))
    ((node,),) = [group.children for group in tree_of(Project(), overlays=(failed,))]
    assert note(node) == "failed"
    assert describe(node).startswith("NO2 (simulated): failed\nIt failed. Mend it.\nTaken as the project's.\n")
    said = [told.problem for told in inspector_facts(failed).diagnostics]
    assert said == ["Taken as the project's.", "It failed. Mend it."]


def test_the_inspector_says_whose_it_is() -> None:
    rows = {row.name: row.value for row in inspector_facts(facts(state=OverlayState.LIVE)).rows}
    assert rows["Plugin"] == "Air quality"
    assert rows["Id"] == "air.no2"
    assert rows["Description"] == "Air."
    assert rows["State"] == "live"
