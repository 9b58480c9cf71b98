"""Plugins come from folders, wheels and archives, whole or not at all, and go again."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from tests.app.plugins.small_wheels import (
    CODE,
    manifest,
    write_plugin_folder,
    write_plugin_wheel,
    write_wheel,
)
from tests.app.plugins.test_settings import InMemory
from twinviewer.app.folders import data_dir, plugin_data_dir
from twinviewer.app.plugins import installing, unpacking
from twinviewer.app.plugins.finding import PluginOrigin, user_plugins
from twinviewer.app.plugins.installing import Installed, install, purge, remove
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError, WriteError
from twinviewer.model.feedback import Cancelled, Feedback, Silent


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, memory = keyring.get_keyring(), InMemory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def put(source: Path, feedback: Feedback | None = None) -> Installed:
    return install(source, plugins=PluginRegistry().plugins, feedback=feedback or Silent())


def installed_versions() -> dict[str, str]:
    return {each.id: each.manifest.version for each in PluginRegistry().plugins if each.origin is PluginOrigin.USER}


def refused(source: Path) -> PluginError:
    before = installed_versions()
    with pytest.raises(PluginError) as caught:
        put(source)
    assert installed_versions() == before
    assert list((data_dir() / "plugins-prepared").iterdir()) == []
    assert caught.value.cure
    assert "plugins-prepared" not in str(caught.value)
    return caught.value


# --- the ways in --------------------------------------------------------------------------------------------------


def test_a_plugin_comes_from_a_folder_without_what_tools_left_in_it(tmp_path: Path) -> None:
    source = write_plugin_folder(tmp_path / "mine")
    (source / "icons").mkdir()
    (source / "icons" / "pin.svg").write_text("<svg/>")
    for clutter in ("__pycache__", ".git", ".venv"):
        (source / clutter).mkdir()
        (source / clutter / "x").write_text("x")
    done = put(source)
    assert done.plugin.id == "thermometers"
    assert done.replaced is None
    found = PluginRegistry().plugin("thermometers")
    assert found == done.plugin
    assert found.code.folder == str(user_plugins() / "thermometers")
    files = {str(each.relative_to(found.code.folder)) for each in Path(found.code.folder).rglob("*") if each.is_file()}
    assert files == {"plugin.toml", "code.py", f"icons{os.sep}pin.svg"}


def test_a_plugin_comes_from_an_authors_project_with_what_it_requires(tmp_path: Path) -> None:
    write_plugin_folder(tmp_path / "project" / "src" / "thermometers")
    (tmp_path / "project" / "pyproject.toml").write_text(
        '[project]\nname = "t"\ndependencies = ["twinviewer", "six>=1", "tomli; python_version < \'3\'"]\n'
    )
    with installing.prepared(tmp_path / "project", plugins=(), feedback=Silent()) as ready:
        assert ready.plugin.requirements == ("six>=1",)
        assert ready.plugin.isolated


def test_a_plugin_comes_from_a_wheel_without_its_code_being_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w')\n{CODE}"
    put(write_plugin_wheel(tmp_path, code=code))
    assert not trap.exists()
    folder = user_plugins() / "thermometers"
    assert sorted(each.name for each in folder.iterdir()) == ["__init__.py", "code.py", "plugin.toml"]


def test_what_a_wheel_requires_here_is_kept_in_its_folder(tmp_path: Path) -> None:
    wheel = write_plugin_wheel(
        tmp_path,
        requires=[
            "six>=1,<2",
            "win32api; sys_platform == 'never'",
            "numpy>=1.26; python_version >= '3'",
            "pytest; extra == 'test'",
        ],
    )
    with installing.prepared(wheel, plugins=(), feedback=Silent()) as ready:
        assert ready.plugin.requirements == ("six<2,>=1", "numpy>=1.26")
        listed = (ready._folder / "requirements.txt").read_text()
        assert listed.splitlines() == ["six<2,>=1", "numpy>=1.26"]


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_a_plugin_comes_from_an_archive_of_a_folder(ending: str, tmp_path: Path) -> None:
    write_plugin_folder(tmp_path / "t-1.0" / "thermometers")
    archive = tmp_path / f"t-1.0{ending}"
    files = [each for each in (tmp_path / "t-1.0").rglob("*") if each.is_file()]
    if ending == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for file in files:
                packed.write(file, file.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz") as packed_too:
            packed_too.add(tmp_path / "t-1.0", "t-1.0")
    assert put(archive).plugin.id == "thermometers"
    assert installed_versions() == {"thermometers": "1.0.0"}


# --- what is refused ----------------------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "t/../../evil.py", "C:/evil.py", "t\\..\\evil.py"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"t/plugin.toml": manifest().encode(), name: b"x"})
    assert "leads out of it" in refused(archive).problem
    assert not list(tmp_path.parent.rglob("evil.py"))


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("t/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("t/plugin.toml", manifest())
        archive.writestr(link, "/etc/passwd")
    assert "link" in refused(tmp_path / "a.zip").problem
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
            content = manifest().encode()
            member = tarfile.TarInfo("t/plugin.toml")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
            other = tarfile.TarInfo("t/link")
            other.type, other.linkname = kind, "/etc/passwd"
            packed.addfile(other)
        assert "link" in refused(tmp_path / "a.tar.gz").problem


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_does(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "a.zip", {"t/plugin.toml": manifest().encode(), "t/zeros": bytes(60_000_000)})
    assert bomb.stat().st_size < 100_000
    assert "unpacks to more than" in refused(bomb).problem


def test_an_archive_that_is_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"t/plugin.toml": manifest().encode(), "t/code.py": b"x" * 5000})
    content = bytearray(archive.read_bytes())
    size = (5000).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (50).to_bytes(4, "little")
    archive.write_bytes(content)
    assert refused(archive)


def test_an_archive_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    archive = zipped(tmp_path / "a.zip", {f"t/{number}": b"" for number in range(4)})
    assert "more than 3 files" in refused(archive).problem


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = write_plugin_wheel(tmp_path / "whole").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 10):
        damaged = tmp_path / "thermometers-1.0.0-py3-none-any.whl"
        damaged.write_bytes(whole[:length])
        assert "damaged" in refused(damaged).problem
    (tmp_path / "a.zip").write_text("no archive")
    assert refused(tmp_path / "a.zip").problem == "The archive is damaged or not one that can be read."


def test_a_folder_with_a_link_is_refused(tmp_path: Path) -> None:
    source = write_plugin_folder(tmp_path / "mine")
    (source / "link").symlink_to("/etc")
    assert "“link” is a link" in refused(source).problem


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"files": {"t/plugin.toml": manifest()}, "python": ">=4"}, "requires Python >=4"),
        ({"files": {"t/plugin.toml": manifest()}, "requires": ["twinviewer>=99"]}, "requires twinviewer >=99"),
        ({"files": {"t/__init__.py": ""}}, "no package"),
        ({"files": {"plugin.toml": manifest()}}, "no package"),
        ({"files": {"t/plugin.toml": manifest(), "u/plugin.toml": manifest()}}, "more than one"),
        ({"files": {"t/plugin.toml": manifest(), "numpy/__init__.py": ""}}, "more than the plugin's package: numpy"),
        ({"files": {"t/plugin.toml": manifest(), "evil.pth": "import os"}}, "more than the plugin's package: evil.pth"),
        ({"files": {"t/plugin.toml": manifest(), "t/a.py": "x = 1\nfrom t.b import c"}}, "imports its own package"),
        ({"files": {"t/plugin.toml": manifest()}, "entry_points": "[twinviewer.plugins]\nt = u\n"}, "names “u”"),
        ({"files": {"t/plugin.toml": manifest()}, "requires": ["not a requirement !"]}, "not a requirement"),
        ({"files": {"t/plugin.toml": manifest()}, "tag": "cp27-cp27m-win32"}, "another Python or machine"),
        ({"files": {"t/plugin.toml": "api = 1\n"}}, "missing"),
        ({"files": {"t/plugin.toml": manifest(id="traffic")}}, "ships with the program"),
        ({"files": {"t/plugin.toml": manifest(id="twinviewer")}}, "ships with the program"),
    ],
)
def test_a_wheel_that_is_no_plugin_for_here_is_refused(facts: dict[str, object], says: str, tmp_path: Path) -> None:
    error = refused(write_wheel(tmp_path, **facts))  # type: ignore[arg-type]
    assert says in error.problem, error.problem


def test_what_is_no_plugin_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    assert "neither a folder nor a wheel" in refused(tmp_path / "notes.txt").problem
    assert "no plugin.toml" in refused(tmp_path / "empty").problem
    assert "no such file" in refused(tmp_path / "nowhere").problem
    (tmp_path / "thing.whl").write_bytes(b"x")
    assert "not called as wheels are" in refused(tmp_path / "thing.whl").problem


def test_a_project_that_only_its_build_understands_is_refused(tmp_path: Path) -> None:
    write_plugin_folder(tmp_path / "project" / "thermometers")
    (tmp_path / "project" / "pyproject.toml").write_text('[project]\nname = "t"\ndynamic = ["dependencies"]\n')
    assert "only when it is built" in refused(tmp_path / "project").problem


# --- updating and removing ----------------------------------------------------------------------------------------


def test_another_version_takes_the_place_of_the_one_that_is_there(tmp_path: Path) -> None:
    put(write_plugin_folder(tmp_path / "a", version="1.9.0"))
    (plugin_data_dir("thermometers") / "kept.txt").write_text("kept")
    (user_plugins() / "thermometers" / "of-the-old-version.py").write_text("")
    newer = put(write_plugin_wheel(tmp_path, version="1.10.0"))
    assert newer.replaced is not None
    assert (newer.replaced.manifest.version, newer.is_downgrade) == ("1.9.0", False)
    assert installed_versions() == {"thermometers": "1.10.0"}
    assert not (user_plugins() / "thermometers" / "of-the-old-version.py").exists()
    assert (plugin_data_dir("thermometers") / "kept.txt").read_text() == "kept"
    assert put(tmp_path / "a").is_downgrade
    assert installed_versions() == {"thermometers": "1.9.0"}


def test_the_old_version_stays_where_the_new_one_cannot_be_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(write_plugin_folder(tmp_path / "a"))
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(WriteError, match="No space left"):
        put(write_plugin_folder(tmp_path / "b", version="2.0.0"))
    assert installed_versions() == {"thermometers": "1.0.0"}


def test_an_update_that_was_killed_half_way_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(write_plugin_folder(tmp_path / "a"))
    rename, rmtree = Path.rename, installing.shutil.rmtree

    def die(self: Path, target: Path) -> Path:
        if self.name == "new":
            monkeypatch.setattr(installing.shutil, "rmtree", lambda *rest, **more: None)
            monkeypatch.setattr(Path, "rename", lambda *rest: None)
            raise KeyboardInterrupt  # as if the process ended here: nothing more is tidied
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", die)
    with pytest.raises(KeyboardInterrupt):
        put(write_plugin_folder(tmp_path / "b", version="2.0.0"))
    assert installed_versions() == {}
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(installing.shutil, "rmtree", rmtree)
    monkeypatch.setattr(installing, "_runs", lambda process: False)
    put(write_plugin_folder(tmp_path / "c", id="others"))
    assert installed_versions() == {"thermometers": "1.0.0", "others": "1.0.0"}


def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    class Stop(Silent):
        def stop_if_cancelled(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        put(write_plugin_wheel(tmp_path), Stop())
    assert installed_versions() == {}
    assert list((data_dir() / "plugins-prepared").iterdir()) == []


def test_a_folder_that_somebody_put_there_by_another_name_is_not_overwritten(tmp_path: Path) -> None:
    write_plugin_folder(user_plugins() / "by-hand")
    assert "by-hand" in refused(write_plugin_folder(tmp_path / "a", version="2.0.0")).problem
    assert installed_versions() == {"thermometers": "1.0.0"}


def test_a_removed_plugin_leaves_its_data_until_that_is_purged(tmp_path: Path, ring: InMemory) -> None:
    setting = '[[settings]]\nkey = "token"\ntitle = "Token"\ntype = "secret"\n'
    put(write_plugin_folder(tmp_path / "a", more=setting))
    registry = PluginRegistry()
    plugin = registry.plugin("thermometers")
    registry.choices.accept(plugin)
    registry.set_enabled("thermometers", False)
    registry.settings.save(plugin.manifest, {"token": "open sesame"})
    (plugin_data_dir("thermometers") / "kept.txt").write_text("kept")
    remove(plugin, plugins=registry.plugins, choices=registry.choices)
    assert installed_versions() == {}
    assert registry.choices.is_enabled("thermometers")
    assert (plugin_data_dir("thermometers") / "kept.txt").exists()
    assert ring.held == {("twinviewer:thermometers", "token"): "open sesame"}
    purge(plugin, registry.settings)
    assert not (data_dir() / "plugin-data" / "thermometers").exists()
    assert ring.held == {}


def test_removing_a_link_to_an_authors_folder_keeps_the_folder(tmp_path: Path) -> None:
    source = write_plugin_folder(tmp_path / "mine")
    user_plugins().mkdir(parents=True)
    (user_plugins() / "thermometers").symlink_to(source)
    registry = PluginRegistry()
    remove(registry.plugin("thermometers"), plugins=registry.plugins, choices=registry.choices)
    assert installed_versions() == {}
    assert (source / "code.py").exists()


def test_what_ships_with_the_program_is_not_removed() -> None:
    registry = PluginRegistry()
    for plugin_id in ("twinviewer", "traffic"):
        with pytest.raises(PluginError, match="ships with the program"):
            remove(registry.plugin(plugin_id), plugins=registry.plugins, choices=registry.choices)
