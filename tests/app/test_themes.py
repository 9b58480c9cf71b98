from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from twinviewer.app import colour_maps
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.themes import Themes, file_of, read_style
from twinviewer.model.errors import PluginError
from twinviewer.model.project import Style


def plugin(root: Path, *, style: object = None, colours: str = "000000 800000 ffffff") -> Path:
    home = root / "paint"
    home.mkdir(parents=True, exist_ok=True)
    (home / "plugin.toml").write_text(
        'api = 1\nid = "paint"\nname = "Paint"\nversion = "1"\nlicence = "CC0-1.0"\n'
        '[[themes]]\nid = "paint.embers"\ntitle = "Embers"\ncolour_map = "embers.json"\n'
        '[[themes]]\nid = "paint.rust"\ntitle = "Rust"\nstyle = "rust.json"\nkinds = ["city-model"]\n'
    )
    (home / "embers.json").write_text(json.dumps({"name": "embers", "colours": colours}))
    (home / "rust.json").write_text(json.dumps({"colour": "#aa4400"} if style is None else style))
    return home


@pytest.fixture
def errors() -> list[PluginError]:
    return []


def themes_of(root: Path, errors: list[PluginError]) -> Themes:
    return Themes(PluginRegistry(folders=[root]), on_error=errors.append)


def test_a_contributed_map_is_known_by_its_id_and_gone_when_it_is_withdrawn(tmp_path, errors):
    plugin(tmp_path)
    themes = themes_of(tmp_path, errors)
    assert [(each.id, each.title) for each in themes.maps] == [("paint.embers", "Embers")]
    assert "paint.embers" in colour_maps.names()
    colours = colour_maps.colours_of("paint.embers")
    assert colours[[0, 255]].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert (
        np.abs(colours[[64, 191]].astype(int) - [[64, 0, 0], [191, 127, 127]]).max() <= 1
    )  # a quarter, three quarters
    themes.withdraw()
    assert "paint.embers" not in colour_maps.names()
    assert (colour_maps.colours_of("paint.embers") == colour_maps.colours_of("viridis")).all()
    assert errors == []


def test_a_preset_changes_what_its_file_names_and_nothing_else(tmp_path, errors):
    plugin(tmp_path, style={"colour": "#aa4400", "color_by": None})
    (preset,) = themes_of(tmp_path, errors).presets
    before = Style(color_by="year", point_size_px=7.0, colour_map="vik")
    assert preset.applied_to(before) == Style(colour="#aa4400", color_by=None, point_size_px=7.0, colour_map="vik")
    assert preset.fits("city-model")
    assert not preset.fits("terrain")


@pytest.mark.parametrize(
    "colours",
    ["", "000000", "zzzzzz ffffff", "#000000 #ffffff", "000000ffffff", "000000,ffffff", " ".join(["00ff00"] * 1025)],
)
def test_a_file_that_is_no_colour_map_is_refused_with_its_name_and_the_rest_is_used(tmp_path, errors, colours):
    plugin(tmp_path, colours=colours)
    themes = themes_of(tmp_path, errors)
    assert themes.maps == ()
    assert [preset.id for preset in themes.presets] == ["paint.rust"]
    assert [Path(error.source).name for error in errors] == ["embers.json"]


@pytest.mark.parametrize(
    "style",
    [
        [],
        {"colour": "red"},
        {"color": "#aa4400"},
        {"value_range": [5, 5]},
        {"value_range": [1]},
        {"point_size_px": 1e9},
        {"line_width_px": -1},
        {"colour_map": "no-such-map"},
        {"colour_map": "../../secrets"},
    ],
)
def test_a_style_that_cannot_be_drawn_is_refused(tmp_path, errors, style):
    plugin(tmp_path, style=style)
    assert themes_of(tmp_path, errors).presets == ()
    assert [Path(error.source).name for error in errors] == ["rust.json"]


def test_files_that_are_gone_or_too_large_are_refused(tmp_path, errors):
    home = plugin(tmp_path)
    registry = PluginRegistry(folders=[tmp_path])
    (home / "embers.json").unlink()
    (home / "rust.json").write_text(json.dumps({"colour": "#aa4400"}) + " " * 70_000)
    themes = Themes(registry, on_error=errors.append)
    assert (themes.maps, themes.presets) == ((), ())
    assert sorted(Path(error.source).name for error in errors) == ["embers.json", "rust.json"]


def test_a_file_outside_the_plugins_folder_is_none_of_its_files(tmp_path):
    home = plugin(tmp_path)
    assert file_of(home, "rust.json") == (home / "rust.json").resolve()
    (home / "way").symlink_to(tmp_path)
    for name in ("../settings.json", "/etc/passwd", "way/settings.json", "a/../../b"):
        with pytest.raises(PluginError):
            file_of(home, name)


def test_a_style_may_name_a_colour_map_of_a_plugin(tmp_path):
    (tmp_path / "s.json").write_text('{"colour_map": "paint.embers"}')
    assert read_style(tmp_path / "s.json") == (Style(colour_map="paint.embers"), frozenset({"colour_map"}))


def test_a_map_that_was_edited_is_read_anew(tmp_path, errors):
    home = plugin(tmp_path)
    themes = themes_of(tmp_path, errors)
    (home / "embers.json").write_text(json.dumps({"colours": "0000ff 00ff00"}))
    themes.renew()
    assert colour_maps.colours_of("paint.embers")[[0, 255]].tolist() == [[0, 0, 255], [0, 255, 0]]
    themes.withdraw()


def test_steps_are_not_blended_and_equally_wide(tmp_path):
    (tmp_path / "m.json").write_text(json.dumps({"kind": "steps", "colours": "000000 800000 ffffff ff00ff"}))
    colours, counts = np.unique(colour_maps.read_colour_map(tmp_path / "m.json"), axis=0, return_counts=True)
    assert (len(colours), set(counts.tolist())) == (4, {64})


def test_a_map_of_many_colours_stays_as_it_is(tmp_path):
    rows = [[value % 256, value // 256, 7] for value in range(1024)]
    text = " ".join("".join(f"{channel:02x}" for channel in row) for row in rows)
    (tmp_path / "m.json").write_text(json.dumps({"colours": text}))
    assert colour_maps.read_colour_map(tmp_path / "m.json").tolist() == rows
