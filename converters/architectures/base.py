"""What an architecture is, and the network that it builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import numpy as np
import onnx

from bridge.errors import NetworkError
from bridge.inference.manifest import Input, Output, Task, Tiling
from converters.references.ops import Ops
from converters.weights import Array, Weights

Framework = Literal["torch", "tensorflow", "onnx"]


class NotThis(Exception):
    """The arrays are of another network; the text ends the sentence "it is not X, because"."""


@dataclass(frozen=True, slots=True)
class Found:
    """An architecture that recognised its network.

    Attributes:
        config: what `build` and `reference` need and the arrays' shapes have told.
        facts: of `config`, as plain JSON values for `--json` and the card: {"scale": 2, ...}.
        evidence: one sentence each.
        family: the name for the manifest's `architecture`: "DCSCN v2, 7 layers, 32 to 8 filters".
    """

    config: Any
    family: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A core graph and its ports, ready to be packaged.

    Attributes:
        model: float32, IR 10 or lower, opset 17; passes the full check.
        task, title, description, tiling: as in the manifest.
        limits: what a user should know, one sentence each, for the card.
        try_size: width and height of the smallest frame that shows everything, for parity.
    """

    model: onnx.ModelProto
    task: Task
    inputs: list[Input]
    outputs: list[Output]
    title: str
    description: str
    tiling: Tiling = field(default_factory=lambda: Tiling(tileable=False))
    limits: Sequence[str] = ()
    try_size: tuple[int, int] = (64, 48)


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network, of any width, depth and scale.

    Attributes:
        name: short, for `--architecture` and the documentation: "dcscn".
        title: for people: "DCSCN (v2, depthwise, v1)".
        framework: its home, which parity is proved against where that is installed.
        recognise: raises NotThis. By names and shapes alone: never by a file's name, size or hash.
        build: the graph. Raises NetworkError.
        reference: the same network, calculated on other ways than `build` has it: a forward pass
            written from the paper or the original source in the terms of `Ops`.
            Args: ops, weights, config, and the values of the graph's inputs by name: float (1, C,
            H, W) and so on. Returns: values of the graph's outputs by name.
    """

    name: str
    title: str
    framework: Framework
    recognise: Callable[[Weights], Found]
    build: Callable[[Weights, Any], Network]
    reference: Callable[[Ops, Weights, Any, Mapping[str, Array]], Mapping[str, Array]]
    names: str = ""
    """A regular expression for what its arrays are called: how near others are, when none fits."""

    def nearness(self, weights: Weights) -> float:
        """The share of the arrays that are called like this network's, 0 to 1."""
        if not self.names or not weights.arrays:
            return 0.0
        alike = re.compile(self.names)
        return sum(bool(alike.fullmatch(name)) for name in weights.arrays) / len(weights.arrays)


def wrong(weights: Weights, tensor: str, expected: str, found: str) -> NoReturn:
    """An array does not fit into the network that it belongs to."""
    raise NetworkError(
        f"{weights.place} {tensor}", expected, found,
        "The file is damaged or of another variant of this network.",
    )  # fmt: skip


def take(weights: Weights, name: str, shape: Sequence[int] | None = None) -> Array:
    """One array as finite float32, of this shape.

    Raises: NetworkError: it is missing, of another shape, no number, or not finite.
    """
    array = weights.arrays.get(name)
    if array is None:
        wrong(weights, name, "an array of this name", "none")
    if shape is not None and tuple(array.shape) != tuple(shape):
        wrong(weights, name, f"shape {list(shape)}", f"{list(array.shape)}")
    if array.dtype.kind not in "fiu":
        wrong(weights, name, "numbers", f"{array.dtype}")
    values = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(values).all():
        wrong(weights, name, "finite numbers", "NaN or infinity")
    return values
