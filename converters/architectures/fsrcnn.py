"""FSRCNN of PyTorch: narrow convolutions on the small picture, enlarged by a transposed one.

Source: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network", 2016;
names, order and colours as Nhat-Thanh/FSRCNN-Pytorch has them: Y, Cb and Cr, no activation between
the mapping layers, clipped to 0 to 1. Its demo.py also blurs by a sigma of 0.3 beforehand, which
takes detail from pictures that are no reductions: left out here.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from converters.architectures.limited_ycbcr import around, around_reference
from converters.architectures.stated_scale import stated_scale
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_LIKELY_SCALES = (2, 3, 4, 8)
_FLAT_ENOUGH = 0.05
"""Of 1: what a trained network may miss on a flat picture at its own scale."""


def _recognise(weights: Weights) -> Found:
    shapes = {name: tuple(array.shape) for name, array in weights.arrays.items()}
    if "feature_extract.weight" not in shapes:
        raise NotThis("it has no feature_extract.weight")
    steps = _steps(shapes)
    chained(shapes, steps, 3)
    last = steps.pop()
    if last.kernel[2] != 3:
        raise NotThis(f"deconv gives {last.kernel[2]} channels, not three")
    scale, evidence = _scale(weights, steps, last)
    config = Config(tuple(steps), last, scale)
    return Found(config, config.family, {"scale": scale, "widths": config.widths}, [evidence])


def _steps(shapes: Shapes) -> list[Step]:
    maps = [f"map_{index + 1}" for index in range(numbered(shapes, r"map_(\d{1,3})\.weight"))]
    # The third activation follows the last of the mapping layers.
    slopes = {"feature_extract": 1, "shrink": 2, "expand": 4, **({maps[-1]: 3} if maps else {})}
    steps = []
    for name in ("feature_extract", "shrink", *maps, "expand", "deconv"):
        shape = odd_square(shapes, f"{name}.weight", (2, 3))
        inside, out = shape[:2] if name == "deconv" else shape[1::-1]
        slope = f"activation_{slopes[name]}.weight" if name in slopes else ""
        steps.append(Step(f"{name}.weight", f"{name}.bias", slope, (shape[2], inside, out)))
    return steps


def _scale(weights: Weights, steps: list[Step], last: Step) -> tuple[int, str]:
    """The stride of a transposed convolution is not in its arrays. But a trained network keeps a
    flat picture flat at its own stride, and at no other."""
    stated = stated_scale(weights)
    if stated is not None:
        if stated > last.kernel[0]:
            raise NotThis(f"a kernel of side {last.kernel[0]} leaves gaps at scale {stated}")
        return stated, f"scale {stated} was asked for"
    misses = {
        scale: _miss_on_flat(weights, steps, last, scale)
        for scale in _LIKELY_SCALES
        if scale <= last.kernel[0]
    }
    if not misses:
        raise NotThis(f"deconv of side {last.kernel[0]} enlarges nothing")
    best = min(misses, key=lambda scale: misses[scale])
    others = [miss for scale, miss in misses.items() if scale != best]
    if misses[best] <= _FLAT_ENOUGH and all(miss > 2 * misses[best] for miss in others):
        return best, (
            f"a flat picture stays flat to {misses[best] * 255:.1f} of 255 at scale {best}, at no "
            "other scale"
        )
    return 2, "the arrays do not tell the scale: 2 was taken; ask for another with --scale"


def _miss_on_flat(weights: Weights, steps: list[Step], last: Step, scale: int) -> float:
    """How far the middle of a flat picture of middle grey comes out from it, at most; infinite
    where the arrays do not allow to say."""
    flat = np.full(steps[0].kernel[1], 0.5)

    def numbers(name: str) -> Array:
        array = weights.arrays[name]
        if array.dtype.kind not in "fiu":
            raise ValueError(name)
        return array.astype(np.float64)

    try:
        with np.errstate(all="ignore"):
            x = flat
            for step in steps:
                x = numbers(step.weight).sum((2, 3)) @ x + numbers(step.bias)
                if step.slope:
                    x = np.maximum(x, 0) + numbers(step.slope) * np.minimum(x, 0)
            taps = np.einsum("iohw,i->ohw", numbers(last.weight), x)
            phases = [
                taps[:, row::scale, column::scale].sum((1, 2)) + numbers(last.bias)
                for row in range(scale)
                for column in range(scale)
            ]
            miss = float(np.abs(np.stack(phases) - flat[: taps.shape[0]]).max())
    except (KeyError, ValueError):
        return np.inf
    return miss if np.isfinite(miss) else np.inf


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    x = around(graph, "frame", config.scale, lambda ycbcr: _core(graph, weights, config, ycbcr))
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=config.scale)],
        title=f"FSRCNN x{config.scale}",
        description=f"Enlarges each frame {config.scale} times by FSRCNN.",
        tiling=Tiling(overlap=max(config.reach, 2)),
        try_size=(37, 22),
    )


def _core(graph: NetworkGraph, weights: Weights, config: Config, x: str) -> str:
    for step in config.steps:
        side, inside, out = step.kernel
        kernel = take(weights, step.weight, (out, inside, side, side))
        x = graph.conv(x, kernel, take(weights, step.bias, (out,)), pads=(side // 2,) * 4)
        if step.slope:
            x = graph.prelu(x, take(weights, step.slope, (out,)))
    side, inside, out = config.last.kernel
    kernel = _as_pixels(take(weights, config.last.weight, (inside, out, side, side)), config.scale)
    bias = np.repeat(take(weights, config.last.bias, (out,)), config.scale**2)
    x = graph.conv(x, kernel, bias, pads=(kernel.shape[2] // 2,) * 4)
    return graph.pixel_shuffle(x, config.scale)


def _as_pixels(kernel: Array, scale: int) -> Array:
    """A transposed convolution (I, O, k, k) as a plain one (O * scale * scale, I, n, n) before a
    pixel shuffle: the same at the borders too, and faster in OpenVINO by half.

    Pixel (scale * i + p) of the result is of pixel (i + d) by tap (p + k // 2 - scale * d).
    """
    inside, out, side, _ = kernel.shape
    padding = side // 2
    reach = -(-padding // scale)
    pixels = np.zeros((out, scale, scale, inside, 2 * reach + 1, 2 * reach + 1), np.float32)
    for row in range(side):
        for column in range(side):
            p, q = (row - padding) % scale, (column - padding) % scale
            d, e = (p + padding - row) // scale, (q + padding - column) // scale
            pixels[:, p, q, :, reach + d, reach + e] = kernel[:, :, row, column].T
    return pixels.reshape(-1, *pixels.shape[3:])


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    def network(ycbcr: Array) -> Array:
        return forward(ops, weights.arrays, ycbcr, config.scale)

    return {"upscaled": around_reference(inputs["frame"], config.scale, network)}


def forward(ops: Ops, arrays: Mapping[str, Array], x: Array, scale: int) -> Array:
    """The module of the PyTorch repository: Y, Cb, Cr of 1 to Y, Cb, Cr of 1."""

    def conv(name: str, x: Array) -> Array:
        weight = arrays[f"{name}.weight"]
        side = weight.shape[-1] // 2
        return ops.conv(x, weight, arrays[f"{name}.bias"], pads=(side, side, side, side))

    x = ops.prelu(conv("feature_extract", x), arrays["activation_1.weight"])
    x = ops.prelu(conv("shrink", x), arrays["activation_2.weight"])
    index = 1
    while f"map_{index}.weight" in arrays:
        x = conv(f"map_{index}", x)
        index += 1
    if index > 1:
        x = ops.prelu(x, arrays["activation_3.weight"])
    x = ops.prelu(conv("expand", x), arrays["activation_4.weight"])
    weight = arrays["deconv.weight"]
    x = ops.conv_transpose(
        x, weight, arrays["deconv.bias"], stride=scale, padding=weight.shape[-1] // 2,
        output_padding=scale - 1,
    )  # fmt: skip
    return ops.clip(x, 0, 1)


ARCHITECTURE = Architecture("fsrcnn", "FSRCNN (PyTorch)", "torch", _recognise, _build, _reference)
