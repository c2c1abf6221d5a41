"""Moves of values in a TensorFlow graph."""

from __future__ import annotations

import numpy as np
import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

SIZE = (12, 8)


@pytest.mark.parametrize("block", [2, 3])
def test_depth_to_space_of_several_colours(block: int) -> None:
    graph = TfGraph(channels=3 * block**2)
    graph.add("DepthToSpace", "frame", block_size=block, data_format="NHWC")
    made = proved(graph, (7, 5))
    assert [node.op_type for node in made.graph.nodes] == ["DepthToSpace"]


def test_space_to_depth_and_back() -> None:
    graph = TfGraph()
    deep = graph.add("SpaceToDepth", "frame", block_size=4)
    proved(graph, SIZE)
    graph.add("DepthToSpace", deep, block_size=2)
    made = proved(graph, SIZE)
    assert made.sides.multiple == {"H": 4, "W": 4}


def test_channels_are_joined_and_split() -> None:
    graph = TfGraph(channels=4)
    parts = graph.add("Split", 3, "frame", num_split=2)
    odd = graph.add("SplitV", "frame", [1, 3], -1, num_split=2)
    joined = graph.add("ConcatV2", f"{parts}:1", f"{odd}:1", parts, f"{odd}:0", -1)
    proved(graph, (7, 5), target=joined)


def test_rows_are_joined() -> None:
    graph = TfGraph()
    graph.add("ConcatV2", "frame", graph.add("Neg", "frame"), 1)
    proved(graph, (7, 5))


def test_a_plane_for_each_pixel_of_a_fixed_picture() -> None:
    graph = TfGraph()
    graph.add("ConcatV2", "frame", np.linspace(0, 1, 70).reshape(1, 5, 7, 2), 3)
    proved(graph, (7, 5), fixed=True)


def test_blocks_by_reshape_and_transpose() -> None:
    """DepthToSpace as it was written before there was one."""
    graph = TfGraph(channels=4)
    shape = graph.add("Shape", "frame")
    side = [graph.add("StridedSlice", shape, [i], [i + 1], [1], shrink_axis_mask=1) for i in (1, 2)]
    parts = graph.add("Reshape", "frame", graph.add("Pack", 1, *side, 2, 2, axis=0))
    moved = graph.add("Transpose", parts, [0, 1, 3, 2, 4])
    wide = [graph.add("Mul", each, 2) for each in side]
    graph.add("Reshape", moved, graph.add("Pack", 1, *wide, 1, axis=0))
    proved(graph, (7, 5))
    proved(graph, (7, 5), fixed=True)


def test_reshapes_of_what_has_no_height_and_width() -> None:
    graph = TfGraph()
    mean = graph.add("Mean", "frame", [1, 2], keep_dims=False)
    flat = graph.add("Reshape", mean, [-1])
    back = graph.add("Reshape", flat, [1, 1, 1, 3])
    graph.add("Mul", "frame", back)
    proved(graph, (7, 5))


def test_a_fixed_picture_as_a_vector_and_back() -> None:
    graph = TfGraph()
    flat = graph.add("Reshape", "frame", [1, -1])
    dense = graph.add("MatMul", flat, graph.noise(4 * 2 * 3, 4 * 2 * 3), transpose_b=False)
    graph.add("Reshape", dense, [-1, 2, 4, 3])
    proved(graph, (4, 2), fixed=True)


def test_axes_come_and_go() -> None:
    graph = TfGraph()
    five = graph.add("ExpandDims", "frame", 1)
    four = graph.add("Squeeze", five, squeeze_dims=[1])
    three = graph.add("Squeeze", four, squeeze_dims=[0])
    graph.add("ExpandDims", three, 0)
    proved(graph, (7, 5))


def test_a_picture_turned_over_its_diagonal() -> None:
    graph = TfGraph()
    graph.add("Transpose", "frame", [0, 2, 1, 3])
    proved(graph, (7, 5))


def test_stacks() -> None:
    graph = TfGraph(channels=1)
    three = graph.add("Squeeze", "frame", squeeze_dims=[3])
    graph.add("Pack", three, graph.add("Neg", three), axis=3)
    proved(graph, (7, 5))
    parts = graph.add("Unpack", graph.nodes[-1]["name"], axis=3, num=2)
    graph.add("ExpandDims", f"{parts}:1", 3)
    proved(graph, (7, 5))


@pytest.mark.parametrize(
    ("op", "inputs", "attr", "reason"),
    [
        ("DepthToSpace", ["frame"], {"block_size": 2}, "3 channels are to become blocks of 2"),
        ("DepthToSpace", ["frame"], {"block_size": 0}, "blocks are of 0"),
        ("Split", [3, "frame"], {"num_split": 2}, "splits 3 into 2"),
        ("Transpose", ["frame", [0, 1, 1, 3]], {}, "orders 4 axes"),
        ("Squeeze", ["frame"], {"squeeze_dims": [3]}, "longer than 1"),
        ("Reshape", ["frame", [1, 5, 7, 3]], {}, "another number of values"),
        ("ExpandDims", ["frame", 9], {}, "an axis 9"),
    ],
)
def test_what_does_not_fit_is_named(op: str, inputs: list, attr: dict, reason: str) -> None:
    graph = TfGraph()
    graph.add(op, *inputs, **attr)
    with pytest.raises(Untranslatable, match=reason):
        graph.translated()
