"""Files that native libraries die of, or that point at other files or the network: through the workers."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import laspy
import numpy as np
import pytest
import rasterio
from affine import Affine

import twinviewer.formats
from tests.app.witnesses import Ear
from tests.crowding import allowed_s
from tests.formats.damage import mutated
from twinviewer.api.importing import CodeLocation
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest
from twinviewer.model.errors import ReadError, TwinViewerError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData, TerrainGrid

CODE = CodeLocation(package="twinviewer.formats", folder=str(Path(twinviewer.formats.__file__).parent))
SUFFIXES = {
    "vector": [".gpkg", ".shp", ".geojson", ".json", ".fgb", ".sqlite"],
    "geotiff": [".tif", ".tiff"],
    "mesh": [".obj", ".gltf", ".glb", ".ply", ".stl"],
    "las": [".las", ".laz"],
}
DISGUISES = [(reader, suffix) for reader, suffixes in SUFFIXES.items() for suffix in suffixes]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    workers = WorkerPool(size=2, silence_limit_s=15)
    workers.warm()
    yield workers
    workers.close()


def read(pool: WorkerPool, path: Path, reader: str) -> LayerData:
    function = FunctionOfPlugin(reference=f"twinviewer.formats.{reader}:read", code=CODE)
    return pool.read(ReadRequest(reader=function, path=str(path)), Silent()).layers[0]


# --- damage -----------------------------------------------------------------------------------------------------


def laz() -> bytes:
    points = laspy.LasData(laspy.LasHeader(point_format=7, version="1.4"))
    points.X, points.Y, points.Z = np.random.default_rng(3).integers(0, 10**6, (3, 3000))
    file = io.BytesIO()
    points.write(file, do_compress=True)
    return file.getvalue()


@pytest.mark.parametrize("number", range(60))
def test_whatever_is_damaged_in_a_laz_gives_points_or_an_error_for_people(pool, tmp_path, number):
    path = tmp_path / "points.laz"
    path.write_bytes(mutated(laz(), number))
    with suppress(TwinViewerError):
        read(pool, path, "las")


@pytest.mark.data
@pytest.mark.parametrize("number", range(60))
def test_whatever_is_damaged_in_a_copc_gives_points_or_an_error_for_people(pool, city_data, tmp_path, number):
    path = tmp_path / "points.copc.laz"
    path.write_bytes(mutated((city_data / "copc/simple.copc.laz").read_bytes(), number))
    with suppress(TwinViewerError):
        read(pool, path, "las")


def test_a_huge_sparse_raster_is_read_within_limits(pool, tmp_path):
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 60_000, "width": 60_000, "dtype": "float32", "sparse_ok": True}
    here = {"crs": "EPSG:25832", "transform": Affine(0.1, 0, 500_000, 0, -0.1, 5_600_000)}
    with rasterio.open(path, "w", **profile, **here, tiled=True, blockxsize=512, blockysize=512, BIGTIFF="YES"):
        pass
    grid = read(pool, path, "geotiff")
    assert isinstance(grid, TerrainGrid)
    assert grid.heights.shape == (4096, 4096)


def test_a_raster_of_one_enormous_strip_is_refused(pool, tmp_path):
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 60_000, "width": 60_000, "dtype": "float32", "sparse_ok": True}
    with rasterio.open(path, "w", **profile, blockysize=60_000, BIGTIFF="YES", crs="EPSG:25832",
                       transform=Affine(0.1, 0, 500_000, 0, -0.1, 5_600_000)):  # fmt: skip
        pass
    with suppress(ReadError):
        grid = read(pool, path, "geotiff")
        assert isinstance(grid, TerrainGrid)


# --- other files and the network --------------------------------------------------------------------------------


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()
    yield listening
    listening.close()


def pointers(port: int, secret: Path) -> list[str]:
    url = f"/vsicurl/http://127.0.0.1:{port}/a"
    return [
        f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{url}.geojson</SrcDataSource></OGRVRTLayer>"
        "</OGRVRTDataSource>",
        f"<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>"
        "</OGRVRTDataSource>",
        f"<VRTDataset rasterXSize='4' rasterYSize='4'><VRTRasterBand dataType='Byte' band='1'><SimpleSource>"
        f"<SourceFilename>{url}.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
        f"<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:{port}/</ServerUrl></Service></GDAL_WMS>",
        f"<OGRWFSDataSource><URL>http://127.0.0.1:{port}/wfs</URL></OGRWFSDataSource>",
        f"<GDALTileIndexDataset><IndexDataset>{url}.gpkg</IndexDataset></GDALTileIndexDataset>",
        f'{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline read {url}.geojson"}}',
        f"http://127.0.0.1:{port}/a.geojson",
    ]


@pytest.mark.parametrize(("reader", "suffix"), DISGUISES)
def test_a_pointer_in_disguise_opens_nothing_and_calls_nobody(pool, ear, tmp_path, reader, suffix):
    secret = tmp_path / "secret.csv"
    secret.write_text("x,y,password\n1,2,swordfish\n")
    for number, content in enumerate(pointers(ear.port, secret)):
        path = tmp_path / f"{number}{suffix}"
        path.write_text(content)
        started = time.perf_counter()
        with pytest.raises(ReadError):
            read(pool, path, reader)
        assert time.perf_counter() - started < allowed_s(5.0)
    assert ear.heard == 0


@pytest.mark.parametrize("beside", ["a.tif.ovr", "a.tif.msk", "a.tif.aux.xml", "a.ovr", "a.aux"])
def test_a_pointer_beside_a_good_raster_calls_nobody(pool, ear, tmp_path, beside):
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=2048, width=2048, dtype="float32", crs="EPSG:25832",
                       transform=Affine(1, 0, 500_000, 0, -1, 5_600_000)) as dataset:  # fmt: skip
        dataset.write(np.ones((1, 2048, 2048), np.float32))
    url = f"/vsicurl/http://127.0.0.1:{ear.port}/a.tif"
    (tmp_path / beside).write_text(
        "<VRTDataset rasterXSize='1024' rasterYSize='1024'><VRTRasterBand dataType='Float32' band='1'><SimpleSource>"
        f"<SourceFilename>{url}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    grid = read(pool, path, "geotiff")
    assert isinstance(grid, TerrainGrid)
    assert np.unique(grid.heights).tolist() == [1]
    assert ear.heard == 0
