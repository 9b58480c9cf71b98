"""Materials and textures of a city model on the way from a file to columns."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_surfaces import RaggedSurfaces
from twinviewer.formats.files import file_beside, shortened
from twinviewer.formats.findings import Findings
from twinviewer.model.city_parts import Appearance, Material, Texture, Theme
from twinviewer.model.errors import HostileFileError, ReadError

Part = TypeVar("Part", Material, Texture)


class AppearanceColumns:
    """Materials and textures, each kept once; which surface has which is said by the surfaces' looks."""

    def __init__(self) -> None:
        self._materials: dict[Material, int] = {}
        self._textures: dict[Texture, int] = {}

    def material(self, material: Material) -> int:
        """Return the number of ``material``, giving it the next one if it is new."""
        return self._materials.setdefault(material, len(self._materials))

    def texture(self, texture: Texture) -> int:
        """Return the number of ``texture``, giving it the next one if it is new."""
        return self._textures.setdefault(texture, len(self._textures))

    def tell_of_images(self, path: Path, findings: Findings) -> None:
        """Tell which images of the textures are not where the file ``path`` says, or where it may not look."""
        for texture in self._textures:
            try:
                file_beside(path, texture.path)
            except HostileFileError:
                problem = "Images of textures that are outside of the file's own folder are not opened."
                findings.add("texture.outside", problem, where=shortened(texture.path))
            except ReadError:
                problem = "Images of textures are not where the file says; their surfaces are shown in plain colours."
                findings.add("texture.missing", problem, where=shortened(texture.path))

    def finished(
        self,
        surfaces: RaggedSurfaces,
        drawn: RaggedSurfaces,
        triangle_corners: NDArray[np.integer],
    ) -> Appearance | None:
        """Return what the surfaces look like, None where all look like nothing.

        Args:
            surfaces: All of them.
            drawn: Those that are drawn, cleaned.
            triangle_corners: (m, 3) of each triangle among the corners of ``drawn``.
        """
        themes = []
        for name, look in surfaces.looks.items():
            if look.material.max(initial=-1) < 0 and look.texture.max(initial=-1) < 0:
                continue
            places = drawn.looks[name].coordinates
            themes.append(
                Theme(
                    name=name,
                    material=look.material.astype(np.int32),
                    texture=look.texture.astype(np.int32),
                    coordinates=places[triangle_corners] if len(places) else np.empty((0, 3, 2), np.float32),
                )
            )
        if not themes:
            return None
        return Appearance(materials=tuple(self._materials), textures=tuple(self._textures), themes=tuple(themes))
