"""Two pix2pix U-Nets as one, whose weights lie anywhere between theirs.

Each kernel, bias, gamma and beta is blended before its layer, and one pass is made: no crossfade of
two pictures. The graph holds the first network's arrays and what the second's differ by, once each.
Source: the generator of keijiro/Ngx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bridge.errors import NetworkError
from bridge.inference.manifest import ParameterInput
from converters.architectures import pix2pix
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.pix2pix import Config
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

FIRST, SECOND = "first/", "second/"
_MIX = "mix"


class _Under(Mapping[str, Array]):
    """The arrays whose names begin so, without that beginning; still lazy."""

    def __init__(self, arrays: Mapping[str, Array], prefix: str) -> None:
        self._arrays, self._prefix = arrays, prefix
        self._names = [n.removeprefix(prefix) for n in arrays if n.startswith(prefix)]

    def __getitem__(self, name: str) -> Array:
        return self._arrays[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Both(Mapping[str, Array]):
    """The arrays of two files, each name after "first/" or "second/"; still lazy."""

    def __init__(self, first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
        self._of = {FIRST: first, SECOND: second}

    def __getitem__(self, name: str) -> Array:
        prefix, slash, rest = name.partition("/")
        if prefix + slash not in self._of:
            raise KeyError(name)
        return self._of[prefix + slash][rest]

    def __iter__(self) -> Iterator[str]:
        return (prefix + name for prefix, arrays in self._of.items() for name in arrays)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))


class _Blended(Mapping[str, Array]):
    """The arrays of the network that lies so far on the way from the first to the second."""

    def __init__(self, first: Mapping[str, Array], second: Mapping[str, Array], mix: float) -> None:
        self._first, self._second, self._mix = first, second, mix

    def __getitem__(self, name: str) -> Array:
        first, second = (np.asarray(a[name], np.float64) for a in (self._first, self._second))
        return np.asarray((1 - self._mix) * first + self._mix * second)

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)


def joined(first: Weights, second: Weights) -> Weights:
    """Two files as one, which `ARCHITECTURE` takes."""
    return Weights(
        _Both(first.arrays, second.arrays), first.reader, (*first.files, *second.files),
        {"first": first.facts, "second": second.facts}, (*first.evidence, *second.evidence),
    )  # fmt: skip


def mix(first: Weights, second: Weights) -> tuple[Found, Network]:
    """One network of two, with a parameter "mix" from 0, the first, to 1, the second.

    Its parity is measured with `ARCHITECTURE` and `joined(first, second)`.
    Raises: NetworkError: one is no pix2pix U-Net, they differ in width or kind, or an array does
        not fit.
    """
    weights = joined(first, second)
    try:
        found = ARCHITECTURE.recognise(weights)
    except NotThis as reason:
        raise NetworkError(
            " and ".join(str(path) for path in weights.files),
            "two pix2pix U-Nets of the same width and kind", f"others: {reason}",
            "Only such can be mixed; convert others one by one.",
        ) from None  # fmt: skip
    return found, ARCHITECTURE.build(weights, found.config)


def _recognise(weights: Weights) -> Found:
    configs = []
    for prefix in (FIRST, SECOND):
        if not any(name.startswith(prefix) for name in weights.arrays):
            raise NotThis("it is not two networks")
        try:
            found = pix2pix.recognise(_part(weights, prefix))
        except NotThis as reason:
            raise NotThis(f"the {prefix[:-1]} network is none: {reason}") from None
        configs.append(found.config)
    if configs[0] != configs[1]:
        raise NotThis(
            f"the networks differ: channels {list(configs[0].widths)} of "
            f"{configs[0].names.down} and {list(configs[1].widths)} of {configs[1].names.down}"
        )
    return Found(
        configs[0], f"mix of two: {found.family}", dict(found.facts),
        [*found.evidence, "two files with the same arrays: their weights can be mixed"],
    )  # fmt: skip


def _build(weights: Weights, config: Config) -> Network:
    first, second = (_part(weights, prefix) for prefix in (FIRST, SECOND))
    bottleneck = pix2pix.layers_of(config)[pix2pix.DEPTH - 1]
    for name, shape in bottleneck.arrays(config.names).items():
        for part in (first, second):
            take(part, name, shape)  # not all in the graph, but of the network
    graph = NetworkGraph()

    def value(name: str, shape: Sequence[int], ordered: Callable[[Array], Array]) -> str:
        base = ordered(take(first, name, shape))
        away = ordered(take(second, name, shape)) - base
        scaled = graph.add("Mul", [graph.constant(away, "float32"), _MIX])
        return graph.add("Add", [graph.constant(base, "float32"), scaled])

    x = pix2pix.wire(graph, config, value)
    port = ParameterInput(
        name=_MIX, kind="float", default=0.5, min=0, max=1, label="first to second network"
    )
    network = pix2pix.network_of(
        graph, x, f"Two pix2pix mixed, ngf {config.widths[0]}",
        "Draws each frame anew, by a network whose weights lie anywhere between two trained ones.",
        port,
    )  # fmt: skip
    # On two cores at ngf 64: a third more in ONNX Runtime, 2.2 times in OpenVINO.
    cost = (
        "All weights are blended anew for each frame: on a processor that takes from a third as "
        "long as one network alone to a little more than as long."
    )
    return replace(network, limits=(*network.limits, cost))


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    first, second = (_Under(weights.arrays, prefix) for prefix in (FIRST, SECOND))
    blended = _Blended(first, second, float(inputs[_MIX].reshape(-1)[0]))
    return pix2pix.reference(ops, weights.with_arrays(blended), config, inputs)


def _part(weights: Weights, prefix: str) -> Weights:
    files = weights.files[:1] if prefix == FIRST else weights.files[-1:]
    return Weights(_Under(weights.arrays, prefix), weights.reader, files)


ARCHITECTURE = Architecture(
    "pix2pix-mix", "Two pix2pix U-Nets, mixed", "tensorflow", _recognise, _build, _reference
)
