"""Anime4K's small networks as they are trained: few channels, every layer's result kept.

Convolutions in a row, each followed by a CReLU; a 1x1 convolution over the results of all of them
corrects the picture itself, or its bilinear enlargement to twice the size.

Source: bloc97/Anime4K, tensorflow/Gen_Shader.ipynb (SR1Model and SR2Model; the order of channels in
DepthToSpace2); values as in its textures, RGB, 0 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

# As Keras 2 and 3 name weights in HDF5, and as a checkpoint does.
_NAMES = (
    re.compile(r"(?P<layer>[^/]*conv2d[^/]*)/(?P<part>kernel|bias)(?::0)?"),
    re.compile(r"layers/(?P<layer>conv2d[^/]*)/vars/(?P<part>[01])"),
    re.compile(
        r"(?P<layer>layer_with_weights-\d+)/(?P<part>kernel|bias)/\.ATTRIBUTES/VARIABLE_VALUE"
    ),
)
_PARTS = {"kernel": 0, "0": 0, "bias": 1, "1": 1}
_ASIDE = re.compile(r"optimizer/|save_counter/|.*\.OPTIMIZER_SLOT/")
_MOST_LAYERS = 64


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        layers: names of kernel and bias of each layer, in their order; the 1x1 one last.
        kernel: side of the others' kernels, odd.
        width: channels of each, before its CReLU doubles them.
        scale: 2, or 1 where the size stays.
    """

    layers: tuple[tuple[str, str], ...]
    kernel: int
    width: int
    scale: int

    @property
    def depth(self) -> int:
        return len(self.layers) - 1


def _recognise(weights: Weights) -> Found:
    layers = _layers_of(weights)
    shapes = [weights.arrays[kernel].shape for kernel, _ in layers]
    if any(len(shape) != 4 for shape in shapes):
        raise NotThis("one of its kernels has not four sides")
    pointwise = [index for index, shape in enumerate(shapes) if shape[:2] == (1, 1)]
    if len(pointwise) != 1:
        raise NotThis(f"{len(pointwise)} of its kernels are 1x1, not one")
    [last] = pointwise
    ordered = [pair for index, pair in enumerate(layers) if index != last]
    kernel, across, inside, width = weights.arrays[ordered[0][0]].shape
    if kernel != across or not kernel % 2 or inside != 3 or not width:
        raise NotThis("its first layer is no convolution of RGB with an odd, square kernel")
    for name, _ in ordered[1:]:
        if weights.arrays[name].shape != (kernel, kernel, 2 * width, width):
            raise NotThis("its layers do not take twice the channels that each of them gives")
    depth = len(ordered)
    given = shapes[last][3]
    if shapes[last][:3] != (1, 1, 2 * width * depth) or given not in (3, 12):
        raise NotThis("its 1x1 convolution does not take what all the others give")
    scale = 2 if given == 12 else 1
    config = Config((*ordered, layers[last]), kernel, width, scale)
    return Found(
        config,
        f"Anime4K x{scale}, {depth} layers of {width} channels",
        {"scale": scale, "layers": depth, "width": width},
        [
            f"each layer takes {2 * width} channels and gives {width}: a CReLU is between them",
            f"a 1x1 convolution takes the {2 * width * depth} channels of all and gives {given}",
        ],
    )


def _layers_of(weights: Weights) -> list[tuple[str, str]]:
    """Kernel and bias of each layer, in the order of the layers' numbers."""
    found: dict[str, list[str]] = {}
    for name in weights.arrays:
        matched = next((m for m in (p.fullmatch(name) for p in _NAMES) if m), None)
        if matched is None:
            if _ASIDE.match(name):
                continue
            raise NotThis(f"{name[:80]!r} is no kernel and no bias of a Keras convolution")
        found.setdefault(matched["layer"], ["", ""])[_PARTS[matched["part"]]] = name
    if not 2 <= len(found) <= _MOST_LAYERS:
        raise NotThis(f"it has {len(found)} convolutions")
    if any(not kernel or not bias for kernel, bias in found.values()):
        raise NotThis("not every layer has a kernel and a bias")
    ordered = sorted(found, key=_number)
    return [(found[layer][0], found[layer][1]) for layer in ordered]


def _number(layer: str) -> int:
    """Keras calls the first one conv2d, the second one conv2d_1."""
    digits = re.search(r"[_-](\d{1,9})$", layer)
    return int(digits[1]) if digits else 0


def _taken(weights: Weights, config: Config) -> list[tuple[Array, Array]]:
    """Kernels as OIHW, and biases."""
    inside, found = 3, []
    for index, (kernel, bias) in enumerate(config.layers):
        shape = (config.kernel, config.kernel, inside, config.width)
        if index == config.depth:
            shape = (1, 1, 2 * config.width * config.depth, 3 * config.scale**2)
        taken = take(weights, kernel, shape)
        found.append((taken.transpose(3, 2, 0, 1), take(weights, bias, shape[3:])))
        inside = 2 * config.width
    return found


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    *hidden, (weight, bias) = _taken(weights, config)
    x, kept = "frame", []
    for kernel, offset in hidden:
        x = graph.conv(x, kernel, offset, pads=(config.kernel // 2,) * 4)
        x = graph.relu(graph.concat([x, graph.add("Neg", [x])], 1))
        kept.append(x)
    x = graph.conv(graph.concat(kept, 1), weight, bias)
    base = "frame"
    if config.scale == 2:
        x = graph.pixel_shuffle(x, 2)
        scales = graph.constant([1, 1, 2, 2], np.float32)
        base = graph.add(
            "Resize", ["frame", "", scales], mode="linear",
            coordinate_transformation_mode="half_pixel",
        )  # fmt: skip
    sides = ("H2", "W2") if config.scale == 2 else ("H", "W")
    result = graph.sum(x, base)
    title = "Anime4K x2" if config.scale == 2 else "Anime4K restore"
    does = "Enlarges each frame to twice its size" if config.scale == 2 else "Restores each frame"
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(result, "result", (1, 3, *sides))]),
        task="upscale" if config.scale == 2 else "deblur",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="result", scale=config.scale)],
        title=title,
        description=f"{does} by a network of {config.depth + 1} layers, trained on drawings.",
        tiling=Tiling(overlap=max(config.depth * (config.kernel // 2), 1)),
        limits=("It was made for drawn pictures; photographs gain little.",),
        try_size=(37, 22),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    picture = x = inputs["frame"]
    side, kept = config.kernel // 2, []
    kernels = [
        (np.moveaxis(weights.arrays[kernel], (3, 2), (0, 1)), weights.arrays[bias])
        for kernel, bias in config.layers
    ]
    for kernel, bias in kernels[:-1]:
        x = ops.conv(x, kernel, bias, pads=(side, side, side, side))
        x = ops.concat([ops.relu(x), ops.relu(-x)])
        kept.append(x)
    x = ops.conv(ops.concat(kept), *kernels[-1])
    if config.scale == 1:
        return {"result": x + picture}
    # The four channels of each colour are the four pixels of that colour.
    colours = [ops.depth_to_space(x[:, 4 * c : 4 * c + 4], 2) for c in range(3)]
    return {"result": ops.concat(colours) + _bilinear(ops, picture)}


def _bilinear(ops: Ops, picture: Array) -> Array:
    """To twice the size: each new pixel is three quarters of the nearest and one of the next."""
    before, after = np.array([0.25, 0.75, 0]), np.array([0, 0.75, 0.25])
    phases = [np.outer(rows, columns) for rows in (before, after) for columns in (before, after)]
    weight = np.stack(phases * 3)[:, None].astype(np.float32)
    around = ops.pad(picture, (1, 1, 1, 1), "edge")
    return ops.pixel_shuffle(ops.conv(around, weight, groups=3), 2)


ARCHITECTURE = Architecture(
    "anime4k", "Anime4K (Keras)", "tensorflow", _recognise, _build, _reference
)
