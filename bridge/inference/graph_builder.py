"""Emits ONNX nodes one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from bridge.inference.package import IR_VERSION_MAX, OPSET

PREFIX = "framebridge/"


class GraphBuilder:
    """Nodes and constants, each named with a prefix: ours for what is placed before and after a
    core graph, so that no core graph uses those names.

    Every method adds nodes and returns the name of the last one's output, but `serialized` and
    `unique`.
    """

    def __init__(self, prefix: str = PREFIX) -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._count = 0

    def add(self, op_type: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """One node with one output, named by us unless `output` is given."""
        name = self.unique(op_type)
        node = helper.make_node(op_type, list(inputs), [output or name], name, **attributes)
        self.nodes.append(node)
        return output or name

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        name = self.unique("constant")
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def slice(
        self, value: str, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int],
        steps: Sequence[int] | None = None,
    ) -> str:  # fmt: skip
        bounds = [starts, ends, axes, steps or [1] * len(axes)]
        return self.add("Slice", [value, *(self.constant(b, np.int64) for b in bounds)])

    def reversed(self, value: str, axis: int) -> str:
        # The largest negative end is ONNX's own way to say "to before the first".
        return self.slice(value, [-1], [np.iinfo(np.int64).min], [axis], [-1])

    def gather(self, value: str, indices: Sequence[int], axis: int) -> str:
        """The parts of `value` along `axis` that `indices` name, in their order."""
        return self.add("Gather", [value, self.constant(indices, np.int64)], axis=axis)

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        return self.add("Reshape", [value, self.constant(shape, np.int64)])

    def transpose(self, value: str, order: Sequence[int]) -> str:
        return self.add("Transpose", [value], perm=list(order))

    def concat(self, values: Sequence[str], axis: int) -> str:
        return self.add("Concat", values, axis=axis) if len(values) > 1 else values[0]

    def pad(self, value: str, pads: Sequence[int], mode: str) -> str:
        """`pads` as ONNX has them: all beginnings, then all ends."""
        return self.add("Pad", [value, self.constant(pads, np.int64)], mode=mode)

    def dequantize(self, value: str, scale: float) -> str:
        """uint8 to float32: value * scale."""
        zero = self.constant(0, np.uint8)
        return self.add("DequantizeLinear", [value, self.constant(scale, np.float32), zero])

    def quantize(self, value: str, scale: float) -> str:
        """float32 to uint8: value / scale, rounded half to even, 0 to 255."""
        zero = self.constant(0, np.uint8)
        return self.add("QuantizeLinear", [value, self.constant(scale, np.float32), zero])

    def affine(self, value: str, factor: float, offset: float) -> str:
        """value * factor + offset, without the steps that change nothing."""
        if factor != 1:
            value = self.add("Mul", [value, self.constant(factor, np.float32)])
        if offset != 0:
            value = self.add("Add", [value, self.constant(offset, np.float32)])
        return value

    def resize_linear(self, value: str, height: int, width: int, channels: int) -> str:
        """float (1, C, h, w) to (1, C, height, width), pixel centres aligned, edges clamped."""
        sizes = self.constant([1, channels, height, width], np.int64)
        return self.add(
            "Resize", [value, "", "", sizes], mode="linear",
            coordinate_transformation_mode="half_pixel",
        )  # fmt: skip

    def serialized(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
    ) -> bytes:
        """A model of these nodes alone."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION_MAX)
        return bytes(model.SerializeToString())

    def unique(self, what: str) -> str:
        """A name that is not in use."""
        self._count += 1
        return f"{self._prefix}{self._count}.{what}"
