"""The demo city in a real window: opening it, orbiting over it, picking in it, against VTK alone and bare reading."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 – the factory behind vtkRenderWindow
from PySide6.QtWidgets import QApplication
from pyvista import PolyData
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow

from benchmarks.rows import Row, median_s
from twinviewer.app.commands import SetOverlay, SetVisible
from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import OverlaySpec, Viewpoint
from twinviewer.ui.application import Program

FRAMES = 36
PICKS = 200
LONGEST_LOAD_S = 300.0


def rows(program: Program, *, buildings: int, read_alone_s: float) -> Iterator[Row]:
    """Measure in the window of ``program``, which has nothing open yet.

    Args:
        program: Its window is shown.
        buildings: Of the demo city, which has been generated.
        read_alone_s: What reading the same files takes in the workers, one after the other, and nothing else.
    """
    window = program.window
    began = time.perf_counter()
    window.projects.open_demo(buildings)
    _run_until_settled(program)
    load_s = time.perf_counter() - began
    yield Row(
        title=f"demo city of {buildings:,}: open to all on screen",
        ours_s=load_s,
        peer="reading its files, one by one, and nothing else",
        peer_s=read_alone_s,
        target=2.0,
    )
    _show_only_buildings(program)
    orbit_s, bare_s, triangles = _orbit(program)
    yield Row(
        title=f"a frame while orbiting, {triangles:,} triangles",
        ours_s=orbit_s,
        peer="a bare VTK window, the same triangles",
        peer_s=bare_s,
        target=1.1,
    )
    yield Row(title="a pick", ours_s=_pick_s(program), peer="a frame while orbiting", peer_s=orbit_s, target=0.02)


def _run_until_settled(program: Program) -> None:
    deadline = time.perf_counter() + LONGEST_LOAD_S
    project = program.session.project
    while not (program.session.project.layers and program.window.is_settled):
        QApplication.processEvents()
        time.sleep(0.002)
        if time.perf_counter() > deadline:
            raise TimeoutError("the demo city was not on the screen in time")
    assert project is not program.session.project
    program.window.viewport.repaint()


def _show_only_buildings(program: Program) -> None:
    session = program.session
    others = frozenset(layer.id for layer in session.project.layers if layer.role != "buildings")
    session.do(SetVisible(layer_ids=others, visible=False))
    for overlay in session.project.overlays:
        session.do(SetOverlay(overlay=OverlaySpec(id=overlay.id, visible=False)))
    program.window.scene.fit()
    _run_until_idle(program)


def _run_until_idle(program: Program) -> None:
    for _ in range(50):
        QApplication.processEvents()
    program.window.viewport.repaint()


def _orbit(program: Program) -> tuple[float, float, int]:
    """Return the median seconds of our frames and of the bare ones, taken in turn, and the number of triangles."""
    window = program.window
    scene, viewport = window.scene, window.viewport
    start = scene.viewpoint
    mesh = _triangles(program)
    picture = viewport.picture_size()
    bare = _bare_window(mesh, picture.width_px, picture.height_px)
    camera = bare.GetRenderers().GetFirstRenderer().GetActiveCamera()
    origin = np.asarray(scene.frame.origin)
    ours: list[float] = []
    theirs: list[float] = []
    scene.set_interactive(True)
    for number in range(FRAMES):
        viewpoint = _turned(start, 360.0 * number / FRAMES)
        scene.viewpoint = viewpoint
        began = time.perf_counter()
        viewport.repaint()
        ours.append(time.perf_counter() - began)
        camera.SetPosition(*(np.asarray(viewpoint.position) - origin))
        camera.SetFocalPoint(*(np.asarray(viewpoint.target) - origin))
        camera.SetViewUp(0, 0, 1)
        camera.SetViewAngle(viewpoint.view_angle_deg)
        bare.GetRenderers().GetFirstRenderer().ResetCameraClippingRange()
        began = time.perf_counter()
        bare.Render()
        bare.WaitForCompletion()
        theirs.append(time.perf_counter() - began)
    scene.set_interactive(False)
    bare.Finalize()
    return float(np.median(ours)), float(np.median(theirs)), mesh.n_cells


def _turned(viewpoint: Viewpoint, degrees: float) -> Viewpoint:
    angle = math.radians(degrees)
    x, y = (viewpoint.position[axis] - viewpoint.target[axis] for axis in (0, 1))
    turned = (
        viewpoint.target[0] + x * math.cos(angle) - y * math.sin(angle),
        viewpoint.target[1] + x * math.sin(angle) + y * math.cos(angle),
        viewpoint.position[2],
    )
    return replace(viewpoint, position=turned)


def _triangles(program: Program) -> PolyData:
    """Return the triangles of all visible city models as one mesh, in the local frame."""
    session = program.session
    points, faces, first = [], [], 0
    for layer in session.project.layers:
        data = session.store.get(layer.id)
        if layer.visible and isinstance(data, CityModel):
            points.append(program.window.scene.frame.to_local(data.vertices))
            faces.append(data.triangles + first)
            first += len(data.vertices)
    return PolyData.from_regular_faces(np.concatenate(points), np.concatenate(faces))


def _bare_window(mesh: PolyData, width: int, height: int) -> vtkRenderWindow:
    """Return a window with one mesh, one light and flat colours per triangle, as the least that VTK can do."""
    colours = np.random.default_rng(1).integers(120, 255, (mesh.n_cells, 3), dtype=np.uint8)
    mesh.GetCellData().SetScalars(numpy_to_vtk(colours, deep=True))
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    actor = vtkActor()
    actor.SetMapper(mapper)
    renderer = vtkRenderer()
    renderer.AddActor(actor)
    bare = vtkRenderWindow()
    bare.SetSize(width, height)
    bare.AddRenderer(renderer)
    bare.Render()
    return bare


def _pick_s(program: Program) -> float:
    scene = program.window.scene
    picture = program.window.viewport.picture_size()
    places = np.random.default_rng(2).uniform((0.1, 0.3), (0.9, 0.9), (PICKS, 2))
    pixels = iter((places * (picture.width_px, picture.height_px)).tolist())
    scene.pick(
        *(places[0] * (picture.width_px, picture.height_px)).tolist()
    )  # what is built at the first pick is built
    return median_s(lambda: scene.pick(*next(pixels)), times=PICKS)
