"""DCSCN: convolutions in series, all of whose results go into the enlargement of Y.

Source: Yamanaka, Kuwashima, Kurita, "Fast and Accurate Image Super Resolution by Deep CNN with
Skip Connection and Network in Network", 2017; names, order and activations as DCSCN.py and
helper/tf_graph.py of jiny2001/dcscn-super-resolution have them (version 2, its depthwise separable
variant by tehtea, and version 1).

The network sees Y of 255 with its offset of 16, zero-padded: so outside the picture is blacker than
black. It gives what the bicubic Y lacks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, take, wrong
from converters.architectures.dcscn_layers import Config, Layer, layers_of
from converters.architectures.stated_scale import check_stated_scale
from converters.architectures.training_slots import without_training
from converters.graph import NetworkGraph
from converters.luma import (
    DCSCN_STUDIO,
    bicubic_reference,
    luma_reference,
    to_luma,
    with_detail,
    with_luma_reference,
)
from converters.references.ops import Ops, same_pads
from converters.weights import Array, Weights

_RISE = DCSCN_STUDIO.rise / 255
"""From Y of 255 to R, G and B of 1."""


def _recognise(weights: Weights) -> Found:
    config = layers_of(without_training(weights))
    filters = [layer.channels[1] for layer in config.features]
    separable = any(layer.kind == "separable" for layer in config.layers)
    parts = [
        f"DCSCN {config.version} x{config.scale}",
        f"{len(filters)} layers of {filters[0]} to {filters[-1]} filters",
        *(["network in network"] if config.nin else []),
        *(["depthwise separable"] if separable else []),
    ]
    evidence = [
        f"{config.features[0].scope} to {config.features[-1].scope} have {_listed(filters)} "
        f"filters, {sum(filters)} together",
        *(
            f"{layer.scope} gives {layer.channels[1]} channels: {layer.block}x{layer.block} pixels"
            for layer in config.upscaling
            if layer.kind != "transposed"
        ),
    ]
    if separable:
        evidence.append("depthwise_W and pointwise_W stand beside conv_W, which is then not in use")
    facts = {
        "version": config.version, "scale": config.scale, "filters": filters,
        "nin": [layer.channels[1] for layer in config.nin], "depthwise_separable": separable,
    }  # fmt: skip
    return Found(config, ", ".join(parts), facts, evidence)


def _listed(numbers: list[int]) -> str:
    shown = numbers if len(numbers) <= 16 else [*numbers[:8], *numbers[-8:]]
    return ", ".join(map(str, shown))


def _build(weights: Weights, config: Config) -> Network:
    check_stated_scale(weights, config.scale)
    graph = NetworkGraph()
    x = to_luma(graph, "frame", DCSCN_STUDIO)
    results = []
    for layer in config.features:
        x = _layer(graph, weights, layer, x)
        results.append(x)
    x = graph.concat(results, axis=1)
    if config.nin:
        a, b = _side_by_side(graph, weights, config.nin[0], config.nin[1], x)
        b = _layer(graph, weights, config.nin[2], b)
        x = graph.concat([a, b] if config.version == "v1" else [b, a], axis=1)
    last = config.layers[-1]
    for layer in (*config.upscaling, *config.reconstruction):
        x = _layer(graph, weights, layer, x, _RISE if layer is last else 1)
    x = with_detail(graph, "frame", x, config.scale)
    scale = config.scale
    reach = sum(layer.kernel // 2 for layer in config.layers)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "upscaled", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="upscaled", scale=scale)],
        title=f"DCSCN x{scale}",
        description=f"Enlarges each frame {scale} times: its Y by DCSCN, its colours by bicubic.",
        tiling=Tiling(overlap=max(reach, 2)),
        limits=["It sharpens Y alone: edges between colours of like brightness stay bicubic."],
        try_size=(48, 37),
    )


def _side_by_side(
    graph: NetworkGraph, weights: Weights, one: Layer, other: Layer, x: str
) -> tuple[str, str]:
    """Both of the same input: in one convolution where that is possible, since the reading of a
    wide input is what costs."""
    if (one.kind, other.kind) != ("dense", "dense") or one.kernel != other.kernel:
        return _layer(graph, weights, one, x), _layer(graph, weights, other, x)
    parts = [
        (
            _kernel(weights, layer),
            _bias(weights, layer),
            take(weights, layer.slope, layer.channels[1:]),
        )
        for layer in (one, other)
    ]
    kernels, biases, slopes = (np.concatenate(both) for both in zip(*parts, strict=True))
    results = graph.prelu(graph.conv(x, kernels, biases, pads=_same(one.kernel)), slopes)
    middle, end = one.channels[1], one.channels[1] + other.channels[1]
    return graph.channels(results, 0, middle), graph.channels(results, middle, end)


def _kernel(weights: Weights, layer: Layer) -> Array:
    """(O, I, k, k)."""
    shape = (layer.kernel, layer.kernel, *layer.channels)
    return take(weights, f"{layer.scope}/conv_W", shape).transpose(3, 2, 0, 1)


def _bias(weights: Weights, layer: Layer) -> Array:
    """(O,): zero where there is none."""
    out = layer.channels[1]
    return take(weights, layer.bias, (out,)) if layer.bias else np.zeros(out, np.float32)


def _layer(graph: NetworkGraph, weights: Weights, layer: Layer, x: str, factor: float = 1) -> str:
    """One layer, its result multiplied by `factor`."""
    out = layer.channels[1]
    pads = _same(layer.kernel)
    bias = take(weights, layer.bias, (out,)) * np.float32(factor) if layer.bias else None
    if layer.kind == "transposed":
        kernel = take(weights, f"{layer.scope}/Tconv_W", (layer.kernel,) * 2 + layer.channels[::-1])
        padding = (layer.kernel - layer.block) // 2
        return graph.conv_transpose(
            x, kernel.transpose(3, 2, 0, 1), stride=layer.block, padding=padding
        )
    if layer.kind == "separable":
        depthwise, pointwise = _separable(weights, layer)
        x = graph.conv(x, depthwise, pads=pads, groups=layer.channels[0])
        x = graph.conv(x, pointwise * np.float32(factor), bias)
    else:
        x = graph.conv(x, _kernel(weights, layer) * np.float32(factor), bias, pads=pads)
    if layer.slope:
        x = graph.prelu(x, take(weights, layer.slope, (out,)))
    return graph.depth_to_space(x, layer.block) if layer.block > 1 else x


def _separable(weights: Weights, layer: Layer) -> tuple[Array, Array]:
    """(I * m, 1, k, k) and (O, I * m, 1, 1), m results for each channel."""
    inside, out = layer.channels
    found = weights.arrays[f"{layer.scope}/depthwise_W"].shape
    many = found[3] if len(found) == 4 and found[3] else 1
    depthwise = take(
        weights, f"{layer.scope}/depthwise_W", (layer.kernel, layer.kernel, inside, many)
    )
    if f"{layer.scope}/pointwise_W" not in weights.arrays:
        wrong(weights, f"{layer.scope}/pointwise_W", "an array of this name", "none")
    pointwise = take(weights, f"{layer.scope}/pointwise_W", (1, 1, inside * many, out))
    kernel = depthwise.transpose(2, 3, 0, 1).reshape(-1, 1, layer.kernel, layer.kernel)
    return kernel, pointwise.transpose(3, 2, 0, 1)


def _same(kernel: int) -> tuple[int, int, int, int]:
    before, after = (kernel - 1) // 2, kernel // 2
    return before, before, after, after


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    frame = inputs["frame"]
    y = luma_reference(frame, DCSCN_STUDIO)
    enlarged = bicubic_reference(y, config.scale)
    result = reference_on_luma(ops, weights, config, y, enlarged)
    return {"upscaled": with_luma_reference(frame, result, config.scale, DCSCN_STUDIO)}


def reference_on_luma(
    ops: Ops, weights: Weights, config: Config, y: Array, enlarged: Array
) -> Array:
    """The original graph: x and x2 to output, all Y of 255 as (1, 1, H, W)."""
    arrays = weights.arrays

    def convolved(layer: Layer, x: Array) -> Array:
        pads = same_pads(x.shape[2], x.shape[3], layer.kernel, 1)
        bias = arrays[layer.bias] if layer.bias else None
        if layer.kind == "separable":
            # TensorFlow's filter (kh, kw, in, m): its output channels run over m, then over in.
            spread = np.moveaxis(arrays[f"{layer.scope}/depthwise_W"], (0, 1), (2, 3))
            spread = spread.reshape(-1, 1, *spread.shape[2:])
            x = ops.conv(x, spread, pads=pads, groups=x.shape[1])
            mixing = arrays[f"{layer.scope}/pointwise_W"][0, 0].T
            return ops.conv(x, mixing[:, :, None, None], bias)
        kernel = np.einsum("hwio->oihw", arrays[f"{layer.scope}/conv_W"])
        return ops.conv(x, kernel, bias, pads=pads)

    def active(layer: Layer, x: Array) -> Array:
        return ops.prelu(convolved(layer, x), arrays[layer.slope])

    def transposed(layer: Layer, x: Array) -> Array:
        kernel = np.einsum("hwoi->iohw", arrays[f"{layer.scope}/Tconv_W"])
        height, width = (side * layer.block for side in x.shape[2:])
        top, left, _, _ = same_pads(height, width, layer.kernel, layer.block)
        whole = ops.conv_transpose(x, kernel, stride=layer.block)
        return whole[:, :, top : top + height, left : left + width]

    states = [y]
    for layer in config.features:
        states.append(active(layer, states[-1]))
    x = ops.concat(states[1:])
    if config.nin:
        a1, b1, b2 = config.nin
        a, b = active(a1, x), active(b2, active(b1, x))
        x = ops.concat([a, b] if config.version == "v1" else [b, a])
    for layer in config.upscaling:
        if layer.kind == "transposed":
            x = transposed(layer, x)
        else:
            x = ops.depth_to_space(convolved(layer, x), layer.block)
    for layer in config.reconstruction[:-1]:
        x = active(layer, x)
    if config.reconstruction:
        x = convolved(config.reconstruction[-1], x)
    return np.asarray(x + enlarged)


ARCHITECTURE = Architecture(
    "dcscn", "DCSCN (version 2, depthwise separable, version 1)", "tensorflow", _recognise, _build,
    _reference,
)  # fmt: skip
