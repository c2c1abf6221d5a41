"""The layers of a DCSCN, told from the names and shapes of its arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

from converters.architectures.base import NotThis

Shapes = Mapping[str, tuple[int, ...]]
Version = Literal["v1", "v2"]
Kind = Literal["dense", "separable", "transposed"]
_LARGEST_SCALE = 16
_LARGEST_KERNEL = 31
_MOST_LAYERS = 256


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution and what follows it.

    Attributes:
        scope: before the names of its arrays.
        channels: in and out.
        bias, slope: names of the arrays; empty where it has none.
        block: of the depth-to-space after it, or the stride of a transposed convolution; 1 for
            neither.
    """

    scope: str
    kind: Kind
    kernel: int
    channels: tuple[int, int]
    bias: str = ""
    slope: str = ""
    block: int = 1


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        features: in series; the results of all of them go on, side by side.
        nin: A1, B1 and B2, or nothing.
        upscaling: one after the other.
        reconstruction: the last gives Y. Empty in version 1, whose last layer is in `upscaling`.
    """

    version: Version
    features: tuple[Layer, ...]
    nin: tuple[Layer, ...]
    upscaling: tuple[Layer, ...]
    reconstruction: tuple[Layer, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.features, *self.nin, *self.upscaling, *self.reconstruction)

    @property
    def scale(self) -> int:
        scale = 1
        for layer in self.upscaling:
            scale *= layer.block
        return scale


def layers_of(shapes: Shapes) -> Config:
    """
    Raises: NotThis: the arrays are no DCSCN's.
    """
    if "CNN1/conv_W" in shapes:
        config = _version_2(shapes)
    elif "conv0/conv_W" in shapes and "L/conv_W" in shapes:
        config = _version_1(shapes)
    else:
        raise NotThis("it has neither CNN1/conv_W (version 2) nor conv0/conv_W and L/conv_W (1)")
    used = {name for layer in config.layers for name in _arrays_of(layer, shapes)}
    for name in shapes:
        if name not in used:
            batch_norm = "BN/" in name or "batch_normalization" in name
            raise NotThis(f"it also has {name}{', batch normalisation' * batch_norm}")
    if not 2 <= config.scale <= _LARGEST_SCALE:
        raise NotThis(f"it enlarges {config.scale} times")
    return config


def _version_2(shapes: Shapes) -> Config:
    features = _features(shapes, "CNN", 1)
    nin, channels = _nin(shapes, features)
    if "Up-TCNN/Tconv_W" in shapes:
        names = ["Up-TCNN"]
        upscaling = [_transposed(shapes, "Up-TCNN", channels)]
    else:
        names = [n for n in ("Up-PS", "Up-PS2") if f"{n}/{n}_CNN/conv_W" in shapes]
        upscaling = []
    last = _reconstruction_names(shapes)
    for index, name in enumerate(names if not upscaling else []):
        scope = f"{name}/{name}_CNN"
        following = f"{names[1]}/{names[1]}_CNN" if index + 1 < len(names) else last[0]
        upscaling.append(_shuffled(shapes, scope, channels, _inside(shapes, following)))
        channels = upscaling[-1].channels[1] // upscaling[-1].block ** 2
    if not upscaling:
        raise NotThis("it has no Up-PS and no Up-TCNN")
    reconstruction = []
    for scope in last:
        reconstruction.append(_layer(shapes, scope, channels, active=scope != last[-1]))
        channels = reconstruction[-1].channels[1]
    if channels != 1:
        raise NotThis(f"{last[-1]} gives {channels} channels, not Y")
    return Config("v2", features, nin, tuple(upscaling), tuple(reconstruction))


def _version_1(shapes: Shapes) -> Config:
    features = _features(shapes, "conv", 0)
    nin, channels = _nin(shapes, features)
    return Config("v1", features, nin, (_shuffled(shapes, "L", channels, 1),), ())


def _features(shapes: Shapes, name: str, first: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = 1
    while f"{name}{first + len(layers)}/conv_W" in shapes:
        layers.append(_layer(shapes, f"{name}{first + len(layers)}", channels, active=True))
        channels = layers[-1].channels[1]
        if len(layers) > _MOST_LAYERS:
            raise NotThis(f"it has more than {_MOST_LAYERS} layers")
    return tuple(layers)


def _nin(shapes: Shapes, features: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], int]:
    """The network in network, and how many channels go on."""
    channels = sum(layer.channels[1] for layer in features)
    if "A1/conv_W" not in shapes:
        return (), channels
    a1 = _layer(shapes, "A1", channels, active=True)
    b1 = _layer(shapes, "B1", channels, active=True)
    b2 = _layer(shapes, "B2", b1.channels[1], active=True)
    return (a1, b1, b2), a1.channels[1] + b2.channels[1]


def _reconstruction_names(shapes: Shapes) -> list[str]:
    found = (re.fullmatch(r"R-CNN(\d{1,3})/conv_W", name) for name in shapes)
    numbers = sorted(int(match[1]) for match in found if match)
    if not numbers:
        raise NotThis("it has no R-CNN")
    return [f"R-CNN{number}" for number in numbers]


def _inside(shapes: Shapes, scope: str) -> int:
    return _kernel_shape(shapes, scope)[2]


def _layer(shapes: Shapes, scope: str, inside: int, active: bool) -> Layer:
    kernel, _, found, out = _kernel_shape(shapes, scope)
    if found != inside:
        raise NotThis(f"{scope} takes {found} channels where {inside} come in")
    separable = f"{scope}/depthwise_W" in shapes
    slopes = [n for n in shapes if n.startswith(f"{scope}/") and "prelu" in n.removeprefix(scope)]
    if active and len(slopes) != 1:
        raise NotThis(
            f"{scope} has {len(slopes)} slopes of a PReLU; which activation it has instead is not "
            "in the arrays"
        )
    bias = f"{scope}/conv_B" if f"{scope}/conv_B" in shapes else ""
    return Layer(
        scope, "separable" if separable else "dense", kernel, (inside, out), bias,
        slopes[0] if active else "",
    )  # fmt: skip


def _shuffled(shapes: Shapes, scope: str, inside: int, following: int) -> Layer:
    """A layer whose channels become `following` channels and a square of pixels."""
    layer = _layer(shapes, scope, inside, active=False)
    block = isqrt(layer.channels[1] // following)
    if layer.channels[1] != following * block**2:
        raise NotThis(
            f"{scope} gives {layer.channels[1]} channels: no square of pixels in {following} "
            "channels"
        )
    return Layer(
        scope, layer.kind, layer.kernel, layer.channels, layer.bias, layer.slope, block
    )  # fmt: skip


def _transposed(shapes: Shapes, scope: str, inside: int) -> Layer:
    shape = shapes[f"{scope}/Tconv_W"]
    if len(shape) != 4 or shape[0] != shape[1] or shape[2:] != (inside, inside):
        raise NotThis(f"{scope}/Tconv_W is {list(shape)} where {inside} channels come in")
    # Its side is 2 s for an even scale s, and 2 s - 1 for an odd one.
    scale = (shape[0] + 1) // 2
    if shape[0] != 2 * scale - scale % 2:
        raise NotThis(f"{scope}/Tconv_W of side {shape[0]} belongs to no scale")
    return Layer(scope, "transposed", shape[0], (inside, inside), block=scale)


def _kernel_shape(shapes: Shapes, scope: str) -> tuple[int, ...]:
    shape = shapes.get(f"{scope}/conv_W", ())
    if len(shape) != 4 or shape[0] != shape[1] or not 1 <= shape[0] <= _LARGEST_KERNEL:
        raise NotThis(f"{scope}/conv_W is {list(shape) if shape else 'not there'}")
    if not all(shape):
        raise NotThis(f"{scope}/conv_W is empty")
    return shape


def _arrays_of(layer: Layer, shapes: Shapes) -> list[str]:
    if layer.kind == "transposed":
        return [f"{layer.scope}/Tconv_W"]
    names = [f"{layer.scope}/conv_W", layer.bias, layer.slope]
    if layer.kind == "separable":
        names += [f"{layer.scope}/depthwise_W", f"{layer.scope}/pointwise_W"]
    return names
