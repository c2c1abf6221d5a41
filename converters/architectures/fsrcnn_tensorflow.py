"""FSRCNN of TensorFlow: on Y alone, its last layer a convolution and depth_to_space.

Source: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network", 2016;
names and order as the checkpoints of Saafke/FSRCNN_Tensorflow have them, colours as its run.py: Y
in full range, clipped to 0 to 1, Cb and Cr enlarged by bicubic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.fsrcnn_layers import (
    Config,
    Shapes,
    Step,
    chained,
    numbered,
    odd_square,
)
from converters.architectures.stated_scale import LARGEST_SCALE, check_stated_scale
from converters.architectures.training_slots import without_training
from converters.graph import NetworkGraph
from converters.luma import FULL, luma_reference, to_luma, with_luma, with_luma_reference
from converters.references.ops import Ops, same_pads
from converters.weights import Array, Weights


def _recognise(weights: Weights) -> Found:
    shapes = without_training(weights)
    if "f1" not in shapes or "alpha1" not in shapes:
        raise NotThis("it has no f1 and alpha1")
    steps = _steps(shapes)
    chained(shapes, steps, 1)
    last = steps.pop()
    scale = isqrt(last.kernel[2])
    if not 2 <= scale <= LARGEST_SCALE or scale**2 != last.kernel[2]:
        raise NotThis(f"{last.weight} gives {last.kernel[2]} channels: no square of pixels")
    config = Config(tuple(steps), last, scale)
    evidence = f"{last.weight} gives {last.kernel[2]} channels: {scale}x{scale} pixels"
    return Found(config, config.family, {"scale": scale, "widths": config.widths}, [evidence])


def _steps(shapes: Shapes) -> list[Step]:
    count = numbered(shapes, r"f(\d{1,3})")
    if count < 4:
        raise NotThis(f"it has {count} layers")
    steps = []
    for index in range(1, count + 1):
        side, _, inside, out = odd_square(shapes, f"f{index}", (0, 1))
        slope = f"alpha{index}" if index < count else ""
        steps.append(Step(f"f{index}", f"b{index}", slope, (side, inside, out)))
    return steps


def _build(weights: Weights, config: Config) -> Network:
    check_stated_scale(weights, config.scale)
    graph = NetworkGraph()
    x = to_luma(graph, "frame", FULL, white=1)
    for step in (*config.steps, config.last):
        side, inside, out = step.kernel
        kernel = take(weights, step.weight, (side, side, inside, out)).transpose(3, 2, 0, 1)
        if step is config.last:
            # One bias for all pixels that one becomes.
            bias = np.repeat(take(weights, step.bias, (1,)), out)
        else:
            bias = take(weights, step.bias, (out,))
        x = graph.conv(x, kernel, bias, pads=(side // 2,) * 4)
        if step.slope:
            x = graph.prelu(x, take(weights, step.slope, (out,)))
    x = graph.clip(graph.depth_to_space(x, config.scale), 0, 1)
    x = with_luma(graph, "frame", x, config.scale, FULL)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=config.scale)],
        title=f"FSRCNN x{config.scale}",
        description=f"Enlarges each frame {config.scale} times: Y by FSRCNN, colours by bicubic.",
        tiling=Tiling(overlap=max(config.reach, 2)),
        limits=["It sharpens Y alone: edges between colours of like brightness stay bicubic."],
        try_size=(37, 22),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    frame = inputs["frame"]
    y = forward(ops, weights.arrays, luma_reference(frame, FULL, white=1), config.scale)
    return {"upscaled": with_luma_reference(frame, y * 255, config.scale, FULL)}


def forward(ops: Ops, arrays: Mapping[str, Array], x: Array, scale: int) -> Array:
    """The graph of the TensorFlow repository, and the clipping of its run.py: Y of 1 to Y of 1."""
    count = sum(re.fullmatch(r"f\d+", name) is not None for name in arrays)
    for index in range(1, count + 1):
        kernel = np.einsum("hwio->oihw", arrays[f"f{index}"])
        x = ops.conv(x, kernel, pads=same_pads(x.shape[2], x.shape[3], kernel.shape[-1], 1))
        if index < count:
            x = x + arrays[f"b{index}"].reshape(1, -1, 1, 1)
            x = ops.prelu(x, arrays[f"alpha{index}"])
    return ops.clip(ops.depth_to_space(x, scale) + arrays[f"b{count}"], 0, 1)


ARCHITECTURE = Architecture(
    "fsrcnn-tensorflow", "FSRCNN (TensorFlow)", "tensorflow", _recognise, _build, _reference
)
