"""Moves of layout, and the attributes of nodes."""

from __future__ import annotations

import numpy as np
import pytest

from converters.tf_translate.context import Context, choice, one_shape, pair
from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.values import Static, Value

PICTURE = Value("frame", (1, 5, 7, 3), "NHWC")


def test_a_picture_in_its_own_order_is_not_moved() -> None:
    context = Context()
    assert context.picture(PICTURE, "NHWC") is PICTURE
    assert context.graph.nodes == []
    context.picture(PICTURE, "NCHW")
    assert [node.op_type for node in context.graph.nodes] == ["Transpose"]


def test_constants_are_laid_out_as_the_picture_is_stored() -> None:
    context = Context()
    made = context.constant_like(Static(np.arange(3.0)), 4, "NHWC")
    assert made.sizes == (1, 1, 1, 3)
    assert list(context.graph.initializers[-1].dims) == [1, 3, 1, 1]


def test_texts_and_infinite_numbers_are_no_weights() -> None:
    context = Context()
    for wrong in (np.array(["a"]), np.array([np.inf]), np.array([1j])):
        with pytest.raises(Untranslatable):
            context.numbers(Static(wrong))


def test_attributes_are_checked() -> None:
    assert choice({}, "mode", "A", "B") == "A"
    with pytest.raises(Untranslatable, match="its mode is 'C', not one of A, B"):
        choice({"mode": "C"}, "mode", "A", "B")
    assert pair({"strides": [1, 1, 2, 3]}, "strides", "NCHW") == (2, 3)
    for wrong in ([1, 2, 2], [1, 2, 2, 2], [1, -1, 1, 1], "SAME", [1, 2.5, 1, 1]):
        with pytest.raises(Untranslatable):
            pair({"strides": wrong}, "strides", "NHWC")
    with pytest.raises(Untranslatable, match="joins sides"):
        one_shape([PICTURE, Value("x", (1, 6, 7, 3), "NHWC")], 3)
