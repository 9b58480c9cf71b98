"""When the view shows all of a project, or what was saved of its view: at the beginning, until the person moves it."""

from __future__ import annotations

from collections.abc import Callable

from twinviewer.app.project_file import ViewState
from twinviewer.scene.city_scene import CityScene


class FirstLook:
    """Moves the view once there is something to see of a project that has just begun.

    Args:
        scene: Whose view it is.
        on_moved: Called when it was moved.
    """

    def __init__(self, scene: CityScene, *, on_moved: Callable[[], None]) -> None:
        self._scene, self._on_moved = scene, on_moved
        self._is_due = False
        self._again_when_all_are_there = False
        """Whether the first files of a project are on their way, and the person has not moved the view since."""
        self._view: ViewState | None = None

    def begin(self, view: ViewState) -> None:
        """Show a project as it was saved, or all of it where no view was."""
        self._view = view
        self._is_due, self._again_when_all_are_there = True, False

    def await_files(self) -> None:
        """Show the first files of a project as soon as one is there, and again with the last one."""
        self._is_due = self._again_when_all_are_there = True

    def hear_that_files_are_there(self) -> None:
        if self._again_when_all_are_there:
            self._is_due = True
            self.look()
        self._again_when_all_are_there = False

    def leave_to_person(self) -> None:
        """Move the view no more: the person does."""
        self._again_when_all_are_there = False

    def look(self) -> None:
        """Move the view if that is due and there is something to see."""
        if not self._is_due or self._scene.extent() is None:
            return
        self._is_due = False
        if self._view is not None and self._view.viewpoint is not None:
            self._scene.viewpoint = self._view.viewpoint
        else:
            self._scene.fit()
        self._view = None
        self._on_moved()
