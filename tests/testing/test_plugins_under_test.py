"""What authors call in their tests: the real door, one plugin, and nothing of the person at this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.plugins.faulty_plugins import overlays, write_plugin
from twinviewer.api import Labels, MovementBatch, ObservationBatch, ObservedProperty, PluginError, Thing
from twinviewer.app import colour_maps
from twinviewer.app.plugins.conformance.checking import check_plugin
from twinviewer.app.plugins.conformance.verdicts import Outcome
from twinviewer.app.plugins.templates import KINDS, new_project
from twinviewer.model.errors import DamagedFileError, UsageError
from twinviewer.testing import PluginUnderTest, bare_places, open_plugin, record, replay, small_town

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DRAW = "return [pins(frame) for frame in frames]"


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[PluginUnderTest]:
    faults = {"sound": DRAW, "raises": "return 1 / 0", "lies": "return ['pins']"}
    with open_plugin(overlays(tmp_path / "faulty", faults)) as opened:
        yield opened


def test_a_colour_map_of_the_plugin_is_known_while_it_is_tested(tmp_path: Path) -> None:
    fire = "colour_map='faulty.fire', value_range=(0.0, 1.0)"
    scale = f"ColourScale(title='Heat', unit='1', {fire})"
    grid = f"HeatGrid(values=np.ones((2, 2)), corner=(0.0, 0.0), cell_m=5.0, scale={scale})"
    code = f"from twinviewer.api import ColourScale, HeatGrid\nreturn [{grid}]"
    folder = overlays(tmp_path / "faulty", {"hot": code})
    manifest = (folder / "plugin.toml").read_text()
    theme = '[[themes]]\nid = "faulty.fire"\ntitle = "Fire"\ncolour_map = "fire.json"\n'
    (folder / "plugin.toml").write_text(f"{manifest}\n{theme}")
    (folder / "fire.json").write_text('{"name": "fire", "colours": "000000 ff4000"}')
    with open_plugin(folder) as opened:
        assert len(opened.show(site=small_town(), instant=NOON)) == 1
    assert "faulty.fire" not in colour_maps.names()


# --- the town -------------------------------------------------------------------------------------------------------


def test_the_town_is_as_its_formulas_say() -> None:
    town = small_town()
    objects = town.city_objects
    assert objects.ids == tuple(f"house-{number}" for number in range(100))
    assert objects.heights_m == pytest.approx(np.array([6 + 3 * (5 * number % 7) for number in range(100)]))
    west, middle, east = town.ground_height(np.array([[565000.0, 5934250], [565250.0, 5934250], [565500.0, 5934250]]))
    assert (west, middle, east) == pytest.approx((40.0, 32.5, 25.0), abs=0.01)
    streets = town.features("streets")
    assert streets is not None
    assert streets.feature_count == 12
    assert town.extent.size[:2] == (500.0, 500.0)


def test_a_house_stands_where_it_is_looked_for() -> None:
    town = small_town()
    assert town.objects_at(town.city_objects.positions[:, :2]) == town.city_objects.ids
    assert town.objects_at(np.array([[565050.0, 5934050.0]])) == ("",)  # the yard in the middle of a block


def test_bare_places_lack_what_they_say() -> None:
    places = bare_places()
    assert places["there are no streets"].features("streets") is None
    assert places["there are no buildings"].city_objects.ids == ()
    assert places["all lies in one point"].extent.size == (0.0, 0.0, 0.0)


# --- the door -------------------------------------------------------------------------------------------------------


def test_an_overlay_is_asked_and_drawn_as_in_the_program(plugin: PluginUnderTest) -> None:
    town = small_town()
    (frame,) = plugin.frames("faulty.sound", site=town, instant=NOON)
    assert frame.results.tolist() == [NOON.timestamp() % 7]
    (pins,) = plugin.show("faulty.sound", site=town, instant=NOON)
    assert pins.positions.tolist() == [list(town.extent.centre)]


@pytest.mark.parametrize(("overlay", "words"), [("faulty.raises", "ZeroDivisionError"), ("faulty.lies", "str")])
def test_what_breaks_the_contract_is_an_error_however_often_it_is_tried(
    plugin: PluginUnderTest, overlay: str, words: str
) -> None:
    for _ in range(5):
        with pytest.raises(PluginError, match=words):
            plugin.show(overlay, site=small_town())


def test_which_one_is_meant_must_be_clear(plugin: PluginUnderTest) -> None:
    for which in (None, "faulty.none"):
        with pytest.raises(UsageError, match=r"faulty\.sound, faulty\.raises, faulty\.lies"):
            plugin.show(which, site=small_town())
    with pytest.raises(UsageError, match="none"):
        plugin.draw(site=small_town())


def test_settings_are_those_of_the_test_and_not_of_this_machine(tmp_path: Path, own_profile: Path) -> None:
    kept = own_profile / "config" / "plugin-settings"
    kept.mkdir(parents=True)
    (kept / "faulty.json").write_text('{"word": "of the person"}')
    tables = (
        '[[settings]]\nkey = "word"\ntitle = "Word"\ntype = "text"\ndefault = "usual"\n'
        '[[settings]]\nkey = "key"\ntitle = "Key"\ntype = "secret"\n'
        '[[layers]]\nid = "faulty.it"\ntitle = "It"\ndraw = "code:draw"\n'
    )
    code = (
        '\n\ndef draw(*, site, feedback, settings):\n    """Draw."""\n'
        "    return [Labels(positions=np.zeros((1, 3)), texts=[f\"{settings['word']} {settings['key']}\"])]\n"
    )
    folder = write_plugin(tmp_path / "faulty", tables=tables, code=code)

    def said(**settings: str) -> str:
        with open_plugin(folder, settings=settings) as plugin:
            (labels,) = plugin.draw(site=small_town())
            assert isinstance(labels, Labels)
            return labels.texts[0]

    assert said(key="k") == "usual k"
    assert said(word="other", key="k") == "other k"
    with pytest.raises(UsageError, match="“key” has no default"):
        said()
    with pytest.raises(UsageError, match="“wrod” is not declared"):
        said(wrod="x", key="k")


def test_permissions_need_no_consent_in_a_test(tmp_path: Path) -> None:
    folder = overlays(tmp_path / "faulty", {"sound": DRAW})
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text() + '\n[permissions]\nnetwork = ["api.example.org"]\n')
    with open_plugin(folder) as plugin:
        assert plugin.show(site=small_town())


def test_it_may_be_called_in_a_process_of_its_own_with_the_same_answer(tmp_path: Path) -> None:
    folder = overlays(
        tmp_path / "faulty",
        {"sound": "import os\nreturn [Labels(positions=f.positions,\n    texts=[str(os.getpid())]) for f in frames]"},
    )
    pids = {}
    for isolated in (False, True):
        with open_plugin(folder, isolated=isolated) as plugin:
            (labels,) = plugin.show(site=small_town())
            pids[isolated] = labels.texts[0]
    assert pids[False] == str(os.getpid()) != pids[True]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kit_is_at_hand_in_a_test(tmp_path: Path, kind: str) -> None:
    with open_plugin(new_project("mine", kind=kind, parent=tmp_path)) as plugin:
        assert plugin.manifest.id == "mine"
        assert plugin.folder == tmp_path / "mine" / "mine"


def test_an_analysis_gets_its_defaults_and_no_parameter_that_it_did_not_declare(tmp_path: Path) -> None:
    with open_plugin(new_project("mine", kind="analysis", parent=tmp_path)) as plugin:
        coloured, _ = plugin.analyse(site=small_town())
        expected = sum(6 + 3 * (5 * number % 7) > 15.0 for number in range(100))
        assert len(coloured.object_ids) == expected
        with pytest.raises(UsageError, match="limit"):
            plugin.analyse(site=small_town(), limit=3)


def test_layer_data_whose_arrays_do_not_fit_together_is_an_error(tmp_path: Path) -> None:
    folder = new_project("mine", kind="reader", parent=tmp_path)
    code = folder / "mine" / "reader.py"
    code.write_text(code.read_text().replace("np.arange(len(places), dtype", "np.arange(len(places) + 1, dtype"))
    with open_plugin(folder) as plugin, pytest.raises(PluginError):
        plugin.read(folder / "examples" / "squares.places.csv")
    failed = [each.check for each in check_plugin(folder).findings if each.outcome is Outcome.FAILED]
    assert failed == ["examples"]


# --- recordings -----------------------------------------------------------------------------------------------------

numbers = st.floats(-1e9, 1e9) | st.just(float("nan"))
names = st.text(min_size=1, max_size=8)


@st.composite
def batches(draw: st.DrawFn) -> ObservationBatch | MovementBatch:
    n, k = draw(st.integers(0, 5)), draw(st.integers(1, 3))
    index = np.array(draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)), np.int32)
    column = lambda: np.array(draw(st.lists(numbers, min_size=n, max_size=n)), np.float64)  # noqa: E731
    if draw(st.booleans()):
        return MovementBatch(
            ids=tuple(draw(st.lists(names, min_size=k, max_size=k))), object=index, time_s=column(),
            positions=np.column_stack((column(), column(), column())), heading_deg=column(), speed_m_s=column(),
        )  # fmt: skip
    things = tuple(Thing(id=draw(names), name=draw(names), position=(1.0, -2.5, 1e6)) for _ in range(k))
    observed = ObservedProperty(name=draw(names), unit="ug/m3")
    return ObservationBatch(property=observed, things=things, thing=index, phenomenon_time_s=column(), results=column())


@given(st.lists(batches(), max_size=3))
def test_what_was_recorded_is_replayed(tmp_path_factory: pytest.TempPathFactory, said: list[object]) -> None:
    path = tmp_path_factory.mktemp("recording") / "said.jsonl"
    record(said, path)
    again = replay(path)
    assert len(again) == len(said)
    for first, second in zip(said, again, strict=True):
        assert type(first) is type(second)
        for name in first.__dataclass_fields__:
            old, new = getattr(first, name), getattr(second, name)
            if isinstance(old, np.ndarray):
                np.testing.assert_array_equal(old, new)
                assert old.dtype == new.dtype
            else:
                assert old == new


def test_an_overlay_draws_what_was_recorded(plugin: PluginUnderTest, tmp_path: Path) -> None:
    (batch,) = plugin.feed("faulty.sound", site=small_town(), start=NOON - timedelta(seconds=5), end=NOON)
    record([batch], tmp_path / "said.jsonl")
    (frame,) = plugin.frames(
        "faulty.sound", site=small_town(), instant=NOON, observations=replay(tmp_path / "said.jsonl")
    )
    assert frame.results.tolist() == [(NOON.timestamp() - 1) % 7]
    assert frame.age_s.tolist() == [1.0]


@pytest.mark.parametrize("line", ["{", "[]", '{"kind": "sound"}', '{"kind": "movement"}'])
def test_a_line_that_is_no_batch_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(DamagedFileError) as caught:
        replay(path)
    assert caught.value.source == "said.jsonl:1"


def test_each_test_of_several_projects_gets_the_plugin_of_its_own(tmp_path: Path) -> None:
    code = "def test_it(plugin_under_test):\n    assert plugin_under_test.manifest.id == {!r}\n"
    for name in ("mine", "yours"):
        tests = new_project(name, kind="panel", parent=tmp_path) / "tests"
        for path in tests.iterdir():
            path.unlink()
        (tests / f"test_{name}.py").write_text(code.format(name))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "mine", "yours"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in run.stdout, run.stdout


# --- what it costs others -------------------------------------------------------------------------------------------


def test_other_peoples_test_runs_import_nothing_of_it_but_the_fixtures() -> None:
    code = "import sys, twinviewer.testing.fixtures; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "pyproj", "pyvista", "PySide6"} & set(run.stdout.split())
