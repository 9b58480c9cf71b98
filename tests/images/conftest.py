"""VTK's errors as failures, here too."""

from tests.scene.conftest import open_scene, vtk_errors_fail, windows_go_before_the_display

__all__ = ["open_scene", "vtk_errors_fail", "windows_go_before_the_display"]
