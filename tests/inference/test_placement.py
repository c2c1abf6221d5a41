"""Where a frame goes in a model's tensor and comes back: sizes, limits, bounds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import FrameFormatError, UnsupportedModelError
from bridge.frames import MAX_SIDE, FrameFormat
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    LabelsOutput,
    LatentInput,
    Manifest,
    Size,
)
from bridge.inference.placement import place, result_format

SIDES = st.integers(1, 700)
# The same examples each time, however busy the machine is.
steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _manifest(scale: int = 1, **size: Any) -> Manifest:
    return Manifest(
        format=1, name="small", version="1.0.0", task="upscale", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame", size=Size(**size))],
        outputs=[FrameOutput(name="result", scale=scale)],
    )  # fmt: skip


def test_a_frame_of_any_size_is_neither_resized_nor_padded() -> None:
    placement = place(_manifest(scale=3), 21, 13)
    assert placement.crop == (0, 0, 21, 13)
    assert placement.resized == placement.model == (21, 13)
    assert placement.pad == (0, 0, 0, 0)
    assert placement.kept == (0, 0, 63, 39)
    assert placement.output == (63, 39)


def test_padding_to_a_multiple_goes_to_the_right_and_the_bottom() -> None:
    placement = place(_manifest(scale=2, multiple_of=8), 21, 16)
    assert placement.pad == (0, 0, 3, 0)
    assert placement.model == (24, 16)
    assert placement.kept == (0, 0, 42, 32)
    assert placement.output == (42, 32)


def test_stretch_gives_the_whole_frame_another_shape_and_back() -> None:
    placement = place(_manifest(scale=2, fixed=[32, 24], fit="stretch"), 100, 10)
    assert placement.crop == (0, 0, 100, 10)
    assert placement.model == (32, 24)
    assert placement.kept == (0, 0, 64, 48)
    assert placement.output == (200, 20)


@pytest.mark.parametrize(
    ("frame", "crop"), [((100, 40), (30, 0, 40, 40)), ((40, 100), (0, 30, 40, 40))]
)
def test_cover_takes_the_middle_in_the_proportions_of_the_model(
    frame: tuple[int, int], crop: tuple[int, int, int, int]
) -> None:
    placement = place(_manifest(fixed=[16, 16], fit="cover"), *frame)
    assert placement.crop == crop
    assert placement.model == placement.resized == (16, 16)
    assert placement.output == crop[2:]


@pytest.mark.parametrize(
    ("frame", "resized", "pad"),
    [
        ((100, 50), (32, 16), (0, 8, 0, 8)),
        ((50, 100), (16, 32), (8, 0, 8, 0)),
        ((32, 17), (32, 17), (0, 7, 0, 8)),
        ((4, 4), (32, 32), (0, 0, 0, 0)),
    ],
)
def test_contain_surrounds_the_whole_frame(
    frame: tuple[int, int], resized: tuple[int, int], pad: tuple[int, int, int, int]
) -> None:
    placement = place(_manifest(scale=2, fixed=[32, 32], fit="contain"), *frame)
    assert placement.crop == (0, 0, *frame)
    assert placement.resized == resized
    assert placement.pad == pad
    assert placement.kept == (pad[0] * 2, pad[1] * 2, resized[0] * 2, resized[1] * 2)
    assert placement.output == (frame[0] * 2, frame[1] * 2)


@pytest.mark.parametrize(
    ("size", "frame", "expected"),
    [
        ({"min": [16, 8]}, (15, 8), "at least 16x8"),
        ({"min": [16, 8]}, (16, 7), "at least 16x8"),
        ({"max": [64, 32]}, (65, 32), "at most 64x32"),
        ({"max": [64, 32]}, (64, 33), "at most 64x32"),
    ],
)
def test_a_frame_outside_the_limits_is_refused_with_the_limit(
    size: dict[str, Any], frame: tuple[int, int], expected: str
) -> None:
    with pytest.raises(FrameFormatError) as caught:
        place(_manifest(**size), *frame)
    assert caught.value.expected == expected
    assert caught.value.found == f"{frame[0]}x{frame[1]}"


@pytest.mark.parametrize("frame", [(16, 8), (64, 32)])
def test_frames_at_the_limits_are_taken(frame: tuple[int, int]) -> None:
    assert place(_manifest(min=[16, 8], max=[64, 32]), *frame).output == frame


def test_a_frame_too_small_to_be_reflected_is_refused() -> None:
    with pytest.raises(FrameFormatError, match="multiple of 16"):
        place(_manifest(multiple_of=16, padding="reflect"), 8, 40)
    assert place(_manifest(multiple_of=16, padding="reflect"), 9, 40).model == (16, 48)


@pytest.mark.parametrize("padding", ["edge", "zero"])
def test_other_paddings_take_frames_of_one_pixel(padding: str) -> None:
    assert place(_manifest(multiple_of=16, padding=padding), 1, 1).model == (16, 16)


@pytest.mark.parametrize("size", [{}, {"fixed": [64, 64]}])
def test_a_result_larger_than_any_frame_is_refused(size: dict[str, Any]) -> None:
    with pytest.raises(FrameFormatError):
        place(_manifest(scale=2, **size), MAX_SIDE // 2 + 1, 4)
    assert place(_manifest(scale=2, **size), MAX_SIDE // 2, 4).output == (MAX_SIDE, 8)


def test_a_package_that_makes_no_frame_is_refused() -> None:
    classifier = msgspec.structs.replace(_manifest(), outputs=[LabelsOutput(name="labels")])
    with pytest.raises(UnsupportedModelError, match="LabelsOutput"):
        place(classifier, 8, 8)


def test_a_package_without_a_frame_input_makes_results_of_its_own_size() -> None:
    manifest = msgspec.structs.replace(
        _manifest(),
        inputs=[LatentInput(name="code", length=3)],
        outputs=[FrameOutput(name="result", size=[20, 12])],
    )
    placement = place(manifest, 100, 7)
    assert placement.crop == (0, 0, 100, 7)
    assert placement.model == placement.output == (20, 12)
    assert placement.kept == (0, 0, 20, 12)
    source = FrameFormat(width=100, height=7, pixel_format="bgra8", rows="bottom_first")
    assert result_format(manifest, source) == source.resized(20, 12)


def test_the_result_keeps_everything_of_the_contract_but_the_size() -> None:
    source = FrameFormat(
        width=10, height=6, pixel_format="bgra8", rows="bottom_first", alpha="opaque"
    )
    result = result_format(_manifest(scale=2), source)
    assert result == msgspec.structs.replace(source, width=20, height=12)


@steady
@given(
    width=SIDES,
    height=SIDES,
    scale=st.integers(1, 4),
    multiple_of=st.integers(1, 64),
    padding=st.sampled_from(["reflect", "edge", "zero"]),
)
def test_a_padded_frame_stays_inside_the_model(
    width: int, height: int, scale: int, multiple_of: int, padding: str
) -> None:
    manifest = _manifest(scale, multiple_of=multiple_of, padding=padding)
    try:
        placement = place(manifest, width, height)
    except FrameFormatError:
        assert padding == "reflect"
        assert -width % multiple_of >= width or -height % multiple_of >= height
        return
    _assert_inside(placement, width, height, scale)
    assert all(side % multiple_of == 0 for side in placement.model)
    assert all(pad < multiple_of for pad in placement.pad)
    assert placement.output == (width * scale, height * scale)


@steady
@given(
    width=SIDES,
    height=SIDES,
    scale=st.integers(1, 4),
    fixed=st.lists(st.integers(1, 300), min_size=2, max_size=2),
    fit=st.sampled_from(["stretch", "cover", "contain"]),
)
def test_a_fitted_frame_stays_inside_the_model(
    width: int, height: int, scale: int, fixed: list[int], fit: str
) -> None:
    placement = place(_manifest(scale, fixed=fixed, fit=fit), width, height)
    _assert_inside(placement, width, height, scale)
    assert placement.model == tuple(fixed)
    left, top, right, bottom = placement.pad
    assert abs(left - right) <= 1
    assert abs(top - bottom) <= 1
    x, y, crop_width, crop_height = placement.crop
    assert abs(width - crop_width - 2 * x) <= 1
    assert abs(height - crop_height - 2 * y) <= 1
    assert placement.output == (crop_width * scale, crop_height * scale)


def _assert_inside(placement: Any, width: int, height: int, scale: int) -> None:
    x, y, crop_width, crop_height = placement.crop
    assert min(x, y) >= 0
    assert min(crop_width, crop_height) >= 1
    assert x + crop_width <= width
    assert y + crop_height <= height
    assert min(placement.resized) >= 1
    assert min(placement.pad) >= 0
    x, y, kept_width, kept_height = placement.kept
    assert min(x, y) >= 0
    assert min(kept_width, kept_height) >= 1
    assert x + kept_width <= placement.model[0] * scale
    assert y + kept_height <= placement.model[1] * scale
