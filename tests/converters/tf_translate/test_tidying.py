"""What is left out of a translated graph."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from converters import parity
from converters.tf_translate.tidying import tidy
from tests.converters.proving import openvino_run
from tests.converters.tf_translate.tf_graphs import TfGraph, frame_of

SLOPES = np.array([0.1, -0.2, 1.3])


def run_tidied(graph: TfGraph) -> Counter[str]:
    """Its operations, once the result is seen to be as it was."""
    made = graph.translated(fixed=(5, 7))
    ports: Any = [("frame", (1, 3, 5, 7))], [(made.result.name, "y", (1, "C", "h", "w"))]
    given = {"frame": frame_of(3, 7, 5)}
    before = parity.run(made.graph.model(*ports).SerializeToString(), given)["y"]
    made = graph.translated(fixed=(5, 7))
    tidy(made.graph, made.result.name)
    model = made.graph.model(*ports)
    after = parity.run(model.SerializeToString(), given)["y"]
    np.testing.assert_allclose(after, before, atol=1e-6)
    np.testing.assert_allclose(openvino_run(model, given)["y"], after, atol=1e-6)
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used
    return Counter(node.op_type for node in model.graph.node)


def conv(graph: TfGraph) -> str:
    return graph.add("Conv2D", "frame", graph.noise(3, 3, 3, 3), strides=[1] * 4, padding="SAME")


@pytest.mark.parametrize("turned", [False, True])
def test_prelu_of_a_sum_is_one_operation(turned: bool) -> None:
    graph = TfGraph()
    x = conv(graph)
    below = graph.add("Mul", SLOPES, graph.add("Sub", x, graph.add("Abs", x)))
    parts = [graph.add("Relu", x), graph.add("Mul", below, 0.5)]
    graph.add("Add", *(reversed(parts) if turned else parts))
    assert run_tidied(graph) == {"Conv": 1, "PRelu": 1}


def test_prelu_as_keras_spells_it_is_one_operation() -> None:
    graph = TfGraph()
    x = conv(graph)
    below = graph.add("Mul", -SLOPES, graph.add("Relu", graph.add("Neg", x)))
    graph.add("AddV2", graph.add("Relu", x), below)
    assert run_tidied(graph) == {"Conv": 1, "PRelu": 1}


def test_what_only_resembles_it_stays() -> None:
    graph = TfGraph()
    x = conv(graph)
    other = graph.add("Abs", x)
    rows = graph.add("Mul", np.ones((1, 5, 7, 1)), graph.add("Sub", x, graph.add("Abs", x)))
    mixed = graph.add("Sub", x, graph.add("Abs", other))
    graph.add("AddV2", graph.add("AddV2", graph.add("Relu", x), rows),
              graph.add("AddV2", graph.add("Relu", other), mixed))  # fmt: skip
    found = run_tidied(graph)
    assert found["PRelu"] == 0
    assert found["Relu"] == 2


def test_what_nothing_takes_is_left_out() -> None:
    graph = TfGraph()
    parts = graph.add("Split", 3, conv(graph), num_split=3)
    graph.add("Neg", f"{parts}:1")
    assert run_tidied(graph) == {"Conv": 1, "Slice": 1, "Neg": 1}
