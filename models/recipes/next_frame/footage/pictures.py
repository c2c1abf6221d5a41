"""Pictures for people: strips of frames, what was made against what came, and things that move."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Rgb8 = npt.NDArray[np.uint8]
GAP = 2
_PAPER = 16


def encoded(picture: Rgb8, quality: int = 84) -> bytes:
    """(H, W, 3) as WebP."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def moving(frames: Sequence[Rgb8], fps: float, quality: int = 72) -> bytes:
    """Frames of one size as an animated WebP that never ends."""
    images = [Image.fromarray(frame) for frame in frames]
    buffer = io.BytesIO()
    images[0].save(
        buffer, "WEBP", save_all=True, append_images=images[1:], duration=round(1000 / fps),
        loop=0, quality=quality, method=2,
    )  # fmt: skip
    return buffer.getvalue()


def strip(frames: Sequence[Rgb8]) -> Rgb8:
    """Side by side."""
    height = frames[0].shape[0]
    gap = np.full((height, GAP, 3), _PAPER, np.uint8)
    parts = [part for frame in frames for part in (gap, frame)][1:]
    return np.concatenate(parts, axis=1)


def sheet(rows: Sequence[Rgb8]) -> Rgb8:
    """Below each other; all of one width."""
    gap = np.full((GAP, rows[0].shape[1], 3), _PAPER, np.uint8)
    parts = [part for row in rows for part in (gap, row)][1:]
    return np.concatenate(parts, axis=0)


def difference(made: Rgb8, wanted: Rgb8, times: int = 4) -> Rgb8:
    """Grey where they agree; what was made too light is lighter, too dark darker."""
    signed = made.astype(np.int16) - wanted
    return np.clip(128 + times * signed, 0, 255).astype(np.uint8)


def rgb8(picture: npt.NDArray[np.float32]) -> Rgb8:
    """float (3, H, W), of 1, to uint8 (H, W, 3)."""
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8).transpose(1, 2, 0)
