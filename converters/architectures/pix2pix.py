"""pix2pix: the U-Net of affinelayer's port, eight layers down and eight up, at 256x256.

Each normalisation takes the statistics of the picture at hand, in use as in training. Dropout,
which the original script leaves on, is off, as in the ports to JavaScript and to Unity.
Source: Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017;
pix2pix.py of affinelayer/pix2pix-tensorflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.inference.manifest import FrameInput, FrameOutput, ParameterInput, Size
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops, same_pads
from converters.weights import Array, Weights

SIDE = 256
DEPTH = 8
_KERNEL = 4
_SLOPE = 0.2
_EPSILON = 1e-5
_ONE_PIXEL = (1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Names:
    """What the arrays of a layer are called, after "generator/encoder_1/".

    Attributes:
        down, up: kernels; of separable convolutions the depthwise ones.
        pointwise: of separable convolutions.
        biases: of `down` and of `up`; empty where there are none.
        gamma, beta: of the normalisation.
    """

    down: str
    up: str
    biases: tuple[str, str] | tuple[()]
    gamma: str = "batch_normalization/gamma"
    beta: str = "batch_normalization/beta"
    pointwise: str = ""


_SPELLINGS = (
    Names("conv2d/kernel", "conv2d_transpose/kernel", ("conv2d/bias", "conv2d_transpose/bias")),
    Names("conv/filter", "deconv/filter", (), "batchnorm/scale", "batchnorm/offset"),
    Names(
        "separable_conv2d/depthwise_kernel", "separable_conv2d/depthwise_kernel",
        ("separable_conv2d/bias", "separable_conv2d/bias"),
        pointwise="separable_conv2d/pointwise_kernel",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        widths: channels of the results of encoder_1 to encoder_8 and of decoder_8 to decoder_1.
    """

    names: Names
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the network.

    Attributes:
        scope: "generator/encoder_3/", before the names of its arrays.
        inside, outside: channels.
        up: of the decoder.
        normed: the first and the last are not.
    """

    scope: str
    inside: int
    outside: int
    up: bool
    normed: bool

    def arrays(self, names: Names) -> dict[str, tuple[int, ...]]:
        """Name and shape of each, as stored; kernels first."""
        kernel = self.scope + (names.up if self.up else names.down)
        square = (_KERNEL, _KERNEL)
        if names.pointwise:
            found: dict[str, tuple[int, ...]] = {
                kernel: (*square, self.inside, 1),
                self.scope + names.pointwise: (1, 1, self.inside, self.outside),
            }
        elif self.up:
            found = {kernel: (*square, self.outside, self.inside)}
        else:
            found = {kernel: (*square, self.inside, self.outside)}
        if names.biases:
            found[self.scope + names.biases[self.up]] = (self.outside,)
        if self.normed:
            found |= {self.scope + part: (self.outside,) for part in (names.gamma, names.beta)}
        return found


def layers_of(config: Config) -> list[Layer]:
    """All sixteen, in the order of their work."""
    down, up = config.widths[:DEPTH], config.widths[DEPTH:]
    layers = []
    for index in range(DEPTH):
        scope = f"generator/encoder_{index + 1}/"
        layers.append(Layer(scope, down[index - 1] if index else 3, down[index], False, index > 0))
    for index in range(DEPTH):
        # The decoder's own result stands before the encoder's of the same size.
        inside = down[-1] if not index else up[index - 1] + down[-1 - index]
        number = DEPTH - index
        scope = f"generator/decoder_{number}/"
        layers.append(Layer(scope, inside, up[index], True, number > 1))
    return layers


def recognise(weights: Weights) -> Found:
    """
    Raises: NotThis.
    """
    arrays = weights.arrays
    first = "generator/encoder_1/"
    names = next((n for n in _SPELLINGS if first + n.down in arrays), None)
    if names is None:
        raise NotThis(f"it has none of {', '.join(first + n.down for n in _SPELLINGS)}")
    widths = []
    for index in range(2 * DEPTH):
        up = index >= DEPTH
        scope = (
            f"generator/decoder_{2 * DEPTH - index}/" if up else f"generator/encoder_{index + 1}/"
        )
        kernel = scope + (names.pointwise or (names.up if up else names.down))
        if kernel not in arrays:
            raise NotThis(f"it has {first + names.down}, but no {kernel}")
        shape = arrays[kernel].shape
        if len(shape) != 4:
            raise NotThis(f"{kernel} has {len(shape)} axes, not 4")
        widths.append(shape[2] if up and not names.pointwise else shape[3])
    channels = arrays[first + names.down].shape[2:3]
    if channels != (3,) or widths[-1] != 3:
        raise NotThis(
            f"it maps {channels[0] if channels else 0} channels to {widths[-1]}, not RGB to RGB"
            + (" (a colorisation in Lab)" if {*channels, widths[-1]} == {1, 2} else "")
        )
    config = Config(names, tuple(widths))
    for layer in layers_of(config):
        for name, shape in list(layer.arrays(names).items())[: 2 if names.pointwise else 1]:
            if name not in arrays or arrays[name].shape != shape:
                found = list(arrays[name].shape) if name in arrays else "missing"
                raise NotThis(f"{name} is {found}, not {list(shape)} as its neighbours ask for")
    ngf = widths[0]
    kind = ", separable convolutions" if names.pointwise else ""
    return Found(
        config,
        f"pix2pix U-Net, ngf {ngf}{kind}",
        {"ngf": ngf, "widths": widths, "separable": bool(names.pointwise)},
        [
            f"{first + names.down} to generator/decoder_1/{names.up}: eight layers down, eight up",
            f"encoder_1 gives {ngf} channels: ngf {ngf}",
        ],
    )


Value = Callable[[str, Sequence[int], Callable[[Array], Array]], str]
"""Gives the graph's value of an array: its name and shape as stored, and what brings it into the
graph's order of axes."""


def wire(graph: NetworkGraph, config: Config, value: Value) -> str:
    """Emit the network after the input "frame", float (1, 3, 256, 256), -1 to 1; its result, which
    is named, is the same."""
    names = config.names
    x, skips = "frame", list[str]()
    for index, layer in enumerate(layers_of(config)):
        if index == DEPTH - 1:
            # One pixel is its own mean: what normalisation leaves is beta, whatever was convolved.
            skips.append(x)
            x = value(layer.scope + names.beta, (layer.outside,), lambda a: a.reshape(1, -1, 1, 1))
            continue
        if layer.up:
            if index > DEPTH:
                x = graph.concat([x, skips.pop()], axis=1)
            x = graph.relu(x)
        elif index:
            skips.append(x)
            x = graph.leaky_relu(x, _SLOPE)
        x = _convolved(graph, names, layer, x, value)
        if layer.normed:
            both = [
                value(layer.scope + part, (layer.outside,), _as_stored)
                for part in (names.gamma, names.beta)
            ]
            x = graph.add("InstanceNormalization", [x, *both], epsilon=_EPSILON)
    return graph.tanh(x)


def _convolved(graph: NetworkGraph, names: Names, layer: Layer, x: str, value: Value) -> str:
    (kernel, shape), *others = layer.arrays(names).items()
    bias = []
    if names.biases:
        bias = [value(layer.scope + names.biases[layer.up], (layer.outside,), _as_stored)]
    square = [_KERNEL, _KERNEL]
    if not names.pointwise:
        both = [value(kernel, shape, lambda a: a.transpose(3, 2, 0, 1)), *bias]
        operation = "ConvTranspose" if layer.up else "Conv"
        return graph.add(
            operation, [x, *both], kernel_shape=square, strides=[2, 2], pads=_ONE_PIXEL
        )
    stride, pads = (1, (1, 1, 2, 2)) if layer.up else (2, _ONE_PIXEL)
    x = graph.nearest(x, 2) if layer.up else x
    depthwise = value(kernel, shape, lambda a: a.transpose(2, 3, 0, 1))
    x = graph.add(
        "Conv", [x, depthwise], kernel_shape=square, strides=[stride] * 2, pads=pads,
        group=layer.inside,
    )  # fmt: skip
    pointwise = value(*others[0], lambda a: a.transpose(3, 2, 0, 1))
    return graph.add("Conv", [x, pointwise, *bias], kernel_shape=[1, 1])


def _as_stored(array: Array) -> Array:
    return array


def network_of(
    graph: NetworkGraph, x: str, title: str, description: str, *knobs: ParameterInput
) -> Network:
    """The network whose result `x` is; `knobs` are inputs of one float each."""
    shape = (1, 3, SIDE, SIDE)
    inputs: list[tuple[str, Sequence[int | str]]] = [("frame", shape)]
    inputs += [(knob.name, (1,)) for knob in knobs]
    return Network(
        model=graph.model(inputs, [(x, "picture", shape)]),
        task="stylize",
        inputs=[FrameInput(name="frame", range=[-1, 1], size=Size(fixed=[SIDE, SIDE])), *knobs],
        outputs=[FrameOutput(name="picture", range=[-1, 1])],
        title=title,
        description=description,
        limits=LIMITS,
        try_size=(SIDE, SIDE),
    )


LIMITS = (
    f"It works at {SIDE}x{SIDE}, whatever the size of the frame.",
    "Each frame is normalised by its own statistics, so brightness may wander from frame to frame.",
    "Dropout is off: the same frame gives the same picture.",
)


def _build(weights: Weights, config: Config) -> Network:
    for name, shape in layers_of(config)[DEPTH - 1].arrays(config.names).items():
        take(weights, name, shape)  # not in the graph, but of the network
    graph = NetworkGraph()

    def value(name: str, shape: Sequence[int], ordered: Callable[[Array], Array]) -> str:
        return graph.constant(ordered(take(weights, name, shape)), "float32")

    x = wire(graph, config, value)
    return network_of(
        graph, x, f"pix2pix, ngf {config.widths[0]}",
        "Draws each frame anew, as the pairs of pictures have it that pix2pix was trained on.",
    )  # fmt: skip


def reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """As the original script has it, its bottleneck calculated."""
    arrays, names = weights.arrays, config.names

    def kernel(name: str, order: tuple[int, int, int, int]) -> Array:
        return arrays[name].transpose(order)

    def convolved(x: Array, scope: str, up: bool) -> Array:
        bias = arrays[scope + names.biases[up]] if names.biases else None
        if not names.pointwise and up:
            weight = kernel(scope + names.up, (3, 2, 0, 1))
            return ops.conv_transpose(x, weight, bias, stride=2, padding=1)
        if up:
            x = ops.nearest(x, 2)
        stride = 1 if up else 2
        pads = same_pads(x.shape[2], x.shape[3], _KERNEL, stride)
        if not names.pointwise:
            weight = kernel(scope + names.down, (3, 2, 0, 1))
            return ops.conv(x, weight, bias, stride=stride, pads=pads)
        weight = kernel(scope + names.down, (2, 3, 0, 1))
        x = ops.conv(x, weight, stride=stride, pads=pads, groups=x.shape[1])
        return ops.conv(x, kernel(scope + names.pointwise, (3, 2, 0, 1)), bias)

    def normed(x: Array, scope: str) -> Array:
        return ops.instance_norm(
            x, arrays[scope + names.gamma], arrays[scope + names.beta], _EPSILON
        )

    encoded = [convolved(inputs["frame"], "generator/encoder_1/", False)]
    for number in range(2, DEPTH + 1):
        scope = f"generator/encoder_{number}/"
        encoded.append(normed(convolved(ops.leaky_relu(encoded[-1], _SLOPE), scope, False), scope))
    x = encoded.pop()
    for number in range(DEPTH, 1, -1):
        scope = f"generator/decoder_{number}/"
        x = normed(convolved(ops.relu(x), scope, True), scope)
        x = ops.concat([x, encoded.pop()])
    return {"picture": ops.tanh(convolved(ops.relu(x), "generator/decoder_1/", True))}


ARCHITECTURE = Architecture(
    "pix2pix", "pix2pix U-Net (affinelayer)", "tensorflow", recognise, _build, reference
)
