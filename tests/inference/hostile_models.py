"""Packages made to hurt whoever runs them: without end, without measure, or with nothing inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest
from bridge.inference.package import (
    IR_VERSION_MAX,
    MANIFEST_NAME,
    OPSET,
    ModelPackage,
    file_sha256,
    manifest_toml,
)

FILE = "model.onnx"
_PICTURE = [1, 3, "H", "W"]
_HUGE = 25_000_000_000
"""Floats that take 100 GB."""


def write(folder: Path, graph: onnx.ModelProto | bytes) -> ModelPackage:
    """A package of that graph, past all the checks of `save`."""
    content = graph if isinstance(graph, bytes) else graph.SerializeToString()
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(content)
    manifest = Manifest(
        format=1, name="hostile", version="1.0.0", task="measure", license="MIT",
        graphs=[Graph(file=FILE, precision="float32", sha256=file_sha256(folder / FILE))],
        inputs=[FrameInput(name="input")], outputs=[FrameOutput(name="output")],
    )  # fmt: skip
    (folder / MANIFEST_NAME).write_bytes(manifest_toml(manifest))
    return ModelPackage.open(folder)


def endless_loop() -> onnx.ModelProto:
    """A Loop that would take centuries; it looks at `RunOptions.terminate`, and nobody sets it."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sin", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    loop = helper.make_node("Loop", ["turns", "true", "input"], ["output"], body=body)
    return _model([loop], {"turns": np.array(2**63 - 1), "true": np.array(True)})


def huge_kernel() -> onnx.ModelProto:
    """One product of matrices at a time, each minutes long: nothing can stop it from inside."""
    return _model(
        [
            *_zero_of_input(),
            helper.make_node("Expand", ["zero", "square"], ["matrix"]),
            *_powers("matrix", 8),
            *_added("matrix8"),
        ],
        {"square": np.array([6000, 6000])},
    )


def endless_folding() -> onnx.ModelProto:
    """The same of constants, which the runtime multiplies while it loads."""
    return _model(
        [
            helper.make_node("ConstantOfShape", ["square"], ["matrix"]),
            *_powers("matrix", 40),
            *_added("matrix40"),
        ],
        {"square": np.array([6000, 6000])},
    )


def hungry_folding() -> onnx.ModelProto:
    """Two hundred constants of half a gigabyte, each small enough for the runtime to make it while
    it loads."""
    nodes = []
    for index in range(200):
        nodes.append(helper.make_node("ConstantOfShape", ["large"], [f"large{index}"]))
        nodes.append(helper.make_node("Add", [f"large{index}", "first"], [f"sum{index}"]))
    joined = helper.make_node("Concat", [f"sum{i}" for i in range(200)], ["all"], axis=0)
    first = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("Slice", ["flat", "nought", "one", "one"], ["corner"]),
        helper.make_node("Reshape", ["corner", "minus_one"], ["line"]),
        helper.make_node("Slice", ["line", "nought", "one"], ["first"]),
    ]
    return _model(
        [*first, *nodes, joined, *_added("all")],
        {
            "large": np.array([125_000_000]),
            "nought": np.array([0]),
            "one": np.array([1]),
            "minus_one": np.array([-1]),
        },
    )


def hungry_constant_of_shape() -> onnx.ModelProto:
    """100 GB at once, when it runs."""
    return _grown([helper.make_node("ConstantOfShape", ["size"], ["large"])])


def hungry_expand() -> onnx.ModelProto:
    return _grown([helper.make_node("Expand", ["zero", "size"], ["large"])])


def hungry_tile() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Reshape", ["zero", "one_element"], ["line"]),
        helper.make_node("Tile", ["line", "size"], ["large"]),
    ]
    return _grown(nodes)


def hungry_range() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Reshape", ["size", "scalar"], ["end"]),
        helper.make_node("Range", ["start", "end", "step"], ["numbers"]),
        helper.make_node("Cast", ["numbers"], ["large"], to=TensorProto.FLOAT),
    ]
    return _grown(nodes)


def hungry_resize() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Resize", ["input", "", "scales"], ["large"]),
    ]
    return _grown(nodes)


def absent_weights() -> onnx.ModelProto:
    """A weight of 40 GB that has no values."""
    model = _model(_added("claimed"), {})
    weight = model.graph.initializer.add(name="claimed", data_type=TensorProto.FLOAT)
    weight.dims.extend([100_000, 100_000])
    return model


def overflowing_weights() -> onnx.ModelProto:
    """A weight whose size is no number of 64 bits."""
    model = _model(_added("claimed"), {})
    weight = model.graph.initializer.add(name="claimed", data_type=TensorProto.FLOAT)
    weight.dims.extend([2**62, 2**62, 4])
    weight.raw_data = b"\0" * 16
    return model


def nested(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph, and so on."""
    content = b""
    for _ in range(depth):
        for field in (6, 5, 1):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            content = bytes([field << 3 | 2]) + _varint(len(content)) + content
    return bytes([7 << 3 | 2]) + _varint(len(content)) + content  # ModelProto.graph


def doubling_functions() -> onnx.ModelProto:
    """Forty functions that each call the one before twice: 2^40 nodes once they are inlined."""
    model = _model([helper.make_node("f39", ["input"], ["output"], domain="d")], {})
    model.opset_import.append(helper.make_opsetid("d", 1))
    opsets = list(model.opset_import)
    for level in range(40):
        inner = ("Sin", "") if level == 0 else (f"f{level - 1}", "d")
        nodes = [
            helper.make_node(inner[0], ["a"], ["b"], domain=inner[1]),
            helper.make_node(inner[0], ["b"], ["c"], domain=inner[1]),
        ]
        model.functions.append(helper.make_function("d", f"f{level}", ["a"], ["c"], nodes, opsets))
    return model


Maker = Callable[[], onnx.ModelProto | bytes]
ENDLESS: list[Maker] = [endless_loop, huge_kernel, endless_folding]
HUNGRY: list[Maker] = [
    hungry_folding, hungry_constant_of_shape, hungry_expand, hungry_tile, hungry_range,
    hungry_resize,
]  # fmt: skip
EMPTY: list[Maker] = [absent_weights, overflowing_weights]


def deep() -> bytes:
    return nested(20_000)


def _grown(nodes: Sequence[onnx.NodeProto]) -> onnx.ModelProto:
    """`nodes` make "large" of "size", which no runtime can know before it runs."""
    size = [
        *_zero_of_input(),
        helper.make_node("Cast", ["zero"], ["zero_int"], to=TensorProto.INT64),
        helper.make_node("Add", ["zero_int", "huge"], ["size"]),
    ]
    values = {
        "huge": np.array([_HUGE]),
        "one_element": np.array([1]),
        "scalar": np.zeros(0, np.int64),
        "start": np.array(0),
        "step": np.array(1),
        "scales": np.array([1, 1, 20_000, 20_000], np.float32),
    }
    return _model([*size, *nodes, *_added("large")], values)


def _zero_of_input() -> list[onnx.NodeProto]:
    """ "zero", a scalar that is 0 and depends on the input."""
    return [
        helper.make_node("ReduceMin", ["input"], ["least"], keepdims=0),
        helper.make_node("Min", ["least", "nothing"], ["negative"]),
        helper.make_node("Max", ["negative", "nothing"], ["zero"]),
    ]


def _powers(first: str, count: int) -> list[onnx.NodeProto]:
    """`first` multiplied with itself again and again; the n-th product is called first + n."""
    names = [first, *(f"{first}{index}" for index in range(1, count + 1))]
    return [
        helper.make_node("MatMul", [first, before], [after]) for before, after in pairwise(names)
    ]


def _added(value: str) -> list[onnx.NodeProto]:
    """ "output": the input and the sum of `value`."""
    return [
        helper.make_node("ReduceSum", [value], ["summed"], keepdims=0),
        helper.make_node("Add", ["input", "summed"], ["output"]),
    ]


def _model(nodes: Sequence[onnx.NodeProto], values: dict[str, Any]) -> onnx.ModelProto:
    values = {"nothing": np.array(0, np.float32), **values}
    graph = helper.make_graph(
        list(nodes),
        "hostile",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, _PICTURE)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, _PICTURE)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX
    )


def _varint(value: int) -> bytes:
    content = b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])
