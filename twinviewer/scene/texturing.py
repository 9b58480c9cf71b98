"""Textures come onto city models that are on the screen already, when their theme is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twinviewer.app.textures import TextureAtlas, TextureSource
from twinviewer.model.project import LayerId, LayerSpec
from twinviewer.scene.city_appearance import TexturedLook, WantedTextures, textured_look
from twinviewer.scene.city_model_actor import CityModelActor
from twinviewer.scene.drawn import RunInBackground
from twinviewer.scene.layer_actor import LayerActor


@dataclass(slots=True)
class _Brought:
    """What was asked for of one layer."""

    wanted: WantedTextures
    atlas: TextureAtlas | None = None
    """None while it is on its way."""


class Texturing:
    """Sees to it that themes get their textures.

    Args:
        source: Brings them; None: nobody does, and surfaces stay in plain colours.
        actors: What is on the screen.
        run_in_background: Prepares what takes long.
        on_laid: Called when a layer has got its textures.
    """

    def __init__(
        self,
        source: TextureSource | None,
        actors: Mapping[LayerId, LayerActor],
        *,
        run_in_background: RunInBackground,
        on_laid: Callable[[LayerId, CityModelActor, TexturedLook], None],
    ) -> None:
        self._source, self._actors = source, actors
        self._run_in_background, self._on_laid = run_in_background, on_laid
        self._brought: dict[LayerId, _Brought] = {}

    def follow(self, spec: LayerSpec, actor: CityModelActor) -> None:
        """Bring what the theme of a layer lacks, from where the layer comes from."""
        wanted = actor.wanted
        if wanted is None or self._source is None:
            return
        brought = self._brought.get(spec.id)
        if brought is not None and brought.wanted.theme is wanted.theme:
            if brought.atlas is not None:
                self._lay(spec.id, brought.wanted, brought.atlas)
            return
        brought = self._brought[spec.id] = _Brought(wanted)

        def done(atlas: TextureAtlas) -> None:
            if self._brought.get(spec.id) is brought:
                brought.atlas = atlas
                self._lay(spec.id, wanted, atlas)

        self._source.bring(Path(spec.source.path), wanted.textures, done)

    def _lay(self, layer_id: LayerId, wanted: WantedTextures, atlas: TextureAtlas) -> None:
        actor = self._actors.get(layer_id)
        if not isinstance(actor, CityModelActor):
            return  # it is prepared anew, and will ask again
        model, pieces = actor.model, actor.textured_pieces

        def attach(look: TexturedLook) -> None:
            if self._actors.get(layer_id) is actor:
                self._on_laid(layer_id, actor, look)

        self._run_in_background(lambda: textured_look(model, wanted, atlas, pieces), attach)

    def forget(self, layer_id: LayerId) -> None:
        self._brought.pop(layer_id, None)

    def close(self) -> None:
        self._brought.clear()

    def copy_to(self, other: Texturing) -> None:
        """Let another scene of the same session have what is there."""
        for layer_id, brought in self._brought.items():
            if brought.atlas is not None:
                other._brought[layer_id] = brought
                other._lay(layer_id, brought.wanted, brought.atlas)
