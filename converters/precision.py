"""A second graph with float16 inside, and how far it is from the first.

Its ports stay float32: the bridge puts float32 into every graph and takes float32 out of it.

ONNX Runtime calculates float16 on a processor in float32, and leaves out the rounding between two
layers: measured there, a graph looks better than it is where float16 is native. So the difference
is measured on the float32 graph with each value rounded that is float16 in the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import NetworkError, ParityError
from bridge.inference.manifest import FrameOutput, Parity
from converters import parity
from converters.apart import call_apart, packed_all, unpacked_all
from converters.architectures.base import Network
from converters.weights import Array

LEAST_PSNR_DB = 45.0
"""Against float32, of the worst picture: a mean hides what one picture loses."""
_SEEDS = (0, 1, 2)
_LARGEST = float(np.finfo(np.float16).max)

# Sums over a whole picture, squares, and what is divided by next to nothing: float16 ends at 65504
# and begins at 6e-8. Most of these calculate in float32 inside even where float16 is native.
_KEPT = {
    "InstanceNormalization", "LayerNormalization", "BatchNormalization", "LpNormalization",
    "MeanVarianceNormalization", "GlobalAveragePool", "GlobalLpPool", "Softmax", "LogSoftmax",
    "Pow", "Sqrt", "Exp", "Log", "Reciprocal", "CumSum", "Range", "Erf", "GridSample",
    "QuantizeLinear", "DequantizeLinear", "NonMaxSuppression", "RandomNormal", "RandomUniform",
    "RandomNormalLike", "RandomUniformLike", "DynamicQuantizeLinear", "Mod", "TopK",
}  # fmt: skip
_LIGHT = {
    "Add", "Sub", "Mul", "Div", "Neg", "Abs", "Reshape", "Transpose", "Identity", "Squeeze",
    "Unsqueeze", "Flatten", "Slice", "Cast",
}  # fmt: skip
"""What goes with its readers: on the way to what stays float32 it stays so too."""
_FLOAT32_INPUTS = {"Resize": (1, 2)}
"""What stays float32 whatever the picture is: region and factors of a Resize."""


@dataclass(frozen=True, slots=True)
class Half:
    """
    Attributes:
        model: float16 weights and layers, float32 ports.
        psnr_db: of the worst picture against float32; infinity where there is no difference.
        max_abs_error: of any value, of 255.
    """

    model: onnx.ModelProto
    psnr_db: float
    max_abs_error: float

    def for_manifest(self) -> Parity:
        return Parity(against="the float32 graph", max_abs_error=self.max_abs_error, unit="of 255")


def half_precision(network: Network, pictures: Sequence[Mapping[str, Array]] = ()) -> Half:
    """The float16 graph of a network, held against its float32 one.

    Args:
        pictures: values of all inputs by name, each as the graph takes them, beside our own.
    Raises: NetworkError: the graph cannot be brought to float16. ParityError: it loses too much.
    """
    place = network.title
    tried = [*(parity.inputs_for(network, seed=seed) for seed in _SEEDS), *pictures]
    ranges = {p.name: list(p.range) for p in network.outputs if isinstance(p, FrameOutput)}
    request = {
        "model": network.model.SerializeToString(), "ranges": ranges,
        "tried": [packed_all(inputs) for inputs in tried],
    }  # fmt: skip
    answer = call_apart("converters.precision:measured", request, place)
    if not answer["finite"]:
        raise ParityError(
            place, f"at least {LEAST_PSNR_DB:g} dB against float32", "NaN or infinity in float16",
            "Its values are too large for float16: leave --precision away.",
        )  # fmt: skip
    if answer["psnr_db"] < LEAST_PSNR_DB:
        raise ParityError(
            place, f"at least {LEAST_PSNR_DB:g} dB against float32 on the worst picture",
            f"{answer['psnr_db']:.1f} dB",
            "float16 costs this network too much: leave --precision away.",
        )  # fmt: skip
    model = onnx.ModelProto()
    model.ParseFromString(answer["model"])
    return Half(model, answer["psnr_db"], answer["max_abs_error"])


def measured(request: dict[str, Any]) -> dict[str, Any]:
    """The float16 graph of a serialized one, and its difference; runs in a process of its own."""
    model = onnx.ModelProto()
    model.ParseFromString(request["model"])
    half = to_float16(model).SerializeToString()
    rounded = to_float16(model, rounded=True).SerializeToString()
    squares, worst, finite = 0.0, 0.0, True
    for packed in request["tried"]:
        inputs = unpacked_all(packed)
        expected = parity.run(request["model"], inputs)
        for graph in (half, rounded):
            found = parity.run(graph, inputs)
            for name, (low, high) in request["ranges"].items():
                finite = finite and bool(np.isfinite(found[name]).all())
                exact, near = (
                    np.clip((r[name].astype(np.float64) - low) / (high - low), 0, 1) * 255
                    for r in (expected, found)
                )
                worst = max(worst, float(np.abs(exact - near).max()))
                squares = max(squares, float(np.mean(np.square(exact - near))))
    psnr_db = 10 * math.log10(255**2 / squares) if squares > 0 else math.inf
    return {"model": half, "psnr_db": psnr_db, "max_abs_error": worst, "finite": finite}


def to_float16(model: onnx.ModelProto, rounded: bool = False) -> onnx.ModelProto:
    """The same graph with float16 inside, where float16 does for it.

    Args:
        rounded: a graph of float32 that rounds each value that would be float16.
    Raises: NetworkError: it has branches or loops, or types that cannot be told.
    """
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:
        raise _refused(" ".join(str(error).split())[:200]) from None
    graph = inferred.graph
    branches = [n for n in graph.node if any(a.g.node or a.graphs for a in n.attribute)]
    if branches:
        raise _refused(f"{branches[0].op_type}, which has a graph of its own")
    half = _Half(graph, rounded)
    kept = _kept(graph)
    for index, node in enumerate(graph.node):
        half.take(node, index not in kept)
    made = helper.make_graph(
        half.nodes, graph.name, list(graph.input), list(graph.output), half.weights(),
        sparse_initializer=list(graph.sparse_initializer),
    )  # fmt: skip
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.graph.CopyFrom(made)
    onnx.checker.check_model(result, full_check=True)
    return result


def _refused(found: str) -> NetworkError:
    return NetworkError(
        "float16", "a graph of plain layers, of known types", found, "Leave --precision away."
    )


class _Half:
    """A graph on its way to float16, node by node."""

    def __init__(self, graph: onnx.GraphProto, rounded: bool) -> None:
        self._rounded = rounded
        self.nodes: list[onnx.NodeProto] = []
        values = [*graph.input, *graph.output, *graph.value_info]
        self._types = {v.name: v.type.tensor_type.elem_type for v in values}
        self._types |= {t.name: t.data_type for t in graph.initializer}
        self._given = {tensor.name: tensor for tensor in graph.initializer}
        self._results = {value.name for value in graph.output}
        self._is_half: dict[str, bool] = {}
        """Of each float value, whether it is float16 where it is made; by its first name."""
        self._names: dict[tuple[str, bool], str] = {}
        """What a value is called in float16 and in float32, where it is there as such."""
        self._used: dict[str, onnx.TensorProto] = {}
        for value in graph.input:
            self._made(value.name, False, value.name)

    def weights(self) -> list[onnx.TensorProto]:
        return list(self._used.values())

    def take(self, node: onnx.NodeProto, half: bool) -> None:
        """Add one node, in float16 or as it is."""
        new = onnx.NodeProto()
        new.CopyFrom(node)
        plain = _FLOAT32_INPUTS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            if name in self._given or self._types.get(name) == TensorProto.FLOAT:
                new.input[index] = self._as(name, half and index not in plain)
        if half and not self._rounded:
            _half_attributes(new)
        after: list[onnx.NodeProto] = []
        for index, name in enumerate(node.output):
            if not name:
                continue
            if name not in self._types:
                raise _refused(f"a result of {node.op_type} whose type cannot be told")
            if self._types[name] == TensorProto.FLOAT:
                new.output[index] = self._result(name, half, after)
        self.nodes += [new, *after]

    def _result(self, name: str, half: bool, after: list[onnx.NodeProto]) -> str:
        """What a node is to call its result, and what comes after it."""
        if half and self._rounded:
            after += _rounding(f"{name}/exact", name)
            self._names[name, True] = self._names[name, False] = name
            self._is_half[name] = True
            return f"{name}/exact"
        inner = f"{name}/float16" if half and name in self._results else name
        self._made(name, half, inner)
        if inner != name:
            after.append(helper.make_node("Cast", [inner], [name], to=TensorProto.FLOAT))
            self._names[name, False] = name
        return inner

    def _made(self, name: str, half: bool, called: str) -> None:
        self._is_half[name] = half
        self._names[name, half] = called

    def _as(self, name: str, half: bool) -> str:
        if name in self._given:
            return self._weight(name, half)
        if name not in self._is_half:
            raise _refused(f"{name[:80]}, which is read before it is made")
        if (name, half) not in self._names:
            called = f"{name}/{'as float16' if half else 'as float32'}"
            kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
            source = self._names[name, not half]
            if self._rounded:
                self.nodes += _rounding(source, called)
            else:
                self.nodes.append(helper.make_node("Cast", [source], [called], to=kind))
            self._names[name, half] = called
        return self._names[name, half]

    def _weight(self, name: str, half: bool) -> str:
        tensor = self._given[name]
        if tensor.data_type != TensorProto.FLOAT or not half:
            self._used[name] = tensor
            return name
        called = f"{name}/float16"
        if called not in self._used:
            values = numpy_helper.to_array(tensor).astype(np.float16)
            if self._rounded:
                values = values.astype(np.float32)
            self._used[called] = numpy_helper.from_array(values, called)
        return called


def _rounding(source: str, name: str) -> list[onnx.NodeProto]:
    half = f"{name}/half"
    return [
        helper.make_node("Cast", [source], [half], to=TensorProto.FLOAT16),
        helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT),
    ]


def _kept(graph: onnx.GraphProto) -> set[int]:
    """Which nodes stay in float32, by their index."""
    large = {
        tensor.name
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT
        and np.abs(numpy_helper.to_array(tensor)).max(initial=0) > _LARGEST
    }
    kept = {
        index
        for index, node in enumerate(graph.node)
        if node.op_type in _KEPT
        or node.op_type.startswith("Reduce")
        or large.intersection(node.input)
    }
    readers: dict[str, list[int]] = {}
    for index, node in enumerate(graph.node):
        for name in node.input:
            readers.setdefault(name, []).append(index)
    # What only such nodes read stays with them: the squares before a mean, the epsilon before a
    # root.
    for index, node in reversed(list(enumerate(graph.node))):
        reading = [reader for name in node.output for reader in readers.get(name, [])]
        if node.op_type in _LIGHT and reading and kept.issuperset(reading):
            kept.add(index)
    return kept


def _half_attributes(node: onnx.NodeProto) -> None:
    for attribute in list(node.attribute):
        if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
        elif attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(attribute.t).astype(np.float16)
            attribute.t.CopyFrom(numpy_helper.from_array(values))
        elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            values = np.array(helper.get_attribute_value(attribute), np.float16)
            node.attribute.remove(attribute)
            node.attribute.append(helper.make_attribute("value", numpy_helper.from_array(values)))
