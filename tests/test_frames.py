"""What a frame is, and what is refused as one."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from bridge.errors import FrameFormatError
from bridge.frames import MAX_SIDE, Frame, FrameFormat

FORMAT = FrameFormat(width=6, height=4)


def test_rows_are_tightly_packed() -> None:
    assert FORMAT.stride == 24
    assert FORMAT.size_bytes == 96
    assert FORMAT.shape == (4, 6, 4)
    assert np.zeros(FORMAT.shape, np.uint8).nbytes == FORMAT.size_bytes


def test_a_format_has_stated_defaults() -> None:
    assert (FORMAT.pixel_format, FORMAT.rows) == ("rgba8", "top_first")
    assert (FORMAT.transfer, FORMAT.alpha) == ("srgb", "straight")


def test_a_format_of_another_size_keeps_the_rest() -> None:
    format = FrameFormat(width=6, height=4, pixel_format="bgra8", rows="bottom_first")
    assert format.resized(3, 2) == FrameFormat(
        width=3, height=2, pixel_format="bgra8", rows="bottom_first"
    )


def test_a_format_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FORMAT.width = 3  # type: ignore[misc]


@pytest.mark.parametrize("side", [1, MAX_SIDE])
def test_sides_up_to_the_limit_are_taken(side: int) -> None:
    assert FrameFormat(width=side, height=1).width == side


@pytest.mark.parametrize("name", ["width", "height"])
@pytest.mark.parametrize("side", [0, -1, MAX_SIDE + 1])
def test_sides_outside_the_limits_are_refused_by_name(name: str, side: int) -> None:
    sides: dict[str, Any] = {"width": 4, "height": 4, name: side}
    with pytest.raises(ValueError, match=f"{name} must be 1 to {MAX_SIDE}, got {side}"):
        FrameFormat(**sides)
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(sides, FrameFormat)


def test_a_resize_past_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        FORMAT.resized(MAX_SIDE + 1, 4)


@pytest.mark.parametrize(
    "fields",
    [
        {"pixel_format": "rgb8"},
        {"rows": "left_first"},
        {"transfer": "gamma"},
        {"alpha": "premultiplied"},
        {"stride": 24},
        {"width": "6"},
    ],
    ids=str,
)
def test_an_unknown_convention_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"width": 6, "height": 4, **fields}, FrameFormat)


def test_good_pixels_are_passed_on_themselves() -> None:
    pixels = np.zeros(FORMAT.shape, np.uint8)
    assert FORMAT.check(pixels) is pixels


@pytest.mark.parametrize(
    ("pixels", "expected", "found"),
    [
        (None, "a uint8 numpy array", "NoneType"),
        (b"\0" * 96, "a uint8 numpy array", "bytes"),
        (np.zeros((4, 6, 4), np.float32), "a uint8 numpy array", "float32"),
        (np.zeros((6, 4, 4), np.uint8), "shape (4, 6, 4) (height, width, 4)", "shape (6, 4, 4)"),
        (np.zeros((4, 6, 3), np.uint8), "shape (4, 6, 4) (height, width, 4)", "shape (4, 6, 3)"),
        (np.zeros((4, 6), np.uint8), "shape (4, 6, 4) (height, width, 4)", "shape (4, 6)"),
        (np.zeros((4, 12, 4), np.uint8)[:, ::2], "rows of 24 contiguous bytes",
         "strides (48, 8, 1)"),
        (np.zeros((4, 6, 4), np.uint8)[::-1], "rows of 24 contiguous bytes",
         "strides (-24, 4, 1)"),
    ],
)  # fmt: skip
def test_what_is_no_frame_of_the_format_is_refused(
    pixels: object, expected: str, found: str
) -> None:
    with pytest.raises(FrameFormatError) as caught:
        FORMAT.check(pixels, "camera 1")
    assert (caught.value.place, caught.value.expected) == ("camera 1", expected)
    assert caught.value.found == found
    assert caught.value.remedy


def test_a_frame_carries_its_contract_its_id_and_its_time() -> None:
    pixels = np.zeros(FORMAT.shape, np.uint8)
    frame = Frame(pixels, FORMAT, frame_id=3, time_ns=5)
    assert frame.pixels is pixels
    assert (frame.format, frame.frame_id, frame.time_ns) == (FORMAT, 3, 5)
