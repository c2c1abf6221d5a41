"""The network on luma as one ONNX graph from RGB to RGB.

Luma is linear in RGB, and so is bicubic. So the projection to luma goes into the first
convolution, and adding the same correction to R, G and B into the last: they cost nothing extra,
and colour differences stay those of bicubic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from torch import nn

from converters.graph import NO_PADS, NetworkGraph, Pads

from ..luma import LUMA_OF_WHITE, RGB_TO_LUMA
from .network import BICUBIC_RADIUS, KERNEL, UpscaleNetwork, bicubic_kernel
from .slope import Slope

FRAME = "frame"
UPSCALED = "upscaled"
RGB = 3

_SAME: Pads = (KERNEL // 2,) * 4

Weights = npt.NDArray[np.float32]


def build_graph(network: UpscaleNetwork) -> onnx.ModelProto:
    """A float32 graph `frame` (1, 3, H, W) to `upscaled` (1, 3, scale H, scale W), RGB, of 1, not
    clamped.

    It ends in convolution, addition of bicubic and DepthToSpace in DCR order: the channels are
    (row phase, column phase, colour), so that whoever runs the graph can put another tail on.
    """
    graph = NetworkGraph()
    scale = network.shape.scale
    projection = np.asarray(RGB_TO_LUMA, np.float32)[None, :, None, None]
    first = _add_block(graph, FRAME, network.head, projection)
    features = first
    for block in network.body:
        assert isinstance(block, nn.Sequential)
        features = _add_block(graph, features, block)
    features = graph.sum(features, first)
    if network.narrow is not None:
        features = _add_block(graph, features, network.narrow)
    # Each sub-pixel three times in a row, once for each colour.
    tail, bias = (
        np.repeat(_numpy(w), RGB, axis=0) / np.float32(LUMA_OF_WHITE)
        for w in (network.tail.weight, network.tail.bias)
    )
    correction = graph.conv(features, tail, bias, pads=_SAME)
    radius: Pads = (BICUBIC_RADIUS,) * 4
    bicubic = graph.conv(graph.pad_sides(FRAME, radius, "edge"), _bicubic_rgb(scale), pads=NO_PADS)
    result = graph.depth_to_space(graph.sum(correction, bicubic), scale)
    sides = (f"{scale}H", f"{scale}W")
    return graph.model([(FRAME, (1, RGB, "H", "W"))], [(result, UPSCALED, (1, RGB, *sides))])


def _add_block(
    graph: NetworkGraph, source: str, block: nn.Sequential, projection: Weights | None = None
) -> str:
    """Convolution and activation; `projection` (1, C, 1, 1) turns one input channel into C."""
    convolution, activation = block
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(activation, Slope)
    weight = _numpy(convolution.weight)
    if projection is not None:
        weight = weight * projection
    features = graph.conv(source, weight, _numpy(convolution.bias), pads=_SAME)
    return graph.leaky_relu(features, float(activation.weight.item()))


def _bicubic_rgb(scale: int) -> Weights:
    """(3 scale^2, 3, 5, 5): a filter for each sub-pixel and colour, zero between colours."""
    kernel = bicubic_kernel(scale)[:, 0]
    weights = np.zeros((len(kernel), RGB, RGB, *kernel.shape[1:]), np.float32)
    for colour in range(RGB):
        weights[:, colour, colour] = kernel
    return weights.reshape(-1, RGB, *kernel.shape[1:])


def _numpy(values: object) -> Weights:
    assert isinstance(values, nn.Parameter)
    return np.asarray(values.detach().cpu().numpy(), np.float32)
