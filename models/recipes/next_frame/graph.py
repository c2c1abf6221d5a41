"""The exported graph, written from the network's weights: one tick of a feedback loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import onnx

from converters.graph import NetworkGraph

FRAME, STATE, INJECT, SPEED = "frame", "state", "inject", "speed"
NEXT_FRAME, NEXT_STATE = "next_frame", "next_state"
WIDTH, LEVELS = 16, 3
SLOPE = 0.1
"""Of the leaky rectifiers, below zero."""
FLOW_SCALE = 8.0
"""Pixels for each unit of what the last convolution says of the flow."""
EPSILON = 1e-3
"""Of the norms. Large: of a flat frame a norm may not make a picture of rounding errors."""
STATE_SCALE = 4.0
"""The state is the picture less 0.5, times this: a state of standard normal noise is then a
picture of noise around middle grey that is seldom cut off."""

_SAME = (1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is.

    Attributes:
        width: channels at full size.
        levels: how often the size is halved.
    """

    width: int = WIDTH
    levels: int = LEVELS

    @property
    def widths(self) -> list[int]:
        return [self.width * (level + 1) for level in range(self.levels + 1)]

    @property
    def inner_pairs(self) -> list[tuple[int, int]]:
        """Widths of each level and the one below it, full size left out."""
        widths = self.widths[1:]
        return list(pairwise(widths))

    @property
    def multiple(self) -> int:
        """Height and width of a frame are multiples of this."""
        return int(2**self.levels)


def build_graph(weights: Mapping[str, Any], shape: Shape | None = None) -> onnx.ModelProto:
    """One tick: frame, state and knobs to next frame and next state.

    Args:
        weights: by name, as `NextFrameNetwork.state_dict` names them; arrays, or CPU tensors.
        shape: of the network that they are from.
    Returns: float32, with height and width open.
    Raises: KeyError: a weight is missing.
    """
    made = _Tick(NetworkGraph(), weights)
    return made.graph_of(shape or Shape())


class _Tick:
    def __init__(self, graph: NetworkGraph, weights: Mapping[str, Any]) -> None:
        self.graph = graph
        self.weights = {
            name: np.asarray(value, np.float32)
            for name, value in weights.items()
        }  # fmt: skip

    def graph_of(self, shape: Shape) -> onnx.ModelProto:
        g = self.graph
        before = g.clip(g.affine(STATE, 1 / STATE_SCALE, 0.5), 0.0, 1.0)
        injected = g.add("Mul", [g.add("Sub", [FRAME, before]), INJECT])
        before = g.sum(before, injected)
        said = self._said(g.affine(before, 1, -0.5), shape)
        flow = g.add("Mul", [g.affine(g.channels(said, 3, 5), FLOW_SCALE, 0), SPEED])
        added = g.add("Mul", [g.channels(said, 0, 3), SPEED])
        after = g.sum(self._carried(before, flow), added)
        after = g.clip(after, 0.0, 1.0)
        kept = g.affine(g.affine(after, 1, -0.5), STATE_SCALE, 0)
        picture = (1, 3, "H", "W")
        return g.model(
            [(FRAME, picture), (STATE, picture), (INJECT, (1,)), (SPEED, (1,))],
            [(after, NEXT_FRAME, picture), (kept, NEXT_STATE, picture)],
        )

    def _said(self, x: str, shape: Shape) -> str:
        g = self.graph
        x = g.leaky_relu(self._conv(x, "first"), SLOPE)
        passed = [x]
        for level in range(shape.levels):
            x = self._normed(x, f"down.{level}", stride=2)
            passed.append(x)
        passed.pop()
        for index in range(2):
            x = g.sum(x, self._normed(x, f"bottom.{index}"))
        for index in range(shape.levels - 1):
            x = g.sum(self._normed(g.nearest(x, 2), f"up.{index}"), passed.pop())
            x = g.sum(x, self._normed(x, f"after.{index}"))
        x = g.sum(self._conv(g.nearest(x, 2), "rise"), passed.pop())
        return self._conv(g.leaky_relu(x, SLOPE), "last")

    def _carried(self, frame: str, flow: str) -> str:
        g = self.graph
        places = []
        for index, axis in ((0, 3), (1, 2)):
            part = g.channels(flow, index, index + 1)
            # 1, 2, 3 and so on: the size is open until it runs.
            ones = g.affine(part, 0, 1)
            counted = g.add("CumSum", [ones, g.constant(axis, np.int64)])
            size = g.add("ReduceMax", [counted], axes=[axis], keepdims=1)
            twice = g.affine(g.sum(counted, part), 2, -1)
            places.append(g.affine(g.add("Div", [twice, size]), 1, -1))
        grid = g.transpose(g.concat(places, 1), [0, 2, 3, 1])
        return g.add(
            "GridSample", [frame, grid], mode="bilinear", padding_mode="border", align_corners=0
        )

    def _conv(self, x: str, name: str, stride: int = 1) -> str:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return self.graph.conv(x, weight, bias, stride=stride, pads=_SAME)

    def _normed(self, x: str, name: str, stride: int = 1) -> str:
        x = self._conv(x, f"{name}.convolution", stride)
        gamma, beta = self.weights[f"{name}.norm.weight"], self.weights[f"{name}.norm.bias"]
        normed = self.graph.instance_norm(x, len(gamma), gamma, beta, EPSILON)
        return self.graph.leaky_relu(normed, SLOPE)
