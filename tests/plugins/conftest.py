from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.conftest import ROOT
from twinviewer.api.importing import CodeLocation, import_function, package_name


def plugin_module(plugin: str, function: str) -> ModuleType:
    """Return the module of a bundled plugin in which ``"module:function"`` is."""
    folder = ROOT / "plugins" / plugin
    code = CodeLocation(package=package_name(plugin.replace("_", "-"), folder), folder=str(folder))
    return sys.modules[import_function(function, code=code).__module__]


@pytest.fixture(scope="session")
def air_feed() -> ModuleType:
    return plugin_module("air_quality", "feed:simulate")


@pytest.fixture(scope="session")
def air_encode() -> ModuleType:
    return plugin_module("air_quality", "encode:show_against_limit")


@pytest.fixture(scope="session")
def traffic_feed() -> ModuleType:
    return plugin_module("traffic", "feed:simulate")


@pytest.fixture(scope="session")
def traffic_network() -> ModuleType:
    return plugin_module("traffic", "network:network_of")
