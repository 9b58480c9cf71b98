"""What a layer can be coloured by, and which levels of detail it has: choices for the style panel, without a widget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinviewer.model.attributes import AttributeType
from twinviewer.model.layer_data import CityModel, FeatureTable, LayerData, PointCloud, TerrainGrid, TriangleMesh
from twinviewer.model.project import Style

COLOUR_MAPS = ("viridis", "batlow", "cividis", "vik", "terrain", "grey")
"""Offered, the best for most purposes first; all but vik (diverging) are monotone in lightness."""

NUMBERS = (AttributeType.INTEGER, AttributeType.DOUBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourChoice:
    """One entry of "Colour by"."""

    title: str
    color_by: str | None
    """As in :class:`Style`; None together with ``one_colour`` False: the default of the kind."""
    one_colour: bool = False
    numeric: bool = False
    """Whether a colour map and a range matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChoice:
    """A class of city objects or a type of surfaces that can be hidden."""

    name: str
    """As in ``Style.hidden_types``."""
    count: int
    """Objects, or surfaces."""
    of_surfaces: bool


ROOF_TYPES = ("RoofSurface", "OuterCeilingSurface", "CeilingSurface")
"""What lies over rooms: without it one looks into buildings from above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleChoices:
    """What can be chosen for one layer."""

    colours: tuple[ColourChoice, ...]
    lods: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    """Names of the model's appearance; one may be empty, for what the file gives without a theme."""
    types: tuple[TypeChoice, ...] = ()
    """Classes of objects first, then types of surfaces, the most frequent first."""
    has_points: bool = False
    has_lines: bool = False


_DEFAULT = ColourChoice(title="Default colours", color_by=None)
_AS_THE_SOURCE = ColourChoice(title="Textures and materials", color_by=None)
_PLAIN = ColourChoice(title="Default colours", color_by="plain")
_ONE = ColourChoice(title="One colour", color_by=None, one_colour=True)


def choices_for(data: LayerData | None) -> StyleChoices:
    """Return what can be chosen for a layer with this data; the least for one without."""
    if isinstance(data, CityModel):
        fixed = (
            ColourChoice(title="Object type", color_by="type"),
            ColourChoice(title="Surface type", color_by="surface"),
            ColourChoice(title="Elevation", color_by="elevation", numeric=True),
        )
        default = (_DEFAULT,) if data.appearance is None else (_AS_THE_SOURCE, _PLAIN)
        return StyleChoices(
            colours=(*default, _ONE, *fixed, *_attributes(data)),
            lods=data.lods if len(data.lods) > 1 else (),
            themes=() if data.appearance is None else tuple(theme.name for theme in data.appearance.themes),
            types=_types(data),
        )
    if isinstance(data, PointCloud):
        colour = (ColourChoice(title="Recorded colour", color_by="rgb"),) if data.rgb is not None else ()
        fixed = (
            ColourChoice(title="Class", color_by="class"),
            ColourChoice(title="Elevation", color_by="elevation", numeric=True),
            ColourChoice(title="Intensity", color_by="intensity", numeric=True),
        )
        return StyleChoices(colours=(_DEFAULT, _ONE, *colour, *fixed), has_points=True)
    if isinstance(data, FeatureTable):
        return StyleChoices(
            colours=(_DEFAULT, _ONE, *_attributes(data)),
            has_points=len(data.points) > 0,
            has_lines=len(data.line_offsets) > 1 or len(data.ring_offsets) > 1,
        )
    if isinstance(data, TerrainGrid):
        return StyleChoices(
            colours=(_DEFAULT, _ONE, ColourChoice(title="Elevation", color_by="elevation", numeric=True))
        )
    if isinstance(data, TriangleMesh):
        return StyleChoices(
            colours=(_DEFAULT, _ONE, ColourChoice(title="Elevation", color_by="elevation", numeric=True))
        )
    return StyleChoices(colours=(_DEFAULT,))


def _attributes(data: CityModel | FeatureTable) -> list[ColourChoice]:
    columns = sorted(data.attributes, key=lambda column: column.name.lower())
    return [
        ColourChoice(title=column.name, color_by=column.name, numeric=column.type in NUMBERS)
        for column in columns
        if column.present.any()
    ]


def current_choice(choices: StyleChoices, style: Style) -> int:
    """Return the row of ``choices.colours`` that ``style`` stands for; 0 for one that is not offered."""
    for row, choice in enumerate(choices.colours):
        if style.color_by is not None:
            if choice.color_by == style.color_by:
                return row
        elif choice.color_by is None and choice.one_colour == (style.colour is not None):
            return row
    return 0


def roof_types(data: LayerData | None) -> tuple[str, ...]:
    """Return what of :data:`ROOF_TYPES` the data has."""
    return tuple(name for name in ROOF_TYPES if isinstance(data, CityModel) and name in data.surface_type_names)


def _types(model: CityModel) -> tuple[TypeChoice, ...]:
    surface_type = model.surface_type[model.surface_type >= 0]
    objects = np.bincount(model.object_type, minlength=len(model.type_names)).tolist()
    surfaces = np.bincount(surface_type, minlength=len(model.surface_type_names)).tolist()
    found = [
        TypeChoice(name=name, count=count, of_surfaces=of_surfaces)
        for names, counts, of_surfaces in (
            (model.type_names, objects, False),
            (model.surface_type_names, surfaces, True),
        )
        for name, count in zip(names, counts, strict=True)
        if count
    ]
    return tuple(sorted(found, key=lambda choice: (choice.of_surfaces, -choice.count)))
