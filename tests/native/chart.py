"""A test chart that tells what was done to a picture: corner colours, ramps, alpha steps, and a bar
code of the frame's id, which `engine_plugin/native/tests/egl/egl_host.c` draws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""uint8 (H, W, 4), RGBA, sRGB-encoded, top row first."""

WIDTH, HEIGHT = 64, 48
CORNER = 8
CORNERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
"""Top left, top right, bottom left, bottom right."""
BAR_ROW, BAR_HEIGHT, BARS = 34, 4, 32
ALPHAS = (0, 36, 73, 109, 146, 182, 219, 255)


def chart(frame_id: int = 0) -> Picture:
    """The chart as frame number `frame_id` shows it."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    picture[:] = (90, 110, 130, 255)
    ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
    picture[8:14, :, :3] = ramp[None, :, None]
    for channel in range(3):
        rows = slice(14 + 4 * channel, 18 + 4 * channel)
        picture[rows, :, :3] = 0
        picture[rows, :, channel] = ramp
    step = WIDTH // len(ALPHAS)
    for number, alpha in enumerate(ALPHAS):
        picture[26:34, number * step : (number + 1) * step] = (200, 100, 50, alpha)
    picture[BAR_ROW : BAR_ROW + BAR_HEIGHT] = _bars(frame_id)
    red, green, blue, white = CORNERS.values()
    picture[:CORNER, :CORNER, :3], picture[:CORNER, -CORNER:, :3] = red, green
    picture[-CORNER:, :CORNER, :3], picture[-CORNER:, -CORNER:, :3] = blue, white
    return picture


def _bars(frame_id: int) -> Picture:
    row = np.full((WIDTH, 4), 255, np.uint8)
    bar = WIDTH // BARS
    for number in range(BARS):
        row[number * bar : (number + 1) * bar, :3] = 255 * (frame_id >> number & 1)
    return row


def read_id(picture: Picture) -> int:
    """The frame's id from the bar code of a chart, at any whole multiple of its size."""
    scale = picture.shape[0] // HEIGHT
    row = picture[(BAR_ROW + BAR_HEIGHT // 2) * scale]
    bar = row.shape[0] // BARS
    return sum(int(row[number * bar + bar // 2, 1] > 127) << number for number in range(BARS))


def wrongs(picture: Picture, expected: Picture, tolerance: int = 0) -> list[str]:
    """What was done to a picture that was to be `expected`, in words; empty for nothing.

    Args:
        tolerance: of each channel, in steps of 255.
    """
    if picture.shape != expected.shape:
        return [f"its shape is {picture.shape}, expected {expected.shape}"]
    if _close(picture, expected, tolerance):
        return []
    said = [
        words
        for words, undone in {
            "upside down": picture[::-1],
            "left and right swapped": picture[:, ::-1],
            "red and blue swapped": picture[..., [2, 1, 0, 3]],
            "upside down, red and blue swapped": picture[::-1, :, [2, 1, 0, 3]],
            "encoded once too often": _transfer(picture, _DECODED),
            "decoded once too often": _transfer(picture, _ENCODED),
        }.items()
        if _close(undone, expected, max(tolerance, 2))
    ]
    if _close(picture[..., :3], expected[..., :3], tolerance):
        said.append("alpha is another")
    if said:
        return said
    apart = np.abs(picture.astype(int) - expected).max(axis=-1)
    row, column = np.unravel_index(int(apart.argmax()), apart.shape)
    return [
        f"{int((apart > tolerance).sum())} pixels differ, most at row {row}, column {column}: "
        f"{picture[row, column].tolist()}, expected {expected[row, column].tolist()}"
    ]


def _close(one: Picture, other: Picture, tolerance: int) -> bool:
    return bool((np.abs(one.astype(int) - other) <= tolerance).all())


def _transfer(picture: Picture, table: npt.NDArray[np.uint8]) -> Picture:
    return np.dstack([table[picture[..., :3]], picture[..., 3:]])


_VALUES = np.arange(256) / 255
_DECODED: npt.NDArray[np.uint8] = np.round(
    255 * np.where(_VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4)
).astype(np.uint8)
_ENCODED: npt.NDArray[np.uint8] = np.round(
    255 * np.where(_VALUES <= 0.0031308, _VALUES * 12.92, 1.055 * _VALUES ** (1 / 2.4) - 0.055)
).astype(np.uint8)
"""The transfer function of IEC 61966-2-1, by value."""


def to_linear(picture: Picture) -> Picture:
    """The same light, in values that are proportional to it."""
    return _transfer(picture, _DECODED)


def to_encoded(picture: Picture) -> Picture:
    """The reverse."""
    return _transfer(picture, _ENCODED)
