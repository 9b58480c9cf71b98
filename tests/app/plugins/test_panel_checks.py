from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from twinviewer.app.plugins.panel_checks import checked_actions, checked_content
from twinviewer.model.errors import PluginError
from twinviewer.model.panel import (
    Button,
    ChoiceEntry,
    Facts,
    FlyTo,
    Heading,
    NumberEntry,
    Paragraph,
    SelectObject,
    SetInstant,
    StartAnalysis,
    SwitchEntry,
    SwitchOverlay,
    Table,
    Tell,
    TextEntry,
)

RADIUS = NumberEntry(id="radius", title="Radius", value=100, minimum=0, maximum=500, unit="m")
USE = ChoiceEntry(id="use", title="Use", choices=("living", "work"), value="work")
ROWS = Table(title="Houses", columns=("Id", "Height (m)"), rows=[("a", 3), ("b", 4.5)], object_ids=["a", "b"])


def test_elements_and_actions_are_told_apart_and_keep_their_order():
    elements = (Heading(text="Site"), Paragraph(text="So it is."), Facts(rows=(("Houses", "2"),)), RADIUS, USE)
    more = (TextEntry(id="name", title="Name"), SwitchEntry(id="all", title="All"), Button(id="go", title="Go"))
    content = checked_content([*elements, Tell(text="Hello"), *more, FlyTo(position=(1, 2, 3))])
    assert content.elements == (*elements, *more)
    assert content.actions == (Tell(text="Hello"), FlyTo(position=(1.0, 2.0, 3.0)))


def test_a_table_may_be_made_of_arrays_and_becomes_plain_texts_and_numbers():
    rows = np.array([[1, 2.5], [3, np.nan]])
    (table,) = checked_content([Table(title="T", columns=("A", "B"), rows=rows)]).elements
    assert table.rows[0] == (1.0, 2.5)
    assert np.isnan(table.rows[1][1])
    assert {type(cell) for row in table.rows for cell in row} == {float}
    mixed = Table(title="T", columns=["A", "B", "C"], rows=[[np.int32(7), True, "x"]])
    assert checked_content([mixed]).elements[0].rows == ((7, "yes", "x"),)


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        Heading(text="not in a list"),
        {"a": 1},
        [None],
        ["a text"],
        [Heading(text=7)],
        [Paragraph(text="x", warning="very")],
        [Facts(rows=(("only one",),))],
        [Facts(rows=(("number", 3),))],
        [Facts(rows="ab")],
        [replace(ROWS, rows=[("a",)])],
        [replace(ROWS, rows=["ab", "cd"])],
        [replace(ROWS, rows=[("a", None), ("b", 1)])],
        [replace(ROWS, rows=[("a", 3), ("b", object())])],
        [replace(ROWS, columns=())],
        [replace(ROWS, object_ids=["a"])],
        [replace(ROWS, object_ids=[1, 2])],
        [replace(ROWS, object_ids=(), rows=[("a", 1)] * 10_001)],
        [Heading(text="x")] * 201,
        [RADIUS, replace(USE, id="radius")],
        [Button(id="", title="x")],
        [Button(id=None, title="x")],
        [Button(id="x" * 201, title="x")],
        [replace(RADIUS, value=501)],
        [replace(RADIUS, value=float("nan"))],
        [replace(RADIUS, minimum=500)],
        [replace(RADIUS, maximum=float("inf"))],
        [replace(RADIUS, step=0)],
        [replace(RADIUS, value=True)],
        [replace(USE, value="sport")],
        [replace(USE, choices=())],
        [replace(USE, choices=("work", "work"))],
        [replace(USE, choices=[f"{number}" for number in range(5001)], value="1")],
        [TextEntry(id="a", title="A", value=3)],
        [SwitchEntry(id="a", title="A", value=1)],
        [Tell(text="x")] * 21,
        [Facts(rows=(("a", "b"),) * 101), Facts(rows=(("a", "b"),) * 100)],
        [replace(ROWS, columns=("A", "B"), title=f"{number}") for number in range(26)],
        [Paragraph(text="x" * 10_000)] * 5,
        [Button(id=f"{number}", title="x") for number in range(101)],
        [replace(USE, id=f"{n}", choices=tuple(map(str, range(1000))), value="1") for n in range(6)],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_panel_that_breaks_the_contract_is_refused(result):
    with pytest.raises(PluginError):
        checked_content(result)


@pytest.mark.parametrize(
    "action",
    [
        "fly",
        Heading(text="a command shows nothing"),
        FlyTo(position=(1, 2)),
        FlyTo(position=(1, 2, float("inf"))),
        FlyTo(position=("1", 2, 3)),
        FlyTo(position=(1, 2, 3), distance_m=float("nan")),
        SelectObject(object_id=7),
        SwitchOverlay(id="a.b", on="yes"),
        SwitchOverlay(id=None, on=True),
        SetInstant(instant="now"),
        SetInstant(instant=datetime(2026, 1, 1)),  # noqa: DTZ001 – that is what is wrong with it
        SetInstant(instant=datetime(9999, 1, 1, tzinfo=UTC)),
        SetInstant(instant=datetime(1, 1, 1, tzinfo=UTC)),
        StartAnalysis(id="a.b", parameters=(("key",),)),
        StartAnalysis(id="a.b", parameters=(("key", object()),)),
        Tell(text=None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_action_that_cannot_be_carried_out_is_refused(action):
    with pytest.raises(PluginError):
        checked_actions([action])


def test_actions_are_brought_into_bounds_and_instants_into_utc():
    east = timezone(timedelta(hours=2))
    actions = checked_actions(
        [
            FlyTo(position=(1, 2, 3), distance_m=-5),
            FlyTo(position=(1, 2, 3), distance_m=1e9),
            SetInstant(instant=datetime(2026, 6, 1, 12, tzinfo=east)),
            SetInstant(instant=None),
            Tell(text="one\ntwo  " + "x" * 1000),
        ]
    )
    assert [action.distance_m for action in actions[:2]] == [1.0, 1e6]
    assert actions[2].instant == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert actions[2].instant.tzinfo is UTC
    assert actions[3].instant is None
    assert actions[4].text.startswith("one two xxx")
    assert len(actions[4].text) == 400


def test_texts_are_cut_and_halves_of_characters_replaced():
    (long, half) = checked_content([Paragraph(text="x" * 10**6), Heading(text="a\ud800b")]).elements
    assert len(long.text) == 10_000
    assert half.text == "a?b"
