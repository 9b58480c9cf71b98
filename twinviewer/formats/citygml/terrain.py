"""Terrain that is a grid becomes a layer of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinviewer.formats.citygml.grids import Grid
from twinviewer.formats.findings import Findings
from twinviewer.formats.reference_systems import first_known
from twinviewer.model.crs import is_north_first
from twinviewer.model.layer_data import SourceFacts, TerrainGrid
from twinviewer.model.place import Extent


def layers_of(
    grids: Sequence[Grid], crs_names: Sequence[str], source: SourceFacts, ids: Sequence[str], findings: Findings
) -> list[TerrainGrid]:
    """Return the grids as layers; those that cannot be used are told.

    Args:
        grids: All of the file, their objects numbered in the whole file.
        crs_names: As the file spells them, the one for the whole file first.
        source: What the layers say about the file.
        ids: Of all city objects.
        findings: Hear of grids without heights.
    """
    found: list[TerrainGrid] = []
    for grid in grids:
        where = ids[grid.object]
        if not grid.heights.size:
            problem = "Terrain whose grid of heights is in another file, or incomplete, is not shown."
            detail = f"{where}: {grid.file_name[:80]}" if grid.file_name else where
            findings.add("terrain.grid", problem, where=detail, objects=[where])
            continue
        crs, _ = first_known(crs_names[:1])
        rows, columns = grid.heights.shape
        origin, (along, across) = np.array(grid.origin), np.reshape(grid.steps, (2, 2))
        corners = np.array([origin + i * columns * along + j * rows * across for i in (0, 1) for j in (0, 1)])
        corners -= (along + across) / 2
        stored = Extent.of(np.column_stack([corners, np.zeros(4)]))
        order = [1, 0] if crs is not None and is_north_first(crs_names[0], stored, stated=True) else [0, 1]
        corners, along, across = corners[:, order], along[order], across[order]
        heights = grid.heights[np.isfinite(grid.heights)]
        low, high = (float(heights.min()), float(heights.max())) if heights.size else (0.0, 0.0)
        (x, y), (far_x, far_y) = corners.min(axis=0), corners.max(axis=0)
        found.append(
            TerrainGrid(
                source=SourceFacts(format=source.format, version=source.version, title=where),
                crs=crs,
                heights=grid.heights,
                transform=(*_interleaved(along, across, corners[0]),),
                width=columns,
                height=rows,
                file_extent=Extent(min_x=x, min_y=y, min_z=low, max_x=far_x, max_y=far_y, max_z=high),
            )
        )
    return found


def _interleaved(
    along: np.ndarray, across: np.ndarray, corner: np.ndarray
) -> tuple[float, float, float, float, float, float]:
    a, d = map(float, along)
    b, e = map(float, across)
    return a, b, float(corner[0]), d, e, float(corner[1])
