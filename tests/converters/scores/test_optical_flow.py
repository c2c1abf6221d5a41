"""Where pixels were in the frame before."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bridge.errors import RuntimeMissingError
from converters.scores.optical_flow import Motion, motion


def soft_noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3): blobs of several pixels, which flow can hold on to."""
    values = np.random.default_rng(seed).random((height, width, 3))
    for axis in (0, 1):
        values = sum(np.roll(values, shift, axis) for shift in range(-3, 4)) / 7
    low, high = values.min(), values.max()
    return np.rint(255 * (values - low) / (high - low)).astype(np.uint8)


def test_what_is_warped_moves_by_the_offset_and_nothing_else() -> None:
    offset = np.zeros((2, 20, 30), np.float16)
    offset[0], offset[1] = 2, -3
    seen = np.ones((20, 30), bool)
    seen[:, :10] = False
    before = np.random.default_rng(1).random((40, 60, 3)).astype(np.float32)
    moved, known = Motion(offset, seen).warp(before)
    # The frame is twice the size that the flow was found at.
    assert np.array_equal(moved[10, 30], before[14, 24])
    assert known[:, 22:].all()
    assert not known[:, :19].any()


def test_a_picture_that_was_shifted_is_found_where_it_was() -> None:
    pytest.importorskip("skimage")
    whole = soft_noise(120, 160)
    before, now = whole[10:106, 10:138], whole[12:108, 15:143]
    found = motion(before, now)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(found.offset[0][inner].astype(float) - 2).max() < 0.2
    assert np.abs(found.offset[1][inner].astype(float) - 5).max() < 0.2
    assert found.seen[inner].all()
    # The last rows and columns were out of sight.
    assert not found.seen[-1].any()
    assert not found.seen[:, -3:].any()


def test_without_scikit_image_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.registration", None)
    frame = soft_noise(32, 32)
    with pytest.raises(RuntimeMissingError, match="pip install scikit-image"):
        motion(frame, frame)
