"""Sizes that are not known yet."""

from __future__ import annotations

from fractions import Fraction

import pytest

from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.sizes import (
    Sides,
    Size,
    difference,
    divided_up,
    ratio,
    rounded_down,
    rounded_up,
)


def height(sides: Sides | None = None) -> Size:
    return Size("H", Fraction(1), Fraction(0), sides or Sides())


def at(size: Size | int, value: int) -> Fraction:
    return size.factor * value + size.offset if isinstance(size, Size) else Fraction(size)


def test_arithmetic_is_that_of_numbers() -> None:
    h = height()
    for value in (4, 10, 36):
        assert at((h * 2 + 3 - h) // 1, value) == value + 3
        assert at(10 - h, value) == 10 - value
        assert at(1.5 * h / 3, value) == Fraction(value, 2)
    assert h - h == 0
    assert (h * 4) / (h * 2) == 2.0


@pytest.mark.parametrize("by", [2, 3])
@pytest.mark.parametrize("offset", [-3, 0, 1, 5])
def test_what_is_rounded_is_right_for_every_side_that_is_allowed(by: int, offset: int) -> None:
    sides = Sides()
    size = height(sides) + offset
    down, up, modulo = size // by, divided_up(size, by), size % by
    assert sides.multiple == {"H": by, "W": 1}
    for value in range(2 * by, 60, by):
        assert at(down, value) == (value + offset) // by
        assert at(up, value) == -(-(value + offset) // by)
        assert at(modulo, value) == (value + offset) % by


def test_strides_multiply() -> None:
    sides = Sides()
    size = divided_up(divided_up(height(sides), 2), 2)
    assert sides.multiple["H"] == 4
    assert ratio(size, height(sides)) == Fraction(1, 4)
    with pytest.raises(Untranslatable, match="multiples of"):
        divided_up(divided_up(size, 64), 64)


def test_numbers_are_rounded_as_numbers() -> None:
    assert (rounded_down(2.5), rounded_up(2.5), divided_up(7, 2)) == (2, 3, 4)


def test_the_smallest_side_grows_with_what_is_asked() -> None:
    sides = Sides()
    sides.longer(height(sides) / 2 - 1, 3)
    assert sides.least["H"] == 9
    sides.longer(8, 3)
    with pytest.raises(Untranslatable, match="a side of 3"):
        sides.longer(3, 3)


def test_what_cannot_be_known_is_refused() -> None:
    sides = Sides()
    width = Size("W", Fraction(1), Fraction(0), sides)
    with pytest.raises(Untranslatable, match="a width to a height"):
        height(sides) + width
    with pytest.raises(Untranslatable, match="multiplies sides"):
        height(sides) * width
    with pytest.raises(Untranslatable, match="depends on the size"):
        difference(height(sides), 3)
    with pytest.raises(Untranslatable, match="no multiple"):
        ratio(height(sides) + 1, height(sides))
    with pytest.raises(Untranslatable, match="by zero"):
        height(sides) / 0
