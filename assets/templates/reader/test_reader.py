"""Tables of places, good and bad ones."""

from pathlib import Path

import numpy as np
import pytest
from twinviewer.api import FeatureTable, ReadError
from twinviewer.testing import PluginUnderTest

EXAMPLE = Path(__file__).parent.parent / "examples" / "squares.places.csv"


def test_the_example_is_read(plugin_under_test: PluginUnderTest) -> None:
    (table,) = plugin_under_test.read(EXAMPLE)
    assert isinstance(table, FeatureTable)
    assert table.crs is not None
    assert table.crs.horizontal == "EPSG:25832"
    np.testing.assert_array_equal(table.points[1], (549820.0, 5890040.0, 0.0))
    visitors = next(column for column in table.attributes if column.name == "visitors")
    assert visitors.values.sum() == 4200 + 950 + 1300 + 1750 + 3100


def test_a_line_without_a_position_is_told_of_and_the_rest_is_read(
    plugin_under_test: PluginUnderTest, tmp_path: Path
) -> None:
    path = tmp_path / "two.places.csv"
    path.write_text("name,east,north\nA,1,2\nB,here,there\n")
    (table,) = plugin_under_test.read(path)
    assert isinstance(table, FeatureTable)
    assert table.feature_count == 1
    assert [told.count for told in table.diagnostics] == [1]


@pytest.mark.parametrize("content", [b"", b"name,east,north\n", b"<html></html>", bytes(range(256))])
def test_what_is_no_table_of_places_is_refused_in_words(
    plugin_under_test: PluginUnderTest, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.places.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        plugin_under_test.read(path)
