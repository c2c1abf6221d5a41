"""Whole graphs."""

from __future__ import annotations

from contextlib import suppress

import pytest

from converters.tf_translate.nodes import Untranslatable, nodes_of
from converters.tf_translate.reference import steps
from converters.tf_translate.translation import OPERATIONS, TRANSLATORS, unknown_operations
from tests.converters.tf_translate.tf_graphs import TfGraph, proved


def test_every_operation_is_known_to_the_reference_too() -> None:
    assert OPERATIONS - {"Placeholder", "Const", "NoOp"} == steps()


def test_unknown_operations_are_counted_the_most_frequent_first() -> None:
    graph = TfGraph()
    for op in ("ReadFile", "PyFunc", "ReadFile", "Relu"):
        graph.add(op, "frame")
    found = unknown_operations(list(nodes_of(graph.nodes).values()))
    assert found == ["ReadFile (2)", "PyFunc (1)"]


def test_constants_alone_are_no_result() -> None:
    graph = TfGraph()
    graph.add("Mul", [1.0, 2.0], 3.0)
    with pytest.raises(Untranslatable, match="no picture that is made of the frame"):
        graph.translated()


def test_a_number_of_an_output_that_is_not_there_is_named() -> None:
    graph = TfGraph()
    parts = graph.add("Split", 3, "frame", num_split=3)
    graph.add("Relu", f"{parts}:3")
    with pytest.raises(Untranslatable, match="which nothing gives"):
        graph.translated()


def test_operations_on_sizes_alone_do_not_work_on_pictures() -> None:
    graph = TfGraph()
    graph.add("FloorDiv", "frame", 2.0)
    with pytest.raises(Untranslatable, match="on sizes and constants alone"):
        graph.translated()


def test_inputs_that_are_missing_are_named_and_not_stumbled_over() -> None:
    for op in TRANSLATORS:
        graph = TfGraph()
        graph.add(op)
        with pytest.raises(Untranslatable):
            graph.translated()


def test_arrays_where_none_belong_are_named_and_not_stumbled_over() -> None:
    for op in TRANSLATORS:
        for wrong in ([[1.0]], [], [float("nan")], 1 << 30):
            graph = TfGraph()
            graph.add(op, "frame", wrong, wrong, wrong, wrong)
            with suppress(Untranslatable):
                graph.translated()


def test_a_whole_network() -> None:
    """Strides, a norm, a skip and the way back up."""
    graph = TfGraph()
    first = graph.add("Conv2D", "frame", graph.noise(4, 4, 3, 6), strides=[1, 2, 2, 1],
                      padding="SAME")  # fmt: skip
    second = graph.add("Conv2D", graph.add("LeakyRelu", first), graph.noise(3, 3, 6, 6),
                       strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    sides = graph.add("Shape", first)
    up = graph.add("Conv2DBackpropInput", sides, graph.noise(4, 4, 6, 6), second,
                   strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    joined = graph.add("ConcatV2", up, first, 3)
    shape = graph.add("Shape", "frame")
    graph.add("Conv2DBackpropInput", shape, graph.noise(4, 4, 3, 12), joined,
              strides=[1, 2, 2, 1], padding="SAME")  # fmt: skip
    made = proved(graph, (20, 12))
    assert made.sides.multiple == {"H": 4, "W": 4}
