"""The program in a window, as the tests of the window have it."""

from tests.ui.conftest import collector_off_while_windows_live, program  # noqa: F401
