"""``plugin.toml``: what contradicts itself is told with its line, however the TOML is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from twinviewer.app.plugins.manifest import FILE_NAME, read_manifest
from twinviewer.app.plugins.manifest_lines import line_of
from twinviewer.model.errors import PluginError

HEAD = """\
api = 1
id = "wind"
name = "Wind"
version = "1.0.0"
licence = "CC0-1.0"
"""
ANALYSIS = """
[[analyses]]
id = "wind.comfort"
title = "Comfort"
analyse = "code:analyse"
"""
COLOUR_MAP = '[[themes]]\nid = "wind.blue"\ntitle = "Blue"\n'


def parameter(table: str = "settings", **values: str) -> str:
    lines = {"key": '"speed"', "title": '"Speed"', "type": '"number"', **values}
    return f"[[{table}]]\n" + "\n".join(f"{key} = {value}" for key, value in lines.items()) + "\n"


SECRET = parameter(type='"secret"')
# By name: what follows the head (line 6 is its first), the problem, the cure, and the line.
FAULTS: dict[str, tuple[str, str, str, int]] = {
    "a table that is misspelt": ("[[overlay]]\nid = 'a'\n", "“overlay” is not known", "mean “overlays”", 6),
    "a misspelt permission": ("[permissions]\nnetworks = []\n", "“permissions.networks”", "mean “network”", 7),
    "a misspelt key of a parameter": (
        f"{ANALYSIS}{parameter('analyses.parameters', defualt='1')}",
        "“analyses.1.parameters.1.defualt” is not known",
        "mean “default”",
        15,
    ),
    "a key that nothing is like": ("[limits]\nzebra = 1\n", "“limits.zebra”", "memory_mb, call_s", 7),
    "a key of the top in a table": ("[permissions]\nhomepage = 'x'\n", "homepage", "above the first", 7),
    "memory below any use": ("[limits]\ncall_s = 1\nmemory_mb = 1\n", "“limits.memory_mb” does not fit", "docs", 8),
    "a type that there is not": (parameter(type='"float"'), "“float”", "'text', 'number'", 9),
    "a key in capitals": (parameter(key='"Speed"'), "“Speed”", "station_count", 7),
    "a key twice": (parameter() + parameter(), "“speed” is used twice", "own", 11),
    "a default below the minimum": (parameter(minimum="2", default="1"), "at least 2", "Correct", 11),
    "a default above the maximum": (
        parameter(unit='"m/s"', maximum="2", default="3.5"),
        "the default must be at most 2 m/s",
        "Correct",
        12,
    ),
    "a default that is no number": (parameter(default='"fast"'), "the default must be a number", "Correct", 10),
    "a default that is not whole": (parameter(type='"integer"', default="1.5"), "a whole number", "Correct", 10),
    "a default that is no number at all": (parameter(default="nan"), "must be a number", "Correct", 10),
    "true for a number": (parameter(default="true"), "must be a number", "Correct", 10),
    "a yes or no without a default": (parameter(type='"boolean"'), "needs a default", "default = false", 6),
    "a colour by name": (parameter(type='"colour"', default='"red"'), "colour like #1f77b4", "Correct", 10),
    "a minimum above the maximum": (parameter(minimum="3", maximum="2"), "above the maximum", "Exchange", 10),
    "a unit for a text": (parameter(type='"text"', unit='"m"'), "only a number has “unit”", "Remove", 10),
    "a choice of nothing": (parameter(type='"choice"'), "a choice needs “choices”", "list", 6),
    "choices for a number": (parameter(choices='["a"]'), "only a choice has", "neither", 10),
    "a choice that is there twice": (parameter(type='"choice"', choices='["a", "a"]'), "twice", "Remove", 10),
    "a default that is no choice": (
        parameter(type='"choice"', choices='["a", "b"]', default='"c"'),
        "must be one of a, b",
        "Correct",
        11,
    ),
    "a secret with a default": (parameter(type='"secret"', default='"hush"'), "everybody could read it", "empty", 10),
    "a secret of an analysis": (
        f"{ANALYSIS}{parameter('analyses.parameters', type=chr(34) + 'secret' + chr(34))}",
        "only be a setting",
        "[[settings]]",
        14,
    ),
    "a layer as a setting": (parameter(type='"layer"'), "only be a parameter of an analysis", "Move", 9),
    "a layer with a default": (
        f"{ANALYSIS}{parameter('analyses.parameters', type=chr(34) + 'layer' + chr(34), default=chr(34) * 2)}",
        "a layer has no default",
        "Remove",
        15,
    ),
    "kinds of a number": (parameter(kinds='["terrain"]'), "only a layer has “kinds”", "Remove", 10),
    "a parameter that shadows an argument": (
        f"{ANALYSIS}{parameter('analyses.parameters', key=chr(34) + 'site' + chr(34))}",
        "cannot be the name of an argument",
        "another",
        12,
    ),
    "a parameter that Python has taken": (
        f"{ANALYSIS}{parameter('analyses.parameters', key=chr(34) + 'lambda' + chr(34))}",
        "cannot be the name of an argument",
        "another",
        12,
    ),
    "an address for a host": ('[permissions]\nnetwork = ["https://a.org/"]\n', "no name of a host", "alone", 7),
    "a folder from nowhere": ('[permissions]\nread = ["~", "data"]\n', "“data” does not say where", "~/sensors", 7),
    "a theme of nothing": (COLOUR_MAP, "either a colour map or a style", "one of them", 6),
    "a theme of both": (f'{COLOUR_MAP}style = "a.json"\ncolour_map = "a.json"\n', "either", "one of them", 6),
    "kinds of a colour map": (f'{COLOUR_MAP}colour_map = "a.json"\nkinds = ["mesh"]\n', "all layers", "Remove", 10),
    "a file above": (f'{COLOUR_MAP}style = "../a.json"\n', "not in the plugin's folder", "relative", 9),
    "a file anywhere": (f'{COLOUR_MAP}style = "/etc/passwd"\n', "not in the plugin's folder", "relative", 9),
    "a title of two lines": (
        '[[tours]]\nid = "wind.tour"\ntitle = "Tour\\nasks for nothing"\nfile = "a.json"\n',
        "“tours.1.title” does not fit",
        "one line",
        8,
    ),
    "a title that turns around": (
        '[[tours]]\nid = "wind.tour"\ntitle = "Tour\u202e"\nfile = "a.json"\n',
        "“tours.1.title” does not fit",
        "without control characters",
        8,
    ),
    "a file of Windows": (f"{COLOUR_MAP}style = 'C:\\a.json'\n", "not in the plugin's folder", "relative", 9),
    "a file behind a link": (f'{COLOUR_MAP}style = "link/a.json"\n', "not in the plugin's folder", "relative", 9),
    "a file that is not there": (
        '[[tours]]\nid = "wind.tour"\ntitle = "Tour"\nfile = "b.json"\n',
        "There is no file “b.json”",
        "add the file",
        9,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "plugin"
    home.mkdir()
    (home / "a.json").write_text("{}")
    (tmp_path / "a.json").write_text("{}")
    (home / "link").symlink_to(tmp_path, target_is_directory=True)
    return home


@pytest.mark.parametrize("name", FAULTS)
def test_a_contradiction_is_told_with_its_line_and_a_cure(folder: Path, name: str) -> None:
    rest, problem, cure, line = FAULTS[name]
    path = folder / FILE_NAME
    path.write_text(HEAD + rest)
    with pytest.raises(PluginError) as caught:
        read_manifest(path)
    assert problem in caught.value.problem
    assert cure in caught.value.cure
    assert caught.value.source == f"{path}:{line}"


def test_what_contradicts_nothing_is_read(folder: Path) -> None:
    rest = (
        '[permissions]\nnetwork = ["*", "*.a.org", "localhost", "10.0.0.1", "::1"]\n'
        'read = ["~", "~/a", "/srv", "C:/data"]\nsubprocess = true\n'
        + parameter(minimum="1", maximum="3", default="2", unit='"m"')
        + parameter(key='"token"', type='"secret"', default='""')
        + parameter(key='"kind"', type='"choice"', choices='["a", "b"]', default='"a"')
        + parameter(key='"folder"', type='"folder"', default='""')
        + parameter(key='"tint"', type='"colour"', default='"#1f77b4"')
        + ANALYSIS
        + parameter("analyses.parameters", type='"layer"', kinds='["terrain"]')
        + f'{COLOUR_MAP}style = "a.json"\nkinds = ["mesh"]\n'
    )
    (folder / FILE_NAME).write_text(HEAD + rest)
    manifest = read_manifest(folder / FILE_NAME)
    assert [each.key for each in manifest.settings] == ["speed", "token", "kind", "folder", "tint"]
    assert manifest.analyses[0].parameters[0].kinds == ("terrain",)


# --- lines --------------------------------------------------------------------------------------------------------

TOML = '''\
top = 1  # [no.header]
text = """
top = 2
[[settings]]
"""
matrix = [
  ["x = 1", 2],
  [3, 4],  # ]
]
inline = { a = 1, b = { c = 2 } }
dotted.key = 3
"quoted" = 4

[ permissions ]
network = []

[[analyses]]
id = 'one'

  [[analyses.parameters]]
  key = "a"

  [[analyses.parameters]]
  key = "b"

[[analyses]]
id = "two"
[[analyses.parameters]]
key = "c"
[analyses.more]
deep = 1
'''


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("top",), 1),
        (("text",), 2),
        (("matrix", 1, 0), 6),
        (("inline", "b", "c"), 10),
        (("dotted", "key"), 11),
        (("quoted",), 12),
        (("permissions",), 14),
        (("permissions", "network", 0), 15),
        (("permissions", "absent"), 14),
        (("analyses", 0, "id"), 18),
        (("analyses", 0, "parameters", 0, "key"), 21),
        (("analyses", 0, "parameters", 1, "key"), 24),
        (("analyses", 0, "parameters", 1, "absent"), 23),
        (("analyses", 1, "id"), 27),
        (("analyses", 1, "parameters", 0, "key"), 29),
        (("analyses", 1, "more", "deep"), 31),
        (("settings", 0), None),
        (("absent",), None),
        ((), None),
    ],
)
def test_the_line_of_a_key_is_found(location: tuple[int | str, ...], line: int | None) -> None:
    tomllib.loads(TOML)
    assert line_of(TOML, location) == line
