"""The second way through a graph, held against sums that are written out."""

from __future__ import annotations

import numpy as np

from converters.references.numpy_ops import NumpyOps
from converters.tf_translate.nodes import nodes_of
from converters.tf_translate.reference import interpret
from tests.converters.tf_translate.tf_graphs import TfGraph


def run(graph: TfGraph, frame: np.ndarray) -> np.ndarray:
    nodes = nodes_of(graph.nodes)
    last = graph.nodes[-1]["name"]
    found = interpret(NumpyOps(), nodes, graph.arrays, "frame", last, "NHWC", frame)
    return np.asarray(found)


def test_same_pads_the_odd_pixel_at_the_end() -> None:
    graph = TfGraph(1)
    graph.add("Conv2D", "frame", np.ones((2, 1, 1, 1)), strides=[1, 1, 1, 1], padding="SAME")
    frame = np.array([1.0, 2, 4]).reshape(1, 1, 3, 1)
    assert run(graph, frame).ravel().tolist() == [3, 6, 4]
    graph = TfGraph(1)
    graph.add("Conv2D", "frame", np.array([1.0, 10, 100]).reshape(3, 1, 1, 1),
              strides=[1, 2, 1, 1], padding="SAME")  # fmt: skip
    frame = np.array([1.0, 2, 3, 4]).reshape(1, 1, 4, 1)
    assert run(graph, frame).ravel().tolist() == [321, 43]


def test_transposed_convolutions_spread_the_kernel() -> None:
    graph = TfGraph(1)
    graph.add("Conv2DBackpropInput", [1, 4, 1, 1], np.array([1.0, 10, 100]).reshape(3, 1, 1, 1),
              "frame", strides=[1, 2, 1, 1], padding="SAME")  # fmt: skip
    frame = np.array([1.0, 2]).reshape(1, 1, 2, 1)
    assert run(graph, frame).ravel().tolist() == [1, 10, 102, 20]


def test_depth_becomes_rows_and_columns() -> None:
    graph = TfGraph(4)
    graph.add("DepthToSpace", "frame", block_size=2)
    frame = np.arange(4.0).reshape(1, 4, 1, 1)
    assert run(graph, frame)[0, :, :, 0].tolist() == [[0, 1], [2, 3]]


def test_the_mean_at_a_border_counts_only_what_is_there() -> None:
    graph = TfGraph(1)
    graph.add("AvgPool", "frame", ksize=[1, 2, 1, 1], strides=[1, 1, 1, 1], padding="SAME")
    frame = np.array([1.0, 3, 8]).reshape(1, 1, 3, 1)
    assert run(graph, frame).ravel().tolist() == [2, 5.5, 8]
