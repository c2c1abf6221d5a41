"""The ports of a stranger's graph: whatever their layout and type, float32 NCHW outside."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.package import IR_VERSION_MAX, OPSET
from converters.weights import Array

_TO_NHWC, _TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)
_MOST_LETTERS = 128


@dataclass(frozen=True, slots=True)
class Port:
    """How a graph has a picture.

    Attributes:
        layout: "nchw" or "nhwc".
        channels: 1 or 3.
        rank: 4, or 3 without the axis of the batch.
        dtype: as numpy calls it.
    """

    layout: str
    channels: int
    rank: int
    dtype: str

    def __str__(self) -> str:
        letters = self.layout if self.rank == 4 else self.layout[1:]
        return f"{letters.upper()} with {self.channels} channels of {self.dtype}"

    def as_map(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def plain(self) -> bool:
        return self.layout == "nchw" and self.rank == 4 and self.dtype == "float32"

    def of_float32(self) -> Port:
        """The same, where it has float16."""
        return replace(self, dtype="float32") if self.dtype == "float16" else self

    def of_nchw(self, values: Array) -> Array:
        if self.layout == "nhwc":
            values = values.transpose(_TO_NHWC)
        return values if self.rank == 4 else values[0]

    def to_nchw(self, values: Array) -> Array:
        values = values if self.rank == 4 else values[None]
        return values.transpose(_TO_NCHW) if self.layout == "nhwc" else values


def with_ports(
    model: onnx.ModelProto, taken: Port, given: Port, fixed: tuple[int, int] | None
) -> tuple[onnx.ModelProto, tuple[str, str]]:
    """The model between float32 (1, C, H, W), and the names of its ports.

    Args:
        fixed: width and height, where there is one size alone.
    """
    source, result = model.graph.input[0].name, model.graph.output[0].name
    used = _names(model.graph)
    before, after, weights = [], [], []
    name_in, name_out = source, result
    if not taken.plain or len(source) > _MOST_LETTERS:
        name_in = _unused("frame", used)
        steps = _Steps(name_in, used)
        if taken.dtype == "uint8":
            steps.add("Round")
            weights += [_scalar(_unused("black", used), 0), _scalar(_unused("white", used), 255)]
            steps.add("Clip", weights[0].name, weights[1].name)
        if taken.dtype != "float32":
            steps.add("Cast", to=helper.np_dtype_to_tensor_dtype(np.dtype(taken.dtype)))
        if taken.layout == "nhwc":
            steps.add("Transpose", perm=_TO_NHWC)
        if taken.rank == 3:
            weights.append(_axis(_unused("batch", used)))
            steps.add("Squeeze", weights[-1].name)
        before = steps.ending(source)
    if not given.plain or len(result) > _MOST_LETTERS:
        name_out = _unused("result", used)
        steps = _Steps(result, used)
        if given.rank == 3:
            weights.append(_axis(_unused("batch_axis", used)))
            steps.add("Unsqueeze", weights[-1].name)
        if given.layout == "nhwc":
            steps.add("Transpose", perm=_TO_NCHW)
        if given.dtype != "float32":
            steps.add("Cast", to=TensorProto.FLOAT)
        after = steps.ending(name_out)
    width, height = fixed or ("W", "H")
    inputs = [_float(name_in, [1, taken.channels, height, width])]
    outputs = [_float(name_out, [1, given.channels, "result H", "result W"])]
    graph = helper.make_graph(
        [*before, *model.graph.node, *after], "network", inputs, outputs,
        [*model.graph.initializer, *weights],
        sparse_initializer=list(model.graph.sparse_initializer),
    )  # fmt: skip
    core = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX,
        producer_name="framebridge",
    )  # fmt: skip
    return core, (name_in, name_out)


def with_float32_ports(model: onnx.ModelProto, result: str) -> tuple[onnx.ModelProto, str]:
    """A float16 model between float32, in its own opset, and the name of its result.

    On a processor ONNX Runtime rounds to float16 at the ports of such a model, and leaves that out
    where a Cast stands there: the two can be compared with the same ends only.
    """
    graph = model.graph
    used = _names(graph)
    given = {tensor.name for tensor in graph.initializer}
    (source,) = (value for value in graph.input if value.name not in given)
    (last,) = (value for value in graph.output if value.name == result)
    name_in, name_out = _unused("float32_in", used), _unused("float32_out", used)
    if source.type.tensor_type.elem_type == TensorProto.FLOAT16:
        cast = helper.make_node("Cast", [name_in], [source.name], to=TensorProto.FLOAT16)
        graph.node.insert(0, cast)
        source.name = name_in
        source.type.tensor_type.elem_type = TensorProto.FLOAT
    if last.type.tensor_type.elem_type == TensorProto.FLOAT16:
        graph.node.append(helper.make_node("Cast", [result], [name_out], to=TensorProto.FLOAT))
        last.name = result = name_out
        last.type.tensor_type.elem_type = TensorProto.FLOAT
    return model, result


class _Steps:
    """Nodes one after the other."""

    def __init__(self, begin: str, used: set[str]) -> None:
        self._last, self._used = begin, used
        self._nodes: list[onnx.NodeProto] = []

    def add(self, op_type: str, *constants: str, **attributes: Any) -> None:
        name = _unused(f"port_{op_type}", self._used)
        self._nodes.append(
            helper.make_node(op_type, [self._last, *constants], [name], name, **attributes)
        )
        self._last = name

    def ending(self, name: str) -> list[onnx.NodeProto]:
        """All of them, the last one's result under this name."""
        if not self._nodes:
            self.add("Identity")
        self._nodes[-1].output[0] = name
        return self._nodes


def _names(graph: onnx.GraphProto) -> set[str]:
    found = {v.name for v in [*graph.input, *graph.output]} | {t.name for t in graph.initializer}
    for node in graph.node:
        found |= {node.name, *node.input, *node.output}
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node:
                    found |= _names(inner)
    return found


def _unused(name: str, used: set[str]) -> str:
    chosen, count = name, 1
    while chosen in used:
        count += 1
        chosen = f"{name}_{count}"
    used.add(chosen)
    return chosen


def _scalar(name: str, value: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, np.float32), name)


def _axis(name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array([0], np.int64), name)


def _float(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
