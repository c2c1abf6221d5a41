"""Builds core graphs: float32 NCHW, IR 10, opset 17, of what ONNX Runtime and OpenVINO agree on.

Kernels are OIHW, those of transposed convolutions IOHW; pads are (top, left, bottom, right).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bridge.inference.graph_builder import GraphBuilder
from bridge.inference.outline import KEPT_BYTES
from bridge.inference.package import IR_VERSION_MAX, OPSET
from converters.weights import Array

Pads = tuple[int, int, int, int]
NO_PADS: Pads = (0, 0, 0, 0)
Shape = Sequence[int | str]
"""A text names a side that is free: (1, 3, "H", "W")."""


class NetworkGraph(GraphBuilder):
    """Every method adds nodes and returns the name of its result, but `model`."""

    def __init__(self) -> None:
        super().__init__(prefix="")

    def conv(
        self, x: str, weight: Array, bias: Array | None = None, *, stride: int = 1,
        pads: Pads = NO_PADS, groups: int = 1,
    ) -> str:  # fmt: skip
        """Zero-padded; `weight` (O, I / groups, kh, kw)."""
        return self.add(
            "Conv", self._with(x, weight, bias), kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride], pads=list(pads), group=groups,
        )  # fmt: skip

    def conv_transpose(
        self, x: str, weight: Array, bias: Array | None = None, *, stride: int = 1,
        padding: int = 0, output_padding: int = 0,
    ) -> str:  # fmt: skip
        """`weight` (I, O, kh, kw); padding counted as PyTorch does."""
        return self.add(
            "ConvTranspose", self._with(x, weight, bias), kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride], pads=[padding] * 4, output_padding=[output_padding] * 2,
        )  # fmt: skip

    def instance_norm(
        self, x: str, channels: int, gamma: Array | None, beta: Array | None, epsilon: float,
        *, centred: bool = False,
    ) -> str:  # fmt: skip
        """Not of a 1x1 map, where ONNX Runtime is off by 3e-2: there the result is `beta`.

        Args:
            centred: `x` is near zero already wherever it is flat.
        """
        if not centred:
            # Of a flat map a norm is left with what its mean was rounded by, divided by the root of
            # epsilon: of a black frame runtimes then differ by up to 255 of 255. Less its mean
            # first, such a map is zero in all of them.
            x = self.add("Sub", [x, self.add("ReduceMean", [x], axes=[2, 3], keepdims=1)])
        gamma = np.ones(channels) if gamma is None else gamma
        beta = np.zeros(channels) if beta is None else beta
        scale, offset = self.constant(gamma, np.float32), self.constant(beta, np.float32)
        return self.add("InstanceNormalization", [x, scale, offset], epsilon=epsilon)

    def scale_shift(self, x: str, scale: Array, shift: Array) -> str:
        """x * scale + shift, one of each a channel."""
        scaled = self.add("Mul", [x, self.constant(scale.reshape(1, -1, 1, 1), np.float32)])
        return self.add("Add", [scaled, self.constant(shift.reshape(1, -1, 1, 1), np.float32)])

    def batch_norm(
        self, x: str, mean: Array, variance: Array, gamma: Array | None, beta: Array | None,
        epsilon: float,
    ) -> str:  # fmt: skip
        """With stored statistics, as one multiplication and one addition a channel."""
        scale = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
        if gamma is not None:
            scale = scale * gamma
        shift = -mean * scale
        return self.scale_shift(x, scale, shift if beta is None else shift + beta)

    def prelu(self, x: str, slope: Array) -> str:
        """A slope (C,) or (1,). With the shape [C] runtimes disagree on the axis; [C, 1, 1] is
        clear to all."""
        return self.add("PRelu", [x, self.constant(slope.reshape(-1, 1, 1), np.float32)])

    def relu(self, x: str) -> str:
        return self.add("Relu", [x])

    def leaky_relu(self, x: str, slope: float) -> str:
        return self.add("LeakyRelu", [x], alpha=slope)

    def tanh(self, x: str) -> str:
        return self.add("Tanh", [x])

    def clip(self, x: str, low: float, high: float) -> str:
        return self.add("Clip", [x, *(self.constant(v, np.float32) for v in (low, high))])

    def sum(self, a: str, b: str) -> str:
        return self.add("Add", [a, b])

    def pad_sides(self, x: str, pads: Pads, mode: str) -> str:
        """`mode` "reflect" (which needs sides longer than the padding), "edge" or "constant"."""
        top, left, bottom, right = pads
        return self.pad(x, [0, 0, top, left, 0, 0, bottom, right], mode)

    def nearest(self, x: str, factor: int) -> str:
        scales = self.constant([1, 1, factor, factor], np.float32)
        return self.add(
            "Resize", [x, "", scales], mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip

    def pixel_shuffle(self, x: str, block: int) -> str:
        """Channel = (output channel, row, column), as PyTorch orders."""
        return self.add("DepthToSpace", [x], blocksize=block, mode="CRD")

    def depth_to_space(self, x: str, block: int) -> str:
        """Channel = (row, column, output channel), as TensorFlow orders."""
        return self.add("DepthToSpace", [x], blocksize=block, mode="DCR")

    def channels(self, x: str, start: int, end: int) -> str:
        """Channels `start` to before `end`."""
        return self.slice(x, [start], [end], [1])

    def model(
        self,
        inputs: Sequence[tuple[str, Shape]],
        outputs: Sequence[tuple[str, str, Shape]],
    ) -> onnx.ModelProto:
        """The whole graph, checked; the builder is empty of constants afterwards.

        Args:
            inputs: name and shape of each, all float32.
            outputs: the value, the name that it is to have, and its shape.
        """
        for value, name, _ in outputs:
            self._rename(value, name)
        ports = [_float(name, shape) for name, shape in inputs]
        results = [_float(name, shape) for _, name, shape in outputs]
        large = [t for t in self.initializers if t.ByteSize() > KEPT_BYTES]
        small = [t for t in self.initializers if t.ByteSize() <= KEPT_BYTES]
        # The check copies all that it is given twice: large weights are inputs to it.
        stand_ins = [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in large]
        outline = _model(
            helper.make_graph(self.nodes, "network", [*ports, *stand_ins], results, small)
        )
        onnx.checker.check_model(outline, full_check=True)
        model = _model(helper.make_graph(self.nodes, "network", ports, results))
        self.initializers.reverse()
        del large, small, outline
        while self.initializers:
            # One by one, so that no more than one stands twice in memory.
            model.graph.initializer.append(self.initializers.pop())
        return model

    def _with(self, x: str, weight: Array, bias: Array | None) -> list[str]:
        given = [x, self.constant(weight, np.float32)]
        return given if bias is None else [*given, self.constant(bias, np.float32)]

    def _rename(self, value: str, name: str) -> None:
        for node in self.nodes:
            for names in (node.input, node.output):
                for index, old in enumerate(names):
                    if old == value:
                        names[index] = name


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX,
        producer_name="framebridge",
    )  # fmt: skip


def _float(name: str, shape: Shape) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
