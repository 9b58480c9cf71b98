"""The page of a plugin says all that its manifest declares, and nothing in it is anybody's Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinviewer.app.plugins.plugin_page import plugin_page
from twinviewer.app.plugins.registry import PluginRegistry

MANIFEST = """
api = 1
id = "wells"
name = "Wells | <b>"
version = "2.1"
licence = "CC0-1.0"
description = "Levels of *ground water*."
homepage = "https://wells.example.org"

[permissions]
network = ["api.example.org"]
write = ["~/wells"]

[[settings]]
key = "depth_m"
title = "Depth"
type = "number"
unit = "m"
default = 12.5
minimum = 1
maximum = 40
description = "Of the filter."

[[settings]]
key = "token"
title = "Token"
type = "secret"

[[settings]]
key = "colour_by"
title = "Colour by"
type = "choice"
choices = ["level", "age"]
default = "level"

[[commands]]
id = "wells.refresh"
title = "Refresh"
run = "wells:refresh"
"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    (tmp_path / "plugin.toml").write_text(MANIFEST)
    (tmp_path / "wells.py").write_text("raise RuntimeError('its code is not run')\n")
    (tmp_path / "requirements.txt").write_text("attrs>=23\n")
    return plugin_page(PluginRegistry(safe_mode=True).add(tmp_path))


def test_every_setting_has_its_row_with_bounds_unit_and_default(page: str) -> None:
    assert "| **Depth**: Of the filter. | `depth_m` | a number, 1 to 40 m | 12.5 m |" in page
    assert "| **Token** | `token` | a secret, kept in the system's keyring | must be chosen |" in page
    assert "| **Colour by** | `colour_by` | level, age | level |" in page


def test_it_says_where_the_code_runs_and_what_it_may_do(page: str) -> None:
    for words in (
        "in a process of its own",
        "`attrs>=23`",
        "api.example.org",
        "~/wells",
        "<https://wells.example.org>",
    ):
        assert words in page
    assert "| commands | `wells.refresh` | Refresh |" in page


def test_nothing_of_a_stranger_is_markdown(page: str) -> None:
    assert page.startswith("# Wells \\| \\<b\\> 2.1\n")
    assert "Levels of \\*ground water\\*." in page
