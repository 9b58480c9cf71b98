"""CityGML's attributes as typed columns: standard, generic and those of extensions, in all versions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.formats.small_citygml import building, city
from twinviewer.model.attributes import AttributeType
from twinviewer.model.layer_data import CityModel


def of_first(model: CityModel) -> dict[str, tuple[AttributeType, Any, str | None]]:
    """Type, value and unit of the attributes that the first object has."""
    return {
        column.name: (column.type, column.value(0), column.unit) for column in model.attributes if column.present[0]
    }


def values(model: CityModel) -> dict[str, list[Any]]:
    return {column.name: [column.value(row) for row in range(len(model.object_ids))] for column in model.attributes}


def codes(model: CityModel) -> set[str]:
    return {finding.code for finding in model.diagnostics if finding.code != "geometry.none"}


TEXT, INTEGER, DOUBLE, DATE = AttributeType.STRING, AttributeType.INTEGER, AttributeType.DOUBLE, AttributeType.DATE


def test_standard_attributes_have_the_types_of_the_schema(read_text) -> None:
    model = read_text(
        city(
            building(
                "<gml:description>A house\n   by the river</gml:description><gml:name>Mill</gml:name>"
                "<core:creationDate>2019-05-01</core:creationDate>"
                '<bldg:class codeSpace="http://codes/class.xml">1000</bldg:class><bldg:function>1010</bldg:function>'
                "<bldg:function>1020</bldg:function><bldg:usage>31001_1000</bldg:usage>"
                "<bldg:yearOfConstruction>1785</bldg:yearOfConstruction><bldg:roofType>1030</bldg:roofType>"
                '<bldg:measuredHeight uom="urn:adv:uom:m">12.50</bldg:measuredHeight>'
                "<bldg:storeysAboveGround>3</bldg:storeysAboveGround>"
                '<bldg:storeyHeightsAboveGround uom="#m">3.5 3.0 3.0</bldg:storeyHeightsAboveGround>'
            )
        )
    )
    assert of_first(model) == {
        "description": (TEXT, "A house by the river", None),
        "name": (TEXT, "Mill", None),
        "creationDate": (DATE, "2019-05-01", None),
        "class": (TEXT, "1000", None),
        "function": (TEXT, "1010, 1020", None),
        "usage": (TEXT, "31001_1000", None),
        "yearOfConstruction": (INTEGER, 1785, None),
        "roofType": (TEXT, "1030", None),
        "measuredHeight": (DOUBLE, 12.5, "m"),
        "storeysAboveGround": (INTEGER, 3, None),
        "storeyHeightsAboveGround": (TEXT, "3.5 3.0 3.0", "m"),
    }
    assert codes(model) == set()


GENERIC_2 = "".join(
    f'<gen:{type}Attribute name="{type}"><gen:value {unit}>{value}</gen:value></gen:{type}Attribute>'
    for type, value, unit in (
        ("string", "wood", ""),
        ("int", "7", ""),
        ("double", "0.25", ""),
        ("date", "2020-02-29", ""),
        ("uri", "http://example.org/?a=1&amp;b=2", ""),
        ("measure", "1.5", 'uom="kWh/m2"'),
    )
)
GENERIC_3 = "".join(
    f"<core:genericAttribute><gen:{type}Attribute><gen:name>{type.lower()}</gen:name>"
    f"<gen:value {unit}>{value}</gen:value></gen:{type}Attribute></core:genericAttribute>"
    for type, value, unit in (
        ("String", "wood", ""),
        ("Int", "7", ""),
        ("Double", "0.25", ""),
        ("Date", "2020-02-29", ""),
        ("Uri", "http://example.org/?a=1&amp;b=2", ""),
        ("Measure", "1.5", 'uom="kWh/m2"'),
    )
)


@pytest.mark.parametrize(
    ("version", "text"), [("1.0", GENERIC_2), ("2.0", GENERIC_2), ("3.0", GENERIC_3)], ids=["1.0", "2.0", "3.0"]
)
def test_generic_attributes_have_the_types_of_their_elements(read_text, version: str, text: str) -> None:
    assert of_first(read_text(city(building(text), version=version))) == {
        "string": (TEXT, "wood", None),
        "int": (INTEGER, 7, None),
        "double": (DOUBLE, 0.25, None),
        "date": (DATE, "2020-02-29", None),
        "uri": (TEXT, "http://example.org/?a=1&b=2", None),
        "measure": (DOUBLE, 1.5, "kWh/m2"),
    }


SET_2 = (
    '<gen:genericAttributeSet name="flood"><gen:stringAttribute name="rank"><gen:value>2</gen:value>'
    '</gen:stringAttribute><gen:genericAttributeSet name="deep"><gen:measureAttribute name="depth">'
    '<gen:value uom="m">0.6</gen:value></gen:measureAttribute></gen:genericAttributeSet></gen:genericAttributeSet>'
)
SET_3 = (
    "<core:genericAttribute><gen:GenericAttributeSet><gen:name>flood</gen:name><gen:genericAttribute>"
    "<gen:StringAttribute><gen:name>rank</gen:name><gen:value>2</gen:value></gen:StringAttribute></gen:genericAttribute>"
    "<gen:genericAttribute><gen:GenericAttributeSet><gen:name>deep</gen:name><gen:genericAttribute>"
    '<gen:MeasureAttribute><gen:name>depth</gen:name><gen:value uom="m">0.6</gen:value></gen:MeasureAttribute>'
    "</gen:genericAttribute></gen:GenericAttributeSet></gen:genericAttribute></gen:GenericAttributeSet>"
    "</core:genericAttribute>"
)


@pytest.mark.parametrize(("version", "text"), [("2.0", SET_2), ("3.0", SET_3)], ids=["2.0", "3.0"])
def test_sets_of_generic_attributes_give_their_name_to_those_in_them(read_text, version: str, text: str) -> None:
    model = read_text(city(building(text), version=version))
    assert of_first(model) == {"flood.rank": (TEXT, "2", None), "flood.deep.depth": (DOUBLE, 0.6, "m")}


ADDRESS_2 = (
    "<bldg:address><core:Address><core:xalAddress><xAL:AddressDetails><xAL:Country><xAL:CountryName>Germany"
    '</xAL:CountryName><xAL:Locality Type="Town"><xAL:LocalityName>Altstadt</xAL:LocalityName>'
    '<xAL:Thoroughfare Type="Street">'
    "<xAL:ThoroughfareNumber>12a</xAL:ThoroughfareNumber><xAL:ThoroughfareName>Mühlweg</xAL:ThoroughfareName>"
    "</xAL:Thoroughfare><xAL:PostalCode><xAL:PostalCodeNumber>01234</xAL:PostalCodeNumber></xAL:PostalCode>"
    "</xAL:Locality>"
    "</xAL:Country></xAL:AddressDetails></core:xalAddress><core:multiPoint><gml:MultiPoint><gml:pointMember><gml:Point>"
    "<gml:pos>1 2 3</gml:pos></gml:Point></gml:pointMember></gml:MultiPoint></core:multiPoint></core:Address>"
    "</bldg:address>"
)
ADDRESS_3 = (
    "<con:address><core:Address><core:xalAddress><xAL:Address><xAL:Country><xAL:NameElement>Germany</xAL:NameElement>"
    "</xAL:Country><xAL:Locality><xAL:NameElement>Altstadt</xAL:NameElement></xAL:Locality><xAL:Thoroughfare>"
    "<xAL:NameElement>Mühlweg</xAL:NameElement><xAL:Number>12a</xAL:Number></xAL:Thoroughfare><xAL:PostCode>"
    "<xAL:Identifier>01234</xAL:Identifier></xAL:PostCode></xAL:Address></core:xalAddress></core:Address></con:address>"
)


@pytest.mark.parametrize(
    ("version", "text", "post_code"),
    [("2.0", ADDRESS_2, "PostalCodeNumber"), ("3.0", ADDRESS_3, "PostCode")],
    ids=["xAL 2", "xAL 3"],
)
def test_addresses_are_attributes_of_their_building(read_text, version: str, text: str, post_code: str) -> None:
    model = read_text(city(building(text), version=version))
    assert {name: value for name, (_, value, _) in of_first(model).items()} == {
        "address.CountryName": "Germany",
        "address.LocalityName": "Altstadt",
        "address.ThoroughfareName": "Mühlweg",
        "address.ThoroughfareNumber": "12a",
        f"address.{post_code}": "01234",
    }
    assert codes(model) == set()


def test_references_to_registers_are_kept(read_text) -> None:
    reference = (
        "<core:externalReference><core:informationSystem>http://alkis</core:informationSystem><core:externalObject>"
        "<core:name>DENW1</core:name></core:externalObject></core:externalReference>"
    )
    assert values(read_text(city(building(reference)))) == {
        "externalReference.informationSystem": ["http://alkis"],
        "externalReference.externalObject.name": ["DENW1"],
    }


def test_attributes_of_extensions_are_attributes(read_text) -> None:
    details = (
        '<uro:buildingDetailAttribute xmlns:uro="urn:uro"><uro:BuildingDetailAttribute>'
        '<uro:totalFloorArea uom="m2">120.5</uro:totalFloorArea>'
        '<uro:prefecture codeSpace="../a.xml">01</uro:prefecture>'
        "</uro:BuildingDetailAttribute></uro:buildingDetailAttribute>"
    )
    in_hook = f"<bldg:adeOfBuilding>{details}</bldg:adeOfBuilding>"
    plain = '<x:heated xmlns:x="urn:x">true</x:heated>'
    expected = {
        "buildingDetailAttribute.totalFloorArea": (DOUBLE, 120.5, "m2"),
        "buildingDetailAttribute.prefecture": (TEXT, "01", None),
        "heated": (TEXT, "true", None),
    }
    assert of_first(read_text(city(building(details + plain)))) == expected
    assert of_first(read_text(city(building(in_hook + plain)))) == expected


def test_heights_of_3_are_nested_attributes(read_text) -> None:
    height = (
        "<con:height><con:Height><con:highReference>highestRoofEdge</con:highReference><con:status>measured</con:status>"
        '<con:value uom="m">9.5</con:value></con:Height></con:height>'
    )
    assert of_first(read_text(city(building(height), version="3.0"))) == {
        "height.highReference": (TEXT, "highestRoofEdge", None),
        "height.status": (TEXT, "measured", None),
        "height.value": (DOUBLE, 9.5, "m"),
    }


def test_objects_without_an_attribute_have_none_of_it(read_text) -> None:
    model = read_text(
        city(
            building("<bldg:yearOfConstruction>1900</bldg:yearOfConstruction>", id="a"),
            building("<bldg:yearOfConstruction/><bldg:function> </bldg:function>", id="b"),
            building("<bldg:yearOfConstruction>1950-06-01</bldg:yearOfConstruction>", id="c"),
        )
    )
    assert values(model) == {"yearOfConstruction": [1900, None, 1950]}


def test_a_value_that_is_not_of_its_type_is_left_out_and_told(read_text) -> None:
    number = '<gen:intAttribute name="n"><gen:value>{}</gen:value></gen:intAttribute>'
    model = read_text(city(building(number.format("seven"), id="a"), building(number.format("8"), id="b")))
    assert values(model) == {"n": [None, 8]}
    (finding,) = (finding for finding in model.diagnostics if finding.code == "attribute.not-of-its-type")
    assert (finding.where, finding.count) == ("a: “seven”", 1)


def test_an_attribute_of_several_types_or_units_is_kept(read_text) -> None:
    model = read_text(
        city(
            building('<gen:intAttribute name="n"><gen:value>7</gen:value></gen:intAttribute>', id="a"),
            building('<gen:doubleAttribute name="n"><gen:value>7.5</gen:value></gen:doubleAttribute>', id="b"),
            building('<bldg:measuredHeight uom="m">3</bldg:measuredHeight>', id="c"),
            building('<bldg:measuredHeight uom="ft">10</bldg:measuredHeight>', id="d"),
        )
    )
    by_name = {column.name: column for column in model.attributes}
    assert (by_name["n"].type, by_name["measuredHeight"].unit) == (DOUBLE, None)
    assert values(model)["n"] == [7.0, 7.5, None, None]
    assert "attribute.units-differ" in codes(model)


def test_surfaces_have_attributes_of_their_own(read_text) -> None:
    slope = '<gen:doubleAttribute name="slope"><gen:value>35</gen:value></gen:doubleAttribute>'
    surface = f'<bldg:RoofSurface gml:id="roof"><gml:name>Roof 1</gml:name>{slope}</bldg:RoofSurface>'
    model = read_text(city(building(f"<bldg:boundedBy>{surface}</bldg:boundedBy>")))
    assert codes(model) == set()
    assert model.attributes == ()
    assert model.thematic is not None
    assert model.thematic.ids == ("roof",)
    by_name = {column.name: (column.type, column.value(0)) for column in model.thematic.attributes}
    assert by_name == {"name": (TEXT, "Roof 1"), "slope": (DOUBLE, 35.0)}


def test_each_part_has_its_own_attributes(read_text) -> None:
    part = (
        '<bldg:consistsOfBuildingPart><bldg:BuildingPart gml:id="part"><bldg:roofType>3100</bldg:roofType>'
        "</bldg:BuildingPart></bldg:consistsOfBuildingPart>"
    )
    model = read_text(city(building(f"<bldg:roofType>1000</bldg:roofType>{part}")))
    assert values(model) == {"roofType": ["1000", "3100"]}
