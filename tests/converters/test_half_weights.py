"""Weights in float16, calculated with in float32."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.cost import count_cost, receptive_radius
from converters.graph import NetworkGraph
from converters.half_weights import with_half_weights
from tests.converters.proving import openvino_run


def network(seed: int = 0, factor: float = 1.0) -> onnx.ModelProto:
    random = np.random.default_rng(seed)
    graph = NetworkGraph()
    x = "frame"
    for before, after in ((3, 24), (24, 24), (24, 3)):
        weight = random.standard_normal((after, before, 3, 3)) * factor / np.sqrt(9 * before)
        bias = random.standard_normal(after) * 0.1
        x = graph.conv(x, weight.astype("f4"), bias.astype("f4"), pads=(1, 1, 1, 1))
        if after == 24:
            x = graph.prelu(x, np.full(after, 0.2, np.float32))
    return graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])


def run(model: onnx.ModelProto, frame: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"frame": frame})[0]


def test_a_file_of_half_the_size_makes_nearly_the_same() -> None:
    model = network()
    half = with_half_weights(model)
    onnx.checker.check_model(half, full_check=True)
    assert half.ByteSize() < 0.6 * model.ByteSize()
    frame = np.random.default_rng(1).random((1, 3, 20, 31), np.float32)
    expected, found = run(model, frame), run(half, frame)
    assert 0 < np.abs(expected - found).max() < 2e-3
    np.testing.assert_allclose(openvino_run(half, {"frame": frame})["out"], found, atol=1e-5)


def test_what_is_calculated_is_float32_with_the_rounded_weights() -> None:
    rounded = network()
    for tensor in rounded.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.ndim == 4 and values.size > 256:
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(values.astype("f2").astype("f4"), tensor.name)
            )
    frame = np.random.default_rng(1).random((1, 3, 20, 31), np.float32)
    np.testing.assert_array_equal(run(with_half_weights(network()), frame), run(rounded, frame))


def test_onnx_runtime_folds_the_casts_when_it_loads(tmp_path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4
    onnxruntime.InferenceSession(
        with_half_weights(network()).SerializeToString(), options,
        providers=["CPUExecutionProvider"],
    )  # fmt: skip
    folded = onnx.load(tmp_path / "optimised.onnx")
    assert "Cast" not in {node.op_type for node in folded.graph.node}


def test_biases_slopes_and_small_weights_stay_as_they_are() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", np.ones((300, 3, 1, 1), "f4"), np.full(300, 1 / 3, "f4"))
    x = graph.prelu(x, np.full(300, 1 / 3, "f4"))
    x = graph.conv(x, np.full((1, 200, 1, 1), 1 / 3, "f4")[:, :1].repeat(300, 1))
    x = graph.conv(x, np.full((4, 1, 8, 8), 1 / 3, "f4"))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 4, "h", "w"))])
    half = with_half_weights(model)
    stored = {tuple(t.dims): t.data_type for t in half.graph.initializer}
    kept, changed = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    assert stored == {
        (300, 3, 1, 1): changed, (300,): kept, (300, 1, 1): kept, (1, 300, 1, 1): kept,
        (4, 1, 8, 8): kept,
    }  # fmt: skip


def test_costs_are_counted_as_before_and_twice_changes_nothing() -> None:
    model = network()
    half = with_half_weights(model)
    assert count_cost(half) == count_cost(model)
    assert receptive_radius(half) == receptive_radius(model) == 3
    assert with_half_weights(half) == half


def test_weights_beyond_float16_are_refused() -> None:
    with pytest.raises(ValueError, match="65504"):
        with_half_weights(network(factor=1e6))
    with pytest.raises(ValueError, match="nan"):
        with_half_weights(network(factor=float("nan")))
