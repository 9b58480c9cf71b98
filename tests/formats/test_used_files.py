"""What the reading of a file depends on is noticed, and a change of it too."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from twinviewer.formats.used_files import UsedFiles, changed_last_ns, is_unchanged


@pytest.fixture
def city(tmp_path: Path) -> Path:
    for name in ("city.gml", "city.prj", "city.gml.xsd", "town.gml", "codes.xml"):
        (tmp_path / name).write_text(name)
    return tmp_path / "city.gml"


def used_by(city: Path, reads: Callable[[], object] = lambda: None) -> dict[str, object]:
    with UsedFiles(city, apart_from=[str(city.parent / "code")]) as used:
        reads()
    return json.loads(json.dumps(used.to_json()))  # type: ignore[no-any-return]


def names(used: dict[str, object]) -> set[str]:
    return {os.path.basename(path) for path in used}  # noqa: PTH119


def test_the_file_and_what_goes_by_its_name_count(city: Path) -> None:
    used = used_by(city)
    assert names(used) == {"city.gml", "city.prj", "city.gml.xsd"}
    assert is_unchanged(used, city)
    assert max(changed_last_ns(used)) == max((city.parent / name).stat().st_mtime_ns for name in names(used))


def test_what_is_opened_counts_there_or_not(city: Path) -> None:
    def reads() -> None:
        (city.parent / "codes.xml").read_text()
        with pytest.raises(FileNotFoundError):
            (city.parent / "more.xml").read_text()
        os.close(os.open(city.parent / "town.gml", os.O_RDONLY))

    used = used_by(city, reads)
    assert names(used) >= {"codes.xml", "more.xml", "town.gml"}
    assert is_unchanged(used, city)
    (city.parent / "more.xml").write_text("there now")
    assert not is_unchanged(used, city)


def test_what_is_written_and_the_reader_s_own_code_do_not_count(city: Path) -> None:
    (city.parent / "code").mkdir()
    (city.parent / "code" / "reader.py").write_text("")

    def reads() -> None:
        (city.parent / "report.txt").write_text("written")
        (city.parent / "code" / "reader.py").read_text()
        Path(json.__file__).read_text()

    assert names(used_by(city, reads)) == {"city.gml", "city.prj", "city.gml.xsd"}


def _other_time(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def _other_content_of_the_same_size_and_time(path: Path) -> None:
    before = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before, before))


@pytest.mark.parametrize("name", ["city.gml", "city.prj", "codes.xml"])
@pytest.mark.parametrize(
    "change",
    [
        _other_time,
        pytest.param(
            _other_content_of_the_same_size_and_time,
            marks=pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of the inode"),
        ),
        lambda path: path.write_text("longer than before"),
        Path.unlink,
    ],
)
def test_a_change_of_any_of_them_is_noticed(change: Callable[[Path], object], name: str, city: Path) -> None:
    used = used_by(city, (city.parent / "codes.xml").read_text)
    change(city.parent / name)
    assert not is_unchanged(used, city)


def test_a_file_that_comes_beside_it_is_noticed(city: Path) -> None:
    used = used_by(city)
    (city.parent / "city.twin").write_text("a project, which says nothing of the data")
    (city.parent / "town.prj").write_text("another one's")
    assert is_unchanged(used, city)
    (city.parent / "city.wld").write_text("a world file")
    assert not is_unchanged(used, city)


def test_a_reading_that_used_nothing_known_is_never_unchanged(city: Path) -> None:
    assert not is_unchanged({}, city)
