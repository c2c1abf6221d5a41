"""Operations of a TensorFlow graph that work on each element."""

from __future__ import annotations

import numpy as np
import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

SIZE = (7, 5)


def test_two_operands_either_way_round() -> None:
    graph = TfGraph()
    each = []
    for op in ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum"):
        first = graph.add(op, "frame", np.array([0.5, -2, 1.5]))
        second = graph.add(op, np.array([[[[2.0]]]]), graph.add("Add", first, 3.0))
        each.append(graph.add(op, second, "frame" if op != "RealDiv" else first))
    graph.add("ConcatV2", *each, 3)
    proved(graph, SIZE, tolerance=1e-3)


def test_one_operand() -> None:
    graph = TfGraph()
    each = [
        graph.add(op, graph.add("Mul", "frame", 6.0), **attr)
        for op, attr in (
            ("Abs", {}), ("Neg", {}), ("Relu", {}), ("Relu6", {}), ("LeakyRelu", {"alpha": 0.3}),
            ("Elu", {}), ("Selu", {}), ("Tanh", {}), ("Sigmoid", {}), ("Softplus", {}),
            ("Exp", {}), ("Square", {}), ("Identity", {}), ("StopGradient", {}),
        )
    ]  # fmt: skip
    graph.add("ConcatV2", *each, 3)
    proved(graph, SIZE)


def test_one_operand_above_zero() -> None:
    graph = TfGraph()
    above = graph.add("AddV2", "frame", 1.5)
    each = [graph.add(op, above) for op in ("Sqrt", "Rsqrt", "Log", "Reciprocal")]
    graph.add("ConcatV2", *each, 3)
    proved(graph, SIZE)


def test_prelu_as_graphs_spell_it() -> None:
    graph = TfGraph()
    below = graph.add("Mul", np.array([0.1, 0.2, 0.3]),
                      graph.add("Sub", "frame", graph.add("Abs", "frame")))  # fmt: skip
    graph.add("Add", graph.add("Relu", "frame"), graph.add("Mul", below, 0.5))
    proved(graph, SIZE)


def test_sums_of_many_and_bounds() -> None:
    graph = TfGraph()
    total = graph.add("AddN", "frame", graph.add("Neg", "frame"), graph.add("Abs", "frame"))
    apart = graph.add("SquaredDifference", total, "frame")
    graph.add("ClipByValue", apart, 0.1, 0.9)
    proved(graph, SIZE)


def test_a_power() -> None:
    graph = TfGraph()
    graph.add("Pow", graph.add("Pow", "frame", 2.0), 0.75)
    proved(graph, SIZE)


def test_a_bias_of_channels_first() -> None:
    graph = TfGraph(order="NCHW")
    graph.add("BiasAdd", "frame", np.array([1.0, 2, 3]), data_format="NCHW")
    proved(graph, SIZE)


def test_two_orders_meet_by_their_axes() -> None:
    graph = TfGraph()
    turned = graph.add("Transpose", "frame", [0, 3, 1, 2])
    graph.add("AddV2", graph.add("Transpose", turned, [0, 2, 3, 1]), "frame")
    proved(graph, SIZE)


def test_sides_that_do_not_fit_are_named() -> None:
    graph = TfGraph()
    graph.add("AddV2", "frame", np.ones(5))
    with pytest.raises(Untranslatable, match="combines sides of 3 and 5"):
        graph.translated()


def test_a_picture_turned_into_whole_numbers_is_refused() -> None:
    graph = TfGraph()
    graph.add("Cast", "frame", DstT="uint8")
    with pytest.raises(Untranslatable, match="uint8"):
        graph.translated()
