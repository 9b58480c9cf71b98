"""CityGML as bytes: cut off, malformed, hostile, in other encodings, of other kinds; progress and cancel."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.formats.damage import CUTS, cut, mutated
from tests.formats.listener import Listener, StopsAfter
from tests.formats.small_citygml import building, city, cube, envelope, held, named, polygon, square, start_of, wall
from twinviewer.formats import citygml
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError, UnsupportedFormatError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import CityModel


@pytest.fixture
def read_bytes(tmp_path: Path):
    """A function that reads bytes as a file."""

    def read(content: bytes) -> CityModel:
        path = tmp_path / "city.gml"
        path.write_bytes(content)
        (model,) = citygml.read(path=path, feedback=Silent())
        check(mended(model, limit=RAW_LIMIT))
        return model

    return read


def house(number: int) -> str:
    return building("".join(wall(held(polygon(face))) for face in cube(500_000.0 + 20 * number)), id=f"house-{number}")


TOWN = city(*map(house, range(30)))


def damage_of(model: CityModel) -> list[str]:
    return [finding.problem for finding in model.diagnostics if finding.code == "xml.damaged"]


# --- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(CUTS))
def test_what_is_cut_off_is_told_and_the_rest_is_whole(read_bytes, number: int) -> None:
    content = cut(TOWN.rstrip().encode(), number)
    whole = content.count(b"</core:cityObjectMember>")
    if not whole:
        with pytest.raises(DamagedFileError, match="cut off at line"):
            read_bytes(content)
        return
    model = read_bytes(content)
    assert model.object_ids == tuple(f"house-{i}" for i in range(whole))
    assert len(model.surface_object) == 6 * whole
    (problem,) = damage_of(model)
    assert f"only the {whole} members before" in problem


def with_a_wrong_tag(text: str, *houses: int) -> tuple[str, list[int]]:
    """A text that is not well-formed in those houses, and the lines where."""
    lines = text.splitlines()
    damaged = [next(i for i, line in enumerate(lines) if f'"house-{number}"' in line) for number in houses]
    for i in damaged:
        lines[i] = lines[i].replace("</gml:posList>", "</gml:pos>", 1)
    return "\n".join(lines), [i + 1 for i in damaged]


@pytest.mark.parametrize("damaged", [[20], [0], [29], [3, 4, 17], list(range(10))])
def test_an_object_that_is_not_well_formed_is_left_out_and_told_with_its_line(read_bytes, damaged: list[int]) -> None:
    text, lines = with_a_wrong_tag(TOWN, *damaged)
    model = read_bytes(text.encode())
    assert model.object_ids == tuple(f"house-{i}" for i in range(30) if i not in damaged)
    assert len(model.surface_object) == 6 * (30 - len(damaged))
    findings = [finding for finding in model.diagnostics if finding.code == "xml.damaged"]
    assert [finding.where for finding in findings] == [f"line {line}" for line in lines]
    assert {finding.severity for finding in findings} == {Severity.ERROR}
    assert model.crs is not None


def test_a_file_that_is_damaged_everywhere_is_given_up(read_bytes) -> None:
    text, lines = with_a_wrong_tag(TOWN, *range(2, 30))
    model = read_bytes(text.encode())
    assert model.object_ids == ("house-0", "house-1")
    last = model.diagnostics[-1]
    assert (last.code, last.where) == ("xml.damaged", f"line {lines[20]}")
    assert "2 members are shown" in last.problem


@pytest.mark.parametrize("end_tag", ["</core:cityObjectMember>", "</bldg:Building>", "</gml:Polygon>"])
def test_an_end_tag_that_is_missing_costs_one_object(read_bytes, end_tag: str) -> None:
    before, damaged, after = TOWN.partition('<bldg:Building gml:id="house-5">')
    model = read_bytes((before + damaged + after.replace(end_tag, "", 1)).encode())
    assert model.object_ids == tuple(f"house-{i}" for i in range(30) if i != 5)
    (finding,) = model.diagnostics
    assert (finding.code, finding.where) == ("xml.damaged", f"line {before.count(chr(10)) + 1}")


def test_damage_in_one_line_or_beside_a_comment_gives_no_object_twice(read_bytes) -> None:
    text, _ = with_a_wrong_tag(TOWN, 7)
    for variant in (
        text.replace("\n", ""),
        text.replace("<core:cityObjectMember>", "<!-- <core:cityObjectMember> -->\n<core:cityObjectMember>", 3),
    ):
        ids = read_bytes(variant.encode()).object_ids
        assert len(set(ids)) == len(ids) >= 28


def test_damage_in_the_only_object_is_an_error(read_bytes) -> None:
    with pytest.raises(DamagedFileError, match="not well-formed XML"):
        read_bytes(city(house(1)).replace("</gml:posList>", "</gml:pos>", 1).encode())


def test_a_prefix_without_declaration_loses_nothing(read_bytes) -> None:
    text = TOWN.replace('gml:id="house-3">', 'gml:id="house-3"><energy:isHeated>true</energy:isHeated>')
    model = read_bytes(text.encode())
    assert len(model.object_ids) == 30
    (finding,) = model.diagnostics
    assert (finding.code, finding.severity) == ("xml.prefix-undeclared", Severity.WARNING)
    assert model.attributes[0].name == "isHeated"


def test_a_prefix_without_declaration_does_not_hide_that_the_file_is_cut(read_bytes) -> None:
    text = TOWN.replace('gml:id="house-3">', 'gml:id="house-3"><energy:isHeated>true</energy:isHeated>')
    model = read_bytes(text[: len(text) // 2].encode())
    assert {finding.code for finding in model.diagnostics} == {"xml.prefix-undeclared", "xml.damaged"}
    assert len(model.object_ids) < 30


@pytest.mark.parametrize("number", range(200))
def test_no_damage_makes_more_than_an_error_of_the_reader(read_bytes, number: int) -> None:
    small = city(*map(house, range(3)))
    with suppress(ReadError):
        read_bytes(mutated(small.encode(), number))


# --- attacks ----------------------------------------------------------------------------------------------------


def entities(count: int) -> str:
    rows = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha"}">' for i in range(count))
    return f"<!DOCTYPE bomb [{rows}]>"


ATTACKS = {
    "billion laughs": entities(12) + city(building("<gml:name>&e11;</gml:name>")),
    "billion laughs in an attribute": entities(12) + city(building('<gml:name x="&e11;"/>')),
    "quadratic": f'<!DOCTYPE b [<!ENTITY a "{"a" * 50_000}">]>'
    + city(building(f"<gml:name>{'&a;' * 50_000}</gml:name>")),
    "a harmless entity": '<!DOCTYPE b [<!ENTITY town "Old town">]>' + city(building("<gml:name>&town;</gml:name>")),
    "a parameter entity": '<!DOCTYPE b [<!ENTITY % d SYSTEM "http://127.0.0.1:9/x.dtd"> %d;]>' + city(building("")),
    "behind a long comment": f"<!--{' ' * 100_000}--><!DOCTYPE b [<!ENTITY a 'a'>]>" + city(building("")),
    "three thousand levels": start_of() + "<core:cityObjectMember>" * 3000,
    "a thousand surfaces in each other": city(
        building(
            "<bldg:lod2MultiSurface>"
            + "<gml:MultiSurface><gml:surfaceMember>" * 900
            + "</gml:surfaceMember></gml:MultiSurface>" * 900
            + "</bldg:lod2MultiSurface>"
        )
    ),
    "buildings in buildings": city(
        "<bldg:Building><bldg:consistsOfBuildingPart>" * 400 + "</bldg:consistsOfBuildingPart></bldg:Building>" * 400
    ),
    "data in data": city(building("<x:a xmlns:x='u'><x:A>" * 400 + "</x:A></x:a>" * 400)),
    "sets in sets": city(building("<gen:genericAttributeSet name='s'>" * 900 + "</gen:genericAttributeSet>" * 900)),
    "curves in curves": city(
        building(
            wall(
                held(
                    "<gml:Polygon><gml:exterior>"
                    + "<gml:Ring><gml:curveMember>" * 400
                    + "</gml:curveMember></gml:Ring>" * 400
                    + "</gml:exterior></gml:Polygon>"
                )
            )
        )
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_at_once(read_bytes, attack: str) -> None:
    began = time.process_time()
    with pytest.raises(HostileFileError) as raised:
        read_bytes(ATTACKS[attack].encode())
    assert time.process_time() - began < 2
    assert raised.value.source == "city.gml"


@pytest.mark.parametrize("kind", ["SYSTEM '{}'", "PUBLIC 'x' '{}'"])
def test_no_entity_reads_another_file(read_bytes, tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("SECRET")
    text = f"<!DOCTYPE b [<!ENTITY x {kind.format(canary.as_uri())}>]>{city(building('<gml:name>&x;</gml:name>'))}"
    with pytest.raises(HostileFileError):
        read_bytes(text.encode())


def test_a_document_type_elsewhere_is_not_asked_for(read_bytes, tmp_path: Path) -> None:
    (tmp_path / "city.dtd").write_text('<!ENTITY x "SECRET"><!ATTLIST core:CityModel note CDATA "SECRET">')
    model = read_bytes(f'<!DOCTYPE CityModel SYSTEM "{(tmp_path / "city.dtd").as_uri()}">{city(house(1))}'.encode())
    assert model.object_ids == ("house-1",)
    assert model.diagnostics == ()


def test_an_inclusion_is_not_followed(read_bytes, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("SECRET")
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="other.txt" parse="text"/>'
    model = read_bytes(city(building(f"<gml:name>{include}</gml:name>")).encode())
    assert not any("SECRET" in str(column.value(0)) for column in model.attributes)


@pytest.mark.parametrize("place", ["building", "polygon", "root", "attribute"])
def test_two_hundred_thousand_attributes_are_read_in_two_seconds(read_bytes, place: str) -> None:
    many = " ".join(f'a{i}="1"' for i in range(200_000))
    text = city(building("<gml:name>x</gml:name>" + wall(held(polygon(square())))))
    text = {
        "building": text.replace("<bldg:Building ", f"<bldg:Building {many} "),
        "polygon": text.replace("<gml:Polygon ", f"<gml:Polygon {many} "),
        "root": text.replace("<core:CityModel ", f"<core:CityModel {many} "),
        "attribute": text.replace("<gml:name>", f"<gml:name {many}>"),
    }[place]
    began = time.process_time()
    try:
        assert len(read_bytes(text.encode()).triangles) == 2
    except ReadError:
        assert place == "root"  # whose start tag is then longer than anything is looked for in
    assert time.process_time() - began < 2


def test_names_of_names_of_names_do_not_multiply(read_bytes) -> None:
    layers = [held(polygon(square(), id="n0"))]
    for i in range(39):
        composite = f'<gml:CompositeSurface gml:id="n{i + 1}">{named(f"n{i}") * 10}</gml:CompositeSurface>'
        layers.append(held(composite))
    began = time.process_time()
    model = read_bytes(city(building(wall("".join(layers)))).encode())
    assert len(model.surface_object) == 1
    assert time.process_time() - began < 2


def test_names_of_very_many_names_are_not_followed_for_ever(read_bytes, monkeypatch) -> None:
    monkeypatch.setattr("twinviewer.formats.citygml.references._STEPS_LIMIT", 10_000)
    many = f'<gml:CompositeSurface gml:id="all">{named(*(f"x{i}" for i in range(2000)))}</gml:CompositeSurface>'
    began = time.process_time()
    model = read_bytes(city(building(wall(held(many, polygon(square())) + named("all") * 2000))).encode())
    assert time.process_time() - began < 2
    assert {finding.code for finding in model.diagnostics} == {"xlink.too-many", "xlink.unresolved"}


def test_names_that_stand_for_very_much_are_not_followed_for_ever(read_bytes, monkeypatch) -> None:
    monkeypatch.setattr("twinviewer.formats.citygml.references._STEPS_LIMIT", 100)
    shell = f'<gml:CompositeSurface gml:id="all">{held(*(polygon(square()) for _ in range(30)))}</gml:CompositeSurface>'
    model = read_bytes(city(building(wall(held(shell) + named("all") * 30))).encode())
    assert "xlink.too-many" in {finding.code for finding in model.diagnostics}


# --- encodings and kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_every_encoding_that_xml_knows_is_read(read_bytes, tmp_path: Path, encoding: str) -> None:
    named = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{named}"?>\n<!-- < & -->\n' + city(building("<gml:name>Mühle</gml:name>"))
    model = read_bytes(text.encode(encoding))
    assert model.attributes[0].value(0) == "Mühle"
    assert citygml.probe(path=tmp_path / "city.gml") == 1.0


def test_features_of_a_web_feature_service_are_read(read_bytes, tmp_path: Path) -> None:
    inside = start_of().removeprefix("<core:CityModel").removesuffix(">")
    text = (
        f'<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" {inside}>{envelope("EPSG:25832")}'
        f"<wfs:member>{house(1)}</wfs:member><wfs:member>{house(2)}</wfs:member></wfs:FeatureCollection>"
    )
    model = read_bytes(text.encode())
    assert model.object_ids == ("house-1", "house-2")
    assert model.source.version == "2.0"
    assert citygml.probe(path=tmp_path / "city.gml") == 0.8


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        (b"", DamagedFileError, "empty"),
        (b"\0" * 1000, UnsupportedFormatError, "not XML"),
        (b"PK\3\4" + b"\0" * 100, UnsupportedFormatError, "not XML"),
        (b"<html><body>404</body></html>", UnsupportedFormatError, "not CityGML.*“html”"),
        (b"<CityModel/>", DamagedFileError, "no city objects"),
        (start_of().encode() + b"</core:CityModel>", DamagedFileError, "no city objects"),
    ],
)
def test_a_file_that_gives_nothing_is_refused_in_one_sentence(read_bytes, content: bytes, error, problem: str) -> None:
    with pytest.raises(error, match=problem):
        read_bytes(content)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert citygml.probe(path=tmp_path / "none.gml") == 0.0
    with pytest.raises(ReadError, match="no such file"):
        citygml.read(path=tmp_path / "none.gml", feedback=Silent())


# --- while it is read -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 8 MB, with one object that has a third of all surfaces."""
    path = tmp_path_factory.mktemp("town") / "town.gml"
    palace = building(wall(held(*(polygon(square(500_000.0 + i)) for i in range(8000)))), id="palace")
    path.write_text(city(*map(house, range(2500)), palace))
    return path


def test_progress_grows_and_the_reader_asks_often_whether_to_stop(large_town: Path) -> None:
    listener = Listener()
    citygml.read(path=large_town, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    assert 0 < listener.fractions[0] < 0.1
    assert len(listener.fractions) > 10
    pauses = sorted(after - before for before, after in zip(listener.asked_at, listener.asked_at[1:], strict=False))
    assert pauses[len(pauses) * 9 // 10] < 0.1


@pytest.mark.parametrize("times", [1, 10, 30])
def test_reading_stops_when_it_is_told_to(large_town: Path, times: int) -> None:
    with pytest.raises(Cancelled):
        citygml.read(path=large_town, feedback=StopsAfter(times))
