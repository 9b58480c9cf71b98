"""``info --json`` agrees with the counts of the real data's README, on every file of the supported formats.

Those counts were made with other tools (lxml alone, laspy, GDAL, trimesh).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.data

SECTIONS = ("citygml/", "cityjson/", "las/", "laz/", "copc/", "gpkg/", "geojson/", "shp/", "fgb/", "geotiff/", "mesh/")
FAILS = {
    "mesh/railway/GMLID_0632464_192141_968.gltf": "glTF 1",
}
"""Files that are not supported, and what the sentence about them says."""
OTHER_BOUNDS = {
    "citygml/1.0/geores-textured/geoRES_testdata_v1.0.0.xml": "the README's box holds templates, which lie nowhere",
    "citygml/2.0/plateau/53392565_gen_6697.gml": "the README's box holds points and lines too, which are not drawn",
    "las/simple1_3.las": "the README's box is of unscaled numbers",
    "las/no-points.las": "nothing has no box",
    "cityjson/2.0/dummy.json": "the README's box leaves out the instance of a template",
    "cityjson/2.0/geomtemplate_2.json": "the README's box is of the anchor alone",
}
_TYPE = re.compile(r"(\d+) ([A-Z]\w+)")


@dataclass(frozen=True)
class Entry:
    path: str
    content: str
    """The column "Verified content"."""

    def number(self, pattern: str) -> int | None:
        found = re.search(pattern, self.content)
        return int(found[1]) if found else None

    @property
    def bounds(self) -> list[list[str]]:
        """The numbers of the boxes that the README gives, as written: of one layer as two corners or one list."""
        return [corner.split(", ") for corner in re.findall(r"\[([-\d., ]+)\]", self.content.partition("bounds")[2])]


def entries(city_data: Path) -> dict[str, Entry]:
    rows = (line.split(" | ") for line in (city_data / "README.md").read_text(encoding="utf-8").splitlines())
    found = (
        Entry(path=row[0].strip("| `"), content=row[3]) for row in rows if len(row) > 5 and row[0].startswith("| `")
    )
    return {entry.path: entry for entry in found if entry.path.startswith(SECTIONS)}


@pytest.fixture(scope="module")
def readme(city_data: Path) -> dict[str, Entry]:
    return entries(city_data)


@pytest.fixture(scope="module")
def told(city_data: Path, readme: dict[str, Entry]) -> tuple[dict[str, dict[str, Any]], str]:
    """What info says of all files, by path, and what it says on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "twinviewer", "info", "--json", *(str(city_data / path) for path in readme)],
        capture_output=True,
        text=True,
        timeout=170,
        cwd=ROOT,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(Path(each["path"]).relative_to(city_data)): each for each in found}, done.stderr


def test_every_file_is_described_or_refused_in_one_sentence(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    described, errors = told
    assert set(described) == set(readme)
    failed = {path for path, found in described.items() if "error" in found}
    assert failed == set(FAILS)
    assert len(errors.splitlines()) == len(FAILS)
    for path, words in FAILS.items():
        assert words in described[path]["error"]["problem"]


def test_every_object_is_as_the_schema_demands(told: tuple[dict[str, dict[str, Any]], str]) -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "info.schema.json").read_bytes())
    validator = jsonschema.Draft202012Validator(schema)
    for found in told[0].values():
        validator.validate(found)


def test_points_and_features_are_as_many_as_the_readme_says(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    checked = 0
    for path, entry in readme.items():
        counts = told[0][path].get("counts", {})
        points = entry.number(r"(\d+) points")
        if points is not None:
            assert counts["points"] == points, path
            assert sum(counts["by_class"].values()) == points, path
            classes = re.search(r"classes ([\d,]+)", entry.content)
            assert points == 0 or (classes is not None and ",".join(counts["by_class"]) == classes[1]), path
        layers = [int(count) for count in re.findall(r"`[^`]+`: (\d+) ×", entry.content)]
        if layers:
            assert counts["features"] == sum(layers), path
            found = told[0][path]["layers"]
            assert [layer["counts"]["features"] for layer in found] == (layers if len(layers) > 1 else []), path
        checked += points is not None or bool(layers)
    assert checked > 25


def test_grids_and_meshes_are_as_large_as_the_readme_says(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    checked = 0
    for path, entry in readme.items():
        counts = told[0][path].get("counts", {})
        size = re.match(r"(\d+)×(\d+)×(\d+)", entry.content)
        if size:
            assert [counts["width"], counts["height"]] == [int(size[1]), int(size[2])], path
            assert counts.get("bands", 1) == int(size[3]), path
        faces = entry.number(r"(\d+) faces")
        if faces is not None:
            assert counts["triangles"] == faces, path
        checked += size is not None or faces is not None
    assert checked == 10


def test_city_objects_are_as_many_as_the_readme_says(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    """The README counts the objects at the top of CityGML files, and all of them in CityJSON, the commonest six."""
    checked = 0
    for path, entry in readme.items():
        if not path.startswith(("citygml/", "cityjson/")):
            continue
        by_type = told[0][path]["counts"]["by_type"]
        listed = next(part for part in entry.content.split("; ")[1:] if _TYPE.search(part))
        for number, name in _TYPE.findall(listed):
            assert by_type[name] == int(number), (path, name)
        checked += 1
    assert checked > 40


def test_levels_of_detail_are_those_of_the_readme(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    for path, entry in readme.items():
        lods = re.search(r"LoD ([\d./]+);", entry.content) or re.search(r"LoD ([\d./]+)$", entry.content)
        if lods and path.startswith("cityjson/") and path not in OTHER_BOUNDS:
            assert "/".join(told[0][path]["lods"]) == lods[1], path


def test_polygons_are_as_many_as_the_readme_says(
    told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]
) -> None:
    checked = 0
    for path, entry in readme.items():
        polygons = entry.number(r"(\d+) polygons")
        if polygons is None or not path.startswith("citygml/") or "implicit" in entry.content:
            continue
        triangles = entry.number(r"; (\d+) triangles") or 0
        assert told[0][path]["counts"]["surfaces"] == polygons + triangles, path
        checked += 1
    assert checked > 20


def test_extents_are_those_of_the_readme(told: tuple[dict[str, dict[str, Any]], str], readme: dict[str, Entry]) -> None:
    checked = 0
    for path, entry in readme.items():
        corners = entry.bounds
        if path in FAILS or path in OTHER_BOUNDS or not corners or told[0][path]["layers"]:
            continue
        if len(corners) == 1:
            left, bottom, right, top = corners[0]
            corners = [[left, min(bottom, top, key=float)], [right, max(bottom, top, key=float)]]
        if path.startswith("citygml/") and "6697" in path:  # latitude first in the file; east is always x here
            corners = [[y, x, *z] for x, y, *z in corners]
        extent = told[0][path]["extent"]
        for numbers, corner in zip((extent[:3], extent[3:]), corners, strict=True):
            for number, text in zip(numbers, corner, strict=False):
                last_digit = 10.0 ** -len(text.partition(".")[2])
                assert number == pytest.approx(float(text), abs=0.51 * last_digit), path
        checked += 1
    assert checked > 60
