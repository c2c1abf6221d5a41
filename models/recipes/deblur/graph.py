"""The exported graph, written from the network's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from converters.graph import NetworkGraph

from .network import BLOCKS, COLOURS, WIDTHS

FRAME, STRENGTH, SHARPER = "frame", "strength", "sharper"

_FOLD = 2
_SAME = (1, 1, 1, 1)

Weights = npt.NDArray[np.float32]


def build_graph(
    weights: Mapping[str, Any],
    widths: tuple[int, ...] = WIDTHS,
    blocks: tuple[int, ...] = BLOCKS,
) -> onnx.ModelProto:
    """`frame` (1, 3, H, W) and `strength` (1,) to `sharper` of the frame's size, RGB, of 1, not
    clamped: the network's correction is added as many times as `strength` says.

    Folding pixels into channels and the first convolution are one convolution of stride 2 here.
    Args:
        weights: by name, as `DeblurNetwork.state_dict` names them; arrays, or CPU tensors.
        widths, blocks: of the network that they are from.
    Returns: float32; H and W open, but multiples of the network's stride.
    Raises: KeyError: a weight is missing.
    """
    return _Writer(weights).model(widths, blocks)


class _Writer:
    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.graph = NetworkGraph()
        self.weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}

    def model(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> onnx.ModelProto:
        graph, levels = self.graph, len(widths) - 1
        x = graph.conv(
            FRAME, _unfolded(self.weights["head.weight"]), self.weights["head.bias"],
            stride=_FOLD, pads=(_FOLD,) * 4,
        )  # fmt: skip
        skips = []
        for level in range(levels):
            x = self._blocks(x, f"encoders.{level}", blocks[level])
            skips.append(x)
            x = self._conv(x, f"downs.{level}", stride=2)
        x = self._blocks(x, "middle", blocks[levels])
        for step in range(levels):
            x = graph.nearest(self._conv(x, f"ups.{step}"), 2)
            level = levels - 1 - step
            x = self._blocks(graph.sum(x, skips[level]), f"decoders.{step}", blocks[level])
        x = graph.pixel_shuffle(self._conv(x, "tail"), _FOLD)
        x = graph.sum(FRAME, graph.add("Mul", [x, STRENGTH]))
        picture = (1, COLOURS, "H", "W")
        return graph.model([(FRAME, picture), (STRENGTH, (1,))], [(x, SHARPER, picture)])

    def _blocks(self, x: str, name: str, count: int) -> str:
        for index in range(count):
            inner = self.graph.relu(self._conv(x, f"{name}.{index}.first"))
            x = self.graph.sum(x, self._conv(inner, f"{name}.{index}.second"))
        return x

    def _conv(self, x: str, name: str, stride: int = 1) -> str:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        pads = _SAME if weight.shape[2] == 3 else (0, 0, 0, 0)
        return self.graph.conv(x, weight, bias, stride=stride, pads=pads)


def _unfolded(weight: Weights) -> Weights:
    """A kernel (O, 4C, 3, 3) on pixels folded 2x2 to (O, C, 6, 6) on the pixels themselves."""
    outputs, folded, height, width = weight.shape
    parts = weight.reshape(outputs, folded // _FOLD**2, _FOLD, _FOLD, height, width)
    # Channel (colour, row, column) at (y, x) is the pixel (2y + row, 2x + column).
    placed = parts.transpose(0, 1, 4, 2, 5, 3)
    return placed.reshape(outputs, -1, _FOLD * height, _FOLD * width)
