"""Padding and pooling of a TensorFlow graph."""

from __future__ import annotations

import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

WIDTHS = [[0, 0], [1, 2], [3, 0], [0, 0]]


def test_zeros_and_other_values() -> None:
    graph = TfGraph()
    first = graph.add("Pad", "frame", WIDTHS)
    graph.add("PadV2", first, [[0, 0], [0, 1], [1, 0], [0, 2]], 0.5)
    proved(graph, (7, 5))


def test_mirrored_without_the_border() -> None:
    graph = TfGraph()
    graph.add("MirrorPad", "frame", WIDTHS, mode="REFLECT")
    made = proved(graph, (7, 5))
    assert made.sides.least == {"H": 3, "W": 4}


def test_mirrored_with_the_border() -> None:
    graph = TfGraph()
    graph.add("MirrorPad", "frame", [[0, 0], [1, 1], [1, 0], [0, 0]], mode="SYMMETRIC")
    proved(graph, (7, 5))
    graph.add("MirrorPad", "frame", WIDTHS, mode="SYMMETRIC")
    with pytest.raises(Untranslatable, match="more than one row"):
        graph.translated()


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_windows(padding: str, kernel: int, stride: int) -> None:
    graph = TfGraph()
    each = [
        graph.add(op, "frame", ksize=[1, kernel, kernel, 1], strides=[1, stride, stride, 1],
                  padding=padding, data_format="NHWC")
        for op in ("MaxPool", "AvgPool")
    ]  # fmt: skip
    graph.add("ConcatV2", *each, 3)
    proved(graph, (12, 8))
    proved(graph, (11, 7), fixed=True)


def test_a_padding_without_measure_is_refused() -> None:
    graph = TfGraph()
    graph.add("Pad", "frame", [[0, 0], [0, 1 << 30], [0, 0], [0, 0]])
    with pytest.raises(Untranslatable, match="pads 4 axes"):
        graph.translated()
