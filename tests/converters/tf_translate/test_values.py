"""What is known of tensors."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.sizes import Sides, Size
from converters.tf_translate.values import Static, Value, broadcast, objects, shown

H = Size("H", Fraction(2), Fraction(-1), Sides())


def test_axes_are_stored_channels_first() -> None:
    value = Value("x", (1, 5, 7, 3), "NHWC")
    assert [value.stored_axis(axis) for axis in (0, 1, 2, 3, -1)] == [0, 2, 3, 1, 1]
    assert value.along("W") == 7
    assert Value("x", (5, 7)).stored_axis(-1) == 1
    with pytest.raises(Untranslatable, match="an axis 4 of a tensor of 4"):
        value.stored_axis(4)


def test_sides_fit_as_in_numpy() -> None:
    assert broadcast((1, H, 1, 3), (1, 1, 7, 1)) == (1, H, 7, 3)
    with pytest.raises(Untranslatable, match=r"sides of 2\*H-1 and 5"):
        broadcast((H,), (5,))


def test_vectors_of_sizes_hold_numbers_where_all_are_known() -> None:
    assert objects((1, 5)).dtype == np.int64
    assert Static(objects((1, H))).sizes() == [1, H]
    with pytest.raises(Untranslatable, match="depends on the frame"):
        Static(objects((1, H))).whole_numbers()
    assert shown(4) == "4"
