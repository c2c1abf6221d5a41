"""VDSR: many convolutions without bias on a picture that bicubic has enlarged already.

Source: Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
2016; names as twtygqyy/pytorch-vdsr has them, in its older layout (input, residual_layer, output)
and its newer one (features). It sees Y of BT.601 in studio range, of 1, as its training data were
made by MATLAB, and gives what the bicubic Y lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.stated_scale import stated_scale
from converters.graph import NetworkGraph
from converters.luma import (
    STUDIO,
    bicubic,
    bicubic_reference,
    luma_reference,
    to_luma,
    with_luma_reference,
)
from converters.references.ops import Ops
from converters.weights import Array, Weights

_MOST_LAYERS = 512


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        names: of the kernels, in order.
        shapes: (O, I, k, k) of each.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    scale: int


def _recognise(weights: Weights) -> Found:
    names = _names(list(weights.arrays))
    shapes = tuple(tuple(weights.arrays[name].shape) for name in names)
    inside = 1
    for name, shape in zip(names, shapes, strict=True):
        if len(shape) != 4 or shape[2] != shape[3] or not shape[2] % 2 or not all(shape):
            raise NotThis(f"{name} is {list(shape)}: no square kernel of an odd side")
        if shape[1] != inside:
            raise NotThis(f"{name} takes {shape[1]} channels where {inside} come in")
        inside = shape[0]
    if inside != 1:
        raise NotThis(f"{names[-1]} gives {inside} channels, not Y")
    stated = stated_scale(weights)
    config = Config(names, shapes, stated or 2)
    evidence = [
        f"{len(names)} kernels and no bias",
        f"scale {stated} was asked for"
        if stated
        else "a VDSR serves every scale: 2 was taken; ask for another with --scale",
    ]
    facts = {"scale": config.scale, "layers": len(names), "width": shapes[0][0]}
    family = f"VDSR x{config.scale}, {len(names)} layers of {shapes[0][0]} channels"
    return Found(config, family, facts, evidence)


def _names(found: list[str]) -> tuple[str, ...]:
    """The kernels in the order in which they work.

    Raises: NotThis: other arrays.
    """
    if not 3 <= len(found) <= _MOST_LAYERS:
        raise NotThis(f"it has {len(found)} arrays")
    if "input.weight" in found and "output.weight" in found:
        inner = [f"residual_layer.{index}.conv.weight" for index in range(len(found) - 2)]
        names = ["input.weight", *inner, "output.weight"]
    else:
        places = [re.fullmatch(r"features\.(\d{1,4})\.weight", name) for name in found]
        numbers = sorted(int(place[1]) for place in places if place)
        names = [f"features.{number}.weight" for number in numbers]
    if set(names) != set(found):
        raise NotThis("its arrays are not input, residual_layer and output, and not features")
    return tuple(names)


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    enlarged = bicubic(graph, "frame", 3, config.scale)
    x = to_luma(graph, enlarged, STUDIO, white=1)
    for name, shape in zip(config.names, config.shapes, strict=True):
        kernel, pads = take(weights, name, shape), (shape[2] // 2,) * 4
        if name == config.names[-1]:
            x = graph.conv(x, kernel * STUDIO.rise, pads=pads)
        else:
            x = graph.relu(graph.conv(x, kernel, pads=pads))
    x = graph.add("Add", [enlarged, x])
    reach = sum(shape[2] // 2 for shape in config.shapes)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=config.scale)],
        title=f"VDSR x{config.scale}",
        description=f"Enlarges each frame {config.scale} times: Y by VDSR, colours by bicubic.",
        tiling=Tiling(overlap=-(-reach // config.scale) + 2),
        limits=[
            "It works on the enlarged picture, so each pixel costs as much as at the full size.",
            "It sharpens Y alone: edges between colours of like brightness stay bicubic.",
        ],
        try_size=(26, 17),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    frame = inputs["frame"]
    y = bicubic_reference(luma_reference(frame, STUDIO, white=1), config.scale)
    result = forward(ops, [weights.arrays[name] for name in config.names], y)
    return {"upscaled": with_luma_reference(frame, result * 255, config.scale, STUDIO)}


def forward(ops: Ops, kernels: list[Array], y: Array) -> Array:
    """The module of the repository: enlarged Y of 1 to Y of 1."""
    x = y
    for index, kernel in enumerate(kernels):
        side = kernel.shape[-1] // 2
        x = ops.conv(x, kernel, pads=(side, side, side, side))
        if index < len(kernels) - 1:
            x = ops.relu(x)
    return x + y


ARCHITECTURE = Architecture("vdsr", "VDSR", "torch", _recognise, _build, _reference)
