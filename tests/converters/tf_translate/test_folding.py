"""What is known before a frame comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters.tf_translate.folding import folded
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.values import Static


def fold(op: str, *given: Any, **attr: Any) -> Any:
    made = folded(Node("n", op, (), attr), [Static(np.asarray(each)) for each in given])
    assert made is not None
    return made.array.tolist()


def test_constants_are_calculated() -> None:
    assert fold("Mul", [2.0, 3.0], 0.5) == [1.0, 1.5]
    assert fold("Div", [7, -7], 2) == [3, -4]
    assert fold("RealDiv", [7.0], 2.0) == [3.5]
    assert fold("FloorMod", 7, 4) == 3
    assert fold("Rsqrt", 4.0) == 0.5
    assert fold("Pack", 1, 2, axis=0) == [1, 2]
    assert fold("ConcatV2", [1], [2, 3], 0) == [1, 2, 3]
    assert fold("Concat", 0, [1], [2, 3]) == [1, 2, 3]
    assert fold("Cast", [1.7, -1.7], DstT="int32") == [1, -1]
    assert fold("Fill", [2], 0.5) == [0.5, 0.5]
    assert fold("Range", 0, 6, 2) == [0, 2, 4]
    assert fold("GatherV2", [5, 6, 7], [2, 0], 0) == [7, 5]
    assert fold("Prod", [2, 3, 4], [0]) == 24
    assert fold("Reshape", [1, 2, 3, 4], [2, 2]) == [[1, 2], [3, 4]]
    assert fold("Transpose", [[1, 2], [3, 4]], [1, 0]) == [[1, 3], [2, 4]]
    assert fold("Squeeze", [[1, 2]], squeeze_dims=[0]) == [1, 2]
    assert fold("ExpandDims", [1], 0) == [[1]]
    assert fold("Tile", [1, 2], [2]) == [1, 2, 1, 2]
    assert fold("Shape", [[1, 2, 3]]) == [1, 3]
    assert fold("ZerosLike", [3]) == [0]


def test_other_operations_are_left() -> None:
    assert folded(Node("n", "Conv2D", (), {}), [Static(np.ones(1))]) is None


@pytest.mark.parametrize(
    ("op", "given"),
    [
        ("Fill", ([1 << 20, 1 << 20], 0.0)),
        ("Range", (0, 1 << 40, 1)),
        ("Tile", ([0.0], [1 << 40])),
        ("Add", (np.zeros((1 << 15, 1)), np.zeros((1, 1 << 15)))),
        ("Cast", ([1],)),
    ],
)
def test_constants_without_measure_are_refused_before_they_are_made(op: str, given: tuple) -> None:
    with pytest.raises(Untranslatable):
        fold(op, *given, DstT="string")
