"""Generators of fully connected layers alone: a VAE's decoder, and the generator of a GAN.

Source: the VAE of pytorch/examples (Kingma and Welling, "Auto-Encoding Variational Bayes", 2014):
relu, and sigmoid at the end; the GAN of csinva/gan-vae-pretrained-pytorch (mnist_gan_mlp): relu,
and tanh at the end. Both end in a square grey picture, row by row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

from bridge.inference.manifest import FrameOutput, LatentInput
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_NUMBERED = re.compile(r"^(0|[1-9]\d{0,3})\.(weight|bias)$")
_VAE = ("fc1", "fc21", "fc22", "fc3", "fc4")
_SIDES = range(8, 257)
_LONGEST_CODE = 65536


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        layers: names of the layers, from the code to the picture.
        widths: length of the code, then how many numbers each layer gives.
        last: what follows the last layer.
    """

    layers: tuple[str, ...]
    widths: tuple[int, ...]
    last: Literal["sigmoid", "tanh"]

    @property
    def side(self) -> int:
        """Of the square picture, in pixels."""
        return isqrt(self.widths[-1])


def _recognise(weights: Weights) -> Found:
    names = set(weights.arrays)
    if names == {f"{layer}.{part}" for layer in _VAE for part in ("weight", "bias")}:
        return _recognise_vae(weights)
    numbers = {int(found[1]) for name in names if (found := _NUMBERED.match(name))}
    layers = tuple(str(2 * index) for index in range(len(numbers)))
    if len(layers) < 2 or names != {f"{at}.{part}" for at in layers for part in ("weight", "bias")}:
        raise NotThis("its layers are neither fc1, fc21, fc22, fc3, fc4 nor 0, 2, 4, ...")
    config = Config(layers, _widths(weights, layers), "tanh")
    if max(config.widths[:-1]) >= config.widths[-1]:
        raise NotThis("its last layer is not its widest, as a generator's is")
    return Found(
        config,
        f"MLP generator, {', '.join(map(str, config.widths))}",
        {"latent": config.widths[0], "side": config.side, "kind": "gan"},
        [
            f"{len(layers)} numbered layers lead from {config.widths[0]} numbers to "
            f"{config.side}x{config.side}",
            "The file does not tell what stands between its layers: relu, and tanh at the end, as "
            "in the published network.",
        ],
    )


def _recognise_vae(weights: Weights) -> Found:
    config = Config(("fc3", "fc4"), _widths(weights, ("fc3", "fc4")), "sigmoid")
    code, _, pixels = config.widths
    shapes = {layer: weights.arrays[f"{layer}.weight"].shape for layer in _VAE[:3]}
    inside = shapes["fc1"][0] if shapes["fc1"] else 0
    if shapes != {"fc1": (inside, pixels), "fc21": (code, inside), "fc22": (code, inside)}:
        raise NotThis("its encoder and its decoder do not fit each other")
    return Found(
        config,
        f"MLP VAE, {', '.join(map(str, config.widths))}",
        {"latent": code, "side": config.side, "kind": "vae"},
        [
            f"fc21 and fc22 give mean and variance of {code} numbers, and fc3 and fc4 lead from "
            f"them to {config.side}x{config.side}",
            "The encoder (fc1, fc21, fc22) is not needed to make pictures.",
        ],
    )


def _widths(weights: Weights, layers: tuple[str, ...]) -> tuple[int, ...]:
    shapes = [tuple(weights.arrays[f"{layer}.weight"].shape) for layer in layers]
    biases = [tuple(weights.arrays[f"{layer}.bias"].shape) for layer in layers]
    if any(len(shape) != 2 or 0 in shape for shape in shapes):
        raise NotThis("its layers are not fully connected ones")
    widths = (shapes[0][1], *(shape[0] for shape in shapes))
    if shapes != list(zip(widths[1:], widths[:-1], strict=True)):
        raise NotThis("its layers do not follow each other")
    if biases != [(width,) for width in widths[1:]]:
        raise NotThis("its biases do not fit its layers")
    if widths[0] > _LONGEST_CODE:
        raise NotThis(f"a code of {widths[0]} numbers is longer than any package takes")
    if isqrt(widths[-1]) not in _SIDES or isqrt(widths[-1]) ** 2 != widths[-1]:
        raise NotThis(
            f"the {widths[-1]} numbers of its last layer are no square picture with sides of "
            f"{_SIDES[0]} to {_SIDES[-1]} pixels"
        )
    return widths


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    x = "code"
    for index, layer in enumerate(config.layers):
        inside, out = config.widths[index : index + 2]
        weight, bias = (
            graph.constant(take(weights, f"{layer}.{part}", shape), "float32")
            for part, shape in (("weight", (out, inside)), ("bias", (out,)))
        )
        x = graph.add("Gemm", [x, weight, bias], transB=1)
        if layer != config.layers[-1]:
            x = graph.relu(x)
    side = config.side
    x = graph.reshape(
        graph.tanh(x) if config.last == "tanh" else graph.add("Sigmoid", [x]), [1, 1, side, side]
    )
    x = graph.concat([x, x, x], axis=1)
    kind = "VAE" if config.last == "sigmoid" else "GAN"
    return Network(
        model=graph.model(
            [("code", (1, config.widths[0]))], [(x, "image", (1, 3, side, side))]
        ),
        task="generate",
        inputs=[LatentInput(name="code", length=config.widths[0], distribution="normal")],
        outputs=[
            FrameOutput(
                name="image", size=[side, side],
                range=[-1.0, 1.0] if config.last == "tanh" else [0.0, 1.0],
            )
        ],
        title=f"MLP {kind}",
        description=f"Draws grey pictures of {side}x{side} pixels from a code, such as digits.",
        limits=[f"The pictures are grey and have {side}x{side} pixels."],
        try_size=(side, side),
    )  # fmt: skip


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    h = inputs["code"]
    *hidden, last = config.layers
    for layer in hidden:
        h = ops.relu(
            ops.linear(h, weights.arrays[f"{layer}.weight"], weights.arrays[f"{layer}.bias"])
        )
    h = ops.linear(h, weights.arrays[f"{last}.weight"], weights.arrays[f"{last}.bias"])
    h = ops.sigmoid(h) if config.last == "sigmoid" else ops.tanh(h)
    grey = h.reshape(1, 1, config.side, config.side)
    return {"image": grey.repeat(3, axis=1)}


ARCHITECTURE = Architecture(
    "mnist", "MLP generators (MNIST VAE and GAN)", "torch", _recognise, _build, _reference
)
