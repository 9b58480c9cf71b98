"""Run under QT_SCALE_FACTOR: is the picture as large as its widget, to the last row, at odd and even sizes?

Prints what is wrong, a line each, and nothing where all is well.  ``tests/ui/test_viewport_scaling.py`` runs it.
"""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication

from tests.ui.fake_scene import HOME, BoxScene
from twinviewer.ui.viewport import Viewport

SIZES = [(502, 503), (503, 502), (401, 301), (400, 300), (355, 257), (333, 222), (640, 427), (641, 428)]


def main() -> None:
    app = QApplication([])
    viewport = Viewport()
    viewport.compass.hide()
    viewport.set_background("#ffffff")
    viewport.show()
    for width, height in SIZES:
        viewport.resize(width, height)
        app.processEvents()
        image = viewport.grabFramebuffer()
        size = (image.width(), image.height())
        drawn = viewport.ren_win.GetSize()
        if size != drawn:
            sys.stdout.write(f"{width}x{height}: Qt has {size} pixels, VTK drew {drawn}\n")
        picture = viewport.picture_size()
        if (picture.width_px, picture.height_px) != size:
            sys.stdout.write(f"{width}x{height}: Qt has {size} pixels, navigation reckons with {picture}\n")
        edges = [(x, y) for x in range(0, size[0], 7) for y in (0, size[1] - 1)]
        edges += [(x, y) for y in range(0, size[1], 7) for x in (0, size[0] - 1)]
        dark = [at for at in edges if image.pixelColor(*at).lightness() < 250]
        if dark:
            sys.stdout.write(f"{width}x{height}: dark at {dark[:3]} and {len(dark)} in all\n")
    scene = BoxScene(viewport, viewport.picture_size())
    viewport.set_scene(scene)
    middle = scene.seen_at(HOME.target)
    if max(abs(a - b) for a, b in zip(middle, viewport.picture_size().centre_px, strict=True)) > 1:
        sys.stdout.write(f"the middle of the picture is drawn at {middle}\n")
    viewport.close()


if __name__ == "__main__":
    main()
