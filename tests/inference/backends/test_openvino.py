"""OpenVINO: in place, as exact as ONNX Runtime, stopped when told, and silent about its users."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import InferenceError, ProviderError, RuntimeMissingError
from bridge.frames import FrameFormat
from bridge.inference import cache
from bridge.inference.backends import onnxruntime, openvino
from bridge.inference.backends.base import CompiledGraph
from bridge.inference.manifest import Size
from bridge.inference.pixels import FRAME_IN, FRAME_OUT, SUM_OUT, compose

pytestmark = pytest.mark.skipif(
    openvino.installed_version() is None, reason="OpenVINO is not installed"
)
SHAPE = (2, 3)
FRAME = FrameFormat(width=23, height=15)


def _model(
    nodes: list[onnx.NodeProto], shape: tuple[int, ...], type_: int, **weights: Any
) -> bytes:
    values = [helper.make_tensor_value_info(n, type_, shape) for n in ("x", "y")]
    stored = [numpy_helper.from_array(np.asarray(v, "f4"), name) for name, v in weights.items()]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def negation() -> bytes:
    """255 - x, uint8 (2, 3)."""
    return _model([helper.make_node("BitwiseNot", ["x"], ["y"])], SHAPE, TensorProto.UINT8)


@pytest.fixture(scope="module", params=[1, 2])
def slow(request: pytest.FixtureRequest) -> CompiledGraph:
    """Many convolutions, float32 (1, 16, 256, 256); y is 2 where x is 2."""
    weights = np.zeros((16, 16, 3, 3), np.float32)
    weights[np.arange(16), np.arange(16), 1, 1] = 1
    names = ["x", *(f"v{i}" for i in range(59)), "y"]
    nodes = [
        helper.make_node("Conv", [a, "w"], [b], pads=[1, 1, 1, 1])
        for a, b in itertools.pairwise(names)
    ]
    model = _model(nodes, (1, 16, 256, 256), TensorProto.FLOAT, w=weights)
    return openvino.compile_graph(model, threads=request.param)


def _arrays(value: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"x": np.full(SHAPE, value, np.uint8)}, {"y": np.zeros(SHAPE, np.uint8)}


def _computes() -> list[str]:
    return openvino.available_computes() if openvino.installed_version() else []


def _composed(compiled: CompiledGraph, frame: Any, shape: Any, **values: Any) -> tuple[Any, float]:
    result, total = np.full(shape, 77, np.uint8), np.zeros(1, np.float32)
    compiled.run({FRAME_IN: frame, **values}, {FRAME_OUT: result, SUM_OUT: total})
    return result, float(total[0])


# What was compiled before is kept.


def test_a_graph_is_compiled_once_and_a_spoilt_copy_of_it_harms_nobody(
    small_models: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    model = small_models.network()
    composed = compose(model.core, model.manifest, FRAME).model
    picture = np.random.default_rng(0).integers(0, 256, FRAME.shape, np.uint8)
    first, _ = _composed(openvino.compile_graph(composed), picture, FRAME.shape)
    kept = list((tmp_path / "openvino").iterdir())
    assert len(kept) == 1
    whole = kept[0].read_bytes()
    for spoilt in (whole, b"", whole[:100], whole[: len(whole) // 2], whole[::-1]):
        kept[0].write_bytes(spoilt)
        again, _ = _composed(openvino.compile_graph(composed), picture, FRAME.shape)
        assert np.array_equal(again, first)


def test_a_cache_that_cannot_be_written_to_costs_nothing_but_time(
    negation: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "file" / "cache"))
    inputs, outputs = _arrays(5)
    openvino.compile_graph(negation).run(inputs, outputs)
    assert (outputs["y"] == 250).all()


# In place.


def test_the_result_is_written_at_the_address_that_was_given(negation: bytes) -> None:
    compiled = openvino.compile_graph(negation)
    memory = np.zeros((4, *SHAPE), np.uint8)
    for slot in (2, 0, 2):
        memory[:] = 7
        compiled.run({"x": np.full(SHAPE, 250, np.uint8)}, {"y": memory[slot]})
        assert (memory[slot] == 5).all()
        assert (np.delete(memory, slot, 0) == 7).all()


def test_what_lies_in_a_slot_is_read_at_each_run(negation: bytes) -> None:
    compiled = openvino.compile_graph(negation)
    inputs, outputs = _arrays(0)
    inputs["x"] = inputs["x"].copy()
    for value in (0, 1, 200):
        inputs["x"][:] = value
        compiled.run(inputs, outputs)
        assert (outputs["y"] == 255 - value).all()


def test_an_input_that_may_not_be_written_to_is_read(negation: bytes) -> None:
    inputs, outputs = _arrays(5)
    inputs["x"].flags.writeable = False
    openvino.compile_graph(negation).run(inputs, outputs)
    assert (outputs["y"] == 250).all()


def test_tensors_are_made_once_for_a_set_of_addresses_and_are_bounded(negation: bytes) -> None:
    compiled: Any = openvino.compile_graph(negation)
    inputs, outputs = _arrays(1)
    compiled.run(inputs, outputs)
    (tensors,) = compiled._tensors.values()
    compiled.run(inputs, outputs)
    assert list(compiled._tensors.values()) == [tensors]

    many = np.zeros((3 * openvino._MAX_BINDINGS, *SHAPE), np.uint8)
    for slot in many:
        compiled.run(inputs, {"y": slot})
        assert len(compiled._tensors) <= openvino._MAX_BINDINGS
    assert (many == 254).all()
    outputs["y"][:] = 0
    compiled.run(inputs, outputs)
    assert (outputs["y"] == 254).all()


def test_a_graph_keeps_no_hold_of_the_memory_it_ran_on(negation: bytes) -> None:
    compiled = openvino.compile_graph(negation)
    inputs, outputs = _arrays(1)
    compiled.run(inputs, outputs)
    held = weakref.ref(outputs["y"])
    del outputs
    gc.collect()
    assert held() is None


# Exact.


def _network(name: str) -> dict[str, Any]:
    channels, _, tail = name.partition("-")
    scale = 3 if tail == "CRD" else 2 if tail else 1
    return {"channels": channels, "scale": scale, "tail": tail}


@pytest.mark.parametrize("plain", [False, True], ids=["bytes", "plain"])
@pytest.mark.parametrize(
    "size",
    [
        {}, {"multiple_of": 8}, {"multiple_of": 8, "padding": "edge"},
        {"fixed": [10, 7], "fit": "stretch"}, {"fixed": [11, 12], "fit": "contain"},
        {"fixed": [32, 30], "fit": "contain"}, {"fixed": [12, 12], "fit": "cover"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", ["RGB", "RGB-DCR", "RGB-CRD", "RGB-nearest", "Y", "Y-DCR"])
@pytest.mark.parametrize(
    ("pixel_format", "rows", "alpha"),
    [("rgba8", "top_first", "straight"), ("bgra8", "bottom_first", "opaque")],
)
def test_a_composed_graph_equals_onnx_runtime_within_a_step(
    pixel_format: Any, rows: Any, alpha: Any, name: str, size: dict[str, Any], plain: bool,
    small_models: ModuleType,
) -> None:  # fmt: skip
    model = small_models.network(**_network(name), size=Size(**size))
    source = FrameFormat(width=23, height=15, pixel_format=pixel_format, rows=rows, alpha=alpha)
    frame = np.random.default_rng(1).integers(0, 256, source.shape, np.uint8)
    graph = compose(model.core, model.manifest, source, plain=plain)
    found, total = _composed(
        openvino.compile_graph(graph.model, threads=1), frame, graph.result.shape
    )
    expected, wanted = _composed(
        onnxruntime.compile_graph(graph.model, provider="cpu", threads=1), frame, graph.result.shape
    )
    difference = np.abs(found.astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02
    assert total == pytest.approx(wanted, rel=1e-3, abs=0.1)


def test_parameters_of_every_type_reach_the_graph(small_models: ModuleType) -> None:
    model = small_models.knobs()
    graph = compose(model.core, model.manifest, FRAME)
    frame = np.random.default_rng(1).integers(0, 256, FRAME.shape, np.uint8)
    values = {
        "strength": np.array([0.7], np.float32), "steps": np.array([5]), "invert": np.array([True]),
        "look": np.array([1]), "tint": np.array([0.1, 0.0, 0.3], np.float32),
    }  # fmt: skip
    found, _ = _composed(openvino.compile_graph(graph.model), frame, FRAME.shape, **values)
    expected, _ = _composed(
        onnxruntime.compile_graph(graph.model, provider="cpu"), frame, FRAME.shape, **values
    )
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("compute", _computes())
def test_what_is_calculated_in_is_reported(
    compute: str, negation: bytes, small_models: ModuleType
) -> None:
    model = small_models.network(scale=2, tail="DCR")
    graph = compose(model.core, model.manifest, FRAME)
    execution = openvino.compile_graph(graph.model, compute=compute).execution
    assert (execution.compute, execution.provider, execution.note) == (compute, "cpu", "")
    version = openvino.installed_version()
    assert version is not None
    assert execution.backend.startswith("openvino ")
    assert execution.backend.removeprefix("openvino ") in version


def test_two_runs_are_equal_byte_for_byte(small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="DCR")
    graph = compose(model.core, model.manifest, FRAME)
    frame = np.random.default_rng(1).integers(0, 256, FRAME.shape, np.uint8)
    first, second = (openvino.compile_graph(graph.model) for _ in range(2))
    results = [_composed(one, frame, graph.result.shape)[0] for one in (first, first, second)]
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


# NaN and infinity.


@pytest.mark.parametrize("compute", _computes())
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("then", [None, "Relu", "Clip", "Sigmoid"])
@pytest.mark.parametrize("last", [False, True])
def test_what_is_not_finite_shows_in_the_sum(
    last: bool, then: str | None, bad: float, compute: str, small_models: ModuleType
) -> None:
    model = small_models.single_convolution()
    graph = model.core.graph
    weights = numpy_helper.to_array(graph.initializer[0]).copy()
    weights[0, 0, 1, 1] = bad
    graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, graph.initializer[0].name))
    if then is not None:
        graph.node[0].output[0] = "made"
        limits = ["low", "high"] if then == "Clip" else []
        graph.initializer.extend(
            numpy_helper.from_array(np.float32(v), n) for n, v in (("low", 0), ("high", 1))
        )
        graph.node.append(helper.make_node(then, ["made", *limits], ["result"]))
    if not last:
        graph.node[-1].output[0] = "limited"
        kernel = np.ones((3, 3, 1, 1), np.float32)
        graph.initializer.append(numpy_helper.from_array(kernel, "mix"))
        graph.node.append(helper.make_node("Conv", ["limited", "mix"], ["result"]))
    composed = compose(model.core, model.manifest, FRAME)
    frame = np.random.default_rng(1).integers(0, 256, FRAME.shape, np.uint8)
    frame[0, 0] = 0  # infinity times nothing
    expected = _composed(onnxruntime.compile_graph(composed.model), frame, FRAME.shape)[1]
    found = _composed(openvino.compile_graph(composed.model, compute=compute), frame, FRAME.shape)[
        1
    ]
    assert not np.isfinite(expected)
    assert not np.isfinite(found)


# Told to stop.


def _slow_arrays() -> tuple[dict[str, Any], dict[str, Any]]:
    shape = (1, 16, 256, 256)
    return {"x": np.full(shape, 2, np.float32)}, {"y": np.zeros(shape, np.float32)}


def test_a_run_that_is_told_to_stop_raises_and_the_next_one_is_good(slow: CompiledGraph) -> None:
    inputs, outputs = _slow_arrays()
    caught: list[InferenceError] = []

    def run() -> None:
        try:
            while True:
                slow.run(inputs, outputs)
        except InferenceError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(6000):  # until one arrives while a run is in progress
        slow.terminate()
        thread.join(0.01)
        if not thread.is_alive():
            break
    assert not thread.is_alive()
    assert "\n" not in caught[0].found
    assert "source" not in caught[0].found
    outputs["y"][:] = 0
    slow.run(inputs, outputs)
    assert (outputs["y"] == 2).all()


def test_to_stop_without_a_run_in_progress_does_nothing(
    slow: CompiledGraph, negation: bytes
) -> None:
    compiled = openvino.compile_graph(negation)
    inputs, outputs = _arrays(5)
    compiled.terminate()
    compiled.run(inputs, outputs)
    compiled.terminate()
    compiled.terminate()
    compiled.run(inputs, outputs)
    assert (outputs["y"] == 250).all()


def test_other_threads_go_on_while_a_graph_runs(slow: CompiledGraph) -> None:
    inputs, outputs = _slow_arrays()
    turns = []
    began, ended = threading.Event(), threading.Event()

    def run() -> None:
        began.set()
        slow.run(inputs, outputs)
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(30)
    while not ended.is_set():
        turns.append(float(outputs["y"][0, 0, 0, 0]))
    thread.join(30)
    assert len(turns) > 100


# What goes wrong.


def test_a_graph_that_is_none_is_a_typed_error_with_its_place() -> None:
    with pytest.raises(InferenceError) as caught:
        openvino.compile_graph(b"no graph", place="here")
    assert caught.value.place == "here"
    assert "\n" not in caught.value.found


def test_an_operator_that_nobody_knows_is_named(small_models: ModuleType) -> None:
    model = small_models.network()
    model.core.graph.node[0].op_type = "Frobnicate"
    with pytest.raises(InferenceError, match="Frobnicate"):
        openvino.compile_graph(compose(model.core, model.manifest, FRAME).model)


@pytest.mark.parametrize(
    "array", [np.zeros((3, 3), np.uint8), np.zeros(SHAPE, np.float32)], ids=["shape", "type"]
)
def test_what_does_not_fit_is_a_typed_error_and_the_next_run_is_good(
    array: npt.NDArray[Any], negation: bytes
) -> None:
    compiled = openvino.compile_graph(negation, place="here")
    inputs, outputs = _arrays(5)
    compiled.run(inputs, outputs)
    for arrays in (({"x": array}, outputs), (inputs, {"y": array})):
        with pytest.raises(InferenceError, match="here"):
            compiled.run(*arrays)
        outputs["y"][:] = 0
        compiled.run(inputs, outputs)
        assert (outputs["y"] == 250).all()


def test_a_missing_input_is_a_typed_error(negation: bytes) -> None:
    compiled = openvino.compile_graph(negation)
    with pytest.raises(InferenceError, match="no value for x"):
        compiled.run({}, {"y": np.zeros(SHAPE, np.uint8)})


def test_a_run_after_the_end_is_a_typed_error(negation: bytes) -> None:
    compiled = openvino.compile_graph(negation)
    compiled.close()
    compiled.close()
    compiled.terminate()
    with pytest.raises(InferenceError):
        compiled.run(*_arrays(1))


@pytest.mark.parametrize("option", [{"provider": "cuda"}, {"compute": "bf16"}], ids=str)
def test_what_is_not_to_be_had_is_refused_unless_a_fallback_is_allowed(
    option: dict[str, Any], negation: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "available_computes", lambda: ["float32"])
    ((name, value),) = option.items()
    with pytest.raises(ProviderError) as caught:
        openvino.compile_graph(negation, **option)
    assert (caught.value.place, caught.value.expected) == (name, value)
    execution = openvino.compile_graph(negation, allow_fallback=True, **option).execution
    assert (execution.provider, execution.compute) == ("cpu", "float32")
    assert execution.note == f"{value} was asked for and not obtained"


def test_a_compute_that_nobody_knows_is_refused(negation: bytes) -> None:
    with pytest.raises(ProviderError, match="int3"):
        openvino.compile_graph(negation, compute="int3", allow_fallback=True)


@pytest.mark.parametrize("found", [None, ModuleType("openvino")], ids=["none", "emptied"])
def test_a_missing_or_emptied_package_is_a_typed_error_with_the_line_that_installs_it(
    found: ModuleType | None, negation: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", found)
    with pytest.raises(RuntimeMissingError) as caught:
        openvino.compile_graph(negation)
    assert "pip install 'framebridge[openvino]'" in caught.value.remedy


def test_nobody_is_told_that_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from bridge.inference.backends import openvino\n"
        "openvino.available_computes()\n"
        "assert 'openvino' in sys.modules\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'openvino_telemetry'])\n"
    )
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **home}, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
