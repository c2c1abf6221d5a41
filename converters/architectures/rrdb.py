"""ESRGAN and Real-ESRGAN: residual dense blocks (RRDB), nearest enlargement with convolutions.

Source: Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", 2018;
RRDBNet of xinntao/BasicSR, of xinntao/ESRGAN, and the flat `model.N` naming before that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_MOST_BLOCKS = 256
_SLOPE = 0.2
_RESIDUAL = 0.2
_FIRST = re.compile(r"(.*?)(conv_first|model\.0)\.weight")
_PADS = (1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        layers: names of the convolutions by what they are for, without their ends: "first",
            "body", "up1" ..., "hr", "last", and "BLOCK.DENSE.CONVOLUTION" as "0.1.5".
        width: channels between blocks.
        growth: channels that each convolution of a dense block adds.
        unshuffle: side of the squares of pixels that become channels at the beginning.
    """

    layers: Mapping[str, str]
    blocks: int
    width: int
    growth: int
    unshuffle: int
    enlargements: int

    @property
    def scale(self) -> int:
        return (1 << self.enlargements) // self.unshuffle

    def shape(self, layer: str) -> tuple[int, ...]:
        """Of the kernel."""
        width = self.width
        if layer == "first":
            return width, 3 * self.unshuffle**2, 3, 3
        if layer == "last":
            return 3, width, 3, 3
        if "." not in layer:
            return width, width, 3, 3
        position = int(layer.rpartition(".")[2])
        inside = width + (position - 1) * self.growth
        return (width if position == 5 else self.growth), inside, 3, 3


_BASICSR = {
    "first": "conv_first", "block": "body.{}.rdb{}.conv{}", "body": "conv_body",
    "up": "conv_up{}", "hr": "conv_hr", "last": "conv_last",
}  # fmt: skip
_ESRGAN = {
    "first": "conv_first", "block": "RRDB_trunk.{}.RDB{}.conv{}", "body": "trunk_conv",
    "up": "upconv{}", "hr": "HRconv", "last": "conv_last",
}  # fmt: skip
_DENSE = [(dense, position) for dense in (1, 2, 3) for position in (1, 2, 3, 4, 5)]


def _flat(enlargements: int, blocks: int) -> dict[str, str]:
    """Activations and enlargements without weights take numbers of the flat list, too."""
    return {
        "first": "model.0", "block": "model.1.sub.{}.RDB{}.conv{}.0",
        "body": f"model.1.sub.{blocks}", "hr": f"model.{3 * enlargements + 2}",
        "last": f"model.{3 * enlargements + 4}",
    }  # fmt: skip


def _layers(names: set[str], prefix: str, first: str) -> tuple[dict[str, str], int, int, str]:
    """The convolutions by what they are for, how many blocks and enlargements, and the naming.

    Raises: NotThis: the names are of none of the three namings, or not all there.
    """
    ways = {"BasicSR": _BASICSR, "ESRGAN": _ESRGAN}
    enlargements = 0
    if first == "model.0":
        while enlargements < 5 and f"{prefix}model.{3 * enlargements + 4}.weight" not in names:
            enlargements += 1
        ways = {"flat": _flat(enlargements, 0)}
    for way, parts in ways.items():
        blocks = 0
        while f"{prefix}{parts['block'].format(blocks, 1, 1)}.weight" in names:
            blocks += 1
            if blocks > _MOST_BLOCKS:
                raise NotThis(f"it has more than {_MOST_BLOCKS} blocks")
        if not blocks:
            continue
        if way == "flat":
            parts = _flat(enlargements, blocks)
        else:
            while f"{prefix}{parts['up'].format(enlargements + 1)}.weight" in names:
                enlargements += 1
        layers = {part: prefix + parts[part] for part in ("first", "body", "hr", "last")}
        for index in range(1, enlargements + 1):
            up = f"model.{3 * index}" if way == "flat" else parts["up"].format(index)
            layers[f"up{index}"] = prefix + up
        for block in range(blocks):
            for dense, position in _DENSE:
                name = prefix + parts["block"].format(block, dense, position)
                layers[f"{block}.{dense}.{position}"] = name
        wanted = {f"{layer}.{part}" for layer in layers.values() for part in ("weight", "bias")}
        if wanted != names:
            odd = sorted(wanted ^ names)[0]
            raise NotThis(f"{odd} is {'missing' if odd in wanted else 'of no layer of it'}")
        return layers, blocks, enlargements, way
    raise NotThis("it has no residual dense blocks (body.0.rdb1.conv1 ...)")


def _recognise(weights: Weights) -> Found:
    names = set(weights.arrays)
    starts = [match for name in names if (match := _FIRST.fullmatch(name))]
    if len(starts) != 1 or len(names) > 40 * _MOST_BLOCKS:
        raise NotThis("it has no single first convolution (conv_first or model.0)")
    prefix, first = starts[0][1], starts[0][2]
    layers, blocks, enlargements, way = _layers(names, prefix, first)
    begin = weights.arrays[f"{layers['first']}.weight"].shape
    dense = weights.arrays[f"{layers['0.1.1']}.weight"].shape
    if len(begin) != 4 or len(dense) != 4 or not begin[0] or not dense[0]:
        raise NotThis("its kernels have not four axes")
    unshuffle = isqrt(begin[1] // 3)
    if unshuffle not in (1, 2, 4, 8) or begin[1] != 3 * unshuffle**2:
        raise NotThis(f"its first layer takes {begin[1]} channels, not RGB")
    config = Config(layers, blocks, begin[0], dense[0], unshuffle, enlargements)
    if not 1 <= config.scale <= 16:
        raise NotThis(f"it enlarges {2**enlargements} times what was reduced {unshuffle} times")
    taken = f"the first layer takes {begin[1]} channels: " + (
        f"3 colours of squares of {unshuffle}x{unshuffle} pixels" if unshuffle > 1 else "RGB"
    )
    evidence = [
        f"{blocks} blocks of 3 times 5 convolutions, named as {way} names them",
        f"{taken}; {enlargements} enlargements by 2: x{config.scale} in all",
    ]
    if prefix:
        evidence.append(f"every name begins with {prefix!r}, which was left out")
    return Found(
        config,
        f"RRDB x{config.scale}, {blocks} blocks of {begin[0]} channels",
        {
            "scale": config.scale, "blocks": blocks, "width": begin[0], "growth": dense[0],
            "unshuffle": unshuffle,
        },
        evidence,
    )  # fmt: skip


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()

    def conv(x: str, layer: str) -> str:
        shape = config.shape(layer)
        weight = take(weights, f"{config.layers[layer]}.weight", shape)
        if layer == "first":
            # SpaceToDepth gives (row, column, colour), the file has (colour, row, column).
            side = config.unshuffle
            parts = weight.reshape(-1, 3, side, side, 3, 3).transpose(0, 2, 3, 1, 4, 5)
            weight = parts.reshape(shape)
        bias = take(weights, f"{config.layers[layer]}.bias", shape[:1])
        return graph.conv(x, weight, bias, pads=_PADS)

    def residual(x: str, change: str) -> str:
        return graph.sum(graph.affine(change, _RESIDUAL, 0), x)

    x = "frame"
    if config.unshuffle > 1:
        x = graph.add("SpaceToDepth", [x], blocksize=config.unshuffle)
    x = first = conv(x, "first")
    for block in range(config.blocks):
        begin = x
        for dense in (1, 2, 3):
            seen = [x]
            for position in (1, 2, 3, 4):
                layer = conv(_joined(graph, seen), f"{block}.{dense}.{position}")
                seen.append(graph.leaky_relu(layer, _SLOPE))
            x = residual(x, conv(_joined(graph, seen), f"{block}.{dense}.5"))
        x = residual(begin, x)
    x = graph.sum(conv(x, "body"), first)
    for index in range(1, config.enlargements + 1):
        x = graph.leaky_relu(conv(graph.nearest(x, 2), f"up{index}"), _SLOPE)
    x = conv(graph.leaky_relu(conv(x, "hr"), _SLOPE), "last")

    side = config.unshuffle
    size = Size(multiple_of=side, padding="reflect", min=[side, side]) if side > 1 else Size()
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "restored", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=size)],
        outputs=[FrameOutput(name="restored", scale=config.scale)],
        title=f"ESRGAN x{config.scale}",
        description=f"Enlarges each frame {config.scale} times by ESRGAN."
        if config.scale > 1
        else "Restores each frame by ESRGAN.",
        tiling=Tiling(overlap=min(side * (15 * config.blocks + 2 + config.enlargements + 2), 4096)),
        limits=[
            "It was trained to look good, not to be true: small detail is made up.",
            "It is large: far from any live rate on a processor.",
        ],
        try_size=(24, 16) if side > 1 else (19, 14),
    )


def _joined(graph: NetworkGraph, values: list[str]) -> str:
    return graph.add("Concat", values, axis=1) if len(values) > 1 else values[0]


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    def conv(x: Array, layer: str) -> Array:
        name = config.layers[layer]
        weight, bias = weights.arrays[f"{name}.weight"], weights.arrays[f"{name}.bias"]
        return ops.conv(x, weight, bias, pads=_PADS)

    def dense(x: Array, block: str) -> Array:
        x1 = ops.leaky_relu(conv(x, f"{block}.1"), 0.2)
        x2 = ops.leaky_relu(conv(ops.concat([x, x1]), f"{block}.2"), 0.2)
        x3 = ops.leaky_relu(conv(ops.concat([x, x1, x2]), f"{block}.3"), 0.2)
        x4 = ops.leaky_relu(conv(ops.concat([x, x1, x2, x3]), f"{block}.4"), 0.2)
        return conv(ops.concat([x, x1, x2, x3, x4]), f"{block}.5") * 0.2 + x

    frame = inputs["frame"]
    _, colours, height, width = frame.shape
    side = config.unshuffle
    squares = frame.reshape(1, colours, height // side, side, width // side, side)
    unshuffled = squares.transpose(0, 1, 3, 5, 2, 4)
    shape = (1, colours * side**2, height // side, width // side)
    feature = conv(np.ascontiguousarray(unshuffled.reshape(shape)), "first")
    x = feature
    for block in range(config.blocks):
        inner = x
        for number in (1, 2, 3):
            inner = dense(inner, f"{block}.{number}")
        x = inner * 0.2 + x
    x = feature + conv(x, "body")
    for index in range(config.enlargements):
        x = ops.leaky_relu(conv(ops.nearest(x, 2), f"up{index + 1}"), 0.2)
    return {"restored": conv(ops.leaky_relu(conv(x, "hr"), 0.2), "last")}


ARCHITECTURE = Architecture(
    "rrdb", "ESRGAN and Real-ESRGAN (RRDB)", "torch", _recognise, _build, _reference
)
