"""What a graph costs, counted from its nodes."""

from __future__ import annotations

import numpy as np
import pytest

from converters.cost import count_cost, receptive_radius
from converters.graph import NetworkGraph


def kernel(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_a_convolution_is_met_once_by_each_pixel_that_it_gives() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(8, 3, 3, 3), pads=(1, 1, 1, 1))
    x = graph.conv(x, kernel(4, 8, 3, 3), stride=2, pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 4, "h", "w"))])
    cost = count_cost(model)
    assert cost.parameters == 8 * 27 + 4 * 72
    assert cost.macs_per_input_pixel == 8 * 27 + 4 * 72 // 4


def test_a_transposed_convolution_is_met_once_by_each_pixel_that_it_takes() -> None:
    graph = NetworkGraph()
    x = graph.conv_transpose("frame", kernel(3, 8, 4, 4), stride=2, padding=1)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 8, "h", "w"))])
    assert count_cost(model).macs_per_input_pixel == 3 * 8 * 16


def test_a_generator_is_counted_by_the_pixels_that_it_makes() -> None:
    graph = NetworkGraph()
    x = graph.add("MatMul", ["z", graph.constant(np.ones((10, 3 * 16)), np.float32)])
    x = graph.reshape(x, (1, 3, 4, 4))
    model = graph.model([("z", (1, 10))], [(x, "out", (1, 3, 4, 4))])
    cost = count_cost(model)
    assert cost.parameters == 480
    assert cost.macs_per_input_pixel == 480 // 16


def test_fixed_sides_stay_as_they_are() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(3, 3, 1, 1))
    model = graph.model([("frame", (1, 3, 20, 30))], [(x, "out", (1, 3, 20, 30))])
    assert count_cost(model).macs_per_input_pixel == 9


def test_large_weights_are_counted_without_being_copied_into_the_inference_of_shapes() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(512, 3, 7, 7), pads=(3, 3, 3, 3))
    x = graph.conv(x, kernel(3, 512, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    assert count_cost(model).macs_per_input_pixel == 512 * 147 + 3 * 512


def test_a_graph_without_a_picture_is_refused() -> None:
    graph = NetworkGraph()
    x = graph.relu("z")
    with pytest.raises(ValueError, match="picture"):
        count_cost(graph.model([("z", (1, 10))], [(x, "out", (1, 10))]))


def test_the_reach_of_a_pixel_adds_up() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(4, 3, 5, 5), pads=(2, 2, 2, 2))
    x = graph.conv(x, kernel(3, 4, 3, 3), pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    assert receptive_radius(model) == 3
