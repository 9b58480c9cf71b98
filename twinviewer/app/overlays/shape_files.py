"""The pictures and meshes that plugins bring for their glyphs: read in a worker, once, and shared by all frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from twinviewer import formats
from twinviewer.api.importing import CodeLocation
from twinviewer.app.sources import Sources
from twinviewer.app.worker_tasks import FunctionFailedError
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest
from twinviewer.model.drawing import IconShape, LoadedIcon, LoadedMesh, MeshShape
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import RasterImage, TriangleMesh

MOST_TRIANGLES = 200_000
"""Of one mesh: it is drawn at many places."""
_ICONS = FunctionOfPlugin(
    reference="icons:read",
    code=CodeLocation(package=formats.__name__, folder=str(Path(formats.__file__).parent)),
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Key:
    path: Path
    modified_ns: int
    size: int


class ShapeFiles:
    """Reads the files of :class:`IconShape` and :class:`MeshShape`.  Safe from any thread; a call may take a while."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._lock = threading.Lock()
        self._icons: dict[_Key, LoadedIcon] = {}
        self._meshes: dict[_Key, LoadedMesh] = {}

    def icon(self, folder: Path, shape: IconShape, feedback: Feedback) -> LoadedIcon:
        """Return the picture of an icon; the same object as long as the file stays as it is.

        Args:
            folder: The plugin's.
            shape: What it asks for.
            feedback: Is asked whether to stop.

        Raises:
            PluginError: The file is not there, lies outside the plugin's folder, or is no such picture.
            Cancelled: Nobody waits for it any longer.
        """
        path = _inside(folder, shape.path)

        def read() -> LoadedIcon:
            result = self._sources.pool.read(ReadRequest(reader=_ICONS, path=str(path)), feedback)
            (image,) = result.layers
            assert isinstance(image, RasterImage)
            return LoadedIcon(rgba=image.pixels)

        return self._once(self._icons, path, shape.path, read)

    def mesh(self, folder: Path, shape: MeshShape, feedback: Feedback) -> LoadedMesh:
        """Return the mesh of a shape, as :meth:`icon` does.

        Raises:
            PluginError: See there; or there is more than one mesh, or a larger one than is drawn many times.
            Cancelled: See there.
        """
        path = _inside(folder, shape.path)

        def read() -> LoadedMesh:
            reader = self._sources.reader_for(path, feedback)
            layers = self._sources.read(self._sources.request(path, reader), reader, feedback).layers
            mesh = layers[0]
            if len(layers) != 1 or not isinstance(mesh, TriangleMesh):
                raise PluginError(
                    f"“{shape.path}” is not one mesh.", cure="Give a glTF, OBJ, PLY or STL file with one mesh."
                )
            if len(mesh.triangles) > MOST_TRIANGLES:
                raise PluginError(
                    f"“{shape.path}” has {len(mesh.triangles):,} triangles; a shape has at most {MOST_TRIANGLES:,}.",
                    cure="Simplify the mesh: it is drawn at many places.",
                )
            return LoadedMesh(mesh=mesh)

        return self._once(self._meshes, path, shape.path, read)

    def _once(self, known: dict[_Key, T], path: Path, name: str, read: Callable[[], T]) -> T:
        try:
            found = path.stat()
        except OSError as error:
            raise PluginError(
                f"The file “{name}” is not in the plugin's folder.",
                cure="Put it there, or correct its name in the plugin.",
            ) from error
        key = _Key(path, found.st_mtime_ns, found.st_size)
        with self._lock:
            loaded = known.get(key)
        if loaded is None:
            try:
                loaded = read()
            except PluginError:
                raise
            except FunctionFailedError as error:
                raise PluginError(f"The file “{name}” cannot be read.", cure="Save it anew.") from error
            except TwinViewerError as error:
                raise PluginError(f"The file “{name}” cannot be used. {error.problem}", cure=error.cure) from error
            with self._lock:
                loaded = known.setdefault(key, loaded)
        return loaded


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file of the plugin; names that lead out of its folder are refused."""
    home = folder.resolve()
    try:
        path = (home / name).resolve()
    except (OSError, ValueError):  # links in a circle, or no name that a file can have
        path = home
    if not path.is_relative_to(home) or path == home:
        raise PluginError(f"The file “{name}” lies outside the plugin's folder.", cure="Put it into the folder.")
    return path
