"""The Keras port of DeblurGAN, whose norms are batch norms with the averages of its training.

Source, read: RaphaelMeudec/deblur-gan, `deblurgan/model.py`, `layer_utils.py`, `utils.py` and
`scripts/deblur_image.py`. Its skeleton is DeblurGAN's; other than there:

- batch norm with moving averages, epsilon 1e-3 (Keras's default): no statistics of the picture;
- nearest x2 and a 3x3 convolution in place of transposed convolutions;
- "same" at stride 2, which on an even side pads at the bottom and the right alone;
- half of tanh plus picture, and no clamp;
- 256x256, the size of its input layer: pictures are stretched to it. RGB in -1..1.

The file holds weights alone. Layers are named by type and number, in the order in which they were
made, which is that of the network: conv2d_1 to conv2d_24, batch_normalization_1 to 23.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take, wrong
from converters.graph import NetworkGraph
from converters.references.ops import Ops, same_pads
from converters.weights import Array, Weights

_SIDE = 256
_EPSILON = 1e-3
_CONV = ("kernel", "bias")
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
_LAYER = r"(?:[^/]+/)*(?P<kind>conv2d|batch_normalization)(?:_(?P<number>\d{1,6}))?"
# As Keras 2 and Keras 3 name weights in HDF5.
_NAMES = (
    re.compile(rf"{_LAYER}/(?P<part>{'|'.join(_CONV + _NORM)})(?::0)?"),
    re.compile(rf"{_LAYER}/vars/(?P<part>[0-3])"),
)
_MOST_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        convolutions: names of kernel and bias of each, in their order.
        norms: names of gamma, beta, mean and variance of each, in their order.
    """

    convolutions: tuple[tuple[str, ...], ...]
    norms: tuple[tuple[str, ...], ...]
    width: int
    blocks: int


def _layers_of(weights: Weights) -> dict[str, list[tuple[str, ...]]]:
    """Raises: NotThis: an array is of neither kind, or a layer has not all its arrays."""
    if len(weights.arrays) > _MOST_LAYERS:
        raise NotThis(f"it has more than {_MOST_LAYERS} arrays")
    parts: dict[tuple[str, int], dict[str, str]] = {}
    for name in weights.arrays:
        match = next((match for form in _NAMES if (match := form.fullmatch(name))), None)
        if match is None:
            raise NotThis(f"{name[:80]} is of no layer conv2d or batch_normalization of Keras")
        kind, part = match["kind"], match["part"]
        wanted = _CONV if kind == "conv2d" else _NORM
        if part.isdigit() and int(part) < len(wanted):
            part = wanted[int(part)]
        layer = parts.setdefault((kind, int(match["number"] or 0)), {})
        if part not in wanted or part in layer:
            raise NotThis(f"{name[:80]} is one too many of its layer")
        layer[part] = name
    found: dict[str, list[tuple[str, ...]]] = {"conv2d": [], "batch_normalization": []}
    for (kind, number), layer in sorted(parts.items()):
        wanted = _CONV if kind == "conv2d" else _NORM
        if len(layer) != len(wanted):
            raise NotThis(f"{kind}_{number} has not all of {', '.join(wanted)}")
        found[kind].append(tuple(layer[part] for part in wanted))
    return found


def _shapes(width: int, blocks: int) -> list[tuple[int, int, int, int]]:
    """Of all kernels in their order: rows, columns, channels in and out."""
    return [
        (7, 7, 3, width), (3, 3, width, 2 * width), (3, 3, 2 * width, 4 * width),
        *[(3, 3, 4 * width, 4 * width)] * (2 * blocks),
        (3, 3, 4 * width, 2 * width), (3, 3, 2 * width, width), (7, 7, width, 3),
    ]  # fmt: skip


def _recognise(weights: Weights) -> Found:
    layers = _layers_of(weights)
    convolutions, norms = layers["conv2d"], layers["batch_normalization"]
    if len(norms) != len(convolutions) - 1 or len(convolutions) < 6 or len(convolutions) % 2:
        raise NotThis(f"it has {len(convolutions)} convolutions and {len(norms)} batch norms")
    shapes = [tuple(weights.arrays[kernel].shape) for kernel, _ in convolutions]
    width, blocks = shapes[0][-1] if len(shapes[0]) == 4 else 0, (len(shapes) - 6) // 2
    wanted = _shapes(width, blocks)
    for (name, _), shape, right in zip(convolutions, shapes, wanted, strict=True):
        if shape != right or not width:
            raise NotThis(f"{name} is {list(shape)}, not {list(right)}")
    return Found(
        Config(tuple(convolutions), tuple(norms), width, blocks),
        f"DeblurGAN of Keras, {blocks} blocks, {width} channels",
        {"width": width, "blocks": blocks},
        [f"{len(shapes)} convolutions of Keras in the order of their numbers, with the kernels of "
         f"a generator of {blocks} residual blocks",
         "a batch norm after each but the last"],
    )  # fmt: skip


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    shapes = _shapes(config.width, config.blocks)

    def convolved(x: str, index: int, *, stride: int = 1, border: int = 0) -> str:
        """The convolution of this place, and the norm after it."""
        kernel, bias = config.convolutions[index]
        weight = take(weights, kernel, shapes[index]).transpose(3, 2, 0, 1)
        channels = shapes[index][3]
        # "Same" on an even side: one row below and one column to the right.
        pads = (0, 0, 1, 1) if stride == 2 else (border,) * 4
        x = graph.conv(x, weight, take(weights, bias, (channels,)), stride=stride, pads=pads)
        if index == len(config.norms):
            return x
        gamma, beta, mean, variance = (take(weights, n, (channels,)) for n in config.norms[index])
        if (variance < 0).any():
            wrong(weights, config.norms[index][3], "variances", f"{variance.min()}")
        return graph.batch_norm(x, mean, variance, gamma, beta, _EPSILON)

    x = graph.relu(convolved(graph.pad_sides("frame", (3, 3, 3, 3), "reflect"), 0))
    for index in (1, 2):
        x = graph.relu(convolved(x, index, stride=2))
    at = 3
    for _ in range(config.blocks):
        y = graph.relu(convolved(graph.pad_sides(x, (1, 1, 1, 1), "reflect"), at))
        y = convolved(graph.pad_sides(y, (1, 1, 1, 1), "reflect"), at + 1)
        x, at = graph.sum(x, y), at + 2
    for index in (at, at + 1):
        x = graph.relu(convolved(graph.nearest(x, 2), index, border=1))
    x = graph.tanh(convolved(graph.pad_sides(x, (3, 3, 3, 3), "reflect"), at + 2))
    x = graph.affine(graph.sum(x, "frame"), 0.5, 0)
    shape = (1, 3, _SIDE, _SIDE)
    return Network(
        model=graph.model([("frame", shape)], [(x, "deblurred", shape)]),
        task="deblur",
        inputs=[FrameInput(name="frame", range=[-1, 1], size=Size(fixed=[_SIDE, _SIDE]))],
        outputs=[FrameOutput(name="deblurred", range=[-1, 1])],
        title="DeblurGAN (Keras)",
        description="Takes motion blur out of each frame by the Keras port of DeblurGAN.",
        limits=(
            f"Works at {_SIDE}x{_SIDE}: frames are stretched to it and back, as its authors' "
            "program does to it.",
        ),
        try_size=(_SIDE, _SIDE),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """Layer by layer as the original makes them, each taking the next of its kind."""
    convolutions, norms = iter(config.convolutions), iter(config.norms)

    def conv(x: Array, stride: int = 1, *, same: bool = False) -> Array:
        kernel, bias = (weights.arrays[name] for name in next(convolutions))
        height, width = x.shape[2:]
        pads = same_pads(height, width, kernel.shape[0], stride) if same else (0, 0, 0, 0)
        return ops.conv(x, kernel.transpose(3, 2, 0, 1), bias, stride=stride, pads=pads)

    def norm(x: Array) -> Array:
        gamma, beta, mean, variance = (weights.arrays[name] for name in next(norms))
        return ops.batch_norm(x, mean, variance, gamma, beta, _EPSILON)

    def reflected(x: Array, side: int) -> Array:
        return ops.pad(x, (side, side, side, side), "reflect")

    frame = inputs["frame"]
    x = ops.relu(norm(conv(reflected(frame, 3))))
    for _ in range(2):
        x = ops.relu(norm(conv(x, 2, same=True)))
    for _ in range(config.blocks):
        y = ops.relu(norm(conv(reflected(x, 1))))
        x = x + norm(conv(reflected(y, 1)))
    for _ in range(2):
        x = ops.relu(norm(conv(ops.nearest(x, 2), same=True)))
    x = ops.tanh(conv(reflected(x, 3)))
    return {"deblurred": (x + frame) / 2}


ARCHITECTURE = Architecture(
    "deblurgan-keras",
    "DeblurGAN, the Keras port",
    "tensorflow",
    _recognise,
    _build,
    _reference,
    r"(.*/)?(conv2d|batch_normalization)(_\d+)?/.+",
)
