"""Fast style transfer in TensorFlow: zero borders, transposed convolutions, no biases.

The arrays have no names of their own: `Variable`, `Variable_1`, ... in the order in which the
network makes them, three a layer: kernel, shift, scale.

Source: Engstrom, "Fast Style Transfer", 2016 (lengstrom/fast-style-transfer, src/transform.py);
ml5's style transfer runs the same weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops, same_pads
from converters.weights import Array, Weights

_EPSILON = 1e-3
_OURS = re.compile(r"^Variable(?:_([1-9]\d{0,4}))?$")
_SLOTS = re.compile(r"([/_](Adam|Adam_1|Momentum|RMSProp|RMSProp_1)|^beta[12]_power)$")
_BEFORE, _AFTER = 3, 3
"""Layers before and after the residual blocks."""
_SMALLEST = 8
"""Of a side of 4 nothing is left to take statistics of: 1x1."""


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        widths: channels after each convolution on the way down.
        up: channels after each transposed convolution.
        outer: side of the kernels of the first and of the last layer, odd.
        blocks: how many residual blocks.
    """

    widths: tuple[int, int, int]
    up: tuple[int, int]
    outer: tuple[int, int]
    blocks: int

    @property
    def kernels(self) -> list[tuple[int, int, int, int]]:
        """As stored: height, width, and the channels (in, out), or (out, in) where transposed."""
        first, second, third = self.widths
        larger, largest = self.up
        start, end = self.outer
        return [
            (start, start, 3, first),
            (3, 3, first, second),
            (3, 3, second, third),
            *[(3, 3, third, third)] * (2 * self.blocks),
            (3, 3, larger, third),
            (3, 3, largest, larger),
            (end, end, largest, 3),
        ]

    def width_of(self, layer: int) -> int:
        """Channels that a layer gives."""
        return self.kernels[layer][2 if self.is_transposed(layer) else 3]

    def is_transposed(self, layer: int) -> bool:
        return layer - _BEFORE - 2 * self.blocks in (0, 1)


def _name(index: int) -> str:
    return f"Variable_{index}" if index else "Variable"


def _recognise(weights: Weights) -> Found:
    arrays = weights.arrays
    slots = {name for name in arrays if _SLOTS.search(name)}
    count = len(arrays) - len(slots)
    if not all(_OURS.match(name) for name in arrays if name not in slots):
        raise NotThis("its arrays are not called Variable, Variable_1, ...")
    layers, rest = divmod(count, 3)
    blocks = (layers - _BEFORE - _AFTER) // 2
    if rest or layers % 2 or blocks < 1:
        raise NotThis(f"{count} arrays are not three for each of 6 layers and of blocks of two")
    if any(_name(index) not in arrays for index in range(count)):
        raise NotThis(f"Variable to Variable_{count - 1} are not all there")
    shapes = [tuple(arrays[_name(3 * layer)].shape) for layer in range(layers)]
    if any(len(shape) != 4 for shape in shapes):
        raise NotThis("not every third array is a kernel")
    config = Config(
        (shapes[0][3], shapes[1][3], shapes[2][3]),
        (shapes[-3][2], shapes[-2][2]),
        (shapes[0][0], shapes[-1][0]),
        blocks,
    )
    if any(side not in (3, 5, 7, 9, 11) for side in config.outer) or shapes != config.kernels:
        raise NotThis("its kernels do not follow each other as 3 down, blocks, 2 up and 1")
    if any(0 in shape for shape in shapes):
        raise NotThis("one of its layers gives nothing")
    for layer in range(layers):
        for index in (3 * layer + 1, 3 * layer + 2):
            if arrays[_name(index)].shape != (config.width_of(layer),):
                raise NotThis(f"{_name(index)} is not one number a channel")
    evidence = [
        f"{count} arrays without names are kernel, shift and scale of {layers} layers, "
        f"{blocks} residual blocks among them"
    ]
    if slots:
        evidence.append(f"{len(slots)} arrays of the optimiser are not used.")
    return Found(
        config,
        f"fast style transfer, {config.widths[0]} channels, {blocks} residual blocks",
        {"widths": list(config.widths), "blocks": blocks},
        evidence,
    )


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    last = len(config.kernels) - 1

    def layer(x: str, index: int, stride: int = 1, relu: bool = True) -> str:
        width = config.width_of(index)
        kernel = take(weights, _name(3 * index), config.kernels[index]).transpose(3, 2, 0, 1)
        shift, scale = (take(weights, _name(3 * index + part), (width,)) for part in (1, 2))
        if config.is_transposed(index):
            # SAME, doubled: one row and one column less than all, at the bottom and at the right.
            weight = graph.constant(np.ascontiguousarray(kernel), np.float32)
            x = graph.add(
                "ConvTranspose", [x, weight], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]
            )
        else:
            # SAME at stride 2 pads even sides at their end only, and all sides here are even.
            side = kernel.shape[2] // 2
            pads = (side,) * 4 if stride == 1 else (0, 0, 1, 1)
            x = graph.conv(x, np.ascontiguousarray(kernel), stride=stride, pads=pads)
        x = graph.instance_norm(x, width, scale, shift, _EPSILON)
        return graph.relu(x) if relu else x

    x = layer("frame", 0)
    x = layer(layer(x, 1, 2), 2, 2)
    for index in range(_BEFORE, last - 2, 2):
        x = graph.sum(layer(layer(x, index), index + 1, relu=False), x)
    x = layer(layer(x, last - 2), last - 1)
    x = graph.affine(graph.tanh(layer(x, last, relu=False)), 150, 127.5)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "styled", (1, 3, "H", "W"))]),
        task="stylize",
        inputs=[
            FrameInput(
                name="frame", range=[0.0, 255.0],
                size=Size(multiple_of=4, min=[_SMALLEST, _SMALLEST]),
            )
        ],
        outputs=[FrameOutput(name="styled", range=[0.0, 255.0])],
        title="Fast style transfer",
        description="Redraws each frame in the style that the network was trained on.",
        limits=[
            "Each frame is drawn by itself: textures shimmer where the picture moves.",
            "The style's strokes have a size in pixels, so they look larger in a smaller frame.",
            "The network pads with zeros, which shows as a rim a few pixels wide.",
        ],
        try_size=(64, 48),
    )  # fmt: skip


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    values = iter(range(3 * len(config.kernels)))

    def variable() -> Array:
        return weights.arrays[_name(next(values))]

    def instance_norm(x: Array) -> Array:
        shift, scale = variable(), variable()
        return ops.instance_norm(x, scale, shift, _EPSILON)

    def conv(x: Array, strides: int, relu: bool = True) -> Array:
        kernel = variable().transpose(3, 2, 0, 1)
        pads = same_pads(x.shape[2], x.shape[3], kernel.shape[2], strides)
        x = instance_norm(ops.conv(x, kernel, stride=strides, pads=pads))
        return ops.relu(x) if relu else x

    def conv_transpose(x: Array) -> Array:
        height, width = 2 * x.shape[2], 2 * x.shape[3]
        kernel = variable().transpose(3, 2, 0, 1)
        top, left, *_ = same_pads(height, width, kernel.shape[2], 2)
        full = ops.conv_transpose(x, kernel, stride=2)
        return ops.relu(instance_norm(full[:, :, top : top + height, left : left + width]))

    x = conv(conv(conv(inputs["frame"], 1), 2), 2)
    for _ in range(config.blocks):
        x = x + conv(conv(x, 1), 1, relu=False)
    x = conv(conv_transpose(conv_transpose(x)), 1, relu=False)
    return {"styled": ops.tanh(x) * 150 + 255.0 / 2}


ARCHITECTURE = Architecture(
    "ml5-style", "Fast style transfer (lengstrom, ml5)", "tensorflow",
    _recognise, _build, _reference,
)  # fmt: skip
