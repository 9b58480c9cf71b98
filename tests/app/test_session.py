from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
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


def test_the_property_above_is_tried_with_every_command() -> None:
    every = {cls for cls in vars(commands).values() if isinstance(cls, type) and cls.__module__ == commands.__name__}
    drawn: set[type] = {commands.AddLayers}  # below

    @settings(max_examples=500, database=None)
    @given(changes(["layer-1", "layer-2"]))
    def draw(command: Any) -> None:
        drawn.add(type(command))
        assert command.label
        assert not command.label.endswith(".")

    draw()
    assert drawn == every


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
    session.do(commands.AddLayers(layers=(_layer("layer-4"),)))
    ids = session.new_layer_ids(3)
    assert len(set(ids)) == 3
    assert not set(ids) & {"layer-1", "layer-2", "layer-4"}


def test_another_document_takes_nothing_of_the_old_one_along() -> None:
    """Both have a “layer-1”; whoever listens sees the old one go before the new one comes."""
    session = Session(Project(title="old", layers=(_layer("layer-1"),)))
    session.store.put("layer-1", object())  # type: ignore[arg-type]
    session.do(commands.SetPreset(preset="safe"))
    heard: list[Change] = []
    session.on_change(heard.append)
    new = Project(title="new", layers=(_layer("layer-1"),))
    session.replace_project(new)
    assert [change.after for change in heard] == [Project(), new]
    assert session.store.get("layer-1") is None
    assert (session.undo_label, session.redo_label) == (None, None)


def test_undo_goes_back_two_hundred_steps_and_forgets_the_data_beyond() -> None:
    session = Session()
    session.do(commands.AddLayers(layers=(_layer("layer-1"),)))
    session.store.put("layer-1", object())  # type: ignore[arg-type]
    session.do(commands.RemoveLayers(layer_ids=frozenset({"layer-1"})))
    for number in range(Session.UNDO_LIMIT + 10):
        assert (session.store.get("layer-1") is None) == (number > Session.UNDO_LIMIT - 1)
        session.do(commands.SetPreset(preset=f"{number}"))
    steps = 0
    while session.undo_label is not None:
        session.undo()
        steps += 1
    assert steps == Session.UNDO_LIMIT


def test_a_foreign_thread_cannot_change_the_document() -> None:
    session = Session()
    raised: list[Exception] = []

    def work() -> None:
        try:
            session.do(commands.SetPreset(preset="safe"))
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1
    assert session.project == Project()


@pytest.mark.parametrize("opacity", [-1.0, 2.0, float("inf")])
def test_an_opacity_stays_between_nothing_and_all(opacity: float) -> None:
    session = Session(Project(layers=(_layer("layer-1"),)))
    session.do(commands.SetOpacity(layer_id="layer-1", opacity=opacity))
    assert 0.0 <= session.project.layer("layer-1").opacity <= 1.0


def test_moving_layers_puts_them_before_the_named_one_in_their_order() -> None:
    session = Session(Project(layers=tuple(_layer(name) for name in "abcde")))
    session.do(commands.MoveLayers(layer_ids=frozenset("db"), before="a", group="Map"))
    assert [layer.id for layer in session.project.layers] == ["b", "d", "a", "c", "e"]
    assert [layer.group for layer in session.project.layers] == ["Map", "Map", "", "", ""]


def _layer(layer_id: str):
    from twinviewer.model.project import LayerSource, LayerSpec

    return LayerSpec(id=layer_id, kind="features", title=layer_id, source=LayerSource(path="/a", reader="r"))
