"""The textures of city models: read in a worker when a theme that has them is shown, and packed on few pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinviewer import formats
from twinviewer.api.importing import CodeLocation
from twinviewer.app.problems import ProblemLog
from twinviewer.app.worker_tasks import FunctionFailedError
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest
from twinviewer.model.city_parts import Texture
from twinviewer.model.errors import DamagedFileError, TwinViewerError
from twinviewer.model.feedback import Feedback, Silent
from twinviewer.model.layer_data import FeatureTable, RasterImage

_READER = FunctionOfPlugin(
    reference="textures:read",
    code=CodeLocation(package=formats.__name__, folder=str(Path(formats.__file__).parent)),
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextureAtlas:
    """``k`` textures on a few pages."""

    page: NDArray[np.int32]
    """(k,) −1 where a texture could not be had."""
    box: NDArray[np.float32]
    """(k, 4) column, row, width and height on the page in texels; around it lies what is beyond the edges."""
    pages: tuple[NDArray[np.uint8], ...]
    """Each (rows, columns, 4), the top row first."""


class TextureSource(Protocol):
    """Whoever brings textures."""

    def bring(self, path: Path, textures: Sequence[Texture], on_done: Callable[[TextureAtlas], None]) -> None:
        """Call ``on_done`` on this thread when the textures of the city model in ``path`` are there.

        It is not called where none can be had.
        """


class Run(Protocol):
    """Runs a function beside this thread, or at once, and hands what it returns over on this thread."""

    def __call__(
        self,
        title: str,
        function: Callable[[Feedback], T],
        *,
        on_done: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> Any: ...


class TextureReader:
    """Brings textures by way of the workers.

    Args:
        pool: Whose workers decode them.
        problems: Gets what is missing or damaged.
        run: ``JobRunner.start``, or :func:`at_once`.
    """

    def __init__(self, pool: WorkerPool, problems: ProblemLog, run: Run) -> None:
        self._pool, self._problems, self._run = pool, problems, run

    def bring(self, path: Path, textures: Sequence[Texture], on_done: Callable[[TextureAtlas], None]) -> None:
        def done(read: tuple[TextureAtlas, FeatureTable]) -> None:
            atlas, table = read
            self._problems.add_diagnostics(path.name, table.diagnostics)
            on_done(atlas)

        def failed(error: Exception) -> None:
            if isinstance(error, TwinViewerError):
                self._problems.add_error(error)

        self._run(
            f"Textures of {path.name}",
            lambda feedback: self._read(path, textures, feedback),
            on_done=done,
            on_error=failed,
        )

    def _read(self, path: Path, textures: Sequence[Texture], feedback: Feedback) -> tuple[TextureAtlas, FeatureTable]:
        wanted = [
            {
                "path": texture.path,
                "wrap": texture.wrap.value,
                "border": [round(255 * min(max(part, 0.0), 1.0)) for part in texture.border_rgba],
            }
            for texture in textures
        ]
        request = ReadRequest(reader=_READER, path=str(path), options={"textures": wanted})
        try:
            table, *pages = self._pool.read(request, feedback).layers
        except FunctionFailedError as error:
            raise DamagedFileError(
                "The textures cannot be read; all surfaces have plain colours.",
                cure="The log has the details.",
                source=path.name,
            ) from error
        assert isinstance(table, FeatureTable)
        numbers = np.column_stack([column.values for column in table.attributes]).reshape(-1, 5)
        atlas = TextureAtlas(
            page=numbers[:, 0].astype(np.int32),
            box=numbers[:, 1:].astype(np.float32),
            pages=tuple(page.pixels for page in pages if isinstance(page, RasterImage)),
        )
        return atlas, table


def at_once(
    title: str,
    function: Callable[[Feedback], T],
    *,
    on_done: Callable[[T], None],
    on_error: Callable[[Exception], None],
) -> None:
    """Run in the foreground: for pictures without a window."""
    try:
        value = function(Silent())
    except TwinViewerError as error:
        on_error(error)
    else:
        on_done(value)
