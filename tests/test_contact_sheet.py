"""Contact sheets: every picture is on the sheet, unchanged or enlarged by a whole number."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bridge.contact_sheet import MOST_HIGH, MOST_WIDE, draw, small_png


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def holds(sheet: np.ndarray, picture: np.ndarray) -> bool:
    """The picture stands somewhere on the sheet, pixel for pixel."""
    h, w = picture.shape[:2]
    corners = np.argwhere((sheet == picture[0, 0]).all(axis=2))
    return any(np.array_equal(sheet[y : y + h, x : x + w], picture) for y, x in corners)


def test_every_picture_is_there_as_it_is() -> None:
    pictures = [noise(300, 300, seed) for seed in range(4)]
    sheet = draw(
        [[("a", pictures[0]), ("b", pictures[1])], [("", pictures[2]), ("d", pictures[3])]]
    )
    assert all(holds(sheet, picture) for picture in pictures)


def test_a_small_picture_is_enlarged_by_a_whole_number() -> None:
    picture = noise(32, 48)
    sheet = draw([[("small", picture)]])
    assert holds(sheet, np.repeat(np.repeat(picture, 8, axis=0), 8, axis=1))


def test_a_frame_stands_beside_its_result_at_the_same_height() -> None:
    frame, result = noise(100, 150), noise(300, 450, 1)
    sheet = draw([[("frame", frame), ("result", result)]])
    assert holds(sheet, np.repeat(np.repeat(frame, 3, axis=0), 3, axis=1))
    assert holds(sheet, result)


@pytest.mark.parametrize(
    "shapes", [[(1080, 1920)] * 3, [(1, 1)], [(1, 4000)], [(4000, 1)], [(9, 7), (500, 3)]]
)
def test_a_sheet_stays_within_its_bounds(shapes: list[tuple[int, int]]) -> None:
    sheet = draw([[(f"picture {i}", noise(*shape)) for i, shape in enumerate(shapes)]] * 3, "title")
    assert sheet.shape[0] <= MOST_HIGH
    assert sheet.shape[1] <= MOST_WIDE


def test_labels_and_title_are_written() -> None:
    blank = np.full((64, 64, 3), 255, np.uint8)
    plain = draw([[("", blank)]])
    labelled = draw([[("before", blank)]])
    titled = draw([[("before", blank)]], "a title that is wider than the one picture by far " * 2)
    assert (labelled < 120).sum() > (plain < 120).sum()
    assert titled.shape[0] > labelled.shape[0] > plain.shape[0]
    assert titled.shape[1] > labelled.shape[1]


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        draw([[], []])


@pytest.mark.parametrize("most", [500_000, 50_000, 12_000])
def test_a_png_becomes_as_small_as_wanted(most: int) -> None:
    data = small_png(Image.fromarray(noise(300, 400)), most)
    assert len(data) <= most
    with Image.open(io.BytesIO(data)) as image:
        assert (image.width, image.height) == (400, 300) or most < 400_000
