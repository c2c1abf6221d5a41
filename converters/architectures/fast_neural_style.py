"""Fast neural style: two steps down, residual blocks, two steps up, instance norm throughout.

Source: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016;
names, reflected borders and nearest upsampling as `TransformerNet` of pytorch/examples
(fast_neural_style) has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_EPSILON = 1e-5
_SMALLEST = 8
"""A reflected border of 4 needs a side of more than 4, and one of 1 a quarter of the side of more
than 1."""
_UNUSED = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")
_BLOCK = re.compile(r"^res([1-9]\d{0,2})\.")


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        widths: channels after each convolution on the way down.
        outer, inner: sides of the kernels of the first and last layer, and of all between; odd.
        blocks: how many residual blocks.
    """

    widths: tuple[int, int, int]
    outer: int
    inner: int
    blocks: int

    @property
    def layers(self) -> dict[str, tuple[int, ...]]:
        """Kernel shapes of all convolutions."""
        first, second, third = self.widths
        outer, inner = (self.outer,) * 2, (self.inner,) * 2
        between = {
            f"res{block}.conv{number}": (third, third, *inner)
            for block in range(1, self.blocks + 1)
            for number in (1, 2)
        }
        return {
            "conv1": (first, 3, *outer),
            "conv2": (second, first, *inner),
            "conv3": (third, second, *inner),
            **between,
            "deconv1": (second, third, *inner),
            "deconv2": (first, second, *inner),
            "deconv3": (3, first, *outer),
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every array."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, kernel in self.layers.items():
            shapes |= {f"{layer}.conv2d.weight": kernel, f"{layer}.conv2d.bias": kernel[:1]}
            if layer in _NORMS or layer.startswith("res"):
                norm = _norm_of(layer)
                shapes |= {f"{norm}.weight": kernel[:1], f"{norm}.bias": kernel[:1]}
        return shapes


_NORMS = {"conv1": "in1", "conv2": "in2", "conv3": "in3", "deconv1": "in4", "deconv2": "in5"}


def _norm_of(layer: str) -> str:
    return _NORMS.get(layer) or layer.replace(".conv", ".in")


def _recognise(weights: Weights) -> Found:
    arrays = {name: array for name, array in weights.arrays.items() if not _UNUSED.search(name)}
    sides = {}
    for layer in ("conv1", "conv2", "conv3"):
        kernel = arrays.get(f"{layer}.conv2d.weight")
        if kernel is None or len(kernel.shape) != 4:
            raise NotThis(f"it has no kernel {layer}.conv2d.weight")
        sides[layer] = kernel.shape
    blocks = {int(found[1]) for name in arrays if (found := _BLOCK.match(name))}
    config = Config(
        (sides["conv1"][0], sides["conv2"][0], sides["conv3"][0]),
        sides["conv1"][2], sides["conv2"][2], len(blocks),
    )  # fmt: skip
    if config.outer not in (3, 5, 7, 9) or config.inner != 3:
        raise NotThis(f"its kernels have sides of {config.outer} and {config.inner}")
    expected = config.shapes
    if set(arrays) != set(expected):
        odd = sorted(set(arrays) ^ set(expected))
        raise NotThis(f"its arrays differ in {len(odd)} names, the first {odd[0][:80]!r}")
    for name, shape in expected.items():
        if tuple(arrays[name].shape) != shape:
            raise NotThis(f"{name} has the shape {list(arrays[name].shape)}, not {list(shape)}")
    if 0 in config.widths:
        raise NotThis("one of its layers gives nothing")
    evidence = [
        f"conv1 gives {config.widths[0]} channels, and there are {config.blocks} residual blocks"
    ]
    if len(arrays) < len(weights.arrays):
        evidence.append(
            "The running statistics of its norms are dropped: this network uses those of the "
            "picture itself."
        )
    return Found(
        config,
        f"fast neural style, {config.widths[0]} channels, {config.blocks} residual blocks",
        {"widths": list(config.widths), "blocks": config.blocks},
        evidence,
    )


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    shapes = config.shapes

    def less_corner(x: str) -> str:
        # A norm takes off whatever is added to a whole map, and so what is added to all that a
        # convolution with reflected borders sees. Of a flat map it is left with what its mean was
        # rounded by, divided by 0.003: of flat frames runtimes then differ by up to 84 of 255.
        # Less its corner a flat map is zero in all of them.
        return graph.add("Sub", [x, graph.slice(x, [0, 0], [1, 1], [2, 3])])

    def convolved(x: str, layer: str, *, stride: int = 1, up: int = 1, normed: bool = True) -> str:
        kernel = take(weights, f"{layer}.conv2d.weight", shapes[f"{layer}.conv2d.weight"])
        bias = take(weights, f"{layer}.conv2d.bias", shapes[f"{layer}.conv2d.bias"])
        if normed and stride == 1:
            x = less_corner(x)
        if up > 1:
            x = graph.nearest(x, up)
        x = graph.pad_sides(x, (kernel.shape[2] // 2,) * 4, "reflect")
        if not normed:
            return graph.conv(x, kernel, bias)
        x = graph.conv(x, kernel, stride=stride)
        if stride > 1:
            x = less_corner(x)  # here, where the map is the smaller one
        norm = _norm_of(layer)
        gamma = take(weights, f"{norm}.weight", shapes[f"{norm}.weight"])
        beta = take(weights, f"{norm}.bias", shapes[f"{norm}.bias"])
        return graph.instance_norm(x, len(gamma), gamma, beta, _EPSILON, centred=True)

    x = "frame"
    for layer, stride in (("conv1", 1), ("conv2", 2), ("conv3", 2)):
        x = graph.relu(convolved(x, layer, stride=stride))
    for block in range(1, config.blocks + 1):
        inside = graph.relu(convolved(x, f"res{block}.conv1"))
        x = graph.sum(convolved(inside, f"res{block}.conv2"), x)
    for layer in ("deconv1", "deconv2"):
        x = graph.relu(convolved(x, layer, up=2))
    x = convolved(x, "deconv3", normed=False)
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "styled", (1, 3, "H", "W"))]),
        task="stylize",
        inputs=[
            FrameInput(
                name="frame", range=[0.0, 255.0],
                size=Size(multiple_of=4, min=[_SMALLEST, _SMALLEST]),
            )
        ],
        outputs=[FrameOutput(name="styled", range=[0.0, 255.0])],
        title="Fast neural style",
        description="Redraws each frame in the style that the network was trained on.",
        limits=[
            "Each frame is drawn by itself: textures shimmer where the picture moves.",
            "The style's strokes have a size in pixels, so they look larger in a smaller frame.",
        ],
        try_size=(64, 48),
    )  # fmt: skip


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    arrays = weights.arrays

    def convolved(x: Array, layer: str, stride: int = 1) -> Array:
        kernel = arrays[f"{layer}.conv2d.weight"]
        border = kernel.shape[-1] // 2
        padded = ops.pad(x, (border, border, border, border), "reflect")
        return ops.conv(padded, kernel, arrays[f"{layer}.conv2d.bias"], stride=stride)

    def normed(x: Array, norm: str) -> Array:
        return ops.instance_norm(x, arrays[f"{norm}.weight"], arrays[f"{norm}.bias"], _EPSILON)

    y = inputs["frame"]
    y = ops.relu(normed(convolved(y, "conv1"), "in1"))
    y = ops.relu(normed(convolved(y, "conv2", 2), "in2"))
    y = ops.relu(normed(convolved(y, "conv3", 2), "in3"))
    for index in range(config.blocks):
        name = f"res{index + 1}"
        out = ops.relu(normed(convolved(y, f"{name}.conv1"), f"{name}.in1"))
        y = normed(convolved(out, f"{name}.conv2"), f"{name}.in2") + y
    y = ops.relu(normed(convolved(ops.nearest(y, 2), "deconv1"), "in4"))
    y = ops.relu(normed(convolved(ops.nearest(y, 2), "deconv2"), "in5"))
    return {"styled": convolved(y, "deconv3")}


ARCHITECTURE = Architecture(
    "fast-neural-style", "Fast neural style (pytorch/examples)", "torch",
    _recognise, _build, _reference,
)  # fmt: skip
