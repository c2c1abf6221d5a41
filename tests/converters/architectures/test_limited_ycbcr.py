"""What a network learnt of Y, Cb and Cr, and what it did not."""

from __future__ import annotations

import numpy as np
import pytest

from converters.architectures.limited_ycbcr import around, around_reference
from converters.graph import NetworkGraph
from converters.luma import bicubic_reference
from converters.parity import run
from converters.weights import Array
from tests.converters.proving import openvino_run


def frame() -> Array:
    """Saturated colours, black and white among the rest."""
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij")).reshape(3, 8)
    random = np.random.default_rng(0)
    colours = np.concatenate([corners, random.uniform(0, 1, (3, 55))], axis=1)
    return random.permutation(colours, axis=1).reshape(1, 3, 7, 9).astype(np.float32)


@pytest.mark.parametrize("scale", [2, 3])
def test_a_network_that_repeats_pixels_shows_the_limits(scale: int) -> None:
    graph = NetworkGraph()
    result = around(graph, "frame", scale, lambda ycbcr: graph.nearest(ycbcr, scale))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(result, "up", (1, 3, "H2", "W2"))])
    expected = around_reference(
        frame(), scale, lambda ycbcr: np.repeat(np.repeat(ycbcr, scale, axis=2), scale, axis=3)
    )
    inputs = {"frame": frame()}
    for found in (run(model.SerializeToString(), inputs)["up"], openvino_run(model, inputs)["up"]):
        np.testing.assert_allclose(found * 255, expected * 255, atol=1e-3)


def test_a_network_that_is_the_bicubic_changes_nothing() -> None:
    """What is cut off comes back whole: the parts of a sum are enlarged as the sum is."""
    smooth = 0.5 + 0.49 * np.sin(np.arange(63.0).reshape(1, 1, 7, 9) / 9) * np.ones((1, 3, 1, 1))
    expected = bicubic_reference(smooth, 2)
    found = around_reference(smooth, 2, lambda ycbcr: bicubic_reference(ycbcr, 2))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_network_never_sees_what_lies_beyond_the_limits() -> None:
    seen = []
    around_reference(frame(), 1, lambda ycbcr: (seen.append(ycbcr), ycbcr)[1])
    lows, highs = seen[0].min((0, 2, 3)) * 255, seen[0].max((0, 2, 3)) * 255
    np.testing.assert_allclose(lows, 16, atol=1e-9)
    np.testing.assert_allclose(highs, [235, 240, 240], atol=1e-9)
