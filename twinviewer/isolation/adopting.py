"""Foreign data becomes our own arrays: what a plugin hands over as PyVista, trimesh or GeoPandas objects.

It happens in the process where the plugin runs, which is the one that has those libraries.  None of them is imported
here: an object is known by the name of its class and asked for its arrays.  What the same object was made into before
is used again, so that only values need to be looked at from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.isolation.adopting_features import pieces_of_geopandas
from twinviewer.isolation.adopting_meshes import pieces_of_pyvista, pieces_of_trimesh
from twinviewer.isolation.pieces import Piece
from twinviewer.model.drawing import DrawData
from twinviewer.model.errors import PluginError
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.place import ReferenceSystem

_CURE = "Hand over a PyVista dataset, a trimesh mesh or scene, a GeoDataFrame, or one of the layer data types."


class Adopter:
    """Turns :class:`DrawData` of foreign objects into ones of layer data, and remembers those of the last call.

    One for each function of a plugin; not to be called from two threads at once.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, tuple[Piece, ...]]] = {}
        self._values: dict[tuple[int, int], NDArray[Any]] = {}

    def adopted(self, result: Any, *, crs: ReferenceSystem) -> Any:
        """Return what a plugin's function returned, with foreign data adopted.

        Args:
            result: Anything; only the :class:`DrawData` in a list or tuple are looked at.
            crs: The project's reference system: a GeoDataFrame is brought into it.

        Raises:
            PluginError: Some data is of a kind that cannot be drawn, or has no such values.
        """
        if not isinstance(result, list | tuple) or not any(isinstance(each, DrawData) for each in result):
            return result
        known: dict[int, tuple[object, tuple[Piece, ...]]] = {}
        values: dict[tuple[int, int], NDArray[Any]] = {}
        requests: list[object] = []
        for place, request in enumerate(result):
            if not isinstance(request, DrawData):
                requests.append(request)
                continue
            data = request.data
            remembered = known.get(id(data)) or self._known.get(id(data))
            pieces = remembered[1] if remembered else adopt(data, crs=crs)
            known[id(data)] = data, pieces  # holding the object keeps its id from being given to another
            for number, piece in enumerate(pieces):
                found = _values(request.values, piece, len(pieces))
                if isinstance(found, np.ndarray) and found is not request.values:
                    before = self._values.get((place, number))
                    if before is not None and np.array_equal(before, found, equal_nan=True):
                        found = before  # the same object as before: nobody need look at it again
                    values[place, number] = found
                is_as_it_was = piece.data is data and found is request.values
                requests.append(request if is_as_it_was else replace(request, data=piece.data, values=found))
        self._known, self._values = known, values
        return requests


def adopt(data: object, *, crs: ReferenceSystem) -> tuple[Piece, ...]:
    """Return an object's triangles, lines and points as layer data.

    Args:
        data: An object of PyVista, trimesh or GeoPandas, or our own layer data.
        crs: What a GeoDataFrame is brought into, and what everything else is in.

    Raises:
        PluginError: It is of another kind, or its own library says no.
    """
    if isinstance(data, LayerData):
        return (Piece(data=data, named=lambda name: _column(data, name), spread=lambda array: array),)
    names = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(data).__mro__}
    try:
        if names & {"pyvista.DataSet", "pyvista.MultiBlock"}:
            return pieces_of_pyvista(data, crs=crs)
        if names & {"trimesh.Trimesh", "trimesh.Scene", "trimesh.PointCloud"}:
            return pieces_of_trimesh(data, crs=crs)
        if names & {"geopandas.GeoDataFrame", "geopandas.GeoSeries"}:
            return pieces_of_geopandas(data, crs=crs)
    except PluginError:
        raise
    except Exception as error:
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
        words = " ".join(str(error).split())[:200]
        raise PluginError(f"A {kind} cannot be drawn: {type(error).__name__}: {words}.", cure=_CURE) from error
    raise PluginError(f"A value of type {type(data).__name__} cannot be drawn.", cure=_CURE)


def _column(data: LayerData, name: str) -> NDArray[Any] | None:
    for column in data.attributes if isinstance(data, FeatureTable) else ():
        if column.name == name and column.values.dtype.kind in "fiub":
            return np.where(column.present, column.values, np.nan)
    return None


def _values(asked: object, piece: Piece, pieces: int) -> Any:
    """Return the values (n,) of one piece; those of our own data go through as they are, to be checked later."""
    if asked is None:
        return None
    if isinstance(asked, str):
        found = piece.named(asked)
        if found is None:
            raise PluginError(f"The data has no numbers called “{asked}”.", cure="Name an array or column of numbers.")
        return np.ascontiguousarray(found, dtype=np.float64)
    array: NDArray[Any] = np.asarray(asked) if isinstance(asked, Sequence) else asked  # type: ignore[assignment]
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "fiub":
        kind = f"an array of shape {array.shape}" if isinstance(array, np.ndarray) else type(asked).__name__
        raise PluginError(f"“values” is {kind} instead of one number for each.", cure="Give (n,) numbers or a name.")
    found = piece.spread(array)
    if found is None:
        several = "; data of several pieces has values by name only" if pieces > 1 else ""
        raise PluginError(
            f"“values” has {len(array)} entries, which is one for each of nothing in the data.",
            cure=f"Give one for each point or cell, vertex or face, or row{several}.",
        )
    return found if found is array else np.ascontiguousarray(found, dtype=np.float64)
