"""Colour around networks on Y, and the portable bicubic."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from converters import luma as luma_module
from converters.graph import NetworkGraph
from converters.luma import (
    DCSCN_STUDIO,
    FULL,
    STUDIO,
    Luma,
    bicubic,
    bicubic_reference,
    luma_reference,
    to_luma,
    to_rgb,
    to_ycbcr,
    with_detail,
    with_luma,
    with_luma_reference,
)
from converters.parity import run
from converters.weights import Array
from tests.converters.proving import openvino_run

SIZES = [(19, 7), (8, 13), (3, 2), (1, 1)]
SPACES = [DCSCN_STUDIO, STUDIO, FULL]


def picture(width: int, height: int, channels: int = 3, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    return random.uniform(0, 1, (1, channels, height, width)).astype(np.float32)


def in_both(graph: NetworkGraph, result: str, channels: int, **inputs: Array) -> list[Array]:
    """What ONNX Runtime and OpenVINO make of it."""
    ports = [(name, (1, x.shape[1], f"{name}_h", f"{name}_w")) for name, x in inputs.items()]
    model = graph.model(ports, [(result, "result", (1, channels, "H2", "W2"))])
    ours = run(model.SerializeToString(), inputs)["result"]
    return [ours, openvino_run(model, inputs)["result"]]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_bicubic_is_that_of_pillow_borders_included(size: tuple[int, int], scale: int) -> None:
    x = picture(*size, channels=1) * 255
    wide = (size[0] * scale, size[1] * scale)
    expected = Image.fromarray(x[0, 0]).resize(wide, Image.Resampling.BICUBIC)
    graph = NetworkGraph()
    for result in in_both(graph, bicubic(graph, "x", 1, scale), 1, x=x):
        np.testing.assert_allclose(result[0, 0], np.asarray(expected), atol=2e-4)
    np.testing.assert_allclose(bicubic_reference(x, scale)[0, 0], np.asarray(expected), atol=1e-4)


def test_the_kernel_and_the_reference_are_not_the_same_code() -> None:
    """A reference proves something only where it does not share the formula that it proves."""
    names = set(bicubic_reference.__code__.co_names) | set(
        luma_module._coefficients.__code__.co_names
    )
    assert not names & {"_kernel", "_keys", "_sums"}


@pytest.mark.parametrize("space", SPACES)
def test_colours_come_back(space: Luma) -> None:
    x = picture(6, 5)
    graph = NetworkGraph()
    for result in in_both(graph, to_rgb(graph, to_ycbcr(graph, "x", space), space), 3, x=x):
        np.testing.assert_allclose(result, x, atol=2e-6)


@pytest.mark.parametrize(
    ("space", "black", "white"), [(DCSCN_STUDIO, 16, 235), (STUDIO, 16, 235), (FULL, 0, 255)]
)
def test_luma_has_its_range(space: Luma, black: float, white: float) -> None:
    x = np.stack([np.zeros((3, 2, 2)), np.ones((3, 2, 2))], axis=-1).reshape(1, 3, 2, 4)
    graph = NetworkGraph()
    for result in in_both(graph, to_luma(graph, "x", space), 1, x=x.astype(np.float32)):
        np.testing.assert_allclose(result[0, 0, 0, :2], [black, white], atol=1e-3)
    np.testing.assert_allclose(luma_reference(x, space)[0, 0, 0, :2], [black, white], atol=1e-3)


@pytest.mark.parametrize("space", SPACES)
def test_pillow_agrees_on_full_range(space: Luma) -> None:
    rgb = (picture(9, 4)[0].transpose(1, 2, 0) * 255).astype(np.uint8)
    ycbcr = np.asarray(Image.fromarray(rgb).convert("YCbCr"), np.float64)
    matrix, offset = space.forward()
    ours = (rgb / 255 @ matrix.T + offset) * 255
    assert (np.abs(ours - ycbcr).max() < 1.01) == (space is FULL)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("space", SPACES)
def test_a_y_put_in_place_is_as_if_colours_had_been_enlarged(space: Luma, scale: int) -> None:
    x = picture(7, 5)
    y = 255 * picture(7 * scale, 5 * scale, channels=1, seed=1)
    expected = with_luma_reference(x, y, scale, space)
    raised = ((y - space.offsets[0]) / 255 * space.rise).astype(np.float32)
    graph = NetworkGraph()
    result = with_luma(graph, "x", "raised", scale, space)
    for found in in_both(graph, result, 3, x=x, raised=raised):
        np.testing.assert_allclose(found * 255, expected * 255, atol=4e-4)


@pytest.mark.parametrize("space", SPACES)
def test_detail_on_y_is_detail_on_all_three_colours(space: Luma) -> None:
    x = picture(7, 5)
    detail = 20 * picture(14, 10, channels=1, seed=1) - 10
    y = luma_reference(bicubic_reference(x, 2), space) + detail
    expected = with_luma_reference(x, y, 2, space)
    graph = NetworkGraph()
    result = with_detail(graph, "x", "detail", 2)
    raised = (detail / 255 * space.rise).astype(np.float32)
    for found in in_both(graph, result, 3, x=x, detail=raised):
        np.testing.assert_allclose(found * 255, expected * 255, atol=4e-4)
