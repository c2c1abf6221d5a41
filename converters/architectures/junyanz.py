"""pix2pix and CycleGAN as junyanz/pytorch-CycleGAN-and-pix2pix has them: U-Nets and residual nets.

Every norm takes the statistics of the picture at hand: test.py of that repository calls `eval()`
only if it is told `--eval`. Dropout, which test.py leaves on where a network has it, is off.
Source: models/networks.py, data/base_dataset.py and test.py there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.junyanz_layers import Config, Layer, config_of
from converters.graph import NetworkGraph, Pads
from converters.references.ops import Ops
from converters.weights import Array, Weights

_EPSILON = 1e-5
_SLOPE = 0.2
_GREY = (0.299, 0.587, 0.114)
"""Of R, G and B: what PIL's mode L takes, which the repository reads grey pictures by."""


def _recognise(weights: Weights) -> Found:
    config = config_of(weights)
    kind, norm, down, blocks, up = config.kind, config.norm, config.down, config.blocks, config.up
    if not {*config.channels} <= {1, 3}:
        raise NotThis(
            f"it maps {config.channels[0]} channels to {config.channels[1]}, not grey or RGB to "
            "grey or RGB"
        )
    depth = f"{len(blocks)} blocks" if blocks else f"{len(down)} levels"
    return Found(
        config,
        f"{kind} of pix2pix and CycleGAN, {depth}, ngf {config.ngf}, {norm} norm",
        {
            "kind": kind, "ngf": config.ngf, "levels": len(down), "blocks": len(blocks),
            "norm": norm, "channels": list(config.channels),
        },
        [
            f"{down[0].conv}.weight to {up[-1].conv}.weight: {depth}, ngf {config.ngf}",
            {
                "batch": "norms have weights and biases: statistics of the picture, as test.py has "
                "it without --eval; running averages of the file are not used",
                "instance": "norms have no arrays and convolutions have biases: instance norm",
                "none": "convolutions have no biases, and no norm stands between them",
            }[norm],
        ],
    )  # fmt: skip


class _Emitter:
    """Layers of a network as nodes."""

    def __init__(self, weights: Weights, config: Config) -> None:
        self.graph = NetworkGraph()
        self._weights, self._config = weights, config

    def layer(self, x: str, layer: Layer, *, stride: int = 1, pad: int = 0) -> str:
        weight = take(self._weights, f"{layer.conv}.weight", layer.shape)
        bias = self._bias(layer)
        if layer.up:
            spare = 1 if layer.shape[2] == 3 else 0
            x = self.graph.conv_transpose(
                x, weight, bias, stride=stride, padding=pad, output_padding=spare
            )
        else:
            pads: Pads = (pad, pad, pad, pad)
            x = self.graph.conv(x, weight, bias, stride=stride, pads=pads)
        norm = self._config.norm
        if not layer.norm or norm == "none":
            return x
        gamma = beta = None
        if norm == "batch":
            gamma, beta = (
                take(self._weights, f"{layer.norm}.{part}", (layer.outside,))
                for part in ("weight", "bias")
            )
        return self.graph.instance_norm(x, layer.outside, gamma, beta, _EPSILON)

    def _bias(self, layer: Layer) -> Array | None:
        name = f"{layer.conv}.bias"
        wanted = self._config.norm == "instance" or layer is self._config.up[-1]
        if wanted or name in self._weights.arrays:
            return take(self._weights, name, (layer.outside,))
        return None

    def unet(self, x: str) -> str:
        skips: list[str] = []
        for index, layer in enumerate(self._config.down):
            if index:
                skips.append(x)
                x = self.graph.leaky_relu(x, _SLOPE)
            x = self.layer(x, layer, stride=2, pad=1)
        for index, layer in enumerate(self._config.up):
            if index:
                x = self.graph.concat([skips.pop(), x], axis=1)
            x = self.layer(self.graph.relu(x), layer, stride=2, pad=1)
        return x

    def resnet(self, x: str) -> str:
        graph = self.graph
        first, *down = self._config.down
        x = graph.relu(self.layer(graph.pad_sides(x, (3, 3, 3, 3), "reflect"), first))
        for layer in down:
            x = graph.relu(self.layer(x, layer, stride=2, pad=1))
        for one, other in self._config.blocks:
            inner = graph.relu(self.layer(graph.pad_sides(x, (1, 1, 1, 1), "reflect"), one))
            x = graph.sum(x, self.layer(graph.pad_sides(inner, (1, 1, 1, 1), "reflect"), other))
        *up, last = self._config.up
        for layer in up:
            x = graph.relu(self.layer(x, layer, stride=2, pad=1))
        return self.layer(graph.pad_sides(x, (3, 3, 3, 3), "reflect"), last)


def _build(weights: Weights, config: Config) -> Network:
    emit = _Emitter(weights, config)
    graph, x = emit.graph, "frame"
    taken, made = config.channels
    if taken == 1:
        x = graph.conv(x, np.array(_GREY).reshape(1, 3, 1, 1))
    x = graph.tanh(emit.unet(x) if config.kind == "U-Net" else emit.resnet(x))
    if made == 1:
        x = graph.concat([x, x, x], axis=1)
    shape = (1, 3, "H", "W")
    multiple = config.multiple
    # What is reflected at a quarter of the size needs two pixels there.
    least = max(multiple, 8)
    size = Size(multiple_of=multiple, padding="edge", min=[least, least])
    limits = [
        "Each frame is normalised by its own statistics, so brightness may wander from frame to "
        "frame.",
        "Dropout is off: the same frame gives the same picture.",
    ]
    if config.kind == "U-Net":
        limits.insert(0, f"Frames are enlarged at their edges to multiples of {multiple} pixels.")
    if config.norm == "batch":
        limits.append(
            "Batch norm takes the statistics of the frame, as the original test program does; what "
            "it makes with --eval differs."
        )
    if 1 in (taken, made):
        limits.append("It sees grey." if made == 3 else "Its pictures are grey.")
    return Network(
        model=graph.model([("frame", shape)], [(x, "picture", shape)]),
        task="stylize",
        inputs=[FrameInput(name="frame", range=[-1, 1], size=size)],
        outputs=[FrameOutput(name="picture", range=[-1, 1])],
        title=f"{config.kind} of pix2pix and CycleGAN, ngf {config.ngf}",
        description="Draws each frame anew, as the pictures have it that it was trained on.",
        limits=limits,
        try_size=(multiple, multiple) if multiple >= 64 else (64, 48),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """As forward() goes through the modules, a level of the U-Net in the one around it."""
    arrays = weights.arrays

    def convolved(x: Array, layer: Layer, stride: int, pad: int) -> Array:
        weight, bias = arrays[f"{layer.conv}.weight"], arrays.get(f"{layer.conv}.bias")
        if not layer.up:
            return ops.conv(x, weight, bias, stride=stride, pads=(pad, pad, pad, pad))
        spare = int(weight.shape[-1] == 3)
        return ops.conv_transpose(x, weight, bias, stride=stride, padding=pad, output_padding=spare)

    def normed(x: Array, layer: Layer) -> Array:
        if config.norm == "none" or not layer.norm:
            return x
        gamma, beta = (arrays.get(f"{layer.norm}.{part}") for part in ("weight", "bias"))
        return ops.instance_norm(x, gamma, beta, _EPSILON)

    def level(x: Array, index: int) -> Array:
        down, up = config.down[index], config.up[-1 - index]
        inner = normed(convolved(ops.leaky_relu(x, _SLOPE) if index else x, down, 2, 1), down)
        if index + 1 < len(config.down):
            inner = ops.concat([inner, level(inner, index + 1)])
        return normed(convolved(ops.relu(inner), up, 2, 1), up)

    def mirrored(x: Array, layer: Layer, by: int) -> Array:
        return normed(convolved(ops.pad(x, (by, by, by, by), "reflect"), layer, 1, 0), layer)

    def resnet(x: Array) -> Array:
        x = ops.relu(mirrored(x, config.down[0], 3))
        for layer in config.down[1:]:
            x = ops.relu(normed(convolved(x, layer, 2, 1), layer))
        for one, other in config.blocks:
            x = x + mirrored(ops.relu(mirrored(x, one, 1)), other, 1)
        for layer in config.up[:-1]:
            x = ops.relu(normed(convolved(x, layer, 2, 1), layer))
        return mirrored(x, config.up[-1], 3)

    x = inputs["frame"]
    if config.channels[0] == 1:
        x = sum(share * x[:, c : c + 1] for c, share in enumerate(_GREY))  # type: ignore[assignment]
    x = ops.tanh(level(x, 0) if config.kind == "U-Net" else resnet(x))
    return {"picture": np.repeat(x, 3, axis=1) if config.channels[1] == 1 else x}


ARCHITECTURE = Architecture(
    "junyanz", "pix2pix and CycleGAN generators (U-Net, ResNet)", "torch", _recognise, _build,
    _reference,
)  # fmt: skip
