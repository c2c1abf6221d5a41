"""What a graph does, layer by layer."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters.graph import NetworkGraph
from converters.half_weights import with_half_weights
from converters.layers import work_of


def kernel(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def chain(skip: bool = False) -> onnx.ModelProto:
    """3 to 16 to 16 to 3 channels."""
    graph = NetworkGraph()
    first = graph.relu(graph.conv("frame", kernel(16, 3, 3, 3), kernel(16), pads=(1, 1, 1, 1)))
    x = graph.relu(graph.conv(first, kernel(16, 16, 3, 3), pads=(1, 1, 1, 1)))
    x = graph.sum(x, first) if skip else x
    x = graph.affine(graph.conv(x, kernel(3, 16, 3, 3), pads=(1, 1, 1, 1)), 0.5, 1)
    return graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])


def test_what_is_done_on_the_way_belongs_to_the_convolution() -> None:
    work = work_of(chain(), 20, 10)
    assert [layer.op_type for layer in work.layers] == ["Conv"] * 3
    assert [layer.macs for layer in work.layers] == [200 * 9 * n for n in (48, 256, 48)]
    assert work.macs == 200 * 9 * 352
    first = work.layers[0]
    assert first.read == 3 * 200 + 16 * 27 + 16
    assert first.written == 16 * 200
    assert work.size == (20, 10)


def test_three_channels_keep_as_many_units_busy_as_sixteen() -> None:
    last = work_of(chain(), 20, 10).layers[-1]
    assert last.busy_macs * 3 == last.macs * 16


def test_channels_by_themselves_lie_side_by_side() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(32, 1, 3, 3), pads=(1, 1, 1, 1), groups=32)
    model = graph.model([("frame", (1, 32, "H", "W"))], [(x, "out", (1, 32, "H", "W"))])
    (layer,) = work_of(model, 8, 8).layers
    assert layer.busy_macs == layer.macs == 64 * 32 * 9


def test_a_sum_of_two_pictures_is_a_layer_of_its_own() -> None:
    work = work_of(chain(skip=True), 20, 10)
    assert [layer.op_type for layer in work.layers] == ["Conv", "Conv", "Add", "Conv"]
    assert work.layers[2].read == 2 * work.layers[2].written == 2 * 16 * 200


@pytest.mark.parametrize(("skip", "held"), [(False, 32), (True, 32)])
def test_what_is_held_is_what_is_still_wanted(skip: bool, held: int) -> None:
    """In the middle: what the second convolution reads and writes; the sum writes where it reads,
    and the frame is not wanted any more."""
    assert work_of(chain(skip), 20, 10).held == held * 200


def test_what_a_skip_carries_is_held_all_the_way() -> None:
    graph = NetworkGraph()
    skipped = graph.conv("frame", kernel(8, 3, 1, 1))
    x = graph.conv(graph.conv(skipped, kernel(8, 8, 1, 1)), kernel(8, 8, 1, 1))
    x = graph.sum(skipped, x)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 8, "H", "W"))])
    assert work_of(model, 10, 10).held == 24 * 100


def test_another_look_at_the_same_values_costs_nothing() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(4, 3, 1, 1))
    x = graph.reshape(graph.reshape(x, (1, 4, 100)), (1, 4, 10, 10))
    x = graph.relu(x)
    model = graph.model([("frame", (1, 3, 10, 10))], [(x, "out", (1, 4, 10, 10))])
    work = work_of(model, 99, 99)
    assert [layer.op_type for layer in work.layers] == ["Conv"]
    assert work.held == 700
    assert work.size == (10, 10)


def test_norms_read_their_input_twice() -> None:
    graph = NetworkGraph()
    x = graph.instance_norm("frame", 3, None, None, 1e-5, centred=True)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    (layer,) = work_of(model, 10, 10).layers
    assert layer.read == 2 * 300 + 6


def test_weights_stored_as_float16_change_nothing() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", kernel(32, 3, 3, 3), pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 32, "H", "W"))])
    half = with_half_weights(model)
    assert len(half.graph.node) == 2
    assert work_of(half, 30, 20) == work_of(model, 30, 20)


def test_a_generator_is_as_large_as_what_it_makes() -> None:
    graph = NetworkGraph()
    x = graph.add("MatMul", ["z", graph.constant(kernel(10, 48), np.float32)])
    x = graph.reshape(x, (1, 3, 4, 4))
    work = work_of(graph.model([("z", (1, 10))], [(x, "out", (1, 3, 4, 4))]), 0, 0)
    assert work.size == (4, 4)
    assert work.macs == 480


def test_what_depends_on_the_size_alone_is_done_once() -> None:
    """A pattern that is repeated as often as the frame has room for it."""
    graph = NetworkGraph()
    sides = graph.slice(graph.add("Shape", ["frame"]), [2], [4], [0])
    times = graph.add("Div", [sides, graph.constant([4, 4], np.int64)])
    times = graph.concat([graph.constant([1, 1], np.int64), times], 0)
    paper = graph.add("Tile", [graph.constant(kernel(1, 3, 4, 4), np.float32), times])
    x = graph.conv(graph.sum("frame", paper), kernel(3, 3, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    work = work_of(model, 16, 8)
    assert [layer.op_type for layer in work.layers] == ["Add", "Conv"]
    assert work.layers[0].read == 2 * 3 * 128


def test_shapes_that_only_a_run_could_tell_are_refused() -> None:
    graph = NetworkGraph()
    x = graph.add("NonZero", ["frame"])
    x = graph.add("Cast", [x], to=onnx.TensorProto.FLOAT)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (4, "N"))])
    with pytest.raises(ValueError, match="without a run"):
        work_of(model, 10, 10)
