"""The graph that OpenVINO gets: NaN comes through, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.backends import openvino
from bridge.inference.backends.openvino_nan import SWALLOWING, let_nan_through

SHAPE = (1, 3, 4, 5)
CASES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "Celu": (["x"], {}),
    "Clip": (["x", "low", "high"], {}),
    "HardSigmoid": (["x"], {}),
    "Max": (["x", "low", "x"], {}),
    "Min": (["high", "x"], {}),
    "ReduceMax": (["x"], {"axes": [1], "keepdims": 1}),
    "ReduceMin": (["x"], {"axes": [2, 3], "keepdims": 0}),
    "Relu": (["x"], {}),
}


def _model(op: str, inputs: list[str], attributes: dict[str, Any], type_: int) -> bytes:
    dtype = helper.tensor_dtype_to_np_dtype(type_)
    limits = [(name, value) for name, value in (("low", 0), ("high", 1)) if name in inputs]
    stored = [numpy_helper.from_array(np.array(value, dtype), name) for name, value in limits]
    value = helper.make_tensor_value_info("x", type_, SHAPE)
    rank = 4 if attributes.get("keepdims", 1) else 4 - len(attributes["axes"])
    made = helper.make_tensor_value_info("y", type_, [f"side {i}" for i in range(rank)])
    node = helper.make_node(op, inputs, ["y"], "theirs", **attributes)
    graph = helper.make_graph([node], "graph", [value], [made], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _run(model: bytes, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_every_node_that_swallows_has_a_case() -> None:
    assert set(CASES) == set(SWALLOWING)


@pytest.mark.parametrize("type_", [TensorProto.FLOAT, TensorProto.DOUBLE], ids=["float", "double"])
@pytest.mark.parametrize("op", CASES)
def test_what_is_finite_stays_as_it_was(op: str, type_: int) -> None:
    if type_ == TensorProto.DOUBLE and op in ("Celu", "HardSigmoid"):
        pytest.skip("ONNX has it for float alone")
    model = _model(op, *CASES[op], type_)
    changed = let_nan_through(model)
    onnx.checker.check_model(onnx.load_model_from_string(changed), full_check=True)
    assert changed != model
    x = (
        np.random.default_rng(0)
        .normal(0.5, 2, SHAPE)
        .astype(helper.tensor_dtype_to_np_dtype(type_))
    )
    np.testing.assert_allclose(_run(changed, x), _run(model, x), rtol=0, atol=1e-15)


@pytest.mark.parametrize("op", ["Clip", "Min", "ReduceMin"])
def test_an_infinity_that_a_limit_ends_stays_ended(op: str) -> None:
    x = np.full(SHAPE, np.inf, np.float32)
    x[:, :, 0, 0] = 1
    changed = let_nan_through(_model(op, *CASES[op], TensorProto.FLOAT))
    expected = _run(_model(op, *CASES[op], TensorProto.FLOAT), x)
    np.testing.assert_array_equal(_run(changed, x), expected)


@pytest.mark.skipif(openvino.installed_version() is None, reason="OpenVINO is not installed")
@pytest.mark.parametrize("op", CASES)
def test_nan_comes_through_openvino(op: str) -> None:
    model = _model(op, *CASES[op], TensorProto.FLOAT)
    x = np.random.default_rng(0).normal(0.5, 2, SHAPE).astype(np.float32)
    x[0, 1, 2, 3] = np.nan
    expected = _run(model, x)
    found = np.zeros_like(expected)
    openvino.compile_graph(model).run({"x": x}, {"y": found})
    wanted = np.isnan(x)
    if op.startswith("Reduce"):  # ONNX Runtime itself swallows it in some shapes
        attributes = CASES[op][1]
        wanted = wanted.any(tuple(attributes["axes"]), keepdims=bool(attributes["keepdims"]))
    np.testing.assert_array_equal(np.isnan(found), wanted)
    np.testing.assert_allclose(found[~wanted], expected[~wanted], rtol=1e-5, atol=1e-6)


def test_integers_and_graphs_without_such_nodes_stay_byte_for_byte() -> None:
    numbers = _model("Max", ["x", "low"], {}, TensorProto.INT64)
    assert list(onnx.load_model_from_string(let_nan_through(numbers)).graph.node) == list(
        onnx.load_model_from_string(numbers).graph.node
    )
    other = _model("Sigmoid", ["x"], {}, TensorProto.FLOAT)
    assert let_nan_through(other) == other
