"""Previews come early, seldom, and cost no more than a tenth of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.formats.test_exchange import layers
from twinviewer.formats.previews import FIRST_AFTER_S, Previews
from twinviewer.model.feedback import Cancelled, PartOf, Silent
from twinviewer.model.layer_data import LayerData


class Reading:
    """A reading of so many seconds on a clock of its own; a preview takes a share of the time read before it."""

    def __init__(self, whole_s: float, *, cost: float = 0.0, tells: bool = True) -> None:
        self.now = 0.0
        self.shown_at: list[float] = []
        self.spent_s = 0.0
        self._whole_s, self._cost, self._tells = whole_s, cost, tells
        self.previews = Previews(Silent(), show=self._show, clock=lambda: self.now)
        self._read_s = 0.0

    def _so_far(self) -> Sequence[LayerData]:
        self.now += self._cost * self._read_s
        self.spent_s += self._cost * self._read_s
        return [layers()["mesh"]]

    def _show(self, so_far: Sequence[LayerData]) -> bool:
        self.shown_at.append(self.now)
        return True

    def run(self) -> Reading:
        while self._read_s < self._whole_s:
            self.now += 0.01
            self._read_s += 0.01
            if self._tells:
                self.previews.progress(min(1.0, self._read_s / self._whole_s))
            self.previews.preview(self._so_far)
        return self


def test_the_first_comes_within_a_second_and_the_next_ones_in_growing_steps() -> None:
    shown = Reading(30.0).run().shown_at
    assert shown[0] == pytest.approx(FIRST_AFTER_S, abs=0.02)
    assert FIRST_AFTER_S < 1.0
    assert 4 <= len(shown) <= 6
    assert all(later >= 2 * earlier for earlier, later in pairwise(shown))


@pytest.mark.parametrize("whole_s", [2.0, 10.0, 100.0])
@pytest.mark.parametrize("cost", [0.05, 0.2, 0.5])
def test_all_together_cost_a_tenth_of_the_whole(whole_s: float, cost: float) -> None:
    reading = Reading(whole_s, cost=cost).run()
    assert reading.shown_at
    first_s = FIRST_AFTER_S * cost  # nobody knows before what one costs
    assert reading.spent_s <= max(0.1 * reading.now, first_s) * 1.05


def test_where_all_is_there_in_a_moment_there_is_none() -> None:
    assert Reading(0.5).run().shown_at == []
    assert Reading(1.1).run().shown_at == []


def test_a_reader_that_does_not_say_how_far_it_is_has_one() -> None:
    assert len(Reading(30.0, cost=0.1, tells=False).run().shown_at) == 1


def test_what_goes_wrong_with_a_part_is_no_error_and_ends_the_previews(capfd: pytest.CaptureFixture[str]) -> None:
    now = [1.0]
    previews = Previews(Silent(), show=lambda so_far: True, clock=lambda: now[0])
    asked = []

    def so_far() -> Sequence[LayerData]:
        asked.append(now[0])
        raise ZeroDivisionError

    for now[0] in (2.0, 4.0, 8.0):
        previews.preview(so_far)
    assert asked == [2.0]
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_what_has_no_place_is_not_asked_for_again() -> None:
    now, asked = [0.0], []
    previews = Previews(Silent(), show=lambda so_far: False, clock=lambda: now[0])
    for now[0] in (1.0, 4.0, 16.0):
        previews.preview(lambda: asked.append(now[0]) or [])  # type: ignore[func-returns-value]
    assert asked == [1.0]


def test_a_person_who_stops_the_work_stops_a_preview_too() -> None:
    now = [0.0]

    def so_far() -> Sequence[LayerData]:
        raise Cancelled

    previews = Previews(Silent(), show=lambda so_far: True, clock=lambda: now[0])
    now[0] = 1.0
    with pytest.raises(Cancelled):
        previews.preview(so_far)


def test_a_part_of_a_job_hands_previews_on() -> None:
    now, shown = [0.0], []
    previews = Previews(Silent(), show=lambda so_far: bool(shown.append(so_far)) or True, clock=lambda: now[0])
    now[0] = 1.0
    PartOf(PartOf(previews, 0.0, 0.5), 0.0, 0.5).preview(lambda: [layers()["mesh"]])
    assert len(shown) == 1
