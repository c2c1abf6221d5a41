"""PSNR on Y by DCSCN's protocol."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import MediaError
from converters.luma_psnr import find_pictures, luma, pairs_of, psnr, read_pair, y_of


def saved(path: Path, size: tuple[int, int], mode: str = "RGB") -> Path:
    random = np.random.default_rng(size[0])
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    Image.fromarray(random.integers(0, 256, shape, np.uint8)).save(path)
    return path


def test_a_picture_is_cropped_to_a_multiple_of_the_scale_and_reduced(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", (32, 29))
    pair = read_pair(path, 3)
    assert pair.high.shape == (27, 30, 3)
    assert pair.low.shape == (9, 10, 3)
    assert not pair.grey
    expected = Image.open(path).crop((0, 0, 30, 27)).resize((10, 9), Image.Resampling.BICUBIC)
    assert np.array_equal(pair.low, np.asarray(expected))


def test_grey_pictures_are_their_own_y(tmp_path: Path) -> None:
    pair = read_pair(saved(tmp_path / "a.png", (16, 16), "L"), 2)
    assert pair.grey
    assert np.array_equal(y_of(pair.high, pair.grey), pair.high[..., 0])


def test_y_is_16_to_235() -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert y_of(ends, False) == pytest.approx(np.array([[16, 235]]), abs=0.01)
    assert luma(ends)[0, 1] == pytest.approx(219, abs=0.01)


def test_both_are_rounded_clipped_and_shaved() -> None:
    truth = np.full((12, 10), 100, np.float32)
    result = truth + 10.4
    result[:2] = result[-2:] = result[:, :2] = result[:, -2:] = 250
    assert psnr(truth, result, 2) == pytest.approx(20 * math.log10(255 / 10))
    assert psnr(truth, truth + 0.4, 2) == math.inf
    assert psnr(np.full((8, 8), 255, np.float32), np.full((8, 8), 300, np.float32), 0) == math.inf


def test_pictures_are_found_in_one_order_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.PNG", "a.bmp", "c.jpg"):
        saved(tmp_path / name, (16, 16))
    (tmp_path / "notes.txt").write_text("none")
    assert [p.name for p in find_pictures(tmp_path)] == ["a.bmp", "2.PNG", "c.jpg"]


def test_what_is_no_set_of_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such folder"):
        list(pairs_of(tmp_path / "none", 2))
    with pytest.raises(MediaError, match="no picture"):
        list(pairs_of(tmp_path, 2))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(MediaError, match="a picture"):
        list(pairs_of(tmp_path, 2))
    saved(tmp_path / "a.png", (7, 30))
    with pytest.raises(MediaError, match="at least 8x8"):
        list(pairs_of(tmp_path, 2))
