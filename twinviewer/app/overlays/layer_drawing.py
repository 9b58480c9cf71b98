"""A layer that a plugin makes: drawn once, as a job with progress that a person can stop."""

from __future__ import annotations

from pathlib import Path

from twinviewer.app.jobs import JobRunner
from twinviewer.app.overlays.finishing import NOTHING, Finished, Finisher
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import LayerContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.site import SessionSite
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled, Feedback


class LayerDrawing:
    """One call of a layer's function.  Made and stopped on the thread that owns the jobs.

    Args:
        registry: Calls the function.
        layer: Whose it is.
        site: Passed to it.
        shapes: Reads the files of icons and meshes.
        jobs: Shows it to the person.
        before: What is shown until there is something new.
    """

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        layer: LayerContribution,
        site: SessionSite,
        shapes: ShapeFiles,
        jobs: JobRunner,
        before: Finished = NOTHING,
    ) -> None:
        self._registry, self._layer, self._site = registry, layer, site
        folder = Path(registry.plugin_of(layer.id).code.folder)
        self._finisher = Finisher(folder=folder, shapes=shapes)
        self.finished = before
        self.problem: TwinViewerError | None = None
        """Why there is nothing."""
        self.is_done = False
        self.was_stopped = False
        """Whether the person stopped it."""
        self._job = jobs.start(
            layer.title, self._draw, on_done=_nothing, on_error=_nothing, on_cancelled=lambda: _nothing(None)
        )

    def stop(self) -> None:
        """Ask the function to end; what it returns is dropped."""
        self._job.cancel()

    def _draw(self, feedback: Feedback) -> None:
        """Draw, on the job's thread, and keep what came of it where any thread may read it."""

        def finish(result: object) -> Finished:
            feedback.stop_if_cancelled()
            return self._finisher.finished(result, site=self._site, feedback=feedback)

        try:
            arguments = {"site": self._site, "feedback": feedback}
            self.finished = self._registry.call(self._layer.id, self._layer.draw, arguments, check=finish)
        except Cancelled:
            self.was_stopped = True
            raise
        except TwinViewerError as error:
            self.problem = error  # what was drawn before stays
            raise
        except Exception as error:
            self.problem = PluginError(f"The layer cannot be drawn: {error}.", source=self._layer.title)
            raise
        finally:
            self.is_done = True


def _nothing(_: object) -> None:
    """What came of the job stands in the drawing."""
