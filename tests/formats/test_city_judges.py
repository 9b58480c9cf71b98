"""Every real file of a city model, as the program reads it, against others' counts: lxml and JSON alone, GDAL, cjio."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
from lxml import etree
from pyogrio.errors import DataSourceError, GeometryError

from tests.conftest import ROOT
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.city_parts import GEOMETRY_TYPES
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

pytestmark = pytest.mark.data

Reading = Callable[[Path], CityModel]
NO_SURFACES = [GEOMETRY_TYPES.index(name) for name in ("MultiPoint", "MultiLineString")]


@pytest.fixture(scope="module")
def read() -> Iterator[Reading]:
    """Give the way in which the program reads a file; one that was read is not read again."""
    known: dict[Path, CityModel] = {}
    pool = WorkerPool(size=1)
    sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)

    def read_once(path: Path) -> CityModel:
        if path not in known:
            reader = sources.reader_for(path, Silent())
            (model,) = sources.read(sources.request(path, reader), reader, Silent()).layers
            assert isinstance(model, CityModel)
            known[path] = model
        return known[path]

    yield read_once
    pool.close()


def files_in(folder: Path) -> list[Path]:
    suffixes = (".gml", ".xml", ".citygml", ".json", ".jsonl")
    return [path for path in sorted(folder.rglob("*")) if path.suffix in suffixes]


def by_type(model: CityModel) -> Counter[str]:
    return Counter(model.type_names[number] for number in model.object_type)


def is_polygon(model: CityModel) -> np.ndarray:
    """(s,) whether each row among the surfaces is one, not a curve or a set of points."""
    if model.geometries is None:
        return np.ones(len(model.surface_object), bool)
    of_surface = model.geometries.surface_geometry
    types = np.append(model.geometries.type, -1)[of_surface]
    return ~np.isin(types, NO_SURFACES)


# --- CityGML ----------------------------------------------------------------------------------------------------

CLASSES = re.findall(r"\w+", """
    Building BuildingPart Room BuildingInstallation IntBuildingInstallation BuildingFurniture
    BuildingConstructiveElement BuildingRoom BuildingUnit Storey
    Bridge BridgePart BridgeConstructionElement BridgeConstructiveElement BridgeInstallation IntBridgeInstallation
    BridgeRoom BridgeFurniture
    Tunnel TunnelPart TunnelInstallation IntTunnelInstallation HollowSpace TunnelFurniture TunnelConstructiveElement
    OtherConstruction Road Railway Square Track Waterway TransportationComplex TrafficSpace AuxiliaryTrafficSpace
    ClearanceSpace Section Intersection Hole
    SolitaryVegetationObject PlantCover WaterBody ReliefFeature TINRelief MassPointRelief BreaklineRelief RasterRelief
    LandUse CityFurniture CityObjectGroup GenericCityObject GenericOccupiedSpace GenericUnoccupiedSpace
    GenericLogicalSpace""")  # fmt: skip
"""City objects of CityGML 1.0 (OGC 08-007r1), 2.0 (12-019) and 3.0 (20-010)."""
UNTIL_2 = ("TrafficArea", "AuxiliaryTrafficArea")
"""Objects of their own in 1.0 and 2.0, thematic surfaces in 3.0."""
TYPES_OF_EXTENSIONS = {"Zone"}
SURFACES = ("Polygon", "PolygonPatch", "Triangle", "Rectangle")
LATITUDE_FIRST = "EPSG/0/6697"
SHAPES = "relativeGMLGeometry"


def count(tree: Any, *names: str) -> Counter[str]:
    """Return how many elements of a name there are, in whatever namespace."""
    found = Counter(etree.QName(element).localname for element in tree.iter(etree.Element))
    return Counter({name: number for name, number in found.items() if name in names})


def test_city_objects_are_as_many_as_their_elements(city_data: Path, read: Reading) -> None:
    for path in files_in(city_data / "citygml"):
        model, tree = read(path), etree.parse(path)
        names = CLASSES if model.source.version == "3.0" else [*CLASSES, *UNTIL_2]
        found = by_type(model)
        assert set(found) <= {*names, *TYPES_OF_EXTENSIONS}, path
        assert found == count(tree, *names, *set(found).difference(names)), path


def test_surfaces_are_as_many_as_their_elements(city_data: Path, read: Reading) -> None:
    for path in files_in(city_data / "citygml"):
        tree = etree.parse(path)
        if not count(tree, SHAPES):
            assert is_polygon(read(path)).sum() == count(tree, *SURFACES).total(), path


def test_the_extent_is_that_of_all_coordinates(city_data: Path, read: Reading) -> None:
    for path in files_in(city_data / "citygml"):
        tree = etree.parse(path)
        if count(tree, SHAPES):
            continue
        texts = tree.xpath("//*[local-name()='posList' or local-name()='pos']/text()")
        coordinates = np.array(" ".join(texts).split(), float).reshape(-1, 3)
        if any(LATITUDE_FIRST in name for name in tree.xpath("//@srsName")):
            coordinates = coordinates[:, [1, 0, 2]]
        extent = read(path).extent
        assert extent is not None
        expected = (*coordinates.min(axis=0), *coordinates.max(axis=0))
        assert extent.as_tuple() == pytest.approx(expected, abs=1e-9, rel=1e-15), path


def test_gdal_finds_the_same_features(city_data: Path, read: Reading, tmp_path: Path) -> None:
    """GDAL's GML driver gives up on solids and terrain; of the rest it counts the members of the city."""
    checked = 0
    for number, path in enumerate(files_in(city_data / "citygml")):
        copy = tmp_path / f"{number}.gml"  # it writes beside the file, and goes by the name
        shutil.copy(path, copy)
        try:
            layers = [name for name, _ in pyogrio.list_layers(copy) if name != "Appearance"]
            found = {name: pyogrio.read_info(copy, layer=name, force_feature_count=True)["features"] for name in layers}
        except (GeometryError, DataSourceError):
            continue
        for name, features in found.items():
            assert by_type(read(path))[name] == features, path
            checked += 1
    assert checked > 10


# --- CityJSON ---------------------------------------------------------------------------------------------------


class Document:
    """What a CityJSON file says, counted in the plainest way."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        parts = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]
        transform = parts[0].get("transform", {"scale": [1, 1, 1], "translate": [0, 0, 0]})
        templates = parts[0].get("geometry-templates", {"templates": [], "vertices-templates": []})
        self.types: Counter[str] = Counter()
        self.surfaces: Counter[str] = Counter()
        self.lods: set[str] = set()
        points: list[np.ndarray] = []
        for part in parts:
            vertices = np.array(part.get("vertices") or np.empty((0, 3)), float)
            vertices = vertices * transform["scale"] + transform["translate"]
            for name, object_ in part["CityObjects"].items():
                self.types[object_["type"].removeprefix("+")] += 1
                for geometry in object_.get("geometry") or ():
                    shape = geometry
                    if geometry["type"] == "GeometryInstance":
                        matrix = np.array(geometry["transformationMatrix"], float).reshape(4, 4)
                        shape = templates["templates"][geometry["template"]]
                        corners = np.array(templates["vertices-templates"], float)[_indices(shape["boundaries"])]
                        anchor = vertices[geometry["boundaries"][0]]
                        points.append(corners @ matrix[:3, :3].T + matrix[:3, 3] + anchor)
                    else:
                        points.append(vertices[_indices(geometry["boundaries"])])
                    self.surfaces[name] += _surfaces(shape["type"], shape["boundaries"])
                    self.lods.add(str(shape["lod"]))
        whole = np.concatenate(points) if points else np.empty((0, 3))
        self.extent = None if not len(whole) else (*whole.min(axis=0), *whole.max(axis=0))


def _indices(boundaries: Any) -> list[int]:
    if isinstance(boundaries, int):
        return [boundaries]
    return [index for part in boundaries for index in _indices(part)]


def _surfaces(type: str, boundaries: Any) -> int:
    depth = {"MultiPoint": -1, "MultiLineString": -1, "MultiSurface": 0, "CompositeSurface": 0, "Solid": 1}.get(type, 2)
    if depth < 0:
        return 0
    return (
        len(boundaries) if depth == 0 else sum(_surfaces({1: "MultiSurface", 2: "Solid"}[depth], b) for b in boundaries)
    )


def test_what_is_in_cityjson_is_what_plain_json_says(city_data: Path, read: Reading) -> None:
    for path in files_in(city_data / "cityjson"):
        model, document = read(path), Document(path)
        assert by_type(model) == document.types, path
        own = model.surface_object[is_polygon(model)]
        assert Counter(model.object_ids[row] for row in own) == +document.surfaces, path
        assert set(model.lods) == {lod.removesuffix(".0") if lod in ("1.0", "2.0") else lod for lod in document.lods}, (
            path
        )
        if document.extent is None:
            assert model.extent is None
        else:
            assert model.extent is not None
            assert model.extent.as_tuple() == pytest.approx(document.extent, abs=1e-9, rel=1e-14), path


def test_cjio_finds_the_same_objects(city_data: Path, read: Reading) -> None:
    """It refuses versions before 1.1, and reference systems of other spellings; of the rest it lists the types."""
    cjio = Path(sys.executable).parent / "cjio"
    checked = 0
    for path in files_in(city_data / "cityjson"):
        is_sequence = path.suffix == ".jsonl"
        done = subprocess.run(
            [cjio, "stdin" if is_sequence else path, "info"],
            input=path.read_text(encoding="utf-8") if is_sequence else None,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        if done.returncode == 0 and "=== CityObjects ===" in done.stdout:
            listed = re.findall(r"\|-- \+?(\w+) \((\d+)\)", done.stdout)
            assert by_type(read(path)) == {name: int(number) for name, number in listed}, path
            checked += 1
    assert checked > 8
