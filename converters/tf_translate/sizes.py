"""Heights and widths that are not known before a frame comes, and arithmetic with them.

A graph of TensorFlow calculates sizes as it goes. Here each is `factor * side + offset` of the
frame's height or width, and every side is a multiple of a number that grows as strides ask for it,
so that no rounding is left to guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

from converters.tf_translate.nodes import Untranslatable

_MOST = 1024


class Sides:
    """What a frame's sides have to be for a graph.

    Attributes:
        multiple: of each side, "H" and "W".
        least: of each side.
    """

    def __init__(self) -> None:
        self.multiple = {"H": 1, "W": 1}
        self.least = {"H": 1, "W": 1}

    def whole(self, side: str, factor: Fraction) -> None:
        """From now on `factor * side` is a whole number."""
        self.multiple[side] *= (factor * self.multiple[side]).denominator
        if self.multiple[side] > _MOST:
            raise Untranslatable(f"sides would have to be multiples of {self.multiple[side]}")

    def longer(self, size: Size | int, than: int) -> None:
        """From now on `size` is larger than `than`."""
        if isinstance(size, int):
            if size <= than:
                raise Untranslatable(f"a side of {size} is to be larger than {than}")
        elif size.factor > 0:
            least = floor((than - size.offset) / size.factor) + 1
            self.least[size.side] = max(self.least[size.side], least)


@dataclass(frozen=True, slots=True)
class Size:
    """`factor * side + offset` pixels."""

    side: str
    factor: Fraction
    offset: Fraction
    sides: Sides = field(compare=False, repr=False)

    def _made(self, factor: Fraction, offset: Fraction) -> Any:
        if factor == 0:
            return int(offset) if offset.denominator == 1 else float(offset)
        return Size(self.side, factor, offset, self.sides)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Size):
            if other.side != self.side:
                raise Untranslatable("it adds a width to a height")
            return self._made(self.factor + other.factor, self.offset + other.offset)
        return self._made(self.factor, self.offset + _fraction(other))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Size):
            raise Untranslatable("it multiplies sides of a frame that are not known")
        number = _fraction(other)
        return self._made(self.factor * number, self.offset * number)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Size):
            if other.side != self.side or self * (other.factor / self.factor) != other:
                raise Untranslatable("it divides sides that are not known")
            return float(self.factor / other.factor)
        if _fraction(other) == 0:
            raise Untranslatable("it divides a size by zero")
        return self * (1 / _fraction(other))

    def __floordiv__(self, other: Any) -> Any:
        return rounded_down(self / other)

    def __mod__(self, other: Any) -> Any:
        return self - (self // other) * other


AnySize = Size | int


def _fraction(number: Any) -> Fraction:
    return Fraction(float(number)).limit_denominator(1 << 20)


def rounded_down(number: Any) -> Any:
    """A whole number or a size that is one."""
    if not isinstance(number, Size):
        return floor(number)
    number.sides.whole(number.side, number.factor)
    return Size(number.side, number.factor, Fraction(floor(number.offset)), number.sides)


def rounded_up(number: Any) -> Any:
    if not isinstance(number, Size):
        return ceil(number)
    number.sides.whole(number.side, number.factor)
    return Size(number.side, number.factor, Fraction(ceil(number.offset)), number.sides)


def divided_up(size: AnySize, by: int) -> Any:
    """TensorFlow's ceil(size / by)."""
    return rounded_up(size / by) if isinstance(size, Size) else -(-size // by)


def difference(a: AnySize, b: AnySize) -> int:
    """a - b, which must be known.

    Raises: Untranslatable: it depends on the frame.
    """
    found = a - b
    if isinstance(found, Size) or found != int(found):
        raise Untranslatable("how much it pads or cuts depends on the size of the frame")
    return int(found)


def ratio(a: AnySize, b: AnySize) -> Fraction:
    """a / b, which must be known."""
    if isinstance(a, Size) and isinstance(b, Size):
        found = a.factor / b.factor
        if a.side == b.side and b.offset * found == a.offset:
            return found
    elif not isinstance(a, Size) and not isinstance(b, Size):
        return Fraction(int(a), int(b))
    raise Untranslatable("it resizes to a size that is no multiple of the frame's")
