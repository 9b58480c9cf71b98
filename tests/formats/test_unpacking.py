"""City models packed with gzip: whole, cut off, and made to fill a disk."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.formats.listener import StopsAfter
from tests.formats.test_cityjson import document, house, solid
from twinviewer.formats import citygml, cityjson, unpacking
from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError
from twinviewer.model.feedback import Cancelled, Silent

HOUSE = json.dumps(document({"a": house(solid())})).encode()

CITYGML = b"""<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"
 xmlns:bldg="http://www.opengis.net/citygml/building/2.0"><cityObjectMember><bldg:Building gml:id="h">
 <bldg:lod1MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing>
 <gml:posList srsDimension="3">0 0 0 1 0 0 1 1 0 0 0 0</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>
 </gml:surfaceMember></gml:MultiSurface></bldg:lod1MultiSurface></bldg:Building></cityObjectMember></CityModel>"""


def packed(path: Path, content: bytes = HOUSE) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


@pytest.mark.parametrize("name", ["city.json.gz", "CITY.CITY.JSON.GZ"])
def test_a_packed_city_model_is_the_same_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / name)
    assert cityjson.probe(path=path) == 1.0
    (model,) = cityjson.read(path=path, feedback=Silent())
    assert len(model.triangles) == 12
    assert not unpacking.scratch_folder().exists()


def test_a_packed_citygml_file_is_the_same(tmp_path: Path) -> None:
    path = packed(tmp_path / "city.gml.gz", CITYGML)
    assert citygml.probe(path=path) == 1.0
    (model,) = citygml.read(path=path, feedback=Silent())
    assert (model.source.version, model.object_ids, len(model.triangles)) == ("2.0", ("h",), 1)
    assert not unpacking.scratch_folder().exists()


def test_a_packed_sequence_is_known_by_the_name_inside(tmp_path: Path) -> None:
    head = document({}, vertices=[])
    feature = {**document({"a": house(solid())}), "type": "CityJSONFeature", "id": "a"}
    path = packed(tmp_path / "city.jsonl.gz", b"\n".join(json.dumps(each).encode() for each in (head, feature)))
    (model,) = cityjson.read(path=path, feedback=Silent())
    assert (model.source.format, len(model.triangles)) == ("CityJSONSeq", 12)


@pytest.mark.parametrize(
    "content", [gzip.compress(HOUSE)[:-40], HOUSE, gzip.compress(HOUSE)[:8], b"\x1f\x8b\x08" + b"x" * 99]
)
def test_what_is_not_packed_as_its_name_says_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "city.json.gz"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="damaged or cut off"):
        cityjson.read(path=path, feedback=Silent())
    assert not unpacking.scratch_folder().exists()


def test_what_is_made_to_fill_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_ALWAYS_ALLOWED", 1024)
    path = packed(tmp_path / "city.json.gz", b" " * 5_000_000)
    assert path.stat().st_size * 100 < 5_000_000
    with pytest.raises(HostileFileError, match="100 times"):
        cityjson.read(path=path, feedback=Silent())


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_LEFT_FREE", 1 << 62)
    with pytest.raises(ReadError, match="no room"):
        cityjson.read(path=packed(tmp_path / "city.json.gz"), feedback=Silent())


def test_unpacking_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        cityjson.read(path=packed(tmp_path / "city.json.gz"), feedback=StopsAfter(0))
    assert not unpacking.scratch_folder().exists()
