"""City models with any fault: layers or a sentence, soon and in little memory.  ``make fuzz`` reads many more."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fuzzing.mutations import FORMATS, mutated
from tests.fuzzing.running import outcomes

COUNT = 300


@pytest.mark.parametrize("format", FORMATS)
def test_whatever_is_wrong_with_a_city_model_it_is_read_or_refused_in_words(format: str) -> None:
    found = list(outcomes(format, range(COUNT)))
    assert [outcome for outcome in found if outcome.is_fault] == []
    kinds = Counter(outcome.kind for outcome in found)
    assert min(kinds["told"], kinds["refused"]) > COUNT / 10, "the faults are all too small, or all too large"


@pytest.mark.parametrize("format", FORMATS)
def test_an_input_can_be_made_again_from_its_number(format: str) -> None:
    assert [mutated(format, number) for number in range(50)] == [mutated(format, number) for number in range(50)]
    assert len({mutated(format, number) for number in range(50)}) > 45
