from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twinviewer.app.log import redacted
from twinviewer.app.problems import ProblemLog
from twinviewer.model.errors import DamagedFileError, PluginError


def test_the_same_problem_within_ten_seconds_becomes_a_count() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    log = ProblemLog(lambda: now[0])
    error = DamagedFileError("It is cut off.", source="a.las")
    for _ in range(12):
        now[0] += timedelta(milliseconds=500)
        log.add_error(error)
    assert [(problem.text, problem.count) for problem in log.problems] == [("a.las: It is cut off. (×12)", 12)]
    now[0] += timedelta(seconds=11)
    log.add_error(error)
    assert [problem.count for problem in log.problems] == [12, 1]


def test_what_goes_on_failing_is_one_line_with_its_count() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    log = ProblemLog(lambda: now[0])
    log.add_error(DamagedFileError("It is cut off.", source="a.las"))
    for count in (1, 10, 100, 1000):
        now[0] += timedelta(minutes=5)
        log.add_error(PluginError(f"It failed: {count}.", source="Wind"), subject="wind.speed", count=count)
    log.add_error(PluginError("It failed.", source="Rain"), subject="rain.now")
    assert [problem.text for problem in log.problems] == [
        "a.las: It is cut off.",
        "Wind: It failed: 1000. (×1000)",
        "Rain: It failed.",
    ]


def test_secrets_never_reach_the_log() -> None:
    text = redacted("mqtts://bob:hunter2@broker/x token=abc123 Authorization: Bearer xyz9 password: s3cr3t end")
    for secret in ("bob", "hunter2", "abc123", "xyz9", "s3cr3t"):
        assert secret not in text
    assert "broker/x" in text
    assert text.endswith("end")
