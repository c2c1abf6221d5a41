"""Ranges that a graph's own operations tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters.tf_translate.nodes import nodes_of
from converters.tf_translate.ranges import BYTES, SIGNED, UNIT, given, taken
from tests.converters.tf_translate.tf_graphs import TfGraph


def chain(*steps: tuple) -> tuple:
    graph = TfGraph()
    x = "frame"
    for op, *numbers in steps:
        x = graph.add(op, x, *(np.asarray(each) for each in numbers))
    return nodes_of(graph.nodes), graph.arrays, x


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("Mul", 1 / 255)], BYTES), ([("RealDiv", 127.5), ("Sub", 1.0)], BYTES),
        ([("Sub", [123.7, 116.8, 103.9])], BYTES), ([("Sub", 0.5), ("Mul", 2.0)], UNIT),
        ([("Mul", 2.0), ("Sub", 1.0)], UNIT), ([("Sub", 0.45)], UNIT),
        ([("AddV2", 1.0), ("Mul", 0.5)], SIGNED), ([("AddV2", 1.0), ("Mul", 127.5)], SIGNED),
        ([("Mul", 0.7)], None), ([], None), ([("Identity",)], None),
    ],
)  # fmt: skip
def test_how_a_picture_is_taken(steps: list, expected: Any) -> None:
    nodes, arrays, _ = chain(*steps, ("Relu",))
    assert taken(nodes, arrays, "frame") == expected


def test_bytes_are_bytes() -> None:
    nodes, arrays, _ = chain(("Relu",))
    nodes["frame"].attr["dtype"] = "uint8"  # type: ignore[index]
    assert taken(nodes, arrays, "frame") == BYTES


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("Tanh",)], (SIGNED, UNIT)), ([("Sigmoid",)], (UNIT,)),
        ([("Tanh",), ("Mul", 150.0), ("Add", 127.5)], (BYTES,)),
        ([("Tanh",), ("AddV2", 1.0), ("RealDiv", 2.0)], (UNIT,)),
        ([("Sigmoid",), ("Mul", 255.0), ("Identity",)], (BYTES,)),
        ([("ClipByValue", 0.0, 1.0)], (UNIT,)), ([("ClipByValue", -1.0, 1.0)], (SIGNED, UNIT)),
        ([("Minimum", 255.0), ("Maximum", 0.0)], (BYTES,)),
        ([("Relu",)], ()), ([("Maximum", 0.0)], ()), ([("Mul", 2.0)], ()),
        ([("Relu",), ("Minimum", 1.0)], (UNIT,)),
    ],
)  # fmt: skip
def test_what_a_result_can_be(steps: list, expected: Any) -> None:
    nodes, arrays, target = chain(("Abs",), *steps)
    assert given(nodes, arrays, target) == expected
