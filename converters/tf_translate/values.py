"""What is known of a tensor of TensorFlow while its graph is translated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.sizes import AnySize, Size
from converters.weights import Array

STORED = "NCHW"


@dataclass(frozen=True, slots=True)
class Static:
    """A tensor that is known already: a weight, a constant, a size.

    Attributes:
        array: of dtype object where it holds a `Size`.
    """

    array: Array

    def whole_numbers(self) -> list[int]:
        """Raises: Untranslatable: they depend on the frame's size, or are none."""
        flat = list(self.array.reshape(-1))
        if any(isinstance(each, Size) or int(each) != each for each in flat):
            raise Untranslatable("an axis, a shape or a padding depends on the frame's size")
        return [int(each) for each in flat]

    def sizes(self) -> list[AnySize]:
        return [each if isinstance(each, Size) else int(each) for each in self.array.reshape(-1)]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that the ONNX graph calculates.

    Attributes:
        name: in the graph. One of four axes always lies there as NCHW; others as TensorFlow has
            them.
        sizes: along TensorFlow's axes.
        order: what TensorFlow's axes are, for one of four: "NHWC" or "NCHW".
    """

    name: str
    sizes: tuple[AnySize, ...]
    order: str = ""

    @property
    def rank(self) -> int:
        return len(self.sizes)

    def along(self, letter: str) -> AnySize:
        return self.sizes[self.order.index(letter)]

    def stored_axis(self, axis: int) -> int:
        """Where TensorFlow's axis is in the graph."""
        axis = checked_axis(axis, self.rank)
        return STORED.index(self.order[axis]) if self.order else axis

    def renamed(self, name: str) -> Value:
        return Value(name, self.sizes, self.order)


Known = Static | Value


def checked_axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise Untranslatable(f"an axis {axis} of a tensor of {rank}")
    return axis % rank


def objects(sizes: tuple[AnySize, ...]) -> Array:
    """Sizes as the vector that TensorFlow's Shape gives."""
    if all(not isinstance(size, Size) for size in sizes):
        return np.array([int(size) for size in sizes if not isinstance(size, Size)], np.int64)
    vector: Any = np.empty(len(sizes), object)
    for index, size in enumerate(sizes):
        vector[index] = size
    return np.asarray(vector)


def broadcast(a: tuple[AnySize, ...], b: tuple[AnySize, ...]) -> tuple[AnySize, ...]:
    """Of two of the same rank.

    Raises: Untranslatable: they do not fit.
    """
    sizes = []
    for left, right in zip(a, b, strict=True):
        if left != right and left != 1 and right != 1:
            raise Untranslatable(f"it combines sides of {shown(left)} and {shown(right)}")
        sizes.append(right if left == 1 else left)
    return tuple(sizes)


def shown(size: AnySize) -> str:
    if not isinstance(size, Size):
        return str(size)
    return f"{size.factor}*{size.side}{f'{float(size.offset):+g}' if size.offset else ''}"
