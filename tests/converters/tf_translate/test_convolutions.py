"""Convolutions of a TensorFlow graph."""

from __future__ import annotations

import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

ODD = (13, 9)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_pads_as_tensorflow_does(stride: int) -> None:
    graph = TfGraph()
    strides = [1, stride, stride, 1]
    each = [
        graph.add("Conv2D", "frame", graph.noise(kernel, kernel, 3, 2), strides=strides,
                  padding="SAME", data_format="NHWC")
        for kernel in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    graph.add("ConcatV2", *each, 3)
    made = proved(graph, (12, 6))
    assert made.sides.multiple == {"H": stride, "W": stride}
    proved(graph, ODD, fixed=True)


def test_valid_takes_only_what_is_there() -> None:
    graph = TfGraph()
    graph.add("Conv2D", "frame", graph.noise(3, 5, 3, 4), strides=[1, 1, 1, 1], padding="VALID")
    proved(graph, ODD, (14, 8))
    graph.add("Conv2D", graph.nodes[-1]["name"], graph.noise(3, 3, 4, 2), strides=[1, 2, 2, 1],
              padding="VALID")  # fmt: skip
    proved(graph, (14, 8))
    proved(graph, ODD, fixed=True)


def test_sides_two_strides_apart_are_padded_apart() -> None:
    graph = TfGraph()
    graph.add("Conv2D", "frame", graph.noise(3, 4, 3, 4), strides=[1, 2, 1, 1], padding="SAME",
              dilations=[1, 1, 1, 1])  # fmt: skip
    assert proved(graph, (9, 8)).sides.multiple == {"H": 2, "W": 1}


def test_explicit_paddings_are_those_of_height_and_width() -> None:
    graph = TfGraph()
    graph.add("Conv2D", "frame", graph.noise(3, 3, 3, 4), strides=[1, 1, 1, 1],
              padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 0, 1, 0, 0])  # fmt: skip
    proved(graph, ODD)


def test_dilations_reach_farther() -> None:
    graph = TfGraph()
    graph.add("Conv2D", "frame", graph.noise(3, 3, 3, 4), strides=[1, 1, 1, 1], padding="SAME",
              dilations=[1, 2, 3, 1])  # fmt: skip
    proved(graph, ODD)


def test_groups_are_told_by_the_kernel() -> None:
    graph = TfGraph(channels=4)
    graph.add("Conv2D", "frame", graph.noise(3, 3, 2, 6), strides=[1, 1, 1, 1], padding="SAME")
    proved(graph, ODD)


@pytest.mark.parametrize(("each", "stride"), [(1, 1), (1, 2), (3, 1)])
def test_depthwise(each: int, stride: int) -> None:
    graph = TfGraph()
    graph.add("DepthwiseConv2dNative", "frame", graph.noise(3, 3, 3, each),
              strides=[1, stride, stride, 1], padding="SAME")  # fmt: skip
    proved(graph)


def transposed(graph: TfGraph, kernel: int, stride: int, padding: str) -> str:
    more = max(kernel - stride, 0) if padding == "VALID" else 0
    shape = graph.add("Shape", "frame")
    sides = []
    for axis in (1, 2):
        side = graph.add("StridedSlice", shape, [axis], [axis + 1], [1], shrink_axis_mask=1)
        sides.append(graph.add("AddV2", graph.add("Mul", side, stride), more))
    wanted = graph.add("Pack", 1, *sides, 4, axis=0, N=4)
    return graph.add("Conv2DBackpropInput", wanted, graph.noise(kernel, kernel, 4, 3), "frame",
                     strides=[1, stride, stride, 1], padding=padding)  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
def test_transposed_at_a_size_that_the_graph_calculates(stride: int) -> None:
    graph = TfGraph()
    each = [transposed(graph, kernel, stride, "SAME") for kernel in (2, 3, 4, 5)]
    graph.add("ConcatV2", *each, 3)
    proved(graph, (7, 5))
    proved(graph, (6, 5), fixed=True)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (4, 2), (2, 3)])
def test_transposed_without_padding(kernel: int, stride: int) -> None:
    graph = TfGraph()
    transposed(graph, kernel, stride, "VALID")
    proved(graph, (7, 5))


def test_a_transposed_convolution_back_to_an_odd_side() -> None:
    graph = TfGraph()
    graph.add("Conv2DBackpropInput", [1, 9, 13, 4], graph.noise(3, 3, 4, 3), "frame",
              strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    proved(graph, (7, 5), fixed=True)


def test_channels_first_where_a_transposition_says_so() -> None:
    graph = TfGraph()
    first = graph.add("Transpose", "frame", [0, 3, 1, 2])
    second = graph.add("Transpose", first, [0, 2, 3, 1])
    graph.add("Conv2D", second, graph.noise(3, 3, 3, 4), strides=[1, 1, 1, 1], padding="SAME")
    last = graph.add("Transpose", graph.nodes[-1]["name"], [0, 3, 1, 2])
    made = proved(graph, ODD, target=last)
    assert made.result.order == "NCHW"
    assert not any(node.op_type == "Transpose" for node in made.graph.nodes)


@pytest.mark.parametrize(
    ("kernel", "attr", "reason"),
    [
        ((3, 3, 5, 4), {}, "takes 5 channels and gets 3"),
        ((3, 3, 3, 4), {"padding": "ODD"}, "padding is 'ODD'"),
        ((3, 3, 3, 4), {"strides": [2, 1, 1, 1]}, "strides reach over"),
        ((3, 3, 3, 4), {"strides": [1, 0, 0, 1]}, "strides are"),
        ((3, 3, 3, 4), {"dilations": [1, 1]}, "dilations are"),
        ((3, 3, 3), {}, "a kernel has the shape"),
    ],
)
def test_what_does_not_fit_is_named(kernel: tuple, attr: dict, reason: str) -> None:
    graph = TfGraph()
    given = {"strides": [1, 1, 1, 1], "padding": "SAME", **attr}
    graph.add("Conv2D", "frame", graph.noise(*kernel), **given)
    with pytest.raises(Untranslatable, match=f"Conv2D_2.*{reason}"):
        graph.translated()


def test_a_kernel_with_nan_is_refused() -> None:
    graph = TfGraph()
    kernel = graph.noise(3, 3, 3, 4)
    kernel[0, 0, 0, 0] = float("nan")
    graph.add("Conv2D", "frame", kernel, strides=[1, 1, 1, 1], padding="SAME")
    with pytest.raises(Untranslatable, match="NaN"):
        graph.translated()
