"""R16: whatever happened to the profile, the program starts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from twinviewer.app.recent_files import LIMIT, RecentFiles
from twinviewer.app.settings import Settings, load_settings, save_settings

CHOSEN = Settings(theme="dark", navigation="orbit", reduce_motion=True, language="de", point_budget=7, time_zone="UTC")


def mutated(content: bytes, number: int) -> bytes:
    """Return ``content`` damaged in one of many ways, the same for the same ``number``."""
    rng = random.Random(number)
    data = bytearray(content)
    kind = number % 5
    if kind == 0:
        return bytes(data[: rng.randrange(len(data))])
    if kind == 1:
        for _ in range(5):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        data[rng.randrange(len(data)) :] = rng.randbytes(40)
    elif kind == 3:
        return content.replace(b"true", rng.choice([b"null", b"1e999", b"[]", b'"x"'])).replace(b"7", b"-1e400")
    else:
        at = rng.randrange(len(data))
        data[at:at] = data[:at]
    return bytes(data)


def test_settings_round_trip() -> None:
    save_settings(CHOSEN)
    assert load_settings() == CHOSEN


@pytest.mark.parametrize("number", range(100))
def test_damaged_settings_fall_back_to_defaults(own_profile: Path, number: int) -> None:
    save_settings(CHOSEN)
    path = own_profile / "config" / "settings.json"
    path.write_bytes(mutated(path.read_bytes(), number))
    settings = load_settings()
    for name in Settings.__dataclass_fields__:
        assert type(getattr(settings, name)) is type(getattr(Settings(), name))


def test_one_bad_entry_costs_only_that_entry(own_profile: Path) -> None:
    save_settings(CHOSEN)
    path = own_profile / "config" / "settings.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "theme": "plaid", "from_the_future": 1}))
    assert load_settings() == Settings(**{**stored, "theme": "system"})


def test_unusable_settings_are_kept_beside(own_profile: Path) -> None:
    (own_profile / "config").mkdir()
    (own_profile / "config" / "settings.json").write_text("theme: dark")
    assert load_settings() == Settings()
    assert (own_profile / "config" / "settings.bad.json").read_text() == "theme: dark"


@pytest.mark.parametrize("number", range(100))
def test_a_damaged_recent_list_starts_anew(own_profile: Path, tmp_path: Path, number: int) -> None:
    recent = RecentFiles()
    for name in "abc":
        recent.add(tmp_path / name)
    path = own_profile / "state" / "recent.json"
    path.write_bytes(mutated(path.read_bytes(), number))
    reopened = RecentFiles()
    reopened.add(tmp_path / "d")
    assert RecentFiles().entries[0].path == str(tmp_path / "d")


def test_twenty_recent_files_are_kept_newest_first_and_pinned_ones_stay(tmp_path: Path) -> None:
    recent = RecentFiles()
    recent.add(tmp_path / "pinned")
    recent.pin(str(tmp_path / "pinned"))
    for number in range(30):
        recent.add(tmp_path / f"{number}")
    names = [Path(entry.path).name for entry in RecentFiles().entries]
    assert names == ["pinned", *(str(number) for number in range(29, 29 - LIMIT, -1))]
