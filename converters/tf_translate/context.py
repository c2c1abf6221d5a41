"""What the translators of single operations work with: the graph so far, and moves of layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from converters.graph import NetworkGraph
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import AnySize, Sides, Size
from converters.tf_translate.values import STORED, Known, Static, Value, shown
from converters.weights import Array

FRAME = "frame"


class Context:
    """
    Attributes:
        sides: what the frame's sides have to be.
    """

    def __init__(self) -> None:
        self.graph = NetworkGraph()
        self.sides = Sides()
        self._frame_shape = ""

    def numbers(self, static: Static) -> Array:
        """A weight or a constant of the network, float32.

        Raises: Untranslatable: it depends on the frame's size, or is not finite.
        """
        if static.array.dtype == object:
            raise Untranslatable("it calculates with the frame's size as with a value")
        if static.array.dtype.kind not in "fiub":
            raise Untranslatable(f"it calculates with values of type {static.array.dtype}")
        values = static.array.astype(np.float32)
        if not np.isfinite(values).all():
            raise Untranslatable("a weight is NaN or infinite")
        return values

    def like(self, value: Value, rank: int, order: str) -> Value:
        """The same tensor with `rank` axes, those before it of one, and in that order."""
        if rank == 4 and value.rank < 4:
            sizes = (*([1] * (4 - value.rank)), *value.sizes)
            name = value.name
            if value.rank < 4:
                front = list(range(4 - value.rank))
                name = self.graph.add("Unsqueeze", [name, self._ints(front)])
            return self.from_tf_axes(name, sizes, order)
        if rank == 4 and value.order != order:
            return self.from_tf_axes(self.in_tf_axes(value), value.sizes, order)
        if value.rank < rank:
            front = list(range(rank - value.rank))
            name = self.graph.add("Unsqueeze", [self.in_tf_axes(value), self._ints(front)])
            return Value(name, (*([1] * len(front)), *value.sizes))
        return value

    def constant_like(self, static: Static, rank: int, order: str) -> Value:
        """The same."""
        array = self.numbers(static)
        array = array.reshape((1,) * (rank - array.ndim) + array.shape)
        sizes = tuple(int(side) for side in array.shape)
        if rank == 4:
            array = array.transpose([order.index(letter) for letter in STORED])
        return Value(self.graph.constant(array, np.float32), sizes, order if rank == 4 else "")

    def in_tf_axes(self, value: Value) -> str:
        """The name of the same tensor with its axes as TensorFlow has them."""
        if value.order in ("", STORED):
            return value.name
        return self.graph.transpose(value.name, [STORED.index(letter) for letter in value.order])

    def from_tf_axes(self, name: str, sizes: Sequence[AnySize], order: str = "NHWC") -> Value:
        """A tensor that lies as TensorFlow has it; of four axes, those are `order`."""
        if len(sizes) != 4:
            return Value(name, tuple(sizes))
        if order != STORED:
            name = self.graph.transpose(name, [order.index(letter) for letter in STORED])
        return Value(name, tuple(sizes), order)

    def picture(self, value: Known, order: str) -> Value:
        """A value of four axes which are `order`.

        Raises: Untranslatable: it is none.
        """
        if isinstance(value, Static):
            return self.constant_like(value, 4, order)
        if value.rank != 4:
            raise Untranslatable(f"it takes a tensor of {value.rank} axes as a picture")
        return self.like(value, 4, order)

    def sizes_tensor(self, sizes: Sequence[AnySize]) -> str:
        """int64, one of each size, calculated from the frame's where they are free."""
        if not any(isinstance(size, Size) for size in sizes):
            return self._ints([int(size) for size in sizes if not isinstance(size, Size)])
        return self.graph.concat([self._size_tensor(size) for size in sizes], 0)

    def _size_tensor(self, size: AnySize) -> str:
        if not isinstance(size, Size):
            return self._ints([size])
        if not self._frame_shape:
            self._frame_shape = self.graph.add("Shape", [FRAME])
        axis = STORED.index(size.side)
        found = self.graph.slice(self._frame_shape, [axis], [axis + 1], [0])
        for op, number in (
            ("Mul", size.factor.numerator), ("Div", size.factor.denominator),
            ("Add", _whole(size.offset)),
        ):  # fmt: skip
            if number != (0 if op == "Add" else 1):
                found = self.graph.add(op, [found, self._ints([number])])
        return found

    def _ints(self, values: Sequence[int]) -> str:
        return self.graph.constant(list(values), np.int64)


def _whole(offset: Fraction) -> int:
    if offset.denominator != 1:
        raise Untranslatable("a size is no whole number")
    return int(offset)


Result = Known | Sequence[Known]
Translator = Callable[[Context, Node, list[Known]], Result]
"""Raises: Untranslatable; what numpy raises at shapes that do not fit is taken for the same."""


def value_of(known: Known) -> Value:
    if isinstance(known, Static):
        raise Untranslatable("it calculates with constants alone where a picture is wanted")
    return known


def static_of(known: Known, what: str) -> Static:
    """Raises: Untranslatable: it is calculated from the frame."""
    if isinstance(known, Value):
        raise Untranslatable(f"{what} is calculated from the frame")
    return known


def choice(attr: Mapping[str, Any], name: str, *allowed: str) -> str:
    """An attribute with a few values; the first is the default.

    Raises: Untranslatable: it has another.
    """
    found = attr.get(name, allowed[0])
    if found not in allowed:
        raise Untranslatable(f"its {name} is {found!r}, not one of {', '.join(allowed)}")
    return str(found)


def flag(attr: Mapping[str, Any], name: str, default: bool = False) -> bool:
    return bool(attr.get(name, default))


def pair(attr: Mapping[str, Any], name: str, order: str) -> tuple[int, int]:
    """Of height and width, of an attribute with one number for each of four axes.

    Raises: Untranslatable: it is none, or asks for more than 1 along the others.
    """
    found = attr.get(name) or [1, 1, 1, 1]
    good = isinstance(found, Sequence) and len(found) == 4
    if not good or any(not isinstance(n, int) or not 1 <= n <= 1024 for n in found):
        raise Untranslatable(f"its {name} are {found!r}")
    by = dict(zip(order, found, strict=True))
    if by["N"] != 1 or by["C"] != 1:
        raise Untranslatable(f"its {name} reach over channels or pictures")
    return by["H"], by["W"]


def one_shape(values: Sequence[Value], but: int) -> None:
    """Raises: Untranslatable: they differ in more than the axis `but`."""
    for axis in range(values[0].rank):
        sides = {value.sizes[axis] for value in values}
        if axis != but and len(sides) > 1:
            raise Untranslatable(f"it joins sides of {', '.join(map(shown, sides))}")
