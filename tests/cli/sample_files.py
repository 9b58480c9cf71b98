"""Small files of known content, each at the same place in UTM zone 32."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import laspy
import numpy as np
import rasterio
import shapely

CRS = "EPSG:25832"
WEST, SOUTH = 565_000.0, 5_930_000.0
SIDE_M = 100.0

CITY = """<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0"
  xmlns:gml="http://www.opengis.net/gml" xmlns:gen="http://www.opengis.net/citygml/generics/2.0">
 <gml:boundedBy><gml:Envelope srsName="{srs}" srsDimension="3">
  <gml:lowerCorner>{x0} {y0} 0</gml:lowerCorner><gml:upperCorner>{x1} {y1} 10</gml:upperCorner>
 </gml:Envelope></gml:boundedBy>
 <cityObjectMember><bldg:Building gml:id="house">
  <bldg:yearOfConstruction>1912</bldg:yearOfConstruction>
  <bldg:lod2MultiSurface><gml:MultiSurface>{surfaces}</gml:MultiSurface></bldg:lod2MultiSurface>
 </bldg:Building></cityObjectMember>
</CityModel>
"""
_POLYGON = (
    "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>{}</gml:posList>"
    "</gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
)


def write_city(path: Path) -> Path:
    """Write a box of six polygons, 100 m wide and 10 m high, as CityGML 2.0."""
    corners = np.array([[x, y, z] for z in (0, 10) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], dtype=float)
    corners[:, :2] = corners[:, :2] * SIDE_M + (WEST, SOUTH)
    faces = [(3, 2, 1, 0), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)]
    rings = (" ".join(f"{value}" for corner in (*face, face[0]) for value in corners[corner]) for face in faces)
    text = CITY.format(
        srs="urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837",
        x0=WEST,
        y0=SOUTH,
        x1=WEST + SIDE_M,
        y1=SOUTH + SIDE_M,
        surfaces="".join(_POLYGON.format(ring) for ring in rings),
    )
    path.write_text(text)
    return path


def write_points(path: Path, *, crs: str | None = CRS) -> Path:
    """Write 400 points in a grid, the western half of class 2 (ground), the eastern of class 6 (building)."""
    las = laspy.create(point_format=6, file_version="1.4")
    las.header.scales, las.header.offsets = (0.01,) * 3, (WEST, SOUTH, 0)
    x, y = np.meshgrid(np.linspace(0, SIDE_M, 20), np.linspace(0, SIDE_M, 20))
    las.x, las.y, las.z = WEST + x.ravel(), SOUTH + y.ravel(), 10 + x.ravel() / 10
    las.classification = np.where(x.ravel() < SIDE_M / 2, 2, 6).astype(np.uint8)
    if crs is not None:
        import pyproj

        las.header.add_crs(pyproj.CRS(crs))
    las.write(path)
    return path


def write_terrain(path: Path) -> Path:
    """Write heights of 50 × 40 cells of 2 m."""
    heights = np.tile(np.linspace(5, 9, 50, dtype=np.float32), (40, 1))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=50,
        height=40,
        count=1,
        dtype="float32",
        crs=CRS,
        transform=rasterio.Affine(2, 0, WEST, 0, -2, SOUTH + 80),
    ) as dataset:
        dataset.write(heights, 1)
    return path


def write_squares(path: Path, values: tuple[str, str] = ("living", "working")) -> Path:
    """Write two squares side by side, 100 m wide, with an attribute ``use``: the western one has the first value."""
    table = geopandas.GeoDataFrame(
        {"use": values, "floors": [3, 8]},
        geometry=[shapely.box(WEST + i * SIDE_M, SOUTH, WEST + (i + 1) * SIDE_M, SOUTH + SIDE_M) for i in (0, 1)],
        crs=CRS,
    )
    table.to_file(path)
    return path


def write_layers(path: Path) -> Path:
    """Write a GeoPackage of two layers: 2 squares (``zones``) and 3 lines (``streets``), both with ``name``."""
    squares = geopandas.GeoDataFrame(
        {"name": ["a", "b"], "lanes": [1, 2]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=CRS
    )
    lines = geopandas.GeoDataFrame(
        {"name": ["x", "y", "z"], "lanes": [1.5, 2.0, 0.5]},
        geometry=[shapely.LineString([(0, i), (9, i)]) for i in range(3)],
        crs=CRS,
    )
    squares.to_file(path, layer="zones", driver="GPKG")
    lines.to_file(path, layer="streets", driver="GPKG")
    return path


def write_geojson(path: Path, coordinates: list[object]) -> Path:
    """Write one point, of whatever coordinates."""
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": coordinates}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path
