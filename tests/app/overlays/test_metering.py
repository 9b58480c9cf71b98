"""Counts per second, against what was counted."""

from __future__ import annotations

import pytest

from twinviewer.app.overlays.metering import WINDOW_S, Meter


def test_it_is_the_mean_of_the_last_whole_seconds() -> None:
    now = [100.0]
    meter = Meter(lambda: now[0])
    assert meter.per_s() == 0.0
    for _ in range(30):
        for _ in range(4):
            meter.count(5)
            now[0] += 0.25
    assert meter.per_s() == pytest.approx(20.0)
    meter.count(1_000_000)
    assert meter.per_s() == pytest.approx(20.0), "the second that runs is not over"
    now[0] += 1.0
    assert meter.per_s() == pytest.approx((20.0 * (WINDOW_S - 1) + 1_000_000) / WINDOW_S)
    now[0] += WINDOW_S
    assert meter.per_s() == 0.0, "what was long ago does not count"
    assert meter.total == 30 * 20 + 1_000_000
