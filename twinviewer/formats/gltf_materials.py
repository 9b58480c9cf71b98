"""The plain colours of glTF 2.0 materials, and documents without the rest of them.

trimesh decodes every texture that a document names, from the file or its folder.  None is drawn yet, so the document
that it sees has none: materials keep their number as their name, and the colours are looked up by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]


def plain_materials(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Rgb]]:
    """Return the document with empty numbered materials and without textures, and the colours by number.

    Colours are linear RGB, 0 to 1: the base colour factor, or the diffuse factor of the older extension
    KHR_materials_pbrSpecularGlossiness.  Materials with a texture have none: their factor is mostly white.
    """
    materials = document.get("materials")
    materials = materials if isinstance(materials, list) else []
    colours = {
        str(number): colour
        for number, material in enumerate(materials)
        if isinstance(material, dict) and (colour := _plain_colour(material)) is not None
    }
    plain = {name: value for name, value in document.items() if name not in ("images", "textures", "samplers")}
    # One more than there are: trimesh cuts colours of vertices to 8 bits where a primitive has no material.
    for primitive in primitives_of(document):
        if "COLOR_0" in primitive["attributes"]:
            primitive.setdefault("material", len(materials))
    plain["materials"] = [{"name": str(number)} for number in range(len(materials) + 1)]
    return plain, colours


def primitives_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the primitives of all meshes that are put together as they should be."""
    meshes = document.get("meshes")
    return [
        primitive
        for mesh in (meshes if isinstance(meshes, list) else [])
        if isinstance(mesh, dict) and isinstance(mesh.get("primitives"), list)
        for primitive in mesh["primitives"]
        if isinstance(primitive, dict) and isinstance(primitive.get("attributes"), dict)
    ]


def displayed(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return linear shares of light, 0 to 1, as sRGB of 8 bits (IEC 61966-2-1)."""
    linear = np.clip(np.nan_to_num(linear), 0.0, 1.0)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray((curved * 255).round(), np.uint8)


def _plain_colour(material: dict[str, Any]) -> Rgb | None:
    extensions = material.get("extensions")
    older = extensions.get("KHR_materials_pbrSpecularGlossiness") if isinstance(extensions, dict) else None
    if isinstance(older, dict):
        return _factor(older, "diffuseFactor", "diffuseTexture")
    metallic_roughness = material.get("pbrMetallicRoughness")
    if not isinstance(metallic_roughness, dict):
        return None
    return _factor(metallic_roughness, "baseColorFactor", "baseColorTexture")


def _factor(part: dict[str, Any], name: str, texture: str) -> Rgb | None:
    factor = part.get(name)
    if texture in part or not isinstance(factor, list) or len(factor) < 3:
        return None
    if not all(isinstance(value, int | float) for value in factor[:3]):
        return None
    red, green, blue = (min(max(float(value), 0.0), 1.0) for value in factor[:3])
    return red, green, blue
