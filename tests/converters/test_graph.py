"""Operations whose plain form the runtimes do not agree on."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters import parity
from converters.graph import NetworkGraph
from tests.converters.proving import openvino_run


def two_norms(channels: int = 8) -> onnx.ModelProto:
    """Convolutions with reflected borders and norms after them, as style networks have them."""
    random = np.random.default_rng(0)
    graph = NetworkGraph()
    x, inside = "frame", 3
    for _ in range(2):
        kernel = random.standard_normal((channels, inside, 3, 3)) / 5
        x = graph.conv(graph.pad_sides(x, (1, 1, 1, 1), "reflect"), kernel, np.ones(channels))
        x = graph.relu(graph.instance_norm(x, channels, None, None, 1e-5))
        inside = channels
    return graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, channels, "H", "W"))])


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_runtimes_agree_on_the_norm_of_a_flat_frame(level: float) -> None:
    model = two_norms()
    frame = {"frame": np.full((1, 3, 256, 256), level, np.float32)}
    ours = parity.run(model.SerializeToString(), frame)["out"]
    theirs = openvino_run(model, frame)["out"]
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.abs(ours).max() < 1e-4, "nothing stands out of a flat frame"


def test_the_builder_is_empty_of_constants_once_it_has_made_a_graph() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", np.ones((3, 3, 1, 1), np.float32))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    assert len(model.graph.initializer) == 1
    assert not graph.initializers
