"""Where each pixel of a frame was in the frame before, by iterative Lucas-Kanade (scikit-image)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bridge.errors import RuntimeMissingError

Rgb8 = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""
Picture = npt.NDArray[np.float32]
"""float32 (H, W, C)."""

MOST_LINES = 240
"""Flow is found on frames reduced to at most so many lines, and enlarged to the frame."""
MOST_APART = 1.0
"""Pixels of the reduced frame: going back and forth again may miss the start by so much."""
INSTALL = "pip install scikit-image"

_Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Motion:
    """How a frame came of the one before.

    Attributes:
        offset: float16 (2, h, w), rows and columns from a pixel to where it was, in pixels of the
            reduced frame.
        seen: bool (h, w), the pixel was in the frame before, and not behind something else.
    """

    offset: npt.NDArray[np.float16]
    seen: npt.NDArray[np.bool_]

    def warp(self, before: Picture) -> tuple[Picture, npt.NDArray[np.bool_]]:
        """The frame before, moved to where the frame now is, and where that is known: (H, W, C) and
        (H, W)."""
        height, width = before.shape[:2]
        down, right = (
            _resized(plane.astype(np.float32), width, height) * (length / small)
            for plane, length, small in zip(
                self.offset, (height, width), self.seen.shape, strict=True
            )
        )
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        seen = _resized(self.seen.astype(np.float32), width, height) > 0.99
        return _looked_up(before, rows + down, columns + right), seen


def motion(before: Rgb8, now: Rgb8) -> Motion:
    """Flow from `now` to `before` and back again.

    Raises: RuntimeMissingError: scikit-image is not installed.
    """
    method = _method()
    old, new = _small(before), _small(now)
    back = method(new, old, dtype=np.float32)
    forth = method(old, new, dtype=np.float32)
    rows, columns = np.mgrid[0 : new.shape[0], 0 : new.shape[1]].astype(np.float32)
    y, x = rows + back[0], columns + back[1]
    again = _looked_up(forth.transpose(1, 2, 0), y, x)
    apart = np.hypot(back[0] + again[..., 0], back[1] + again[..., 1])
    inside = (y >= 0) & (x >= 0) & (y <= new.shape[0] - 1) & (x <= new.shape[1] - 1)
    return Motion(back.astype(np.float16), inside & (apart < MOST_APART))


def _method() -> _Method:
    try:
        method: _Method = importlib.import_module("skimage.registration").optical_flow_ilk
    except ImportError as error:
        raise RuntimeMissingError(
            "flicker", "scikit-image, for optical flow", str(error),
            f"Install it for the measure alone: {INSTALL}. Packages do not need it.",
        ) from None  # fmt: skip
    return method


def _small(frame: Rgb8) -> Picture:
    """Luma of 1, at most MOST_LINES high."""
    grey = Image.fromarray(frame).convert("L")
    height = min(MOST_LINES, grey.height)
    width = max(1, round(grey.width * height / grey.height))
    small = np.asarray(grey.resize((width, height), Image.Resampling.BOX), np.float32)
    return small / np.float32(255)


def _resized(plane: Picture, width: int, height: int) -> Picture:
    image = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def _looked_up(picture: Picture, y: Picture, x: Picture) -> Picture:
    """Bilinear between pixels; beyond the border its nearest pixel."""
    height, width = picture.shape[:2]
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    top = np.minimum(y.astype(np.int32), max(0, height - 2))
    left = np.minimum(x.astype(np.int32), max(0, width - 2))
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, over = (y - top)[..., None], (x - left)[..., None]
    upper = picture[top, left] * (1 - over) + picture[top, right] * over
    lower = picture[bottom, left] * (1 - over) + picture[bottom, right] * over
    return np.asarray(upper * (1 - down) + lower * down, np.float32)
