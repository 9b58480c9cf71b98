"""Whether planted faults are found, each by the check that is there for it, and sound plugins are left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.app.plugins.faulty_plugins import overlays, write_plugin
from tests.conftest import ROOT
from tests.crowding import allowed_s
from twinviewer.app.plugins.conformance.checking import check_plugin
from twinviewer.app.plugins.conformance.report import Report, json_schema
from twinviewer.app.plugins.conformance.verdicts import Finding, Outcome
from twinviewer.model.errors import PluginError

DRAW = "return [pins(frame) for frame in frames]"
PROMISED_S = 5.0
"""What checking a small plugin may take: a promise to authors."""

ENCODES = {
    "sound": (DRAW, None, ""),
    "raises": ("return 1 / 0", "purity", "ZeroDivisionError"),
    "returns_none": ("pass", "purity", "None"),
    "wrong_shape": (
        "return [PlaceGlyphs(shape=GlyphShape.PIN, positions=np.zeros((2, 2)), size_m=1.0)]",
        "purity",
        "positions",
    ),
    "writes_input": ("for frame in frames:\n    frame.results[:] = 0\n" + DRAW, "purity", "writes into"),
    "rolls_dice": (
        "return [Labels(positions=f.positions, texts=[str(random.random())] * len(f.things)) for f in frames]",
        "purity",
        "another way",
    ),
    "shares_state": (
        "calls[0] = threading.get_ident()\ntime.sleep(0.001)\n"
        "same = calls[0] == threading.get_ident()\n"
        "return [Labels(positions=f.positions, texts=[str(same)] * len(f.things)) for f in frames]",
        "purity",
        "threads at once",
    ),
    "slow": ("time.sleep(0.02)\n" + DRAW, "timing", "ms"),
    "leaks": ("kept.append(bytearray(5000))\n" + DRAW, "memory", "KiB behind"),
    "needs_results": (
        "return [Labels(positions=f.positions, texts=[str(int(r)) for r in f.results]) for f in frames]",
        "bad input",
        "NaN",
    ),
    "needs_a_thing": ("frames[0].results[0]\n" + DRAW, "bad input", "nothing is known"),
    "wrong_arguments": (DRAW, "functions", "cannot be called"),
    "draws_nothing": ("return []", "purity", "draws nothing"),
}
WARNED = {"slow", "draws_nothing"}

FEEDS = {
    "says_other_things": (
        "batch, = feed(site=site, start=start, end=end, feedback=feedback)\nbatch.results[:] += random.random()\n"
        "return [batch]",
        "something else when asked again",
    ),
    "says_too_much": (
        "return feed(site=site, start=start, end=end + (end - start), feedback=feedback)",
        "more than it was asked for",
    ),
    "leaves_gaps": (
        "batch, = feed(site=site, start=start, end=end, feedback=feedback)\n"
        "few = batch.phenomenon_time_s % 5 == 0\n"
        "return [ObservationBatch(property=LEVEL, things=batch.things, thing=batch.thing[few],\n"
        "    phenomenon_time_s=batch.phenomenon_time_s[few], results=batch.results[few])]",
        "gaps of 5 s",
    ),
    "counts_from_start": (
        "times = start.timestamp() + np.arange((end - start).total_seconds())\n"
        "batch, = feed(site=site, start=start, end=end, feedback=feedback)\n"
        "return [ObservationBatch(property=LEVEL, things=batch.things, thing=np.zeros(len(times), np.int32),\n"
        "    phenomenon_time_s=times, results=times)]",
        "two spans",
    ),
    "needs_streets": (
        "site.features('streets').feature_count\nreturn feed(site=site, start=start, end=end, feedback=feedback)",
        "AttributeError",
    ),
}


def of(report: Report, subject: str) -> list[Finding]:
    """Return what is not as it should be with one contribution."""
    subject = subject.replace("_", "-")
    return [each for each in report.findings if each.subject == subject and each.outcome is not Outcome.PASSED]


@pytest.fixture(scope="module")
def encodes(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = overlays(
        tmp_path_factory.mktemp("encodes") / "faulty", {name: body for name, (body, *_) in ENCODES.items()}
    )
    code = (folder / "code.py").read_text()
    (folder / "code.py").write_text(code.replace("def wrong_arguments(*, frames, site)", "def wrong_arguments(frame)"))
    return check_plugin(folder)


@pytest.mark.parametrize("name", ENCODES)
def test_a_fault_of_an_encode_is_found_by_its_check(encodes: Report, name: str) -> None:
    _, check, words = ENCODES[name]
    found = [each for each in of(encodes, f"faulty.{name}") if "does not say the types" not in each.text]
    if check is None:
        assert found == []
        return
    assert {each.check for each in found} == {check}
    assert words in found[0].text
    assert found[0].cure
    assert found[0].outcome is (Outcome.WARNING if name in WARNED else Outcome.FAILED)


def test_a_traceback_begins_in_the_authors_code(encodes: Report) -> None:
    (raised,) = (each for each in of(encodes, "faulty.raises") if each.outcome is Outcome.FAILED)
    assert raised.details.splitlines()[0].lstrip().startswith("File")
    assert "code.py" in raised.details.splitlines()[0]
    assert raised.details.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Report:
    faults = dict.fromkeys(FEEDS, DRAW)
    return check_plugin(
        overlays(tmp_path_factory.mktemp("feeds") / "faulty", faults, {n: b for n, (b, _) in FEEDS.items()})
    )


@pytest.mark.parametrize("name", FEEDS)
def test_a_fault_of_a_feed_is_found(feeds: Report, name: str) -> None:
    failures = [each for each in of(feeds, f"faulty.{name}") if each.outcome is Outcome.FAILED]
    assert [each for each in failures if FEEDS[name][1] in each.text], failures


# --- what would take the checker along ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os._exit(3)", "status 3"),
        ("import ctypes\nctypes.string_at(0)", "signal SIGSEGV"),
        ("time.sleep(60)", "does not come back"),
    ],
    ids=["exit", "segmentation fault", "block"],
)
def test_a_plugin_that_ends_or_blocks_its_process_is_told_with_the_check(tmp_path: Path, body: str, words: str) -> None:
    report = check_plugin(overlays(tmp_path / "faulty", {"sound": DRAW, "deadly": body}), blocked_s=allowed_s(1.5))
    (deadly,) = (each for each in of(report, "faulty.deadly") if each.outcome is Outcome.FAILED)
    assert words in deadly.text
    assert deadly.check == "purity"
    assert not [each for each in of(report, "faulty.sound") if each.outcome is Outcome.FAILED], "what was found stays"
    assert not report.conforms


def test_threads_that_stay_and_deeds_that_were_not_declared_are_told(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    body = (
        "if not kept:\n    kept.append(threading.Thread(target=time.sleep, args=(60,), daemon=True, name='mine'))\n"
        "    kept[0].start()\n"
        f"try:\n    open({str(outside)!r}, 'w')\nexcept PermissionError:\n    pass\n{DRAW}"
    )
    report = check_plugin(overlays(tmp_path / "faulty", {"greedy": body}))
    texts = {each.check: each.text for each in of(report, "")}
    assert "mine" in texts["threads"]
    assert str(outside) in texts["permissions"]
    assert not outside.exists()


def test_what_will_be_taken_away_is_told_with_the_line_that_uses_it(tmp_path: Path) -> None:
    """By whoever warns of it: the contract, numpy, the standard library."""
    folder = overlays(tmp_path / "faulty", {"outdated": f"from .old import pins_of_old\npins_of_old()\n{DRAW}"})
    (folder / "old.py").write_text(
        "import warnings\n\n\n"
        "def pins_of_old() -> None:\n"
        "    warnings.warn('pins_of_old goes in 2.0; use pins.', DeprecationWarning, stacklevel=2)\n"
    )
    report = check_plugin(folder)
    (told,) = (each for each in report.findings if each.check == "deprecations")
    line = next(n for n, text in enumerate((folder / "code.py").read_text().splitlines(), 1) if "pins_of_old()" in text)
    assert told.text == f"code.py:{line}: pins_of_old goes in 2.0; use pins"
    assert told.outcome is Outcome.WARNING
    assert report.conforms


# --- files ----------------------------------------------------------------------------------------------------------


def failures_of(report: Report) -> dict[str, str]:
    return {each.check: each.text for each in report.findings if each.outcome is Outcome.FAILED}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import twinviewer.app.session", "imports twinviewer.app.session"),
        ("from twinviewer.model.drawing import Labels", "may change any day"),
        ("from twinviewer.api import no_such_name", "no_such_name"),
        ("from PySide6 import QtWidgets", "imports PySide6"),
        ("import requests", "requests, which is not declared"),
        ("import code", ""),
        ("def f(:", "is not Python"),
    ],
)
def test_imports_that_would_break_one_day_are_found_without_running_code(tmp_path: Path, code: str, words: str) -> None:
    folder = write_plugin(tmp_path / "faulty", code=f"\n{code}\n")
    found = failures_of(check_plugin(folder))
    assert words in found.get("imports", "") if words else "relatively" not in str(found)
    assert words == "" or f"code.py:{len((folder / 'code.py').read_text().splitlines())}" in found["imports"]


def test_a_manifest_that_is_refused_is_the_only_finding(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "faulty", tables='[[overlay]]\nid = "x"\n')
    report = check_plugin(folder)
    (finding,) = report.findings
    assert (finding.check, finding.outcome) == ("manifest", Outcome.FAILED)
    assert "plugin.toml:" in finding.text
    assert not report.conforms


@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        (lambda text: text.replace('"faulty"', '"other"', 1), "packaging", "names other"),
        (lambda text: text.replace('version = "1.0"', 'version = "2.0"'), "packaging", "2.0"),
        (lambda text: text.replace('license = "MIT"', 'license = "GPL-3.0-only"'), "licence", "GPL-3.0-only"),
    ],
    ids=["entry point", "version", "licence"],
)
def test_what_project_and_manifest_say_differently_is_found(
    tmp_path: Path, change: Callable[[str], str], check: str, words: str
) -> None:
    write_plugin(tmp_path / "faulty", licence="MIT")
    text = (
        '[project]\nname = "x"\nversion = "1.0"\nlicense = "MIT"\n'
        '[project.entry-points."twinviewer.plugins"]\nfaulty = "faulty"\n'
    )
    (tmp_path / "pyproject.toml").write_text(text)
    assert failures_of(check_plugin(tmp_path)) == {}
    (tmp_path / "pyproject.toml").write_text(
        change(
            text.replace('faulty = "faulty"', "faulty = 'faulty'") if check != "packaging" or words == "2.0" else text
        )
    )
    assert words in failures_of(check_plugin(tmp_path))[check]


def test_a_licence_that_nobody_knows_and_a_missing_description_are_told(tmp_path: Path) -> None:
    report = check_plugin(write_plugin(tmp_path / "faulty", licence="my own", description=""))
    assert "SPDX" in failures_of(report)["licence"]
    assert [each.check for each in report.findings if each.outcome is Outcome.WARNING] == ["documents"]


def test_a_folder_without_a_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError):
        check_plugin(tmp_path)


# --- readers --------------------------------------------------------------------------------------------------------

READER = """
[[readers]]
id = "faulty.{name}"
title = "{name}"
patterns = ["*.{name}"]
read = "code:read_{name}"
probe = "code:probe_{name}"
"""
READERS = {
    "fragile": ("path.read_text('utf-8')\nraise ReadError('No.', cure='Yes.')", "return 0.0", "UnicodeDecodeError"),
    "credulous": ("return [grid()]", "return 0.0", "as if it were a file of its own"),
    "empty": ("return []", "return 0.0", "no layer"),
    "surprised": ("raise ReadError('No.', cure='Yes.')", "return float(path.read_text('utf-8'))", "it raised"),
    "certain": ("raise ReadError('No.', cure='Yes.')", "return 7", "answered 7"),
}


def test_readers_that_fall_over_files_are_found(tmp_path: Path) -> None:
    tables = "".join(READER.format(name=name) for name in READERS)
    code = "\nfrom twinviewer.api import ReadError, TerrainGrid, SourceFacts, Extent\n\n"
    code += (
        "def grid():\n    return TerrainGrid(source=SourceFacts(format='x'), crs=None,\n"
        "        heights=np.zeros((2, 2), 'f4'), transform=(1, 0, 0, 0, -1, 0), width=2, height=2,\n"
        "        file_extent=Extent(min_x=0, min_y=0, min_z=0, max_x=1, max_y=1, max_z=0))\n"
    )
    for name, (read, probe, _) in READERS.items():
        body = "\n    ".join(read.splitlines())
        code += f'\n\ndef read_{name}(*, path, feedback):\n    """Read."""\n    {body}\n'
        code += f'\n\ndef probe_{name}(*, path):\n    """Probe."""\n    {probe}\n'
    report = check_plugin(write_plugin(tmp_path / "faulty", tables=tables, code=code))
    for name, (*_, words) in READERS.items():
        texts = [each.text for each in of(report, f"faulty.{name}") if each.outcome is Outcome.FAILED]
        assert [text for text in texts if words in text], (name, texts)


# --- the report -----------------------------------------------------------------------------------------------------


def test_a_small_plugin_is_checked_within_the_promise() -> None:
    report = check_plugin(ROOT / "plugins" / "air_quality")
    assert report.took_s < allowed_s(PROMISED_S)


def test_the_report_is_as_published(encodes: Report) -> None:
    published = json.loads((ROOT / "docs/schema/plugin-check.schema.json").read_text())
    assert published == json_schema()
    jsonschema.validate(json.loads(json.dumps(encodes.to_json())), published)


def test_each_line_begins_with_a_sign_and_the_last_one_sums_up(encodes: Report) -> None:
    *lines, last = encodes.lines()
    assert {line[0] for line in lines} == {"✓", "!", "✗", " "}
    assert last.startswith("“faulty” does not conform (api 1)")
    assert all("→" in line for line in lines if line.startswith(" "))


def test_the_badge_is_a_picture_that_says_it(encodes: Report, tmp_path: Path) -> None:
    bad, good = encodes.badge(), check_plugin(write_plugin(tmp_path / "faulty")).badge()
    for svg, text in ((bad, "does not conform"), (good, "conforms (api 1)")):
        root = ET.fromstring(svg)
        said = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert said == ["twinviewer plugin", text]


# --- where it runs --------------------------------------------------------------------------------------------------

ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"numpy", "twinviewer"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import twinviewer.app.plugins.conformance.trial
"""


def test_what_runs_in_the_plugins_own_environment_needs_numpy_and_nothing_else() -> None:
    """The environment of a plugin with requirements holds those and numpy."""
    run = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def test_a_scale_may_name_the_plugins_own_colour_map(tmp_path: Path) -> None:
    body = (
        "from twinviewer.api import ColourScale\n"
        "scale = ColourScale(title='L', unit='m', colour_map='faulty.dusk', value_range=(0, 7))\n"
        "return [PlaceGlyphs(shape=GlyphShape.PIN, positions=f.positions, size_m=9.0, values=f.results, scale=scale)\n"
        "    for f in frames]"
    )
    folder = overlays(tmp_path / "faulty", {"sound": body})
    assert "faulty.dusk" in failures_of(check_plugin(folder))["purity"]
    (folder / "dusk.json").write_text('{"colours": "000000 ff8800"}')
    manifest = folder / "plugin.toml"
    manifest.write_text(
        manifest.read_text() + '\n[[themes]]\nid = "faulty.dusk"\ntitle = "Dusk"\ncolour_map = "dusk.json"\n'
    )
    assert failures_of(check_plugin(folder)) == {}
