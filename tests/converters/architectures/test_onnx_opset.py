"""Graphs of other opsets, brought to 17 without a change of what they give."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.onnx_opset import normalised, prune, reads

F = TensorProto.FLOAT
node = helper.make_node


def graph(
    nodes: list[Any], opset: int, weights: dict[str, Any] | None = None, listed: bool = False
) -> onnx.ModelProto:
    """One of a picture (1, 3, 16, 12), its weights among the inputs as old files have them."""
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in (weights or {}).items()]
    inputs = [helper.make_tensor_value_info("x", F, [1, 3, 16, 12])]
    if listed:
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors]
    made = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info("y", F, None)], tensors
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(made, opset_imports=opsets, ir_version=3 if listed else 8)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


CASES = {
    "axes of a mean became an input": graph(
        [node("ReduceMean", ["x", "axes"], ["y"])], 18, {"axes": ints(2, 3)}
    ),
    "axes of a maximum, at last": graph(
        [node("ReduceMax", ["x", "axes"], ["y"], keepdims=0)], 20, {"axes": ints(1)}
    ),
    "axes that are a Constant": graph(
        [node("Constant", [], ["axes"], value_ints=[1]), node("ReduceL2", ["x", "axes"], ["y"])], 18
    ),
    "a mean of nothing": graph([node("ReduceMean", ["x"], ["y"], noop_with_empty_axes=1)], 18),
    "a mean of all": graph([node("ReduceMean", ["x"], ["y"])], 18),
    "a later Resize": graph(
        [node("Resize", ["x", "", "s"], ["y"], mode="linear", antialias=0)], 19,
        {"s": floats(1, 1, 2, 2)},
    ),
    "a later Pad": graph(
        [node("Pad", ["x", "pads"], ["y"], mode="reflect")], 21,
        {"pads": ints(0, 0, 1, 2, 0, 0, 3, 1)},
    ),
    "a Split by its count": graph(
        [
            node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3),
            node("Concat", ["c", "b", "a"], ["y"], axis=1),
        ],
        18,
    ),
    "Mish": graph([node("Mish", ["x"], ["y"])], 18),
    "Gelu": graph([node("Gelu", ["x"], ["y"])], 20),
    "Relu of a later opset": graph([node("Relu", ["x"], ["y"])], 22),
    "a Cast that saturates": graph([node("Cast", ["x"], ["y"], to=F, saturate=1)], 21),
    "Upsample": graph(
        [node("Upsample", ["x", "s"], ["y"], mode="nearest")], 9, {"s": floats(1, 1, 2, 2)}, True
    ),
    "Upsample by attributes": graph(
        [node("Upsample", ["x"], ["y"], scales=[1.0, 1.0, 3.0, 3.0])], 7
    ),
    "bilinear Upsample": graph(
        [node("Upsample", ["x", "s"], ["y"], mode="linear")], 9, {"s": floats(1, 1, 2, 2)}, True
    ),
    "an early Resize": graph(
        [node("Resize", ["x", "s"], ["y"], mode="linear")], 10, {"s": floats(1, 1, 2, 3)}
    ),
    "an early Resize by a fraction": graph(
        [node("Resize", ["x", "s"], ["y"], mode="nearest")], 10, {"s": floats(1, 1, 1.5, 2.5)}
    ),
    "an early Resize to less": graph(
        [node("Resize", ["x", "s"], ["y"], mode="nearest")], 10, {"s": floats(1, 1, 0.5, 0.25)}
    ),
    "a Resize by later rules": graph(
        [node("Resize", ["x", "", "s"], ["y"], mode="linear")], 13, {"s": floats(1, 1, 2, 3)}
    ),
    "instance norm of old": graph(
        [node("InstanceNormalization", ["x", "a", "b"], ["y"])], 6,
        {"a": floats(1, 2, 3), "b": floats(0, 1, 2)}, True,
    ),
    "Clip by attributes": graph([node("Clip", ["x"], ["y"], min=0.2, max=0.7)], 9),
    "Pad by attributes": graph(
        [node("Pad", ["x"], ["y"], mode="reflect", pads=[0, 0, 1, 1, 0, 0, 1, 1])], 10
    ),
    "Slice by attributes": graph([node("Slice", ["x"], ["y"], starts=[2], ends=[9], axes=[2])], 9),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_graph_gives_what_it_gave(name: str) -> None:
    model = CASES[name]
    inputs = {"x": np.random.default_rng(0).uniform(0, 1, (1, 3, 16, 12)).astype(np.float32)}
    expected = parity.run(model.SerializeToString(), inputs)["y"]
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    made, _ = normalised(copy)
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", 17)]
    assert made.ir_version == 10
    assert [value.name for value in made.graph.input] == ["x"]
    assert not any(n.op_type == "Constant" for n in made.graph.node)
    found = parity.run(made.SerializeToString(), inputs)["y"]
    assert np.abs(found - expected).max() <= 1e-6


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (graph([node("Mystery", ["x"], ["y"], domain="acme")], 17), "acme.Mystery"),
        (graph([node("Resize", ["x", "", "s"], ["y"], mode="linear", antialias=1)], 18,
               {"s": floats(1, 1, 0.5, 0.5)}), "antialias"),
        (graph([node("Pad", ["x", "p"], ["y"], mode="wrap")], 19, {"p": ints(*[0] * 8)}), "wrap"),
        (graph([node("Gelu", ["x"], ["y"], approximate="tanh")], 20), "Gelu"),
        (graph([node("RMSNormalization", ["x", "s"], ["y"])], 23, {"s": floats(1)}), "RMSNorm"),
        (graph([node("Relu", ["x"], ["y"])], 1), "opset is 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_brought_there_is_named(model: onnx.ModelProto, why: str) -> None:
    with pytest.raises(NotThis, match=why):
        normalised(model)


def test_functions_of_the_file_itself_are_written_out() -> None:
    double = helper.make_function(
        "own", "Double", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    model = graph([node("Double", ["x"], ["y"], domain="own")], 17)
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.append(double)
    made, _ = normalised(model)
    assert [n.op_type for n in made.graph.node] == ["Add"]


def test_what_no_result_depends_on_is_left_out_but_not_what_a_branch_reads() -> None:
    value = helper.make_tensor_value_info("z", F, None)
    branch = helper.make_graph([node("Add", ["x", "kept"], ["z"])], "b", [], [value])
    nodes = [
        node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch),
        node("Relu", ["x"], ["nobody"]),
    ]
    weights = {"yes": np.array(True), "kept": floats(1), "left": floats(2)}
    model = graph(nodes, 17, weights)
    assert reads(model.graph.node[0]) == {"yes", "x", "kept"}
    prune(model.graph)
    assert [n.op_type for n in model.graph.node] == ["If"]
    assert [t.name for t in model.graph.initializer] == ["yes", "kept"]
