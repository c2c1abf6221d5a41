"""How far a pixel looks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converters import parity
from converters.tf_translate.reach import reach
from tests.converters.tf_translate.tf_graphs import TfGraph

SIDE = 96


def conv(graph: TfGraph, x: str, inside: int, side: int, stride: int = 1, **attr: object) -> str:
    return graph.add("Conv2D", x, graph.noise(side, side, inside, 3),
                     strides=[1, stride, stride, 1], padding="SAME", **attr)  # fmt: skip


def shuffle(graph: TfGraph) -> None:
    x = graph.add("LeakyRelu", conv(graph, "frame", 3, 5))
    graph.add("DepthToSpace", graph.add("ConcatV2", x, x, x, x, 3), block_size=2)


def valley(graph: TfGraph) -> None:
    x = conv(graph, conv(graph, "frame", 3, 4, 2), 3, 3, 2, dilations=[1, 1, 1, 1])
    sides = graph.add("Shape", "frame")
    half = graph.add("Shape", conv(graph, "frame", 3, 1, 2))
    x = graph.add("Conv2DBackpropInput", half, graph.noise(4, 4, 3, 3), x,
                  strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    graph.add("Conv2DBackpropInput", sides, graph.noise(3, 3, 3, 3), x,
              strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip


def pooled(graph: TfGraph) -> None:
    x = graph.add("AvgPool", conv(graph, "frame", 3, 3, dilations=[1, 2, 2, 1]),
                  ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    sides = graph.add("StridedSlice", graph.add("Shape", "frame"), [1], [3], [1])
    near = graph.add("ResizeNearestNeighbor", x, sides)
    graph.add("Add", near, graph.add("ResizeBilinear", x, sides, half_pixel_centers=True))


def reflected(graph: TfGraph) -> None:
    x = graph.add("MirrorPad", "frame", [[0, 0], [3, 3], [3, 3], [0, 0]], mode="REFLECT")
    x = graph.add("Conv2D", x, graph.noise(7, 7, 3, 3), strides=[1] * 4, padding="VALID")
    graph.add("DepthToSpace", graph.add("SpaceToDepth", x, block_size=2), block_size=2)


@pytest.mark.parametrize("network", [shuffle, valley, pooled, reflected])
def test_a_pixel_changes_nothing_farther_away(network: Callable[[TfGraph], None]) -> None:
    graph = TfGraph()
    network(graph)
    made = graph.translated()
    far = reach(made.graph, made.result.name)
    assert far is not None
    assert 0 < far < 32
    model = made.graph.model(
        [("frame", (1, 3, "H", "W"))], [(made.result.name, "y", (1, "C", "h", "w"))]
    ).SerializeToString()
    random = np.random.default_rng(0)
    frame = random.uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    before = parity.run(model, {"frame": frame})["y"]
    scale = before.shape[2] // SIDE
    farthest = 0
    for row, column in ((48, 48), (49, 50), (51, 47), (0, 95), (3, 2)):
        changed = frame.copy()
        changed[:, :, row, column] += 1
        apart = np.abs(parity.run(model, {"frame": changed})["y"] - before).max((0, 1))
        rows, columns = np.nonzero(apart > 1e-7)
        assert len(rows)
        apart_by = max(np.abs(rows // scale - row).max(), np.abs(columns // scale - column).max())
        assert apart_by <= far
        farthest = max(farthest, apart_by)
    assert far <= 5 * farthest  # a bound, and no guess of the sky


def test_what_sees_the_whole_frame_has_no_reach() -> None:
    graph = TfGraph()
    graph.add("Sub", "frame", graph.add("Mean", "frame", [1, 2], keep_dims=True))
    made = graph.translated()
    assert reach(made.graph, made.result.name) is None
    graph = TfGraph()
    graph.add("StridedSlice", "frame", [0, 0], [0, 0], [1, -1], begin_mask=3, end_mask=3)
    made = graph.translated()
    assert reach(made.graph, made.result.name) is None
    graph = TfGraph()
    graph.add("Mul", "frame", np.linspace(0, 1, 35).reshape(1, 5, 7, 1))
    made = graph.translated(fixed=(5, 7))
    assert reach(made.graph, made.result.name) is None
