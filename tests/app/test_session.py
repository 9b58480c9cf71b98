from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import changes, layers, projects
from twinviewer.app import commands
from twinviewer.app.project_file import ViewState, to_bytes
from twinviewer.app.session import Change, Session
from twinviewer.model.project import Project


def _bytes(project: Project) -> bytes:
    return to_bytes(project, view=ViewState(), folder=Path("/"))


@given(projects, st.data())
def test_undoing_every_command_restores_a_byte_equal_project(project: Project, data: st.DataObject) -> None:
    session = Session(project)
    opened = _bytes(project)
    for _ in range(data.draw(st.integers(1, 8))):
        session.do(data.draw(changes([layer.id for layer in session.project.layers])))
    final = _bytes(session.project)
    while session.undo_label is not None:
        session.undo()
    assert _bytes(session.project) == opened
    while session.redo_label is not None:
        session.redo()
    assert _bytes(session.project) == final


@given(st.data())
def test_adding_layers_undoes_to_a_byte_equal_project(data: st.DataObject) -> None:
    session = Session()
    opened = _bytes(session.project)
    session.do(commands.AddLayers(layers=(data.draw(layers("layer-1")), data.draw(layers("layer-2")))))
    session.undo()
    assert _bytes(session.project) == opened


@given(projects, st.data())
def test_listeners_hear_every_change_and_nothing_else(project: Project, data: st.DataObject) -> None:
    session = Session(project)
    heard: list[Change] = []
    session.on_change(heard.append)
    states = [project]
    for _ in range(5):
        session.do(data.draw(changes([layer.id for layer in session.project.layers])))
        if session.project != states[-1]:
            states.append(session.project)
    assert [(change.before, change.after) for change in heard] == list(itertools.pairwise(states))


def test_a_drag_of_many_steps_is_one_undo() -> None:
    session = Session(Project(layers=(_layer("layer-1"),)))
    session.do(commands.SetOpacity(layer_id="layer-1", opacity=0.9))
    for opacity in (0.7, 0.5, 0.3):
        session.amend(commands.SetOpacity(layer_id="layer-1", opacity=opacity))
    session.undo()
    assert session.project.layer("layer-1").opacity == 1.0
    session.redo()
    assert session.project.layer("layer-1").opacity == 0.3


def test_a_removed_layer_keeps_its_data_while_undo_can_bring_it_back() -> None:
    session = Session()
    data = object()
    session.store.put("layer-1", data)  # type: ignore[arg-type]
    session.do(commands.AddLayers(layers=(_layer("layer-1"),)))
    session.do(commands.RemoveLayers(layer_ids=frozenset({"layer-1"})))
    session.undo()
    assert session.store.get("layer-1") is data
    session.replace_project(Project())
    assert session.store.get("layer-1") is None


def test_new_layer_ids_never_collide_with_one_that_undo_may_bring_back() -> None:
    session = Session(Project(layers=(_layer("layer-1"), _layer("layer-2"))))
    session.do(commands.RemoveLayers(layer_ids=frozenset({"layer-2"})))
    assert session.new_layer_id() not in {"layer-1", "layer-2"}


def test_moving_layers_puts_them_before_the_named_one_in_their_order() -> None:
    session = Session(Project(layers=tuple(_layer(name) for name in "abcde")))
    session.do(commands.MoveLayers(layer_ids=frozenset("db"), before="a", group="Map"))
    assert [layer.id for layer in session.project.layers] == ["b", "d", "a", "c", "e"]
    assert [layer.group for layer in session.project.layers] == ["Map", "Map", "", "", ""]


def _layer(layer_id: str):
    from twinviewer.model.project import LayerSource, LayerSpec

    return LayerSpec(id=layer_id, kind="features", title=layer_id, source=LayerSource(path="/a", reader="r"))
