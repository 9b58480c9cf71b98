"""Streets, land use and planning zones as layers of one GeoPackage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from twinviewer.demo.contents import LAND_USE, STREETS, ZONES
from twinviewer.demo.georeference import MARKET, SYSTEM
from twinviewer.demo.town import Town

_WRITTEN_ON = "2026-01-01T00:00:00.000Z"
"""What the file says about its age: the same town is the same file, byte by byte."""


def write_map_layers(path: Path, town: Town) -> None:
    """Write the three layers.

    Raises:
        OSError: The disk said no.
    """
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_ON})
    try:
        _write(
            path,
            STREETS,
            "LineString",
            [street.line for street in town.streets],
            {
                "id": [street.id for street in town.streets],
                "name": [street.name for street in town.streets],
                "class": [street.type for street in town.streets],
                "width_m": np.array([street.width_m for street in town.streets], np.float64),
                "max_speed": np.array([street.max_speed_km_h for street in town.streets], np.int32),
            },
        )
        for layer, areas in ((LAND_USE, town.land_use), (ZONES, town.zones)):
            _write(
                path,
                layer,
                "Polygon",
                [area.polygon for area in areas],
                {
                    "id": [area.id for area in areas],
                    layer.removesuffix("s"): [area.type for area in areas],
                    "name": [area.name for area in areas],
                },
            )
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise OSError("the map could not be written") from error  # SQLite does not say why
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _write(
    path: Path, layer: str, geometry_type: str, geometries: Sequence[BaseGeometry], columns: Mapping[str, Any]
) -> None:
    placed = [shapely.set_precision(translate(geometry, *MARKET), 0.001, mode="pointwise") for geometry in geometries]
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(placed, dtype=object)),
        field_data=[
            column if isinstance(column, np.ndarray) else np.array(column, dtype=object) for column in columns.values()
        ],
        fields=list(columns),
        layer=layer,
        driver="GPKG",
        geometry_type=geometry_type,
        crs=SYSTEM.horizontal,
        append=path.exists(),
        dataset_options={"VERSION": "1.3"},
    )
