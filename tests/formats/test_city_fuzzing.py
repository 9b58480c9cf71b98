"""City models with any fault: layers or a sentence, soon and in little memory.  ``make fuzz`` reads many more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.formats.damage import CUTS, cut
from tests.fuzzing.mutations import FORMATS, mutated
from tests.fuzzing.reading_process import read
from tests.fuzzing.running import outcomes
from tests.fuzzing.seeds import CITYGML, CITYJSON, as_text
from twinviewer.model.errors import ReadError

COUNT = 300
WHOLE = {
    **{f"CityGML {number}": ("citygml", content) for number, content in enumerate(CITYGML)},
    **{f"CityJSON {number}": ("cityjson", as_text(lines)) for number, lines in enumerate(CITYJSON)},
}


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_whatever_is_wrong_with_a_city_model_it_is_read_or_refused_in_words(format: str, is_compiled: bool) -> None:
    found = list(outcomes(format, range(COUNT), is_compiled=is_compiled))
    assert [outcome for outcome in found if outcome.is_fault] == []
    kinds = Counter(outcome.kind for outcome in found)
    assert min(kinds["told"], kinds["refused"]) > COUNT / 10, "the faults are all too small, or all too large"


@pytest.mark.parametrize("format", FORMATS)
def test_an_input_can_be_made_again_from_its_number(format: str) -> None:
    assert [mutated(format, number) for number in range(50)] == [mutated(format, number) for number in range(50)]
    assert len({mutated(format, number) for number in range(50)}) > 45


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_cut_off_anywhere_is_told(tmp_path: Path, name: str) -> None:
    format, content = WHOLE[name]
    content = content.rstrip()  # a line less at the end is no loss
    known = told_of(format, content, tmp_path)
    for number in range(CUTS):
        try:
            told = told_of(format, cut(content, number), tmp_path)
        except ReadError:
            continue
        assert told - known, number


def told_of(format: str, content: bytes, folder: Path) -> set[str]:
    return {told.code for layer in read(format, content, folder, is_placed=False) for told in layer.diagnostics}
