"""A second graph with float16 inside, and how far it is from the first.

Its ports stay float32: the bridge puts float32 into every graph and takes float32 out of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import NetworkError, ParityError
from bridge.inference.manifest import FrameOutput, Parity
from converters import parity
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
_ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Neg", "Abs"}
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
    model = to_float16(network.model)
    place = network.title
    plain, half = (m.SerializeToString() for m in (network.model, model))
    worst_db, worst = math.inf, 0.0
    for inputs in [*(parity.inputs_for(network, seed=seed) for seed in _SEEDS), *pictures]:
        expected, found = parity.run(plain, inputs), parity.run(half, inputs)
        for port in network.outputs:
            if not isinstance(port, FrameOutput):
                continue
            low, high = port.range
            exact, near = (
                np.clip((r[port.name].astype(np.float64) - low) / (high - low), 0, 1) * 255
                for r in (expected, found)
            )
            if not np.isfinite(found[port.name]).all():
                raise ParityError(
                    place, f"at least {LEAST_PSNR_DB:g} dB against float32",
                    "NaN or infinity in float16",
                    "Its values are too large for float16: leave --precision away.",
                )  # fmt: skip
            worst = max(worst, float(np.abs(exact - near).max()))
            error = float(np.mean(np.square(exact - near)))
            worst_db = min(worst_db, 10 * math.log10(255**2 / error) if error else math.inf)
    if worst_db < LEAST_PSNR_DB:
        raise ParityError(
            place, f"at least {LEAST_PSNR_DB:g} dB against float32 on the worst picture",
            f"{worst_db:.1f} dB", "float16 costs this network too much: leave --precision away.",
        )  # fmt: skip
    return Half(model, worst_db, worst)


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with float16 inside, where float16 does for it.

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
    half = _Half(graph)
    for node in graph.node:
        half.take(node)
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

    def __init__(self, graph: onnx.GraphProto) -> None:
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
        self._kept = _kept(graph, self._given)
        for value in graph.input:
            self._made(value.name, False, value.name)

    def weights(self) -> list[onnx.TensorProto]:
        return list(self._used.values())

    def take(self, node: onnx.NodeProto) -> None:
        """Add one node, in float16 or as it is."""
        half = id(node) not in self._kept
        new = onnx.NodeProto()
        new.CopyFrom(node)
        plain = _FLOAT32_INPUTS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            if name in self._given or self._types.get(name) == TensorProto.FLOAT:
                new.input[index] = self._as(name, half and index not in plain)
        if half:
            _half_attributes(new)
        after = []
        for index, name in enumerate(node.output):
            if not name:
                continue
            if name not in self._types:
                raise _refused(f"a result of {node.op_type} whose type cannot be told")
            if self._types[name] != TensorProto.FLOAT:
                continue
            inner = f"{name}/float16" if half and name in self._results else name
            new.output[index] = inner
            self._made(name, half, inner)
            if inner != name:
                after.append(helper.make_node("Cast", [inner], [name], to=TensorProto.FLOAT))
                self._names[name, False] = name
        self.nodes += [new, *after]

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
            self._used[called] = numpy_helper.from_array(values, called)
        return called


def _kept(graph: onnx.GraphProto, weights: Mapping[str, onnx.TensorProto]) -> set[int]:
    """Nodes that stay in float32, by their identity."""
    large = {
        name
        for name, tensor in weights.items()
        if tensor.data_type == TensorProto.FLOAT
        and np.abs(numpy_helper.to_array(tensor)).max(initial=0) > _LARGEST
    }
    kept = {
        id(node)
        for node in graph.node
        if node.op_type in _KEPT
        or node.op_type.startswith("Reduce")
        or large.intersection(node.input)
    }
    readers: dict[str, list[int]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(id(node))
    # What only such nodes read stays with them: the squares before a mean, the epsilon before a
    # root.
    for node in reversed(graph.node):
        reading = [reader for name in node.output for reader in readers.get(name, [])]
        if node.op_type in _ELEMENTWISE and reading and all(r in kept for r in reading):
            kept.add(id(node))
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
