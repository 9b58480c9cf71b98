"""What a feed told stays true as long as nothing changes that it may use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.live_plugins import COUNTING, write_plugin
from twinviewer.app.plugins.fingerprints import feed_fingerprint
from twinviewer.app.plugins.manifest import OverlayContribution
from twinviewer.app.plugins.registry import PluginRegistry


def fingerprint(root: Path) -> object:
    registry = PluginRegistry(folders=[root])
    (overlay,) = registry.overlays
    return feed_fingerprint(registry.plugin_of(overlay.id), overlay)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{frame.results[0]:.0f}", "{frame.results[0]:.1f} s"),
        ("def encode(*, frames, site):\n", "def encode(\n    *,\n    frames,\n    site,\n):\n    # by the second\n"),
        ("\n\n\ndef encode", "\n\n# shows the time\n\ndef encode"),
    ],
)
def test_another_encode_function_is_the_same_feed(tmp_path: Path, old: str, new: str) -> None:
    home = write_plugin(tmp_path, "it")
    before = fingerprint(tmp_path)
    assert old in COUNTING
    (home / "code.py").write_text(COUNTING.replace(old, new))
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("STEP = 1.0", "STEP = 2.0"),
        ('name="Clock"', 'name="Watch"'),
        ("results=times * factor", "results=times"),
        ("def encode", "def later(): pass\n\n\ndef encode"),
    ],
)
def test_another_feed_or_anything_that_it_may_use_is_another(tmp_path: Path, old: str, new: str) -> None:
    home = write_plugin(tmp_path, "it")
    before = fingerprint(tmp_path)
    assert old in COUNTING
    (home / "code.py").write_text(COUNTING.replace(old, new))
    assert fingerprint(tmp_path) != before


def test_other_modules_and_the_manifest_s_words_count_and_libraries_do_not(tmp_path: Path) -> None:
    home = write_plugin(tmp_path, "it")
    before = fingerprint(tmp_path)
    for folder in (".venv/lib", "site-packages", "__pycache__"):
        (home / folder).mkdir(parents=True)
        (home / folder / "library.py").write_text("x = 1")
    assert fingerprint(tmp_path) == before
    registry = PluginRegistry(folders=[tmp_path])
    (overlay,) = registry.overlays
    plugin = registry.plugin_of(overlay.id)

    def changed(**words: object) -> OverlayContribution:
        return overlay.model_copy(update=words)

    assert feed_fingerprint(plugin, changed(title="Other")) == before
    assert feed_fingerprint(plugin, changed(period_s=5.0)) != before
    assert feed_fingerprint(plugin, changed(trail_s=5.0)) != before
    (home / "places.py").write_text("x = 1")
    assert fingerprint(tmp_path) != before
    assert (
        feed_fingerprint(replace(plugin, code=replace(plugin.code, folder=str(tmp_path / "gone"))), overlay) != before
    )
