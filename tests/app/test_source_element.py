"""The text of one object as its file has it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from lxml import etree

from twinviewer.app import source_element
from twinviewer.app.source_element import LIMIT_BYTES, read_source_element
from twinviewer.model.errors import ReadError
from twinviewer.model.feedback import Cancelled

GML = """<?xml version="1.0" encoding="{encoding}"?>
<CityModel xmlns:gml="http://www.opengis.net/gml" xmlns:b="urn:b">
  <!-- gml:id="house" is not here -->
  <link xlink="#house"/>
  <member>
    <b:Building gml:id='house'>
      <b:note><![CDATA[ </b:Building> ]]></b:note>
      <b:note text="a > b"/>
      <b:part><b:Building gml:id="Größe &amp; mehr"><b:name>Größe</b:name></b:Building></b:part>
    </b:Building>
  </member>
</CityModel>
"""


class Heard:
    def __init__(self, *, stop: bool = False) -> None:
        self.stop = stop

    def progress(self, fraction: float, text: str = "") -> None:
        assert 0 <= fraction <= 1

    def stop_if_cancelled(self) -> None:
        if self.stop:
            raise Cancelled


def text_of(path: Path, object_id: str) -> str:
    return read_source_element(path, object_id, feedback=Heard()).text


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("piece_bytes", [64, 4096])
def test_the_element_with_the_id_is_shown_from_its_first_tag_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, packed: bool, piece_bytes: int
) -> None:
    monkeypatch.setattr(source_element, "_PIECE_BYTES", piece_bytes)
    content = GML.format(encoding=encoding).encode(encoding)
    path = tmp_path / "city.gml"
    path.write_bytes(gzip.compress(content) if packed else content)
    house = text_of(path, "house")
    assert house.startswith("<b:Building gml:id='house'>\n  <b:note>")
    assert house.endswith("\n</b:Building>")
    assert house.count("</b:Building>") == 3  # its own, that of its part, and one that is only text
    assert text_of(path, "Größe & mehr") == (
        '<b:Building gml:id="Größe &amp; mehr"><b:name>Größe</b:name></b:Building>'
    )


def test_a_member_of_a_json_file_is_laid_out_and_references_to_it_are_not_taken_for_it(tmp_path: Path) -> None:
    member = {"type": "Building", "attributes": {"note": 'a "}" b'}, "geometry": [{"boundaries": [[[0, 1, 2]]]}]}
    path = tmp_path / "city.json"
    path.write_text(json.dumps({"CityObjects": {"roof": {"parents": ["hä"]}, "hä": member}}))
    text = text_of(path, "hä")
    assert json.loads("{" + text + "}") == {"hä": member}
    assert "[0, 1, 2]" in text


def test_of_a_long_element_the_beginning_is_shown_and_said_to_be_no_more(tmp_path: Path) -> None:
    path = tmp_path / "city.gml"
    path.write_text(f'<a><b id="long">{"<c/>" * LIMIT_BYTES}</b></a>')
    found = read_source_element(path, "long", feedback=Heard())
    assert not found.is_whole
    assert len(found.text) == LIMIT_BYTES


def test_what_is_not_there_is_one_sentence_and_a_search_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "city.gml"
    with pytest.raises(ReadError, match="cannot be read"):
        text_of(path, "house")
    path.write_text(GML.format(encoding="UTF-8"))
    with pytest.raises(ReadError, match="no element with the id “hous”"):
        text_of(path, "hous")
    with pytest.raises(Cancelled):
        read_source_element(path, "house", feedback=Heard(stop=True))
    path.write_bytes(gzip.compress(path.read_bytes())[:60])
    with pytest.raises(ReadError, match="cannot be read"):
        text_of(path, "house")


def test_elements_of_a_real_file_are_those_that_a_parser_finds(
    city_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_element, "LIMIT_BYTES", 10**8)
    path = city_data / "citygml/2.0/building/Building_LOD4-EPSG25832.gml"
    name = "{http://www.opengis.net/gml}id"
    elements = [element for element in etree.parse(path).iter() if name in element.attrib]
    for element in elements[:: len(elements) // 40]:
        text = text_of(path, element.get(name))
        expected = etree.tostring(element, with_tail=False, encoding="unicode")
        assert "".join(expected.split(">", 1)[1].split()) == "".join(text.split(">", 1)[1].split())
