"""CityGML in pieces: what is scanned by compiled code is what libxml2 reads, and files are cut where they may be."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.damage import cut, mutated
from tests.formats.small_citygml import building, city, cube, held, polygon, start_of, wall
from twinviewer.formats.citygml import cutting, pieces
from twinviewer.formats.citygml.elements import Elements, pieces_of
from twinviewer.formats.citygml.pieces import positions
from twinviewer.formats.citygml.stream import members
from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import ReadError
from twinviewer.model.feedback import Silent

Row = tuple[str, int, int, int, str, tuple[tuple[str, str], ...]]
"""Name, parent, end, depth, text and attributes of an element."""


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files have many pieces, as large ones do."""
    pieces.make_ready()
    monkeypatch.setattr(cutting, "_LEAST", 700)


def rows_of(elements: Elements, first: int) -> Iterator[Row]:
    attributes: dict[int, list[tuple[str, str]]] = {}
    values = elements.values(np.arange(len(elements.attribute_name)))
    for element, name, value in zip(elements.attribute_element, elements.attribute_name, values, strict=True):
        attributes.setdefault(int(element), []).append((elements.names[name], value))
    texts = elements.texts(np.arange(len(elements.name)))
    for row, text in enumerate(texts):
        parent = int(elements.parent[row])
        yield (
            elements.names[elements.name[row]],
            parent + first if parent >= 0 else -1,
            int(elements.end[row]) + first,
            int(elements.depth[row]),
            text,
            tuple(attributes.get(row, ())),
        )


def outcome(found: Iterator[Elements], findings: Findings) -> tuple[list[Row], str, tuple[Diagnostic, ...]]:
    """All rows, the error, and what was told."""
    rows: list[Row] = []
    error = ""
    try:
        for elements in found:
            assert len(set(elements.names)) == len(elements.names)
            rows.extend(rows_of(elements, len(rows)))
    except ReadError as raised:
        error = f"{type(raised).__name__}: {raised.problem}"
    return rows, error, findings.diagnostics()


def scanned(path: Path) -> tuple[list[Row], str, tuple[Diagnostic, ...]]:
    findings = Findings()
    return outcome(pieces.pieces(path, feedback=Silent(), findings=findings), findings)


def judged(path: Path) -> tuple[list[Row], str, tuple[Diagnostic, ...]]:
    """The same by libxml2 alone."""
    findings = Findings()
    return outcome(pieces_of(members(path, feedback=Silent(), findings=findings)), findings)


@pytest.fixture
def both_agree(tmp_path: Path):
    """A function that reads a file in both ways, and returns its rows."""

    def read(content: str | bytes) -> list[Row]:
        path = tmp_path / "city.gml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = scanned(path)
        assert found == judged(path)
        return found[0]

    return read


@pytest.fixture
def by_scanner_alone(both_agree, monkeypatch: pytest.MonkeyPatch):
    """The same, where libxml2 must not be needed."""

    def read(content: str | bytes) -> list[Row]:
        monkeypatch.setattr(cutting, "_by_libxml2", lambda *_, **__: pytest.fail("libxml2 was asked"))
        monkeypatch.setattr(cutting, "members", lambda *_, **__: pytest.fail("libxml2 was asked"))
        return both_agree(content)

    return read


def house(number: int) -> str:
    return building("".join(wall(held(polygon(face))) for face in cube(500_000.0 + 20 * number)), id=f"house-{number}")


TOWN = city(*map(house, range(12)))


# --- all files --------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_real_files_are_the_same_in_both_ways(city_data: Path) -> None:
    paths = [
        path for folder in ("citygml", "bad/citygml") for path in (city_data / folder).rglob("*") if path.is_file()
    ]
    read = 0
    for path in paths:
        if path.suffix in (".gml", ".xml", ".citygml"):
            found = scanned(path)
            assert found == judged(path), path.name
            read += bool(found[0])
    assert read > 25


def test_a_town_is_cut_into_many_pieces_and_whole(by_scanner_alone, tmp_path: Path) -> None:
    rows = by_scanner_alone(TOWN)
    assert len(list(pieces.pieces(tmp_path / "city.gml", feedback=Silent(), findings=Findings()))) > 10
    assert sum(row[0].endswith("}Building") for row in rows) == 12
    assert sum(row[0].endswith("}posList") for row in rows) == 12 * 6
    assert {row[1] for row in rows if row[0].endswith("}cityObjectMember")} == {-1}


def test_small_files_are_read_without_the_compiler(tmp_path: Path) -> None:
    path = tmp_path / "city.gml"
    path.write_text(TOWN)
    script = (
        "import sys; from pathlib import Path; from twinviewer.formats import citygml;"
        "from twinviewer.model.feedback import Silent;"
        f"citygml.read(path=Path({str(path)!r}), feedback=Silent()); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# --- what files may hold ----------------------------------------------------------------------------------------

REGULAR = {
    "references": "<gml:name>&lt;&gt;&amp;&quot;&apos;&#228;&#xE4;&#x1F3E0; &#128;</gml:name>",
    "beyond ASCII": "<gml:name>Mühle 市役所 🏠</gml:name>",
    "line ends": "<gml:name>one\r\ntwo\rthree\tfour</gml:name>",
    "attributes": "<gml:name a = 'x\"y'  b=\"x'y\"\n c='1\r\n2\t3' d='&#10;&amp;ä'/>",
    "spaces": "<gml:name  ></gml:name\n><gml:name />",
    "mixed": "<gml:name>before<gml:x>inside</gml:x>behind</gml:name>",
    "comments": "<!-- a <gml:name> --><gml:name><!-- b --> text </gml:name><gml:x><gml:y/><!-- c -->t</gml:x>",
    "a comment that looks like a member": "<!-- <core:cityObjectMember> --><gml:name>x</gml:name>" * 40,
    "a member in a member": "<core:cityObjectMember><bldg:Building/></core:cityObjectMember>" * 40,
    "declared again": '<gml:name xmlns:gml="http://www.opengis.net/gml">x</gml:name>',
    "the language": '<gml:name xml:lang="de">x</gml:name>',
    "brackets": "<gml:name>]] ]></gml:name><gml:name>a > b</gml:name>",
    "deep": "<gml:x>" * 200 + "</gml:x>" * 200,
}


@pytest.mark.parametrize("kind", REGULAR)
def test_what_is_usual_is_scanned(by_scanner_alone, kind: str) -> None:
    by_scanner_alone(city(*map(house, range(4)), building(REGULAR[kind]), *map(house, range(4, 8))))


UNUSUAL = {
    "a section": "<gml:name><![CDATA[</gml:name> & ]]></gml:name>",
    "an instruction": "<?city <gml:name> ?><gml:name>x</gml:name>",
    "a comment in a text": "<gml:name>one<!-- & -->two</gml:name>",
    "a declaration": '<x:a xmlns:x="urn:x" x:b="1"/>',
    "another meaning": '<gml:name xmlns:gml="urn:x">x</gml:name>',
    "another default": '<name xmlns="urn:x"><b/></name>',
    "a name beyond ASCII": "<Straße>x</Straße>",
    "very deep": "<gml:x>" * 400 + "</gml:x>" * 400,
    "many attributes": "<gml:name " + " ".join(f'a{i}=""' for i in range(100)) + "/>",
    "many names": "".join(f"<a{i}/>" for i in range(600)),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_is_unusual_costs_only_its_own_piece(both_agree, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(cutting, "members", lambda *_, **__: pytest.fail("the rest was left to libxml2"))
    rows = both_agree(city(*map(house, range(4)), building(UNUSUAL[kind]), *map(house, range(4, 8))))
    assert sum(row[0].endswith("}Building") for row in rows) == 9


@pytest.mark.parametrize("what", ["<![CDATA[ {} ]]>", "<?city {} ?>"])
def test_what_only_looks_like_a_member_is_none(both_agree, what: str) -> None:
    inside = what.format("<core:cityObjectMember>") * 40
    rows = both_agree(city(*map(house, range(4)), building(f"<gml:name>{inside}</gml:name>"), house(5)))
    assert sum(row[0].endswith("}Building") for row in rows) == 6


DAMAGED = {
    "an end tag of another": "<gml:name></gml:nam>",
    "an end tag that is longer": "<gml:name></gml:names>",
    "an end tag too many": "</gml:name>",
    "no end tag": "<gml:name>",
    "an unknown entity": "<gml:name>&nbsp;</gml:name>",
    "a bare ampersand": "<gml:name>a & b</gml:name>",
    "a reference to nothing": "<gml:name>&#0;&#xFFFF;&#xD800;</gml:name>",
    "a large reference": "<gml:name>&#99999999999999999999;</gml:name>",
    "an attribute twice": '<gml:name a="1" a="2"/>',
    "an attribute twice by its namespace": '<gml:name gml:a="1" g:a="2"/>',
    "an attribute without quotes": "<gml:name a=1/>",
    "an attribute without value": "<gml:name a/>",
    "an attribute without space": '<gml:name a="1"b="2"/>',
    "an attribute with a tag": '<gml:name a="<"/>',
    "an attribute that does not end": '<gml:name a="1/>',
    "a control character": "<gml:name>\x01</gml:name>",
    "the end of a section": "<gml:name>]]></gml:name>",
    "a comment in a comment": "<!-- a -- b -->",
    "a comment that does not end": "<!-- a",
    "a name with a digit first": "<1/>",
    "a name with two colons": "<a:b:c/>",
    "a prefix that nobody declares": "<energy:demand energy:unit='W'>1</energy:demand>",
    "an attribute with such a prefix": "<gml:name energy:unit='W'/>",
    "nothing": "\0",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_told_as_libxml2_tells_it(both_agree, kind: str) -> None:
    text = city(*map(house, range(4)), building(DAMAGED[kind]), *map(house, range(4, 8)))
    rows = both_agree(text.replace("<core:CityModel ", '<core:CityModel xmlns:g="http://www.opengis.net/gml" ', 1))
    assert sum(row[0].endswith("}Building") for row in rows) >= 4


@pytest.mark.parametrize(
    "damage", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4", b"\xef\xbf\xbf", b"\x80"]
)
@pytest.mark.parametrize("place", ["text", "attribute", "comment"])
def test_bytes_that_are_no_text_are_told(both_agree, damage: bytes, place: str) -> None:
    inside = {"text": b"<a>%b</a>", "attribute": b"<a b='%b'/>", "comment": b"<!--%b-->"}[place] % damage
    both_agree(city(*map(house, range(3)), building("HERE"), house(4)).encode().replace(b"HERE", inside))


@pytest.mark.parametrize(
    "prolog",
    [
        "\ufeff",
        '<?xml version="1.0" encoding="utf-8"?>\n<!-- town --> <!-- <core:CityModel> -->\n',
        '<?xml version="1.1"?>',
        '<?xml version="1.0" standalone="yes"?>',
        '<?xml-stylesheet href="x"?>',
        "<!DOCTYPE CityModel>",
        '<?xml version="1.0" encoding="iso-8859-1"?>',
    ],
)
def test_files_begin_in_many_ways(both_agree, prolog: str) -> None:
    assert len(both_agree(prolog + TOWN)) > 100


@pytest.mark.parametrize("end", ["", "\n", "<!-- end -->", "<?end?>", "<a/>", "&", "<core:cityObjectMember>" * 100])
def test_files_end_in_many_ways(both_agree, end: str) -> None:
    assert len(both_agree(TOWN + end)) > 100


def test_what_is_beside_the_members_is_left_out(by_scanner_alone) -> None:
    beside = "<gml:description>x<gml:y a='1'/></gml:description>"
    rows = by_scanner_alone(city(house(1), "").replace("</core:CityModel>", f"{beside}{house(2)}</core:CityModel>"))
    assert not any("description" in row[0] or row[0].endswith("}y") for row in rows)


def test_a_collection_in_one_member_is_whole(by_scanner_alone) -> None:
    inside = "".join(map(house, range(9)))
    rows = by_scanner_alone(f"{start_of()}<gml:featureMembers>{inside}</gml:featureMembers></core:CityModel>")
    assert sum(row[0].endswith("}Building") for row in rows) == 9


def test_names_without_a_prefix_are_of_the_default_namespace(by_scanner_alone) -> None:
    member = '<cityObjectMember a="1"><a/></cityObjectMember>'
    member, inside = by_scanner_alone(f'<CityModel xmlns="http://www.opengis.net/citygml/2.0">{member}</CityModel>')
    assert member[0] == "{http://www.opengis.net/citygml/2.0}cityObjectMember"
    assert member[5] == (("a", "1"),)
    assert inside[0] == "{http://www.opengis.net/citygml/2.0}a"


@pytest.mark.parametrize("number", range(300))
def test_damaged_files_are_the_same_in_both_ways(both_agree, number: int) -> None:
    both_agree(mutated(TOWN.encode(), number))


@pytest.mark.parametrize("number", range(20))
def test_files_that_are_cut_off_are_the_same_in_both_ways(both_agree, number: int) -> None:
    both_agree(cut(TOWN.encode(), number))


bits = ["a", " ", "\n", "\r", "\t", "ä", "🏠", "]", ">", "&amp;", "&#13;", "&", "<", '"', "'", "\x01", ";"]
texts = st.lists(st.sampled_from(bits), max_size=6).map("".join)
keys = ["a", "b", "gml:id", "core:a", "xml:lang", "xmlns:gml", "x:y", "ä"]
attributes = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "gml:id", "core:a", "xml:lang", "xmlns:gml", "x:y", "ä"]), texts, st.booleans()
    ),
    max_size=3,
)


def markup(name: str, attributes: list[tuple[str, str, bool]], before: str, inside: list[str], end: str) -> str:
    pairs = "".join(f" {key}='{value}'" if single else f' {key}="{value}"' for key, value, single in attributes)
    return f"<{name}{pairs}>{before}{''.join(inside)}</{end or name}>"


names = st.sampled_from(["a", "gml:name", "core:cityObjectMember", "gml:posList", "x:a", "ä"])
elements = st.recursive(
    st.one_of(
        texts,
        st.sampled_from(["<!-- a -->", "<!---->", "<![CDATA[<]]>", "<?a b?>", "<a/>", "<gml:b c='1' />"]),
    ),
    lambda inside: st.builds(
        markup, names, attributes, texts, st.lists(inside, max_size=4), st.sampled_from(["", "", "", "", "", "a"])
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(elements, max_size=5))
def test_whatever_is_in_a_file_is_the_same_in_both_ways(tmp_path_factory, inside: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "city.gml"
    text = city(house(1), *(building(each) for each in inside), *inside, house(2))
    path.write_bytes(text.encode())
    assert scanned(path) == judged(path)


# --- numbers ----------------------------------------------------------------------------------------------------


def parsed(*texts: str) -> tuple[list[float], list[int]]:
    """The numbers in texts, and how many each has."""
    content = bytearray()
    starts, ends = [], []
    for text in texts:
        starts.append(len(content))
        content += text.encode()
        ends.append(len(content))
    count = len(texts)
    rows = np.arange(count, dtype=np.int32)
    elements = Elements(
        content=np.frombuffer(content + b"<", np.uint8),
        names=("posList",),
        name=np.zeros(count, np.int32),
        parent=np.full(count, -1, np.int32),
        end=rows + 1,
        depth=np.zeros(count, np.int32),
        text_start=np.array(starts, np.int64),
        text_end=np.array(ends, np.int64),
        attribute_element=np.empty(0, np.int32),
        attribute_name=np.empty(0, np.int32),
        attribute_start=np.empty(0, np.int64),
        attribute_end=np.empty(0, np.int64),
    )
    numbers, counts = positions(elements, rows)
    return numbers.tolist(), counts.tolist()


def test_texts_that_are_not_numbers_are_named() -> None:
    numbers, counts = parsed("1 2\n3", "", "4 x 5", " +6.5e0\t-.5 7. ", "1,5", "8", "1e", ".", "-", "0x1", "1e5.0")
    assert numbers == [1, 2, 3, 6.5, -0.5, 7, 8]
    assert counts == [3, 0, -1, 3, -1, 1, -1, -1, -1, -1, -1]


def test_what_python_alone_reads_comes_in_its_place() -> None:
    numbers, counts = parsed("1", "2 1_0", "3", "inf", "1e300 4", "123456789012345678901 5", "6", "7&#32;8", "٣")
    assert numbers == [1, 2, 10, 3, math.inf, 1e300, 4, 123456789012345678901.0, 5, 6, 7, 8, 3]
    assert counts == [1, 2, 1, 1, 2, 2, 1, 2, 1]


@settings(max_examples=2000, deadline=None)
@given(
    st.one_of(
        st.floats(allow_nan=False).map(repr),
        st.from_regex(r"[+-]?[0-9]{0,22}(\.[0-9]{0,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
        st.integers(2**52, 2**53).map(lambda m: f"{2 * m + 1}"),  # halfway between two floats
        st.integers(2**52, 2**53).map(lambda m: f"{5 * (2 * m + 1)}e-1"),
        st.integers(0, 2**64).map(lambda m: f"{m}e-{m % 28}"),
    )
)
def test_numbers_are_those_of_python_to_the_last_bit(text: str) -> None:
    numbers, counts = parsed(text)
    try:
        number = [float(part) for part in text.split()]
    except ValueError:
        assert counts == [-1]
        return
    assert counts == [len(number)]
    assert np.array(numbers).view(np.int64).tolist() == np.array(number).view(np.int64).tolist()
