"""What the tests of CityGML share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from twinviewer.formats import citygml
from twinviewer.formats.soundness import check
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel


@pytest.fixture
def read_text(tmp_path: Path) -> Callable[[str], CityModel]:
    """Return a function that reads a text as a file."""

    def read(text: str) -> CityModel:
        path = tmp_path / "city.gml"
        path.write_text(text, encoding="utf-8")
        (model,) = citygml.read(path=path, feedback=Silent())
        check(model)
        return model

    return read
