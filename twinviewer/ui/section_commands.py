"""Between the section bar and the scene: what is cut away is view state, kept with the camera and never undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from twinviewer.app.sectioning import MovingSection, Orientation, begin_section, moving_section
from twinviewer.model.place import Extent
from twinviewer.model.section import Section
from twinviewer.ui.section_bar import SectionBar

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow


class SectionCommands(QObject):
    """Cuts the city open, and closes it again."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self.bar = SectionBar(window.look, window.viewport)
        self.bar.moved.connect(self._show)
        self.bar.orientation_asked.connect(self._begin)
        self.bar.close_asked.connect(self.close_section)
        session = window.services.session
        self._stops = (
            session.on_change(lambda _change: self._follow()),
            session.store.on_put(lambda _id: self._follow()),
        )

    def close(self) -> None:
        for stop in self._stops:
            stop()

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands about the section do."""
        return {"view.section": self.toggle}

    def toggle(self) -> None:
        """Cut what is selected, or else the city, open at half its height; or show all whole again."""
        if self._window.scene.section is not None:
            self.close_section()
            return
        self._begin(Orientation.LEVEL)
        self.bar.slider.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_section(self) -> None:
        self.show_section(None)
        self._window.viewport.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_section(self, section: Section | None) -> None:
        """Show the section that a project was saved with, or none."""
        self._window.scene.set_section(section)
        box = self._box()
        self.bar.show_section(None if section is None or box is None else moving_section(section, box))
        self._window.commands["view.section"].setChecked(section is not None)

    def _follow(self) -> None:
        """Bring the bar in line with a scene that starts over elsewhere, or whose city has come only now."""
        is_out_of_line = self.bar.isHidden() != (self._window.scene.section is None)
        if is_out_of_line and not self._window.program.is_presenting:
            self.show_section(self._window.scene.section)

    def _begin(self, orientation: Orientation) -> None:
        box = self._box()
        if box is None:
            self.close_section()
            return
        section = begin_section(orientation, box, self._window.scene.viewpoint)
        self.bar.show_section(section)
        self._show(section)

    def _show(self, section: MovingSection) -> None:
        self._window.scene.set_section(section.section)
        self._window.commands["view.section"].setChecked(True)

    def _box(self) -> Extent | None:
        """Return the box of what is to be cut: the selection, or else the whole city."""
        pick = self._window.layers.pick
        selected = self._window.layers.selection_extent() if pick is not None and pick.object is not None else None
        return selected or self._window.scene.extent()
