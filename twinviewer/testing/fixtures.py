"""What pytest finds in twinviewer: fixtures for tests of plugins.

This module is imported by every run of pytest where twinviewer is installed: it imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twinviewer.api.contracts import Site
    from twinviewer.testing.plugin import PluginUnderTest


@pytest.fixture
def plugin_under_test(request: pytest.FixtureRequest) -> Iterator[PluginUnderTest]:
    """The plugin of the project that is tested, and nothing else, called in this process."""
    from twinviewer.testing.plugin import open_plugin

    with open_plugin(_project_of(request)) as plugin:
        yield plugin


def _project_of(request: pytest.FixtureRequest) -> Path:
    """Return the project that the test is in: one run of pytest may be given several."""
    for folder in request.path.parents:
        if any((folder / name).is_file() for name in ("plugin.toml", "pyproject.toml")):
            return folder
    return request.config.rootpath


@pytest.fixture(scope="session")
def town() -> Site:
    """A small town with streets, buildings and terrain: see ``twinviewer.testing.small_town``."""
    from twinviewer.testing.places import small_town

    return small_town()
