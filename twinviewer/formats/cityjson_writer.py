"""City models into CityJSON 2.0 (OGC 20-072r5) and its text sequences: objects, parents, attributes, appearance.

A sequence has a line for what all share, and one for each object that is of no other, with its parts, and vertices
and looks of its own.  x comes before y whatever the authority's axis order is, as in all CityJSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinviewer.formats.cityjson_appearance import MEDIA_TYPES
from twinviewer.formats.cityjson_geometry_writer import GeometryWriter, attribute_lists
from twinviewer.formats.cityjson_metadata import from_text, head_of, nested
from twinviewer.formats.findings import Findings
from twinviewer.formats.losses import not_held, units_not_held
from twinviewer.model.city_parts import Material, Texture
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import CityModel, LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem

_STEPS_M = (0.001, 0.0001, 0.00001, 0.000001)
_STEP_DEG = 1e-9
_WHOLE = 1e-3
"""How far from a whole number of steps coordinates are that were written with such steps, as a share of one."""
_EVERY = 500
"""Objects between two questions whether to stop."""
_TYPE_NAMES = """
    Bridge BridgeConstructiveElement BridgeFurniture BridgeInstallation BridgePart BridgeRoom
    Building BuildingConstructiveElement BuildingFurniture BuildingInstallation BuildingPart BuildingRoom BuildingStorey
    BuildingUnit CityFurniture CityObjectGroup GenericCityObject LandUse OtherConstruction PlantCover Railway Road
    SolitaryVegetationObject TINRelief TransportSquare Tunnel TunnelConstructiveElement TunnelFurniture
    TunnelHollowSpace TunnelInstallation TunnelPart WaterBody Waterway
"""
_TYPES = frozenset(_TYPE_NAMES.split())
_SAME_TYPES = {
    "IntBuildingInstallation": "BuildingInstallation",
    "Room": "BuildingRoom",
    "Storey": "BuildingStorey",
    "BridgeConstructionElement": "BridgeConstructiveElement",
    "IntBridgeInstallation": "BridgeInstallation",
    "IntTunnelInstallation": "TunnelInstallation",
    "HollowSpace": "TunnelHollowSpace",
    "Square": "TransportSquare",
    "Track": "Road",
    "TransportationComplex": "Road",
    "ReliefFeature": "TINRelief",
}
"""CityGML's words for the same."""
_OTHER_TYPE = "GenericCityObject"
_GROUP = "CityObjectGroup"
_CHILDREN = "children"
_SURFACE_TYPE_NAMES = """
    RoofSurface GroundSurface WallSurface ClosureSurface OuterCeilingSurface OuterFloorSurface Window Door
    InteriorWallSurface CeilingSurface FloorSurface WaterSurface WaterGroundSurface WaterClosureSurface
    TrafficArea AuxiliaryTrafficArea TransportationMarking TransportationHole
"""
_SURFACE_TYPES = frozenset(_SURFACE_TYPE_NAMES.split())
_SAME_SURFACE_TYPES = {"WindowSurface": "Window", "DoorSurface": "Door", "Marking": "TransportationMarking"}

_ADDRESS = "address"
_MEMBERS = ("geographicalExtent", "children_roles")
"""Attributes that are members of their object in CityJSON."""

Json = dict[str, Any]


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one city model as one document.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    model = _Model(layers)
    with path.open("wb") as file:
        file.write(orjson.dumps(model.head(path))[:-1] + b',\n"CityObjects":{')
        for number, (row, content) in enumerate(model.objects(feedback)):
            file.write((b",\n" if number else b"\n") + orjson.dumps(model.ids[row]) + b":" + orjson.dumps(content))
        file.write(b"\n},\n")
        if appearance := model.appearance():
            file.write(b'"appearance":' + orjson.dumps(appearance) + b",\n")
        file.write(b'"vertices":' + orjson.dumps(model.vertices()) + b"}\n")
    return model.told()


def write_sequence(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one city model as a text sequence, CityJSONSeq.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    model = _Model(layers)
    features: dict[int, Json] = {}
    roots = model.roots()
    for row, content in model.objects(feedback):
        features.setdefault(roots[row], {})[model.ids[row]] = content
    vertices, appearance = model.vertices(), model.appearance()
    with path.open("wb") as file:
        file.write(orjson.dumps({**model.head(path), "CityObjects": {}, "vertices": []}) + b"\n")
        for first, members in features.items():
            feature = {"type": "CityJSONFeature", "id": model.ids[first], "CityObjects": members}
            file.write(orjson.dumps({**feature, **_own_parts(members, vertices, appearance)}) + b"\n")
    return model.told()


class _Model:
    """A city model on its way into a document."""

    def __init__(self, layers: Sequence[LayerData]) -> None:
        (data,) = layers
        assert isinstance(data, CityModel)
        self._data = data
        self._findings = Findings()
        self.ids = _unique(data.object_ids, self._findings)
        self._origin = np.floor(data.vertices.min(axis=0)) if len(data.vertices) else np.zeros(3)
        self._step = np.array(_steps(data.crs, data.vertices - self._origin))
        whole, numbers = np.unique(self._in_steps(data.vertices), axis=0, return_inverse=True)
        self._vertices: list[list[int]] = whole.tolist()
        surface_types = [_surface_type(name, self._findings) for name in data.surface_type_names]
        self._geometries = GeometryWriter(data, numbers.reshape(-1), surface_types, self._findings)

    def head(self, path: Path) -> Json:
        """Return what comes before the city objects."""
        data = self._data
        said, root = head_of(data.source.metadata)
        metadata: Json = {"title": data.source.title or path.name.partition(".")[0], **said}
        if data.extent is not None:
            metadata["geographicalExtent"] = list(data.extent.as_tuple())
        if data.crs is not None and data.crs.horizontal != LOCAL.horizontal:
            url = _url(data.crs, self._findings)
            if url:
                metadata["referenceSystem"] = url
        transform = {"scale": self._step.tolist(), "translate": self._origin.tolist()}
        return {**root, "type": "CityJSON", "version": "2.0", "transform": transform, "metadata": metadata}

    def vertices(self) -> list[list[int]]:
        """Return those of all objects that were made."""
        return self._vertices

    def appearance(self) -> Json:
        """Return what the looks of the objects that were made count, nothing where they have none."""
        given = self._data.appearance
        if given is None:
            return {}
        made: Json = {}
        if given.materials:
            made["materials"] = [_material(material) for material in given.materials]
        if given.textures:
            made["textures"] = [_texture(texture) for texture in given.textures]
            made["vertices-texture"] = self._geometries.places
        return made

    def told(self) -> list[Diagnostic]:
        """Return what the file does not hold, or holds otherwise."""
        images = self._data.appearance.textures if self._data.appearance else ()
        problem = "The file names the images of its textures as the source did; they are not copied with it."
        beside = [not_held(problem, where=images[0].path, count=len(images))] if images else []
        return [*self._findings.diagnostics(), *units_not_held(self._data), *beside]

    def roots(self) -> list[int]:
        """Return (n,) the object that each is part of, and that is of no other."""
        parents = self._data.object_parent
        roots = np.arange(len(parents))
        while (above := parents[roots] >= 0).any():
            roots[above] = parents[roots[above]]
        result: list[int] = roots.tolist()
        return result

    def objects(self, feedback: Feedback) -> Iterator[tuple[int, Json]]:
        """Yield the row and the content of each city object."""
        data = self._data
        types = [_type(name, self._findings) for name in data.type_names]
        parents: list[list[int]] = [[parent] if parent >= 0 else [] for parent in data.object_parent.tolist()]
        children: dict[int, list[int]] = {}
        for row, own in enumerate(parents):
            for parent in own:
                children.setdefault(parent, []).append(row)
        columns = attribute_lists(data.attributes)
        self._add_members_of_groups(columns, [types[number] for number in data.object_type], parents, children)
        for row in range(len(self.ids)):
            if row % _EVERY == 0:
                feedback.stop_if_cancelled()
                feedback.progress(row / len(self.ids), "Writing city objects")
            content: Json = {"type": types[data.object_type[row]]}
            attributes = {
                name: values[row]
                for name, values, present in columns
                if present[row] and (name != _CHILDREN or content["type"] != _GROUP)
            }
            content.update(self._members(nested(attributes)))
            if parents[row]:
                content["parents"] = [self.ids[parent] for parent in parents[row]]
            if row in children or content["type"] == _GROUP:
                content["children"] = [self.ids[child] for child in children.get(row, ())]
            if geometries := self._geometries.geometries_of(row):
                content["geometry"] = geometries
            if any("lod" not in each for each in geometries):
                problem = "CityJSON demands a level of detail; where none is known, none is written."
                self._findings.add("write.changed", problem, where=self.ids[row], objects=(self.ids[row],))
            yield row, content

    def _add_members_of_groups(
        self,
        columns: Sequence[tuple[str, list[Any], list[bool]]],
        types: Sequence[str],
        parents: list[list[int]],
        children: dict[int, list[int]],
    ) -> None:
        """Note who is in a group: that is an attribute of the group, which contains them without owning them."""
        rows = {object_id: row for row, object_id in reversed(list(enumerate(self._data.object_ids)))}
        for name, values, present in columns:
            for group in np.flatnonzero(present).tolist() if name == _CHILDREN else ():
                named = from_text(values[group]) if types[group] == _GROUP else ()
                for child in (rows[each] for each in named if isinstance(each, str) and each in rows):
                    if group not in parents[child]:
                        parents[child].append(group)
                        children.setdefault(group, []).append(child)

    def _members(self, attributes: Json) -> Json:
        """Return the attributes of an object, and what else CityJSON has for some of them."""
        members: Json = {name: attributes.pop(name) for name in _MEMBERS if isinstance(attributes.get(name), list)}
        address = attributes.get(_ADDRESS)
        if isinstance(address, dict):
            del attributes[_ADDRESS]
            places = address.pop("location", None)
            if places:
                numbers = [self._vertex(place) for place in places]
                address["location"] = {"type": "MultiPoint", "lod": "0", "boundaries": numbers}
            members[_ADDRESS] = [address]
        return {"attributes": attributes, **members} if attributes else members

    def _vertex(self, place: Sequence[float]) -> int:
        """Return the number of a new vertex."""
        self._vertices.append(self._in_steps(np.array(place)).tolist())
        return len(self._vertices) - 1

    def _in_steps(self, coordinates: NDArray[np.float64]) -> NDArray[np.int64]:
        steps: NDArray[np.int64] = np.rint((coordinates - self._origin) / self._step).astype(np.int64)
        return steps


# --- the parts of a feature -----------------------------------------------------------------------------------------


class _OwnNumbers:
    """Numbers of a document as those of one feature, in the order in which they are met."""

    def __init__(self) -> None:
        self._own: dict[int, int] = {}

    def __call__(self, number: int) -> int:
        return self._own.setdefault(number, len(self._own))

    def of(self, listed: Sequence[Any]) -> list[Any]:
        """Return those of the document that were met."""
        return [listed[number] for number in self._own]


def _own_parts(members: Json, vertices: Sequence[list[int]], appearance: Json) -> Json:
    """Return the vertices and the appearance of a feature, whose geometries are made to count them."""
    corners, materials, textures, places = (_OwnNumbers() for _ in range(4))
    for content in members.values():
        addresses = (each["location"] for each in content.get(_ADDRESS, ()) if "location" in each)
        for geometry in (*content.get("geometry", ()), *addresses):
            geometry["boundaries"] = _each(geometry["boundaries"], corners)
            for theme in geometry.get("material", {}).values():
                theme["values"] = _each(theme["values"], materials)
            for theme in geometry.get("texture", {}).values():
                theme["values"] = _each_ring(theme["values"], textures, places)
    own = {
        "materials": materials.of(appearance.get("materials", ())),
        "textures": textures.of(appearance.get("textures", ())),
        "vertices-texture": places.of(appearance.get("vertices-texture", ())),
    }
    looks = {name: listed for name, listed in own.items() if listed}
    return {**({"appearance": looks} if looks else {}), "vertices": corners.of(vertices)}


def _each(values: Any, number: Callable[[int], int]) -> Any:
    """Return nested lists with another number for each of theirs."""
    if isinstance(values, list):
        return [_each(value, number) for value in values]
    return None if values is None else number(values)


def _each_ring(values: list[Any], texture: Callable[[int], int], place: Callable[[int], int]) -> list[Any]:
    """Return the same of textures: the first number of a ring is that of the texture."""
    if isinstance(values[0], list):
        return [_each_ring(value, texture, place) for value in values]
    return values if values[0] is None else [texture(values[0]), *map(place, values[1:])]


# --- the head -------------------------------------------------------------------------------------------------------


def _steps(system: ReferenceSystem | None, coordinates: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return what coordinates are rounded to: millimetres, or less where they were written with smaller steps."""
    if system is not None and system.horizontal != LOCAL.horizontal:
        from twinviewer.model.crs import is_geographic

        if is_geographic(system):
            return (_STEP_DEG, _STEP_DEG, _STEPS_M[0])
    for step in _STEPS_M:
        in_steps = coordinates / step
        if len(coordinates) and np.abs(in_steps - np.rint(in_steps)).max() < _WHOLE:
            return (step, step, step)
    return (_STEPS_M[0],) * 3


def _url(system: ReferenceSystem, findings: Findings) -> str:
    """Return the one code by which CityJSON names a reference system, of both parts where there is such a code."""
    from twinviewer.model.crs import describe, horizontal_crs, to_pyproj

    authority = to_pyproj(system).to_authority(min_confidence=20) if system.vertical else None
    if authority is None and system.vertical:
        problem = (
            "CityJSON has one code for a reference system; there is none that says what these heights are counted from."
        )
        findings.add("write.not-held", problem, where=describe(system))
    authority = authority or horizontal_crs(system).to_authority()
    if authority is None:
        problem = "CityJSON names reference systems by codes; there is none for this one, so the file does not say it."
        findings.add("write.not-held", problem, where=describe(system))
        return ""
    return f"https://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"


def _material(material: Material) -> Json:
    return {
        "name": material.name,
        "ambientIntensity": material.ambient_intensity,
        "diffuseColor": material.diffuse,
        "emissiveColor": material.emissive,
        "specularColor": material.specular,
        "shininess": material.shininess,
        "transparency": material.transparency,
        "isSmooth": material.is_smooth,
    }


def _texture(texture: Texture) -> Json:
    kinds = {media_type: name for name, media_type in MEDIA_TYPES.items()}
    by_ending = "PNG" if texture.path.lower().endswith(".png") else "JPG"
    made: Json = {"type": kinds.get(texture.media_type, by_ending), "image": texture.path, "wrapMode": texture.wrap}
    if texture.kind:
        made["textureType"] = texture.kind
    if any(texture.border_rgba):
        made["borderColor"] = texture.border_rgba
    return made


# --- words ----------------------------------------------------------------------------------------------------------


def _unique(ids: Sequence[str], findings: Findings) -> list[str]:
    taken = set(ids)
    if len(taken) == len(ids):
        return list(ids)
    seen: set[str] = set()
    result = []
    for object_id in ids:
        number, candidate = 1, object_id
        while candidate in seen or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{object_id}-{number}"
        if candidate != object_id:
            findings.add("write.changed", "Ids that several objects have were numbered.", where=object_id)
        seen.add(candidate)
        result.append(candidate)
    return result


def _type(name: str, findings: Findings) -> str:
    same = _SAME_TYPES.get(name, name)
    if same in _TYPES or same.startswith("+"):
        return same
    findings.add("write.changed", f"CityJSON has no “{name}”: such objects are written as {_OTHER_TYPE}.")
    return _OTHER_TYPE


def _surface_type(name: str, findings: Findings) -> str:
    same = _SAME_SURFACE_TYPES.get(name, name)
    if same in _SURFACE_TYPES or same.startswith("+"):
        return same
    findings.add("write.changed", f"CityJSON has no “{name}”: it is written as the extension “+{name}”.")
    return f"+{name}"
