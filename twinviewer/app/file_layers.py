"""What the layers of a file become in the document: titles, roles, sources, and which of them a saved layer means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.layer_data import LayerData, kind_of
from twinviewer.model.place import CrsOrigin, Extent, ReferenceSystem
from twinviewer.model.project import LayerId, LayerSource, LayerSpec

KIND_NAMES = {
    "city-model": "city model",
    "point-cloud": "point cloud",
    "features": "map layer",
    "terrain": "terrain",
    "image": "image",
    "mesh": "mesh",
}
_ROLES = {"city-model": "buildings", "terrain": "terrain"}


def planned_kind(path: Path, registry: PluginRegistry) -> str | None:
    """Return the kind of layer that ``path`` will become, as far as its name tells; the file is not touched."""
    kinds = {reader.kinds[0] for reader in registry.readers_for(path) if reader.kinds}
    return kinds.pop() if len(kinds) == 1 else None


def specs_of(
    layers: Sequence[LayerData],
    *,
    ids: Sequence[LayerId],
    path: Path,
    reader: str,
    sources: Sequence[ReferenceSystem | None],
) -> tuple[LayerSpec, ...]:
    """Return the document's side of all layers of a file, which are new to it.

    Args:
        layers: What was read.
        ids: Of the layers.
        path: The file; several layers of it become a group of its name.
        reader: Contribution id.
        sources: The system that each layer came in; one that a person gave is remembered.
    """
    several = len(layers) > 1
    titles = titles_of(layers) if several else [path.stem]
    return tuple(
        LayerSpec(
            id=layer_id,
            kind=kind_of(data),
            title=title,
            source=LayerSource(
                path=str(path),
                reader=reader,
                sublayer=title if several else "",
                crs=source if source is not None and source.origin is CrsOrigin.GIVEN else None,
            ),
            group=path.stem if several else "",
            role=_ROLES.get(kind_of(data), ""),
            licence=data.source.licence,
        )
        for layer_id, title, data, source in zip(ids, titles, layers, sources, strict=True)
    )


def data_for(waiting: Sequence[LayerSpec], layers: Sequence[LayerData]) -> list[LayerData | None]:
    """Return, for each layer that a document has from a file, which of the file's ``layers`` it is; None where none is.

    A file with a single layer needs no name for it.
    """
    by_title = dict(zip(titles_of(layers), layers, strict=True))
    only = layers[0] if len(layers) == 1 else None

    def found(spec: LayerSpec) -> LayerData | None:
        is_alone = len(waiting) == 1 or not spec.source.sublayer
        data = by_title.get(spec.source.sublayer, only if is_alone else None)
        return data if data is not None and kind_of(data) == spec.kind else None

    return [found(spec) for spec in waiting]


def titles_of(layers: Sequence[LayerData]) -> list[str]:
    """Return a name for each layer of a file: the file's own where it has one, numbered where they repeat."""
    seen: Counter[str] = Counter()
    names = []
    for data in layers:
        name = data.source.title or KIND_NAMES[kind_of(data)].capitalize()
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def origin_of(layers: Sequence[LayerData]) -> tuple[float, float, float]:
    """Return the origin of a project that begins with these layers: their centre in whole hundreds of metres, z 0."""
    extent = Extent.around(layer.extent for layer in layers)
    if extent is None:
        return (0.0, 0.0, 0.0)
    return (round(extent.centre[0], -2), round(extent.centre[1], -2), 0.0)
