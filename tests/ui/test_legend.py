"""What the legend writes below a scale."""

from __future__ import annotations

import pytest

from twinviewer.model.drawing import ColourScale
from twinviewer.ui.legend import end_texts, number_text


@pytest.mark.parametrize(
    ("ticks", "ends"),
    [
        ((), ("≤ 0", "≥ 2")),
        (((0.0, "quiet"), (2.0, "alarm")), ("quiet", "alarm")),
        (((0.0, "0"), (1.0, "1"), (2.0, "2")), ("≤ 0", "≥ 2")),
        (((1.0, "so so"), (2.0, "alarm")), ("≤ 0", "alarm")),
    ],
)
def test_an_end_that_has_a_name_is_called_so(ticks: tuple[tuple[float, str], ...], ends: tuple[str, str]) -> None:
    scale = ColourScale(title="Smoke", unit="1", colour_map="limit", value_range=(0, 2), ticks=ticks)
    assert end_texts(scale) == ends


def test_what_is_below_nought_has_a_minus_sign_and_no_hyphen() -> None:
    assert [number_text(value) for value in (-10.0, -0.25, 0.0, 1e-5, 123.4)] == ["−10", "−0.25", "0", "1e-05", "123"]
