"""What a frame of an overlay costs the main thread, for each kind of request, against the least that VTK needs.

What another thread prepares of large ones has a row of its own: while it does, frames go on.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pyvista import Plotter, vtk_verbosity
from vtkmodules.vtkCommonCore import vtkLookupTable, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData

from benchmarks.rows import Row
from twinviewer.app.commands import AddLayers
from twinviewer.app.session import Session
from twinviewer.model.drawing import (
    ColourObjects,
    ColourScale,
    DrawData,
    DrawingRequest,
    ExtrudedColumns,
    FlowLines,
    GlyphShape,
    HeatGrid,
    Labels,
    LoadedIcon,
    PlaceGlyphs,
    Trails,
)
from twinviewer.model.layer_data import CityModel, SourceFacts, TriangleMesh
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.terrain_actor import grid_triangles

T = TypeVar("T")
FRAMES = 15
OBJECTS, GLYPHS, LINES, PER_LINE = 100_000, 10_000, 5_000, 20
SIDE_M = 2000.0
_MAP_SCALARS = 1
"""VTK_COLOR_MODE_MAP_SCALARS, which its Python side does not name."""
_CRS = ReferenceSystem(horizontal="EPSG:25832")
_ORIGIN = np.array([565_000.0, 5_930_000.0, 0.0])
_SCALE = ColourScale(title="value", unit="1", colour_map="viridis", value_range=(0.0, 1.0))
_FACTS = SourceFacts(format="benchmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    title: str
    request: DrawingRequest
    next: Callable[[np.random.Generator], DrawingRequest]
    """Makes another frame of it: what would be the same objects in a plugin is."""
    places: int
    """Positions that a frame changes at the least."""
    values: int
    """Colours that it changes."""
    target: float


def rows() -> Iterator[Row]:
    """Measure off-screen, one kind after the other."""
    model = boxes(OBJECTS)
    session = Session()
    session.store.put("city", model)
    layer = LayerSpec(id="city", kind="city-model", title="city", source=LayerSource(path="", reader=""))
    session.do(AddLayers(layers=(layer,), crs=_CRS, origin=tuple(_ORIGIN.tolist())))
    with vtk_verbosity("error"):
        plotter = Plotter(off_screen=True, window_size=[200, 150])
    preparations = _Preparations()
    scene = CityScene(plotter, session, request_render=lambda: None, run_in_background=preparations)
    try:
        for case in _cases(model):
            yield from _rows(scene, preparations, case)
    finally:
        scene.close()
        plotter.close()


class _Preparations:
    """Stands in for the other thread: what it does is timed by itself."""

    def __init__(self) -> None:
        self._took: list[float] = []

    def __call__(self, task: Callable[[], T], done: Callable[[T], None], /) -> None:
        began = time.perf_counter()
        prepared = task()
        self._took.append(time.perf_counter() - began)
        done(prepared)

    def drain_s(self) -> list[float]:
        """Return how long each preparation since the last call took."""
        took, self._took = self._took, []
        return took


def _rows(scene: CityScene, preparations: _Preparations, case: _Case) -> Iterator[Row]:
    rng = np.random.default_rng(1)
    frames = iter([case.next(rng) for _ in range(FRAMES)])
    scene.draw_overlay("measured", [case.request])
    preparations.drain_s()
    bare = _bare_rewrite(case.places, case.values)
    ours_s: list[float] = []
    bare_s: list[float] = []
    prepared_s: list[float] = []
    for frame in frames:
        began = time.perf_counter()
        scene.draw_overlay("measured", [frame])
        took = time.perf_counter() - began
        elsewhere = sum(preparations.drain_s())
        ours_s.append(took - elsewhere)
        prepared_s.append(elsewhere)
        began = time.perf_counter()
        bare()
        bare_s.append(time.perf_counter() - began)
    scene.remove_overlay("measured")
    peer = f"VTK alone: {case.places:,} positions, {case.values:,} colours"
    yield Row(
        title=f"a frame of {case.title}",
        ours_s=statistics.median(ours_s),
        peer=peer,
        peer_s=statistics.median(bare_s),
        target=case.target,
    )
    if any(prepared_s):
        yield Row(
            title="  on another thread for it",
            ours_s=statistics.median(prepared_s),
            peer=peer,
            peer_s=statistics.median(bare_s),
            target=case.target,
        )


def _bare_rewrite(places: int, values: int) -> Callable[[], None]:
    """Return what VTK needs at the least: positions put into its array, and values looked up as colours."""
    data, points = vtkPolyData(), vtkPoints()
    held, other = np.zeros((places, 3), np.float32), np.random.default_rng(2).random((places, 3))
    points.SetData(as_vtk(held))
    data.SetPoints(points)
    numbers = as_vtk(np.random.default_rng(3).random(values))
    table = vtkLookupTable()
    table.Build()

    def rewrite() -> None:
        held[:] = other
        points.Modified()
        colours = table.MapScalars(numbers, _MAP_SCALARS, 0)
        data.GetPointData().SetScalars(colours)
        data.Modified()

    return rewrite


def _cases(model: CityModel) -> Iterator[_Case]:
    rng = np.random.default_rng(3)
    ids = tuple(f"glyph-{row}" for row in range(GLYPHS))

    def places(*shape: int) -> NDArray[np.float64]:
        return rng.uniform(0, SIDE_M, (*shape, 3)) * (1, 1, 0.02) + _ORIGIN

    colours = ColourObjects(object_ids=model.object_ids, values=rng.random(OBJECTS), scale=_SCALE)
    yield _Case(
        title=f"{OBJECTS:,} coloured objects",
        request=colours,
        next=lambda rng: replace(colours, values=rng.random(OBJECTS)),
        places=0,
        values=len(model.triangles),
        target=30.0,
    )
    glyphs = PlaceGlyphs(
        shape=GlyphShape.CAR,
        positions=places(GLYPHS),
        size_m=6.0,
        heading_deg=rng.uniform(0, 360, GLYPHS),
        values=rng.random(GLYPHS),
        scale=_SCALE,
        ids=ids,
    )
    icon = LoadedIcon(rgba=np.full((64, 64, 4), 255, np.uint8))
    for title, request, each in (
        (f"{GLYPHS:,} moving glyphs", glyphs, 1),
        (f"{GLYPHS:,} moving pictures", replace(glyphs, shape=icon), 4),
    ):
        yield _Case(
            title=title,
            request=request,
            next=lambda rng, request=request: replace(
                request, positions=places(GLYPHS), heading_deg=rng.uniform(0, 360, GLYPHS), values=rng.random(GLYPHS)
            ),
            places=each * GLYPHS,
            values=each * GLYPHS,
            target=30.0,
        )
    columns = ExtrudedColumns(
        positions=places(GLYPHS), heights_m=rng.uniform(5, 60, GLYPHS), values=rng.random(GLYPHS), scale=_SCALE, ids=ids
    )
    yield _Case(
        title=f"{GLYPHS:,} columns",
        request=columns,
        next=lambda rng: replace(columns, heights_m=rng.uniform(5, 60, GLYPHS), values=rng.random(GLYPHS)),
        places=GLYPHS,
        values=GLYPHS,
        target=30.0,
    )
    labels = Labels(positions=places(GLYPHS), texts=ids)
    yield _Case(
        title=f"{GLYPHS:,} labels",
        request=labels,
        next=lambda _rng: replace(labels, positions=places(GLYPHS)),
        places=GLYPHS,
        values=0,
        target=30.0,
    )
    vertices = LINES * PER_LINE
    flow = FlowLines(
        vertices=places(LINES, PER_LINE).reshape(-1, 3),
        offsets=np.arange(0, vertices + 1, PER_LINE),
        values=rng.random(LINES),
        scale=_SCALE,
    )
    yield _Case(
        title=f"{vertices:,} vertices of flow lines",
        request=flow,
        next=lambda rng: replace(flow, values=rng.random(LINES)),
        places=0,
        values=2 * vertices,
        target=30.0,
    )
    trails = Trails(positions=places(LINES, PER_LINE), values=rng.random(LINES), scale=_SCALE)
    yield _Case(
        title=f"{vertices:,} places of trails",
        request=trails,
        next=lambda rng: replace(trails, positions=places(LINES, PER_LINE), values=rng.random(LINES)),
        places=2 * vertices,
        values=2 * vertices,
        target=30.0,
    )
    heat = HeatGrid(
        values=rng.random((200, 200)), corner=(_ORIGIN[0], _ORIGIN[1] + SIDE_M), cell_m=SIDE_M / 200, scale=_SCALE
    )
    yield _Case(
        title="200 x 200 cells of a heat grid",
        request=heat,
        next=lambda rng: replace(heat, values=rng.random((200, 200))),
        places=0,
        values=200 * 200,
        target=30.0,
    )
    mesh = plate(400)
    data = DrawData(data=mesh, values=rng.random(len(mesh.vertices)), scale=_SCALE)
    yield _Case(
        title=f"{len(mesh.vertices):,} values on a mesh",
        request=data,
        next=lambda rng: replace(data, values=rng.random(len(mesh.vertices))),
        places=0,
        values=len(mesh.vertices),
        target=30.0,
    )


def boxes(count: int) -> CityModel:
    """Return ``count`` houses of six walls and twelve triangles each."""
    side = int(np.ceil(np.sqrt(count)))
    number = np.arange(count)
    foot = np.column_stack([number % side * 20.0, number // side * 20.0, np.zeros(count)]) + _ORIGIN
    corners = np.array([(x, y, z) for z in (0, 10) for x, y in ((0, 0), (12, 0), (12, 12), (0, 12))], np.float64)
    faces = np.array([(3, 2, 1, 0), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)])
    quads = (8 * number[:, None, None] + faces).reshape(-1, 4)
    surfaces = len(quads)
    return CityModel(
        source=_FACTS,
        crs=_CRS,
        object_ids=tuple(f"house-{row}" for row in range(count)),
        object_type=np.zeros(count, np.int32),
        type_names=("Building",),
        object_parent=np.full(count, -1, np.int32),
        attributes=(),
        vertices=(foot[:, None] + corners).reshape(-1, 3),
        triangles=quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32),
        triangle_surface=np.repeat(np.arange(surfaces), 2).astype(np.int32),
        edges=np.empty((0, 2), np.int32),
        edge_surface=np.empty(0, np.int32),
        surface_object=np.repeat(number, 6).astype(np.int32),
        surface_type=np.tile(np.array([2, 1, 1, 1, 1, 0], np.int32), count),
        surface_type_names=("RoofSurface", "WallSurface", "GroundSurface"),
        surface_lod=np.zeros(surfaces, np.int32),
        lods=("1",),
    )


def plate(side: int) -> TriangleMesh:
    x, y = np.meshgrid(np.linspace(0, SIDE_M, side), np.linspace(SIDE_M, 0, side))
    return TriangleMesh(
        source=_FACTS,
        crs=_CRS,
        vertices=np.column_stack([x.ravel(), y.ravel(), np.full(side * side, 50.0)]) + _ORIGIN,
        triangles=grid_triangles(np.ones((side, side), np.bool_)),
        vertex_rgb=None,
    )
