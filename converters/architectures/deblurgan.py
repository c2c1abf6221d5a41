"""DeblurGAN: a generator of residual blocks that adds its result to the blurred picture.

Sources, each read: KupynOrest/DeblurGAN `models/networks.py` (the version of 2017 with two
convolutions a block, and that of 2018 with one), `models/test_model.py` (the program that shows
results never calls `eval()`, so every norm takes the statistics of the picture itself) and
`options/base_options.py`; VITA-Group/DeblurGANv2 `models/networks.py`, which has the same generator
under the prefix `module.`.

What no array tells, and what is done:

- The files hold running means and variances. They are not used: the statistics are the picture's.
- Dropout is off; the original leaves it on, which makes its results random.
- The picture is added (`learn_residual`, as all its instructions have it) and clamped to -1..1.
- The version of 2018 has blocks of one convolution by an oversight: with dropout a block is
  convolution, norm and relu, with `--no_dropout` convolution and norm. Dropout is the default.
- The generators of pytorch-CycleGAN-and-pix2pix are the same, layer for layer, without the sum.
  `ARCHITECTURE` takes only files with a mark that those have not; `ANY_RESNET` takes all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_EPSILON = 1e-5
_BLOCKS_AT = 10
"""Where the residual blocks begin: 0 padding, 1 to 3 convolution, norm, relu, and twice more."""
_MOST_BLOCKS = 200
_MARGIN = 3
"""Padding before the outer convolutions, whose kernels are 7x7."""


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        prefix: before `model.` in every name.
        width: channels after the first convolution, `ngf`.
        convolutions: the places of a block's convolutions in it: (1,), (1, 5) or (1, 6).
        rectified: whether relu follows the convolution of a block that has but one.
        affine: whether norms have weights and biases.
    """

    prefix: str
    width: int
    blocks: int
    convolutions: tuple[int, ...]
    rectified: bool
    affine: bool


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution, its norm, and what stands after; without a norm it is the last."""

    kind: Literal["outer", "down", "block", "up"]
    name: str
    norm: str
    shape: tuple[int, int, int, int]
    channels: int


def _layers(config: Config) -> Iterator[_Layer]:
    """All in their order; kernels of `up` are stored input channels first."""
    model, width = f"{config.prefix}model", config.width
    yield _Layer("outer", f"{model}.1", f"{model}.2", (width, 3, 7, 7), width)
    for at, scale in ((4, 2), (7, 4)):
        shape = (scale * width, scale * width // 2, 3, 3)
        yield _Layer("down", f"{model}.{at}", f"{model}.{at + 1}", shape, scale * width)
    for index in range(_BLOCKS_AT, _BLOCKS_AT + config.blocks):
        for at in config.convolutions:
            block = f"{model}.{index}.conv_block"
            shape = (4 * width, 4 * width, 3, 3)
            yield _Layer("block", f"{block}.{at}", f"{block}.{at + 1}", shape, 4 * width)
    end = _BLOCKS_AT + config.blocks
    for at, scale in ((end, 4), (end + 3, 2)):
        shape = (scale * width, scale * width // 2, 3, 3)
        yield _Layer("up", f"{model}.{at}", f"{model}.{at + 1}", shape, scale * width // 2)
    yield _Layer("outer", f"{model}.{end + 7}", "", (3, width, 7, 7), 3)


def _config(weights: Weights) -> Config:
    """Raises: NotThis: the arrays are not laid out as a generator of residual blocks."""
    names = weights.arrays.keys()
    block = re.compile(rf"(.*?)model\.{_BLOCKS_AT}\.conv_block\.1\.weight")
    found = next((match for name in names if (match := block.fullmatch(name))), None)
    if found is None:
        raise NotThis(f"there is no model.{_BLOCKS_AT}.conv_block.1.weight")
    prefix = found[1]
    inside = re.compile(rf"{re.escape(prefix)}model\.(\d+)\.conv_block\.(\d+)\.weight")
    places: dict[int, set[int]] = {}
    for match in (inside.fullmatch(name) for name in names):
        if match is not None and len(weights.arrays[match[0]].shape) == 4:
            places.setdefault(int(match[1]), set()).add(int(match[2]))
    blocks = len(places)
    if blocks > _MOST_BLOCKS or sorted(places) != [*range(_BLOCKS_AT, _BLOCKS_AT + blocks)]:
        raise NotThis(f"its residual blocks do not follow one another from {_BLOCKS_AT}")
    convolutions = tuple(sorted(places[_BLOCKS_AT]))
    if any(tuple(sorted(each)) != convolutions for each in places.values()):
        raise NotThis("its residual blocks differ from one another")
    if convolutions not in ((1,), (1, 5), (1, 6)):
        raise NotThis(f"the convolutions of its residual blocks stand at {convolutions}")
    first = weights.arrays.get(f"{prefix}model.1.weight")
    if first is None or len(first.shape) != 4 or first.shape[1:] != (3, 7, 7):
        raise NotThis("its first convolution is not 7x7 of RGB")
    affine = f"{prefix}model.2.weight" in names
    config = Config(prefix, first.shape[0], blocks, convolutions, True, affine)
    for layer in _layers(config):
        array = weights.arrays.get(f"{layer.name}.weight")
        if array is not None and tuple(array.shape) != layer.shape:
            shape = list(array.shape)
            raise NotThis(f"{layer.name}.weight is {shape}, not {list(layer.shape)}")
    if f"{prefix}model.{_BLOCKS_AT + blocks + 7}.weight" not in names:
        raise NotThis(f"there is no model.{_BLOCKS_AT + blocks + 7}.weight to end with")
    return config


def _found(config: Config, *evidence: str) -> Found:
    each = len(config.convolutions)
    return Found(
        config,
        f"DeblurGAN, {config.blocks} blocks of {each} convolution{'s' * (each > 1)}, "
        f"{config.width} channels",
        {"width": config.width, "blocks": config.blocks, "convolutions_per_block": each,
         "relu_in_block": config.rectified or each > 1},
        [f"a generator of {config.blocks} residual blocks, model.{_BLOCKS_AT}.conv_block and on",
         f"convolutions at {', '.join(map(str, config.convolutions))} of a block", *evidence],
    )  # fmt: skip


_ASSUMED = (
    "no array tells whether the picture is added to the result: it is, as `--learn_residual` does"
)
_DROPPED = (
    "blocks of one convolution are followed by relu, as training with dropout (its default) makes "
    "them; for one trained with --no_dropout choose `--architecture deblurgan-no-dropout`"
)


def _recognise(weights: Weights) -> Found:
    config = _config(weights)
    names = weights.arrays.keys()
    norm = f"{config.prefix}model.2"
    if len(config.convolutions) == 1:
        return _found(config, "only DeblurGAN has blocks of one convolution", _DROPPED, _ASSUMED)
    if config.affine or f"{norm}.running_mean" not in names:
        raise NotThis(
            "nothing tells it from a CycleGAN or pix2pix generator, which add nothing (choose "
            "`--architecture deblurgan-resnet` if you know that it deblurs)"
        )
    mark = "norms without weights have running statistics"
    if f"{norm}.num_batches_tracked" in names:
        return _found(config, f"{mark} and count batches, as DeblurGAN asks for", _ASSUMED)
    if config.convolutions == (1, 6):
        return _found(config, f"{mark}, and a dropout stands in each block", _ASSUMED)
    raise NotThis("it is an old CycleGAN generator as likely: no dropout, and no count of batches")


def _recognise_any(weights: Weights) -> Found:
    config = _config(weights)
    extra = (_DROPPED,) if len(config.convolutions) == 1 else ()
    return _found(config, "CycleGAN and pix2pix generators have the same arrays", *extra, _ASSUMED)


def _recognise_without_dropout(weights: Weights) -> Found:
    config = _config(weights)
    if len(config.convolutions) != 1:
        raise NotThis("its blocks have two convolutions, where dropout changes nothing")
    return _found(replace(config, rectified=False), "no relu in blocks of one convolution, as "
                  "training with --no_dropout makes them", _ASSUMED)  # fmt: skip


def _arrays(weights: Weights, config: Config, layer: _Layer) -> tuple[Array, Array | None]:
    weight, bias = take(weights, f"{layer.name}.weight", layer.shape), f"{layer.name}.bias"
    # Where norms have a shift of their own, convolutions before them may have none.
    if config.affine and layer.norm and bias not in weights.arrays:
        return weight, None
    return weight, take(weights, bias, (layer.channels,))


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()

    def normalised(x: str, layer: _Layer) -> str:
        gamma = beta = None
        if config.affine:
            gamma = take(weights, f"{layer.norm}.weight", (layer.channels,))
            beta = take(weights, f"{layer.norm}.bias", (layer.channels,))
        return graph.instance_norm(x, layer.channels, gamma, beta, _EPSILON)

    x, before, part = "frame", "", 0
    for layer in _layers(config):
        weight, bias = _arrays(weights, config, layer)
        if layer.kind == "outer":
            x = graph.conv(graph.pad_sides(x, (_MARGIN,) * 4, "reflect"), weight, bias)
            x = graph.relu(normalised(x, layer)) if layer.norm else graph.tanh(x)
        elif layer.kind == "down":
            x = graph.conv(x, weight, bias, stride=2, pads=(1, 1, 1, 1))
            x = graph.relu(normalised(x, layer))
        elif layer.kind == "up":
            x = graph.conv_transpose(x, weight, bias, stride=2, padding=1, output_padding=1)
            x = graph.relu(normalised(x, layer))
        else:
            before = before if part else x
            part += 1
            last = part == len(config.convolutions)
            x = graph.conv(graph.pad_sides(x, (1, 1, 1, 1), "reflect"), weight, bias)
            x = normalised(x, layer)
            if not last or (part == 1 and config.rectified):
                x = graph.relu(x)
            if last:
                x, part = graph.sum(before, x), 0
    x = graph.clip(graph.sum("frame", x), -1, 1)
    shape = (1, 3, "H", "W")
    return Network(
        model=graph.model([("frame", shape)], [(x, "deblurred", shape)]),
        task="deblur",
        inputs=[FrameInput(name="frame", range=[-1, 1], size=Size(multiple_of=4, min=[8, 8]))],
        outputs=[FrameOutput(name="deblurred", range=[-1, 1])],
        title="DeblurGAN",
        description="Takes motion blur out of each frame by DeblurGAN.",
        limits=(
            "Norms take their statistics from the whole frame: the same detail comes out "
            "differently in another frame, and tiles do not fit together.",
            "Dropout is off; the authors' own program leaves it on, so its results are random.",
        ),
        try_size=(76, 52),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """Step by step as the modules stand in the original, by their numbers in `model`."""
    arrays = weights.arrays

    def at(name: str, part: str = "weight") -> Array | None:
        return arrays.get(f"{config.prefix}model.{name}.{part}")

    def convolved(x: Array, name: str, step: Callable[..., Array], **how: object) -> Array:
        return step(x, arrays[f"{config.prefix}model.{name}.weight"], at(name, "bias"), **how)

    def normed(x: Array, name: str) -> Array:
        return ops.instance_norm(x, at(name), at(name, "bias"), _EPSILON)

    frame = inputs["frame"]
    x = convolved(ops.pad(frame, (3, 3, 3, 3), "reflect"), "1", ops.conv)
    x = ops.relu(normed(x, "2"))
    for index in (4, 7):
        x = convolved(x, str(index), ops.conv, stride=2, pads=(1, 1, 1, 1))
        x = ops.relu(normed(x, str(index + 1)))
    index = 10
    while at(f"{index}.conv_block.1") is not None:
        block = f"{index}.conv_block"
        y = convolved(ops.pad(x, (1, 1, 1, 1), "reflect"), f"{block}.1", ops.conv)
        y = normed(y, f"{block}.2")
        for second in config.convolutions[1:]:
            y = ops.pad(ops.relu(y), (1, 1, 1, 1), "reflect")
            y = normed(convolved(y, f"{block}.{second}", ops.conv), f"{block}.{second + 1}")
        if len(config.convolutions) == 1 and config.rectified:
            y = ops.relu(y)
        x, index = x + y, index + 1
    for _ in range(2):
        how = {"stride": 2, "padding": 1, "output_padding": 1}
        x = convolved(x, str(index), ops.conv_transpose, **how)
        x, index = ops.relu(normed(x, str(index + 1))), index + 3
    x = convolved(ops.pad(x, (3, 3, 3, 3), "reflect"), str(index + 1), ops.conv)
    return {"deblurred": ops.clip(frame + ops.tanh(x), -1, 1)}


_NAMES = r"(.*\.)?model\.\d+\.(conv_block\.\d+\.)?[a-z_]+"
ARCHITECTURE = Architecture(
    "deblurgan", "DeblurGAN", "torch", _recognise, _build, _reference, _NAMES
)
WITHOUT_DROPOUT = Architecture(
    "deblurgan-no-dropout", "DeblurGAN with one convolution a block, trained with --no_dropout",
    "torch", _recognise_without_dropout, _build, _reference, _NAMES,
)  # fmt: skip
"""Differs from `ARCHITECTURE` in what no array tells: reached only by its name."""
ANY_RESNET = Architecture(
    "deblurgan-resnet", "DeblurGAN, where the file could be a CycleGAN generator too",
    "torch", _recognise_any, _build, _reference, _NAMES,
)  # fmt: skip
"""Stands after all that recognise generators of this layout: reached only by its name."""
