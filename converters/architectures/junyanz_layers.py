"""Which layers a generator of junyanz's layout has, told from the names and shapes of its arrays.

Source: models/networks.py of junyanz/pytorch-CycleGAN-and-pix2pix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from converters.architectures.base import NotThis
from converters.weights import Weights

Norm = Literal["batch", "instance", "none"]
_LEVELS_MAX = 12
_BLOCKS_MAX = 100


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution and the norm after it.

    Attributes:
        conv, norm: what the names of their arrays begin with; no norm where that is empty.
        shape: of the kernel, as stored: (O, I, k, k), and (I, O, k, k) of a transposed one.
        up: transposed.
    """

    conv: str
    norm: str
    shape: tuple[int, int, int, int]
    up: bool = False

    @property
    def outside(self) -> int:
        return self.shape[1 if self.up else 0]


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        down: before the middle, from the outside to the inside.
        blocks: of a residual net, two layers each; empty of a U-Net.
        up: after the middle, from the inside to the outside.
        norm: "instance" without arrays of its own, or "batch" with weight and bias.
    """

    kind: Literal["U-Net", "ResNet"]
    down: tuple[Layer, ...]
    blocks: tuple[tuple[Layer, Layer], ...]
    up: tuple[Layer, ...]
    norm: Norm

    @property
    def channels(self) -> tuple[int, int]:
        """Of the picture taken and of the one made."""
        return self.down[0].shape[1], self.up[-1].outside

    @property
    def ngf(self) -> int:
        return self.down[0].outside

    @property
    def multiple(self) -> int:
        return 4 if self.kind == "ResNet" else 1 << len(self.down)


def config_of(weights: Weights) -> Config:
    """
    Raises: NotThis: the arrays are of no such generator, or do not fit together.
    """
    names = weights.arrays.keys()
    prefix = next(
        (p for p in ("", "module.") if any(n.startswith(f"{p}model.") for n in names)), ""
    )
    kind: Literal["U-Net", "ResNet"]
    if f"{prefix}model.model.1.model.1.weight" in names:
        kind, (down, blocks, up) = "U-Net", _unet(weights, f"{prefix}model.model.")
    elif f"{prefix}model.10.conv_block.1.weight" in names:
        kind, (down, blocks, up) = "ResNet", _resnet(weights, f"{prefix}model.")
    else:
        raise NotThis("it has neither model.model.1.model.1 of a U-Net nor model.10.conv_block.1")
    layers = [*down, *(layer for pair in blocks for layer in pair), *up]
    config = Config(kind, down, blocks, up, _norm(weights, layers))
    _check_chain(config)
    return config


Parts = tuple[tuple[Layer, ...], tuple[tuple[Layer, Layer], ...], tuple[Layer, ...]]


def _unet(weights: Weights, outermost: str) -> Parts:
    """Each level lies in the one around it; of the innermost, 3 is a layer instead."""
    down = [Layer(f"{outermost}0", "", _shape(weights, f"{outermost}0"))]
    up = [Layer(f"{outermost}3", "", _shape(weights, f"{outermost}3"), up=True)]
    at = f"{outermost}1.model."
    while f"{at}3.model.1.weight" in weights.arrays and len(down) < _LEVELS_MAX:
        down.append(Layer(f"{at}1", f"{at}2", _shape(weights, f"{at}1")))
        up.append(Layer(f"{at}5", f"{at}6", _shape(weights, f"{at}5"), up=True))
        at += "3.model."
    down.append(Layer(f"{at}1", "", _shape(weights, f"{at}1")))
    up.append(Layer(f"{at}3", f"{at}4", _shape(weights, f"{at}3"), up=True))
    return tuple(down), (), tuple(reversed(up))


def _resnet(weights: Weights, model: str) -> Parts:
    def layer(at: str, after: int = 1, *, up: bool = False) -> Layer:
        scope, _, number = at.rpartition(".")
        norm = f"{scope}.{int(number) + after}" if after else ""
        return Layer(at, norm, _shape(weights, at), up)

    blocks: list[tuple[Layer, Layer]] = []
    while f"{model}{(number := 10 + len(blocks))}.conv_block.1.weight" in weights.arrays:
        if len(blocks) == _BLOCKS_MAX:
            raise NotThis(f"it has more than {_BLOCKS_MAX} blocks")
        block = f"{model}{number}.conv_block."
        # With a dropout between them, the second stands one place later.
        second = next((n for n in "56" if len(_maybe_shape(weights, f"{block}{n}")) == 4), "")
        if not second:
            raise NotThis(f"{block}5 and {block}6 are no convolutions: it has one in a block")
        blocks.append((layer(f"{block}1"), layer(f"{block}{second}")))
    down = [layer(f"{model}{number}") for number in (1, 4, 7)]
    end = 10 + len(blocks)
    up = [layer(f"{model}{end + n}", up=True) for n in (0, 3)]
    return tuple(down), tuple(blocks), (*up, layer(f"{model}{end + 7}", 0))


def _maybe_shape(weights: Weights, conv: str) -> tuple[int, ...]:
    array = weights.arrays.get(f"{conv}.weight")
    return () if array is None else tuple(array.shape)


def _shape(weights: Weights, conv: str) -> tuple[int, int, int, int]:
    shape = _maybe_shape(weights, conv)
    if len(shape) != 4 or min(shape) < 1:
        found = f"of shape {list(shape)}" if shape else "missing"
        raise NotThis(f"{conv}.weight, a kernel, is {found}")
    return shape  # type: ignore[return-value]


def _norm(weights: Weights, layers: list[Layer]) -> Norm:
    normed = [layer for layer in layers if layer.norm]
    if f"{normed[0].norm}.weight" in weights.arrays:
        return "batch"
    return "instance" if f"{normed[0].conv}.bias" in weights.arrays else "none"


def _check_chain(config: Config) -> None:
    """Raises: NotThis: a kernel's shape is not what its neighbours and its place ask for."""
    inside = config.channels[0]
    if config.kind == "U-Net":
        kernels = [4] * len(config.down) + [4] * len(config.up)
    else:
        kernels = [7, 3, 3, 3, 3, 7]
    layers = [*config.down, *config.up]
    middle = config.down[-1].outside
    for index, (layer, kernel) in enumerate(zip(layers, kernels, strict=True)):
        steps = index - len(config.down)
        if config.kind == "U-Net" and steps > 0:
            inside += config.down[-1 - steps].outside
        ends = (inside, layer.outside) if layer.up else (layer.outside, inside)
        _check(layer, (*ends, kernel, kernel))
        inside = layer.outside
    for pair in config.blocks:
        for layer in pair:
            _check(layer, (middle, middle, 3, 3))


def _check(layer: Layer, shape: tuple[int, int, int, int]) -> None:
    if layer.shape != shape:
        raise NotThis(
            f"{layer.conv}.weight is {list(layer.shape)}, but its neighbours ask for {list(shape)}"
        )
