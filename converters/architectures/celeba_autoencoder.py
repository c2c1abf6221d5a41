"""The decoders of a convolutional autoencoder and of a VAE for faces of 128x128.

Source: V-Kisielius/AE-VAE-CelebA, autoencoder.py and VAE.py. A VAE's decoder takes normally
distributed codes. A plain autoencoder's does not: what it makes of them is no face. So codes of
such a one are sent through the network itself first, out of the decoder and into the encoder again:
each round brings them closer to those of the pictures that it was trained on, as Bengio et al.,
"Generalized Denoising Auto-Encoders as Generative Models", 2013, draw their samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.inference.manifest import FrameOutput, Input, LatentInput, ParameterInput
from converters.architectures.base import Architecture, Found, Network, NotThis, take, wrong
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_SIDE = 128
_INNER = 4
"""Side of the smallest map, of which the decoder makes 128."""
_LONGEST_CODE = 65536
_ROUNDS = 16
_EPSILON = 1e-5
_SLOPE = 0.01
_UNUSED = "num_batches_tracked"
# Of either kind: the convolutions, each followed by its norm where there are norms.
_AE = (("encoder.0", "encoder.3", "encoder.6"), ("decoder.2", "decoder.5", "decoder.8"))
_VAE = (("encoder.0", "encoder.4", "encoder.8"), ("decoder.2", "decoder.6", "decoder.10"))
_NORMS = {
    "encoder.0": "encoder.2", "encoder.4": "encoder.6", "encoder.8": "encoder.9",
    "decoder.2": "decoder.3", "decoder.6": "decoder.7", "decoder.10": "decoder.11",
}  # fmt: skip
_TRANSPOSED = ((3, 3, 2), (4, 2, 1), (4, 2, 1))
"""Kernel, stride and padding of each."""


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        latent: length of the code.
        encoder: channels after each convolution of the encoder.
        decoder: channels before each transposed convolution of the decoder.
        variational: whether this is the VAE.
    """

    latent: int
    encoder: tuple[int, int, int]
    decoder: tuple[int, int, int]
    variational: bool

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of every array."""
        down, up = _VAE if self.variational else _AE
        shapes: dict[str, tuple[int, ...]] = {}
        inside = 3
        for name, out in zip(down, self.encoder, strict=True):
            shapes |= self._layer(name, (out, inside, 3, 3), out)
            inside = out
        flat = inside * _INNER**2
        for name in ("fc1", "fc2") if self.variational else ("encoder.9",):
            shapes |= {f"{name}.weight": (self.latent, flat), f"{name}.bias": (self.latent,)}
        flat = self.decoder[0] * _INNER**2
        shapes |= {"decoder.0.weight": (flat, self.latent), "decoder.0.bias": (flat,)}
        outs = (*self.decoder[1:], 3)
        for name, inside, out, (side, *_) in zip(up, self.decoder, outs, _TRANSPOSED, strict=True):
            shapes |= self._layer(name, (inside, out, side, side), out)
        return shapes

    def _layer(self, name: str, kernel: tuple[int, ...], out: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": kernel, f"{name}.bias": (out,)}
        if self.variational:
            parts = ("weight", "bias", "running_mean", "running_var")
            shapes |= {f"{_NORMS[name]}.{part}": (out,) for part in parts}
        return shapes


def _recognise(weights: Weights) -> Found:
    arrays = {
        name: tuple(array.shape)
        for name, array in weights.arrays.items()
        if not name.endswith(_UNUSED)
    }
    variational = "fc2.weight" in arrays
    down, up = _VAE if variational else _AE
    kernels = [arrays.get(f"{name}.weight", ()) for name in (*down, *up)]
    code = arrays.get("decoder.0.weight", ())
    if len(code) != 2 or code[1] > _LONGEST_CODE or any(len(kernel) != 4 for kernel in kernels):
        raise NotThis("it has no encoder and decoder of three convolutions each")
    config = Config(
        code[1],
        (kernels[0][0], kernels[1][0], kernels[2][0]),
        (kernels[3][0], kernels[4][0], kernels[5][0]),
        variational,
    )
    expected = config.shapes
    if set(arrays) != set(expected):
        odd = sorted(set(arrays) ^ set(expected))
        raise NotThis(f"its arrays differ in {len(odd)} names, the first {odd[0][:80]!r}")
    for name, shape in expected.items():
        if arrays[name] != shape or 0 in shape:
            raise NotThis(f"{name} has the shape {list(arrays[name])}, not {list(shape)}")
    kind = "VAE" if variational else "autoencoder"
    return Found(
        config,
        f"convolutional {kind} of {_SIDE}x{_SIDE}, code of {config.latent}",
        {"latent": config.latent, "kind": "vae" if variational else "autoencoder"},
        [
            f"decoder.0 leads from {config.latent} numbers to {config.decoder[0]} maps of "
            f"{_INNER}x{_INNER}",
            "fc1 and fc2 give mean and variance of the code: a VAE."
            if variational
            else "encoder.9 gives the code itself: a plain autoencoder.",
        ],
    )


class _SharingGraph(NetworkGraph):
    """Holds each constant once, however often the network goes around."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        array = np.asarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = super().constant(array, dtype)
        return self._known[key]

    def linear(self, x: str, weight: Array, bias: Array) -> str:
        parts = [self.constant(part, np.float32) for part in (weight, bias)]
        return self.add("Gemm", [x, *parts], transB=1)

    def max_pool(self, x: str) -> str:
        return self.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])

    def elu(self, x: str) -> str:
        return self.add("Elu", [x])


def _build(weights: Weights, config: Config) -> Network:
    graph = _SharingGraph()
    arrays = {name: take(weights, name, shape) for name, shape in config.shapes.items()}
    for name, values in arrays.items():
        if name.endswith("running_var") and (values < 0).any():
            wrong(weights, name, "variances", "negative ones")
    inputs: list[Input] = [LatentInput(name="code", length=config.latent)]
    if config.variational:
        x = _decoded(graph, arrays, config, "code")
    else:
        inputs += [
            ParameterInput(
                name="rounds", kind="float", default=12.0, min=0.0, max=float(_ROUNDS),
                label="Rounds through the network",
            ),
            ParameterInput(
                name="spread", kind="float", default=1.0, min=0.0, max=2.0, label="Spread of codes"
            ),
        ]  # fmt: skip
        x = _decoded(graph, arrays, config, _settled(graph, arrays, config))
    knobs = [(port.name, (1,)) for port in inputs[1:]]
    return Network(
        model=graph.model(
            [("code", (1, config.latent)), *knobs], [(x, "image", (1, 3, _SIDE, _SIDE))]
        ),
        task="generate",
        inputs=inputs,
        outputs=[FrameOutput(name="image", size=[_SIDE, _SIDE], range=[-1.0, 1.0])],
        title="Face VAE" if config.variational else "Face autoencoder",
        description=f"Draws pictures of {_SIDE}x{_SIDE} pixels, such as faces, from a code.",
        limits=[
            f"The pictures have {_SIDE}x{_SIDE} pixels and are soft."
            if config.variational
            else f"The pictures have {_SIDE}x{_SIDE} pixels and are soft. An autoencoder is no "
            "generator: with no rounds the decoder alone draws the code, which is no face."
        ],
        try_size=(_SIDE, _SIDE),
    )


def _decoded(graph: _SharingGraph, arrays: Mapping[str, Array], config: Config, code: str) -> str:
    x = graph.linear(code, arrays["decoder.0.weight"], arrays["decoder.0.bias"])
    x = graph.reshape(x, [1, config.decoder[0], _INNER, _INNER])
    names = (_VAE if config.variational else _AE)[1]
    for index, (name, (_, stride, padding)) in enumerate(zip(names, _TRANSPOSED, strict=True)):
        if index:
            x = graph.nearest(x, 2)
        kernel, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        if config.variational:
            norm = _NORMS[name]
            # The norm's fixed statistics are part of the kernel.
            variance = arrays[f"{norm}.running_var"].astype(np.float64)
            factor = arrays[f"{norm}.weight"] / np.sqrt(variance + _EPSILON)
            kernel = kernel * factor.reshape(1, -1, 1, 1)
            bias = (bias - arrays[f"{norm}.running_mean"]) * factor + arrays[f"{norm}.bias"]
        x = graph.conv_transpose(x, kernel, bias, stride=stride, padding=padding)
        if index < len(names) - 1:
            x = graph.leaky_relu(x, _SLOPE) if config.variational else graph.elu(x)
    return graph.tanh(x)


def _settled(graph: _SharingGraph, arrays: Mapping[str, Array], config: Config) -> str:
    """The code after `rounds`, in between two of them as a blend of both."""
    x = graph.tanh(graph.add("Mul", ["code", "spread"]))
    codes = [x]
    for _ in range(_ROUNDS):
        x = _decoded(graph, arrays, config, x)
        for index, name in enumerate(_AE[0]):
            kernel, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
            x = graph.conv(x, kernel, bias, stride=2, pads=(1, 1, 1, 1))
            x = graph.elu(graph.max_pool(x) if index < len(_AE[0]) - 1 else x)
        x = graph.reshape(x, [1, config.encoder[-1] * _INNER**2])
        x = graph.tanh(graph.linear(x, arrays["encoder.9.weight"], arrays["encoder.9.bias"]))
        codes.append(x)
    apart = graph.add("Sub", ["rounds", graph.constant(np.arange(_ROUNDS + 1), np.float32)])
    share = graph.clip(graph.affine(graph.add("Abs", [apart]), -1, 1), 0, 1)
    share = graph.reshape(share, [1, _ROUNDS + 1])
    return graph.add("MatMul", [share, graph.concat(codes, axis=0)])


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    arrays = weights.arrays

    def layer(method: Any, x: Array, name: str, **sizes: Any) -> Array:
        return np.asarray(method(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"], **sizes))

    def decode(code: Array) -> Array:
        x = layer(ops.linear, code, "decoder.0").reshape(1, config.decoder[0], _INNER, _INNER)
        names = (_VAE if config.variational else _AE)[1]
        for name in names:
            if name != names[0]:
                x = ops.nearest(x, 2)
            side = arrays[f"{name}.weight"].shape[-1]
            sizes = {"stride": 3, "padding": 2} if side == 3 else {"stride": 2, "padding": 1}
            x = layer(ops.conv_transpose, x, name, **sizes)
            if config.variational:
                parts = ("running_mean", "running_var", "weight", "bias")
                norm = [arrays[f"{_NORMS[name]}.{part}"] for part in parts]
                x = ops.batch_norm(x, norm[0], norm[1], norm[2], norm[3], _EPSILON)
            if name != names[-1]:
                x = ops.leaky_relu(x, _SLOPE) if config.variational else ops.elu(x)
        return ops.tanh(x)

    def encode(x: Array) -> Array:
        x = layer(ops.conv, x, "encoder.0", stride=2, pads=(1, 1, 1, 1))
        x = ops.elu(ops.max_pool(x, 2, 2))
        x = layer(ops.conv, x, "encoder.3", stride=2, pads=(1, 1, 1, 1))
        x = ops.elu(ops.max_pool(x, 2, 2))
        x = layer(ops.conv, x, "encoder.6", stride=2, pads=(1, 1, 1, 1))
        return ops.tanh(layer(ops.linear, ops.elu(x.reshape(1, -1)), "encoder.9"))

    code = inputs["code"]
    if not config.variational:
        rounds, spread = (float(inputs[name][0]) for name in ("rounds", "spread"))
        code = ops.tanh(code * spread)
        for _ in range(int(rounds)):
            code = encode(decode(code))
        if rest := rounds - int(rounds):
            code = (1 - rest) * code + rest * encode(decode(code))
    return {"image": decode(code)}


ARCHITECTURE = Architecture(
    "celeba-autoencoder", "Convolutional autoencoder and VAE of 128x128 (CelebA)", "torch",
    _recognise, _build, _reference,
)  # fmt: skip
