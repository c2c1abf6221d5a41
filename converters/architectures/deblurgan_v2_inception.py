"""Inception-ResNet-v2 as the backbone of DeblurGAN-v2: five stages, to about a 32nd of the size.

Sources, read: `pretrainedmodels/models/inceptionresnetv2.py` of Cadene/pretrained-models.pytorch
for the layers, which are not padded where they halve the size; `models/fpn_inception.py` of
VITA-Group/DeblurGANv2 (where KupynOrest/DeblurGANv2 lives now) for the stages. Confirmed there:
epsilon 1e-3; the residual scales .17 and .10, which no array holds; average pooling that counts
pixels of the picture alone. Batch norms take the statistics of the picture (the original predicts
in training mode). `repeat_2`, `block8`, `conv2d_7b` and `last_linear` are in the file and not in
use.
"""

from __future__ import annotations

import re

import numpy as np

from converters.architectures.deblurgan_v2_names import Kernel, Stored, around
from converters.architectures.deblurgan_v2_norm import picture_norm
from converters.graph import NO_PADS, NetworkGraph, Pads
from converters.references.ops import Ops
from converters.weights import Array

STAGES = {
    "inception.conv2d_1a": "enc0",
    "inception.conv2d_2a": "enc1.0", "inception.conv2d_2b": "enc1.1",
    "inception.conv2d_3b": "enc2.0", "inception.conv2d_4a": "enc2.1",
    "inception.mixed_5b": "enc3.0", "inception.repeat": "enc3.1", "inception.mixed_6a": "enc3.2",
    "inception.repeat_1": "enc4.0", "inception.mixed_7a": "enc4.1",
}  # fmt: skip
_SCALES = {"repeat": 0.17, "repeat_1": 0.10}
_EPSILON = 1e-3

Step = tuple[str, Kernel, int, Pads]
"""A convolution in a branch: where in it, its kernel, stride and padding."""


def _step(where: str, *side: int, stride: int = 1) -> Step:
    kernel = (side[0], side[-1])
    return where, kernel, stride, NO_PADS if stride == 2 else around(kernel)


_BRANCHES: dict[str, list[list[Step]]] = {
    "mixed_5b": [
        [_step("", 1)],
        [_step(".0", 1), _step(".1", 5)],
        [_step(".0", 1), _step(".1", 3), _step(".2", 3)],
        [_step(".1", 1)],
    ],
    "repeat": [
        [_step("", 1)],
        [_step(".0", 1), _step(".1", 3)],
        [_step(".0", 1), _step(".1", 3), _step(".2", 3)],
    ],
    "mixed_6a": [
        [_step("", 3, stride=2)],
        [_step(".0", 1), _step(".1", 3), _step(".2", 3, stride=2)],
    ],
    "repeat_1": [[_step("", 1)], [_step(".0", 1), _step(".1", 1, 7), _step(".2", 7, 1)]],
    "mixed_7a": [
        [_step(".0", 1), _step(".1", 3, stride=2)],
        [_step(".0", 1), _step(".1", 3, stride=2)],
        [_step(".0", 1), _step(".1", 3), _step(".2", 3, stride=2)],
    ],
}
"""The convolutions of each part's branches, in their order; `.0` of mixed_5b's last is a pool."""


def blocks(stored: Stored, part: str) -> int:
    """How many blocks `repeat` or `repeat_1` has. One that lacks is found when it is built."""
    beginning = stored.name(f"inception.{part}.0.conv2d.weight").removesuffix("0.conv2d.weight")
    place = re.compile(rf"{re.escape(beginning)}(\d{{1,3}})\.")
    found = (place.match(name) for name in stored.weights.arrays)
    return 1 + max((int(match[1]) for match in found if match is not None), default=0)


class _Builder:
    """A value and its channels go through the parts; each raises NetworkError."""

    def __init__(self, graph: NetworkGraph, stored: Stored) -> None:
        self.graph, self.stored = graph, stored

    def conv(self, x: str, inside: int, name: str, step: Step) -> tuple[str, int]:
        where, side, stride, pads = step
        name = f"inception.{name}{where}"
        kernel = self.stored.kernel(f"{name}.conv.weight", inside, side)
        outside = kernel.shape[0]
        gamma, beta = (self.stored.vector(f"{name}.bn.{p}", outside) for p in ("weight", "bias"))
        x = self.graph.conv(x, kernel, stride=stride, pads=pads)
        x = picture_norm(self.graph, x, gamma, beta, _EPSILON)
        return self.graph.relu(x), outside

    def max_pool(self, x: str) -> str:
        return self.graph.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])

    def branches(self, x: str, inside: int, name: str, part: str) -> tuple[list[str], int]:
        ends, channels = [], 0
        for index, steps in enumerate(_BRANCHES[part]):
            y, outside = x, inside
            if part == "mixed_5b" and index == 3:
                y = self.graph.add(
                    "AveragePool", [x], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=0
                )
            for step in steps:
                y, outside = self.conv(y, outside, f"{name}.branch{index}", step)
            ends.append(y)
            channels += outside
        return ends, channels

    def mixed(self, x: str, inside: int, part: str) -> tuple[str, int]:
        ends, channels = self.branches(x, inside, part, part)
        if part != "mixed_5b":
            ends.append(self.max_pool(x))
            channels += inside
        return self.graph.concat(ends, 1), channels

    def repeat(self, x: str, inside: int, part: str) -> str:
        for index in range(blocks(self.stored, part)):
            name = f"{part}.{index}"
            ends, channels = self.branches(x, inside, name, part)
            kernel = self.stored.kernel(f"inception.{name}.conv2d.weight", channels, (1, 1), inside)
            bias = self.stored.vector(f"inception.{name}.conv2d.bias", inside)
            # The scale goes into the arrays.
            scale = np.float32(_SCALES[part])
            y = self.graph.conv(self.graph.concat(ends, 1), kernel * scale, bias * scale)
            x = self.graph.relu(self.graph.sum(y, x))
        return x


def build(graph: NetworkGraph, stored: Stored, x: str) -> list[tuple[str, int]]:
    """The results of the stages and their channels. Raises: NetworkError."""
    to = _Builder(graph, stored)
    made = [to.conv(x, 3, "conv2d_1a", _step("", 3, stride=2))]
    x, channels = to.conv(*made[-1], "conv2d_2a", ("", (3, 3), 1, NO_PADS))
    x, channels = to.conv(x, channels, "conv2d_2b", _step("", 3))
    made.append((to.max_pool(x), channels))
    x, channels = to.conv(*made[-1], "conv2d_3b", _step("", 1))
    x, channels = to.conv(x, channels, "conv2d_4a", ("", (3, 3), 1, NO_PADS))
    made.append((to.max_pool(x), channels))
    x, channels = to.mixed(*made[-1], "mixed_5b")
    made.append(to.mixed(to.repeat(x, channels, "repeat"), channels, "mixed_6a"))
    x, channels = made[-1]
    made.append(to.mixed(to.repeat(x, channels, "repeat_1"), channels, "mixed_7a"))
    return made


def reference(ops: Ops, stored: Stored, x: Array) -> list[Array]:
    """The same as the original's classes have it, with the statistics of each map calculated first
    and given to a batch norm, and the average pool as two sums."""

    def get(name: str) -> Array:
        array = stored.find(f"inception.{name}")
        assert array is not None
        return array

    def basic(x: Array, name: str, stride: int = 1, pads: Pads = NO_PADS) -> Array:
        x = ops.conv(x, get(f"{name}.conv.weight"), stride=stride, pads=pads)
        maps = x[0].reshape(x.shape[1], -1).astype(np.float64)
        mean, variance = maps.mean(1), maps.var(1)
        gamma, beta = get(f"{name}.bn.weight"), get(f"{name}.bn.bias")
        return ops.relu(ops.batch_norm(x, mean, variance, gamma, beta, _EPSILON))

    def mean_of_neighbours(x: Array) -> Array:
        ones = np.ones((1, 1, 3, 3), np.float32)
        count = ops.conv(np.ones((1, 1, *x.shape[2:]), np.float32), ones, pads=(1, 1, 1, 1))
        each = np.repeat(ones, x.shape[1], axis=0)
        return ops.conv(x, each, pads=(1, 1, 1, 1), groups=x.shape[1]) / count

    def summed(x: Array, parts: list[Array], name: str, scale: float) -> Array:
        y = ops.conv(ops.concat(parts), get(f"{name}.conv2d.weight"), get(f"{name}.conv2d.bias"))
        return ops.relu(y * scale + x)

    one = (1, 1, 1, 1)
    results = [basic(x, "conv2d_1a", 2)]
    x = basic(basic(results[0], "conv2d_2a"), "conv2d_2b", pads=one)
    results.append(ops.max_pool(x, 3, 2))
    x = basic(basic(results[1], "conv2d_3b"), "conv2d_4a")
    results.append(ops.max_pool(x, 3, 2))
    x, name = results[2], "mixed_5b"
    y = basic(basic(x, f"{name}.branch2.0"), f"{name}.branch2.1", pads=one)
    x = ops.concat([
        basic(x, f"{name}.branch0"),
        basic(basic(x, f"{name}.branch1.0"), f"{name}.branch1.1", pads=(2, 2, 2, 2)),
        basic(y, f"{name}.branch2.2", pads=one),
        basic(mean_of_neighbours(x), f"{name}.branch3.1"),
    ])  # fmt: skip
    for index in range(blocks(stored, "repeat")):
        name = f"repeat.{index}"
        y = basic(basic(x, f"{name}.branch2.0"), f"{name}.branch2.1", pads=one)
        x = summed(x, [
            basic(x, f"{name}.branch0"),
            basic(basic(x, f"{name}.branch1.0"), f"{name}.branch1.1", pads=one),
            basic(y, f"{name}.branch2.2", pads=one),
        ], name, 0.17)  # fmt: skip
    y = basic(basic(x, "mixed_6a.branch1.0"), "mixed_6a.branch1.1", pads=one)
    x = ops.concat([
        basic(x, "mixed_6a.branch0", 2), basic(y, "mixed_6a.branch1.2", 2), ops.max_pool(x, 3, 2),
    ])  # fmt: skip
    results.append(x)
    for index in range(blocks(stored, "repeat_1")):
        name = f"repeat_1.{index}"
        y = basic(basic(x, f"{name}.branch1.0"), f"{name}.branch1.1", pads=(0, 3, 0, 3))
        y = basic(y, f"{name}.branch1.2", pads=(3, 0, 3, 0))
        x = summed(x, [basic(x, f"{name}.branch0"), y], name, 0.10)
    name = "mixed_7a"
    y = basic(basic(x, f"{name}.branch2.0"), f"{name}.branch2.1", pads=one)
    results.append(ops.concat([
        basic(basic(x, f"{name}.branch0.0"), f"{name}.branch0.1", 2),
        basic(basic(x, f"{name}.branch1.0"), f"{name}.branch1.1", 2),
        basic(y, f"{name}.branch2.2", 2),
        ops.max_pool(x, 3, 2),
    ]))  # fmt: skip
    return results
