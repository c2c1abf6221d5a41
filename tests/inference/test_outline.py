"""A graph's outline is the graph without large values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.outline import outline_of


def model() -> onnx.ModelProto:
    weight = np.random.default_rng(0).standard_normal((40, 40)).astype(np.float32)
    as_floats = helper.make_tensor("floats", TensorProto.FLOAT, [40, 40], weight.ravel())
    small = numpy_helper.from_array(np.arange(5, dtype=np.int64), "small")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "raw"], ["y"]),
            helper.make_node("LeakyRelu", ["y"], ["z"], alpha=0.25),
            helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(weight)),
        ],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 40])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 40])],
        [numpy_helper.from_array(weight, "raw"), as_floats, small],
    )
    return helper.make_model(graph, ir_version=10, producer_name="test")


def test_all_but_large_values_is_there(tmp_path: Path) -> None:
    made = model()
    (tmp_path / "graph.onnx").write_bytes(made.SerializeToString())
    outline = onnx.ModelProto.FromString(outline_of(tmp_path / "graph.onnx"))
    for tensor in made.graph.initializer[:2]:
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
    assert outline == made


@pytest.mark.parametrize(
    "raw",
    [b"no model", b"\x3a\xff", b"\x3a\x05\x2a\x7f", b"\xff" * 30, b"\x3b", b"\x3a", b"\x0d\x00"],
)
def test_what_is_no_message_is_a_value_error(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "graph.onnx").write_bytes(raw)
    with pytest.raises(ValueError, match="a "):
        outline_of(tmp_path / "graph.onnx")


def test_any_cut_is_an_error_or_a_shorter_message(tmp_path: Path) -> None:
    raw = model().SerializeToString()
    for length in range(0, len(raw), 97):
        (tmp_path / "graph.onnx").write_bytes(raw[:length])
        try:
            assert len(outline_of(tmp_path / "graph.onnx")) <= length
        except ValueError:
            continue
