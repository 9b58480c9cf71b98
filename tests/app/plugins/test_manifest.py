"""``plugin.toml``: what is wrong is said in one sentence, with the line."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import ROOT
from twinviewer import formats
from twinviewer.app.plugins.manifest import FILE_NAME, Manifest, read_manifest
from twinviewer.model.errors import PluginError

GOOD = """\
api = 1
id = "wind"
name = "Wind"
version = "1.0.0"
licence = "CC0-1.0"

[[readers]]
id = "wind.rose"
title = "Wind rose"
patterns = ["*.rose", "*.WIND"]
read = "wind.rose:read"

[[overlays]]
id = "wind.speed"
title = "Wind speed"
feed = "feed:ask"
encode = "feed:show"
period_s = 10
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def refused(path: Path, text: str | bytes) -> PluginError:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PluginError) as caught:
        read_manifest(path)
    assert caught.value.problem.endswith(".")
    assert caught.value.cure
    return caught.value


def test_a_manifest_says_what_a_plugin_contributes(path: Path) -> None:
    path.write_text(GOOD)
    manifest = read_manifest(path)
    assert [contribution.id for contribution in manifest.contributions] == ["wind.rose", "wind.speed"]
    (reader,) = manifest.readers
    assert [reader.fits(Path(name)) for name in ("/a/b.rose", "B.ROSE", "x.wind", "rose", "a.rose.txt")] == [
        True,
        True,
        True,
        False,
        False,
    ]


FAULTS = {
    "a misspelt key": ('licence = "CC0-1.0"', 'license = "CC0-1.0"', "“license” is not known", 5),
    "a key too many": ("period_s = 10", "period_s = 10\ncolour = 3", "“overlays.1.colour” is not known", 19),
    "a key that is missing": ('read = "wind.rose:read"\n', "", "“readers.1.read” is missing", 7),
    "a value of another type": ("period_s = 10", 'period_s = "ten"', "“overlays.1.period_s” does not fit", 18),
    "a period of nothing": ("period_s = 10", "period_s = 0", "“overlays.1.period_s” does not fit", 18),
    "no patterns": ('patterns = ["*.rose", "*.WIND"]', "patterns = []", "“readers.1.patterns” does not fit", 10),
    "a function that is no name": ('"wind.rose:read"', '"wind.rose.read"', "“readers.1.read” does not fit", 11),
    "a function outside": ('"wind.rose:read"', '"../../x:read"', "“readers.1.read” does not fit", 11),
    "an id of another plugin": ('id = "wind.speed"', 'id = "rain.speed"', "must start with “wind.”", 14),
    "an id used twice": ('id = "wind.speed"', 'id = "wind.rose"', "is used twice", 14),
    "an id in capitals": ('id = "wind"', 'id = "Wind"', "“id” does not fit", 2),
    "no TOML": ('name = "Wind"', "name = Wind", "not valid TOML", 3),
    "an older contract": ("api = 1", "api = 0", "contract 0; this program offers contract 1", 1),
    "a newer contract": ("api = 1", "api = 2", "contract 2; this program offers contract 1", 1),
    "a contract that is no number": ("api = 1", 'api = "one"', "“api” does not fit", 1),
    "a permission that does not exist": (
        'licence = "CC0-1.0"',
        'licence = "CC0-1.0"\n\n[permissions]\neverything = true',
        "“permissions.everything” is not known",
        8,
    ),
    "a kind that does not exist": (
        'read = "wind.rose:read"',
        'read = "wind.rose:read"\nkinds = ["rose"]',
        "“readers.1.kinds.1” does not fit",
        12,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_line(path: Path, fault: str) -> None:
    before, after, says, line = FAULTS[fault]
    assert before in GOOD
    error = refused(path, GOOD.replace(before, after))
    assert says in error.problem
    assert error.source == (f"{path}:{line}" if line else str(path))


def test_of_several_faults_the_first_is_told_and_the_rest_counted(path: Path) -> None:
    error = refused(path, GOOD.replace("period_s", "periods").replace("read =", "reads ="))
    assert "(3 more)" in error.problem


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is missing"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"#" * 300_000, "larger than 256 KiB"),
        (b"a = " + b"[" * 20_000, "nested deeper|not valid TOML"),
        (b"readers = 1\napi = 1", "is missing|does not fit"),
    ],
)
def test_what_is_no_manifest_is_refused(path: Path, content: bytes, says: str) -> None:
    import re

    assert re.search(says, refused(path, content).problem)


def test_a_manifest_that_cannot_be_read_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(PluginError, match="cannot be read"):
        read_manifest(path)


def test_whatever_happened_to_a_manifest_it_is_read_or_refused(path: Path) -> None:
    refusals = 0
    for number in range(300):
        rng = random.Random(number)
        data = bytearray(GOOD.encode())
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data))
        try:
            read_manifest(path)
        except PluginError:
            refusals += 1
    assert refusals > 100


MANIFESTS = [
    Path(formats.__file__).parent / FILE_NAME,
    *sorted((ROOT / "plugins").glob(f"*/{FILE_NAME}")),
    *sorted((ROOT / "tests/fake_plugins").glob(f"*/{FILE_NAME}")),
]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.parent.name)
def test_every_manifest_fits_the_published_schema(manifest: Path) -> None:
    schema = json.loads((ROOT / "docs/schema/plugin.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(tomllib.loads(manifest.read_text()))))
    assert isinstance(read_manifest(manifest), Manifest)
