"""Sizes that a graph calculates of the size of its frame."""

from __future__ import annotations

import numpy as np
import onnx

from converters.cost import PROBE_SIDE, count_cost
from converters.graph import NetworkGraph
from converters.shape_folding import fold_shapes


def padded(side: int | str) -> onnx.ModelProto:
    """A 1x1 convolution of a frame with zeros to the next multiple of 32, cropped."""
    graph = NetworkGraph()
    size = graph.slice(graph.add("Shape", ["frame"]), [2], [4], [0])
    block = graph.constant([32], np.int64)
    more = graph.add("Sub", [block, graph.add("Mod", [size, block])])
    pads = graph.concat([graph.constant([0] * 6, np.int64), more], 0)
    x = graph.add("Pad", ["frame", pads], mode="constant")
    x = graph.conv(x, np.ones((3, 3, 1, 1), np.float32))
    ends = [graph.constant(values, np.int64) for values in ([0, 0], [2, 3])]
    x = graph.add("Slice", [x, ends[0], size, ends[1]])
    shape = (1, 3, side, side)
    return graph.model([("frame", shape)], [(x, "out", (1, 3, "h", "w"))])


def test_arithmetic_on_a_fixed_shape_becomes_constants() -> None:
    model = padded(40)
    folded = fold_shapes(model)
    assert [node.op_type for node in folded.graph.node] == ["Pad", "Conv", "Slice"]
    assert len(model.graph.node) > 3, "what was given stays as it is"
    inferred = onnx.shape_inference.infer_shapes(folded, strict_mode=True)
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in inferred.graph.value_info
    }
    assert shapes[folded.graph.node[0].output[0]] == [1, 3, 64, 64]


def test_what_depends_on_a_free_side_stays() -> None:
    model = padded("H")
    assert fold_shapes(model).graph.node == model.graph.node


def test_a_network_that_pads_by_the_size_of_its_frame_is_counted_with_its_padding() -> None:
    share = ((PROBE_SIDE + 32) / PROBE_SIDE) ** 2
    assert count_cost(padded("H")).macs_per_input_pixel == round(9 * share)
