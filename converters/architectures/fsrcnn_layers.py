"""The layers of an FSRCNN, in whatever layout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from converters.architectures.base import NotThis

Shapes = Mapping[str, tuple[int, ...]]
_MOST_LAYERS = 256


@dataclass(frozen=True, slots=True)
class Step:
    """One convolution: names of its arrays, and its kernel as (side, in, out).

    Attributes:
        slope: empty where no PReLU follows.
    """

    weight: str
    bias: str
    slope: str
    kernel: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        steps: all but the last.
        last: enlarges.
    """

    steps: tuple[Step, ...]
    last: Step
    scale: int

    @property
    def widths(self) -> list[int]:
        return [step.kernel[2] for step in self.steps]

    @property
    def family(self) -> str:
        first, shrunk, *maps, _ = self.widths
        return f"FSRCNN x{self.scale}, {first} and {shrunk} channels, {len(maps)} mapping layers"

    @property
    def reach(self) -> int:
        """How far a pixel of the small picture is seen."""
        return sum(step.kernel[0] // 2 for step in (*self.steps, self.last))


def chained(shapes: Shapes, steps: Sequence[Step], inside: int) -> None:
    """
    Raises: NotThis: a layer takes other channels than come in, or there are other arrays.
    """
    named = {name for step in steps for name in (step.weight, step.bias, step.slope)}
    for name in shapes:
        if name not in named:
            raise NotThis(f"it also has {name}")
    for step in steps:
        if step.kernel[1] != inside:
            raise NotThis(f"{step.weight} takes {step.kernel[1]} channels where {inside} come in")
        inside = step.kernel[2]


def numbered(shapes: Shapes, pattern: str) -> int:
    """How many names are of this pattern.

    Raises: NotThis: too many to be layers.
    """
    count = sum(re.fullmatch(pattern, name) is not None for name in shapes)
    if count > _MOST_LAYERS:
        raise NotThis(f"it has more than {_MOST_LAYERS} layers")
    return count


def odd_square(shapes: Shapes, name: str, sides: tuple[int, int]) -> tuple[int, ...]:
    """The shape of a kernel whose sides stand at the places `sides`.

    Raises: NotThis: it is no kernel, or of an even side.
    """
    shape = shapes.get(name, ())
    if len(shape) != 4 or shape[sides[0]] != shape[sides[1]] or not all(shape):
        raise NotThis(f"{name} is {list(shape) if shape else 'not there'}")
    if not shape[sides[0]] % 2:
        raise NotThis(f"{name} has an even side")
    return shape
