"""ESPCN: convolutions with tanh between them, and a pixel shuffle.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", 2016; names and colours of the files as Nhat-Thanh/ESPCN-Pytorch
writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
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
        raise NotThis(f"it takes {channels} channels, not RGB")
    scale = isqrt(shapes[-1][0] // channels)
    if scale < 2 or shapes[-1][0] != channels * scale**2:
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
    graph = NetworkGraph()
    x = "frame"
    *hidden, last = _layers(weights, config)
    for weight, bias in hidden:
        x = graph.tanh(graph.conv(x, weight, bias, pads=(weight.shape[2] // 2,) * 4))
    weight, bias = last
    x = graph.conv(x, weight, bias, pads=(weight.shape[2] // 2,) * 4)
    x = graph.pixel_shuffle(x, config.scale)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=config.scale)],
        title=f"ESPCN x{config.scale}",
        description=f"Enlarges each frame {config.scale} times by ESPCN.",
        tiling=Tiling(overlap=sum(kernel // 2 for kernel in config.kernels)),
        try_size=(37, 22),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    x = inputs["frame"]
    for index, layer in enumerate(_LAYERS):
        weight, bias = weights.arrays[f"{layer}.weight"], weights.arrays[f"{layer}.bias"]
        side = weight.shape[-1] // 2
        x = ops.conv(x, weight, bias, pads=(side, side, side, side))
        if index < len(_LAYERS) - 1:
            x = ops.tanh(x)
    return {"upscaled": ops.pixel_shuffle(x, config.scale)}


ARCHITECTURE = Architecture("espcn", "ESPCN", "torch", _recognise, _build, _reference)
