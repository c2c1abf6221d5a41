"""ESPCN: convolutions with tanh between them, and a pixel shuffle.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", 2016; names, order and colours as Nhat-Thanh/ESPCN-Pytorch has them:
Y, Cb and Cr, clipped to 0 to 1. Its demo.py also blurs by a sigma of 0.3 beforehand, which takes
detail from pictures that are no reductions: left out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.limited_ycbcr import around, around_reference
from converters.architectures.stated_scale import LARGEST_SCALE, check_stated_scale
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_LAYERS = ("conv_1", "conv_2", "conv_3")


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        kernels: side of each layer's kernel, odd.
        widths: channels of each layer's result.
    """

    kernels: tuple[int, ...]
    widths: tuple[int, ...]
    channels: int
    scale: int


def _recognise(weights: Weights) -> Found:
    wanted = {f"{layer}.{part}" for layer in _LAYERS for part in ("weight", "bias")}
    if set(weights.arrays) != wanted:
        raise NotThis("its arrays are not conv_1 to conv_3, weight and bias")
    shapes = [weights.arrays[f"{layer}.weight"].shape for layer in _LAYERS]
    if any(len(shape) != 4 or shape[2] != shape[3] or not shape[2] % 2 for shape in shapes):
        raise NotThis("its kernels are not square and odd")
    channels = shapes[0][1]
    if channels != 3:
        raise NotThis(f"it takes {channels} channels, not Y, Cb and Cr")
    scale = isqrt(shapes[-1][0] // channels)
    if not 2 <= scale <= LARGEST_SCALE or shapes[-1][0] != channels * scale**2:
        raise NotThis("the channels of its last layer are no square number for each colour")
    config = Config(
        tuple(shape[2] for shape in shapes), tuple(shape[0] for shape in shapes), channels, scale
    )
    return Found(
        config,
        f"ESPCN x{scale}, {', '.join(map(str, config.widths[:-1]))} channels",
        {"scale": scale, "widths": list(config.widths)},
        [f"conv_3 gives {shapes[-1][0]} channels: 3 colours times {scale}x{scale}"],
    )


def _layers(weights: Weights, config: Config) -> list[tuple[Array, Array]]:
    inside = config.channels
    layers = []
    for layer, kernel, width in zip(_LAYERS, config.kernels, config.widths, strict=True):
        shape = (width, inside, kernel, kernel)
        layers.append(
            (take(weights, f"{layer}.weight", shape), take(weights, f"{layer}.bias", (width,)))
        )
        inside = width
    return layers


def _build(weights: Weights, config: Config) -> Network:
    check_stated_scale(weights, config.scale)
    graph = NetworkGraph()
    x = around(graph, "frame", config.scale, lambda ycbcr: _core(graph, weights, config, ycbcr))
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=config.scale)],
        title=f"ESPCN x{config.scale}",
        description=f"Enlarges each frame {config.scale} times by ESPCN.",
        tiling=Tiling(overlap=max(sum(kernel // 2 for kernel in config.kernels), 2)),
        try_size=(37, 22),
    )


def _core(graph: NetworkGraph, weights: Weights, config: Config, x: str) -> str:
    *hidden, last = _layers(weights, config)
    for weight, bias in hidden:
        x = graph.tanh(graph.conv(x, weight, bias, pads=(weight.shape[2] // 2,) * 4))
    weight, bias = last
    x = graph.conv(x, weight, bias, pads=(weight.shape[2] // 2,) * 4)
    return graph.pixel_shuffle(x, config.scale)


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    def network(ycbcr: Array) -> Array:
        return forward(ops, weights.arrays, ycbcr, config.scale)

    return {"upscaled": around_reference(inputs["frame"], config.scale, network)}


def forward(ops: Ops, arrays: Mapping[str, Array], x: Array, scale: int) -> Array:
    """The module of the repository: Y, Cb, Cr of 1 to Y, Cb, Cr of 1."""
    for layer in _LAYERS:
        weight, bias = arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]
        side = weight.shape[-1] // 2
        x = ops.conv(x, weight, bias, pads=(side, side, side, side))
        if layer != _LAYERS[-1]:
            x = ops.tanh(x)
    return ops.clip(ops.pixel_shuffle(x, scale), 0, 1)


ARCHITECTURE = Architecture("espcn", "ESPCN (PyTorch)", "torch", _recognise, _build, _reference)
