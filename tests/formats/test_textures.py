from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinviewer.formats import textures
from twinviewer.formats.atlas import BLOCK_PX, MOST_PAGES, layout_of, place
from twinviewer.model.city_parts import WrapMode
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import FeatureTable, RasterImage

COLOURS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)


def wanted(path: str, *, wrap: str = "none", border: tuple[int, ...] = (0, 0, 0, 0)) -> dict[str, object]:
    return {"path": path, "wrap": wrap, "border": list(border)}


def read(folder: Path, *names: dict[str, object]) -> tuple[np.ndarray, list[np.ndarray], Counter[str]]:
    """Return the numbers of the table, the pages, and how many of each finding there are."""
    model = folder / "city.gml"
    model.touch()
    table, *pages = textures.read(path=model, textures=names, feedback=Silent())
    assert isinstance(table, FeatureTable)
    numbers = np.column_stack([column.values for column in table.attributes]).astype(int)
    pictures = [page.pixels for page in pages if isinstance(page, RasterImage)]
    found: Counter[str] = Counter()
    for each in table.diagnostics:
        found[each.code] += each.count
    return numbers, pictures, found


def content(numbers: np.ndarray, pages: list[np.ndarray]) -> np.ndarray:
    page, x, y, width, height = numbers
    return pages[page][y : y + height, x : x + width]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.gif", "a.webp", "a.tga"])
def test_pictures_of_many_formats_lie_on_the_page_as_they_are(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    Image.fromarray(COLOURS).save(tmp_path / name, **options)
    numbers, pages, found = read(tmp_path, wanted(name))
    assert found == {}
    assert np.array_equal(content(numbers[0], pages)[..., :3], COLOURS)
    assert (content(numbers[0], pages)[..., 3] == 255).all()


def test_jpeg_grey_palettes_and_transparency(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), (200, 100, 50)).save(tmp_path / "a.jpg", quality=95)
    Image.new("L", (3, 3), 77).save(tmp_path / "grey.png")
    see_through = np.zeros((2, 2, 4), np.uint8)
    see_through[0] = (10, 20, 30, 255)
    Image.fromarray(see_through).save(tmp_path / "hole.png")
    numbers, pages, found = read(tmp_path, wanted("a.jpg"), wanted("grey.png"), wanted("hole.png"))
    assert found == {}
    assert np.abs(content(numbers[0], pages)[..., :3].astype(int) - (200, 100, 50)).max() <= 3
    assert (content(numbers[1], pages) == (77, 77, 77, 255)).all()
    assert content(numbers[2], pages)[..., 3].tolist() == [[255, 255], [0, 0]]


def test_only_files_in_the_folder_of_the_model_are_opened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "deep").mkdir(parents=True)
    secret = tmp_path / "secret.png"
    Image.fromarray(COLOURS).save(secret)
    Image.fromarray(COLOURS).save(home / "deep" / "Good.PNG")
    (home / "link.png").symlink_to(secret)
    names = ("../secret.png", str(secret), "http://x.org/a.png", "file:///a.png", "link.png", "deep/../../secret.png")
    numbers, _, found = read(home, *map(wanted, names), wanted("gone.png"), wanted(""), wanted("deep\\good.png"))
    assert found == {}  # they were told when the model was read
    assert numbers[:, 0].tolist() == [-1] * 8 + [0]  # the last is found in spite of its case and its backslash


def test_what_is_no_picture_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nonsense")
    Image.new("RGB", (64, 64), (1, 2, 3)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    (tmp_path / "evil.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    numbers, pages, found = read(tmp_path, *map(wanted, ("a.png", "cut.png", "evil.eps", "whole.png")))
    assert found == {"texture.unreadable": 3}
    assert numbers[:, 0].tolist() == [-1, -1, -1, 0]
    assert (content(numbers[3], pages)[..., :3] == (1, 2, 3)).all()


def test_a_bomb_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textures, "MOST_PIXELS", 99)
    Image.new("1", (10, 10)).save(tmp_path / "a.png")
    assert read(tmp_path, wanted("a.png"))[2] == {"texture.too-large": 1}


def test_no_texture_at_all_gives_no_page(tmp_path: Path) -> None:
    numbers, pages, found = read(tmp_path, wanted("gone.png"))
    assert (numbers[0, 0], pages, found) == (-1, [], {})


@pytest.mark.parametrize(
    ("wrap", "left_of_red", "right_of_green"),
    [
        (WrapMode.CLAMP, (255, 0, 0), (0, 255, 0)),
        (WrapMode.NONE, (255, 0, 0), (0, 255, 0)),
        (WrapMode.WRAP, (0, 255, 0), (255, 0, 0)),
        (WrapMode.MIRROR, (255, 0, 0), (0, 255, 0)),
        (WrapMode.BORDER, (9, 8, 7), (9, 8, 7)),
    ],
)
def test_around_a_picture_lies_what_it_is_beyond_its_edges(
    wrap: WrapMode, left_of_red: tuple[int, ...], right_of_green: tuple[int, ...]
) -> None:
    page = np.zeros((64, 64, 4), np.uint8)
    picture = np.dstack([COLOURS, np.full((2, 2), 255, np.uint8)])
    box = np.array([BLOCK_PX, BLOCK_PX, 2, 2], np.int32)
    place(page, picture, box, wrap=wrap, border=(9, 8, 7, 255))
    assert tuple(page[BLOCK_PX, BLOCK_PX - 1, :3]) == left_of_red
    assert tuple(page[BLOCK_PX, BLOCK_PX + 2, :3]) == right_of_green
    assert (page[: 3 * BLOCK_PX, : 3 * BLOCK_PX, 3] == 255).all()  # whole blocks are full, and no others
    assert page[3 * BLOCK_PX :].sum() == page[:, 3 * BLOCK_PX :].sum() == 0


def test_pictures_never_overlap_and_lie_within_their_pages() -> None:
    sizes = np.random.default_rng(1).integers(1, 300, (500, 2)).astype(np.int32)
    layout = layout_of(sizes)
    assert np.array_equal(layout.box[:, 2:], sizes)
    for number in range(layout.pages):
        taken = np.zeros((layout.page_px, layout.page_px), np.uint8)
        for x, y, width, height in layout.box[layout.page == number].tolist():
            first, last = BLOCK_PX, -(-BLOCK_PX // 1)
            taken[y - first : y + height + last, x - first : x + width + last] += 1
        assert taken.max() == 1


def test_few_small_pictures_take_one_small_page() -> None:
    layout = layout_of(np.full((4, 2), 16, np.int32))
    assert (layout.pages, layout.page_px) == (1, 64)


def test_too_much_for_the_graphics_card_is_made_smaller_and_the_smallest_stay() -> None:
    sizes = np.concatenate([np.full((60, 2), 2048), np.full((100, 2), 100)]).astype(np.int32)
    layout = layout_of(sizes)
    assert layout.pages <= MOST_PAGES
    assert (layout.box[60:, 2:] == 100).all()
    assert (layout.box[:60, 2:] < 2048).all()
    assert (layout.box[:60, 2:] >= 900).all()  # 60 in rows of 4, with margins, on 2 pages of 8192²
