"""A compiled package: parameters, providers, and the errors of what it cannot run."""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from bridge.errors import (
    FrameFormatError,
    GraphMissingError,
    InferenceError,
    ParameterError,
    ProviderError,
    UnsupportedModelError,
)
from bridge.frames import FrameFormat
from bridge.inference.backends import openvino
from bridge.inference.backends.onnxruntime import available_providers
from bridge.inference.manifest import FrameOutput, Size
from bridge.inference.runner import Runner, RunOptions

Picture = npt.NDArray[np.uint8]
FORMAT = FrameFormat(width=12, height=8)
CPU = RunOptions(provider="cpu", backend="onnxruntime")
BACKENDS = ["onnxruntime", *(["openvino"] if openvino.installed_version() else [])]


def _frame(format: FrameFormat = FORMAT) -> Picture:
    return np.random.default_rng(3).integers(0, 256, format.shape, np.uint8)


def _run(runner: Runner, frame: Picture) -> Picture:
    result = np.full(runner.result.shape, 77, np.uint8)
    runner.run(frame, result)
    return result


@pytest.fixture
def knobs(tmp_path: Path, small_models: ModuleType) -> Runner:
    return Runner(small_models.knobs().write(tmp_path / "knobs"), FORMAT, CPU)


def test_a_runner_states_its_contracts_and_what_runs_it(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network(scale=2, tail="DCR").write(tmp_path / "small")
    runner = Runner(package, FORMAT, CPU)
    assert runner.package is package
    assert runner.source == FORMAT
    assert runner.result == FORMAT.resized(24, 16)
    assert runner.form == "bytes"
    assert runner.execution.backend.startswith("onnxruntime ")
    assert (runner.execution.provider, runner.execution.note) == ("cpu", "")


@pytest.mark.parametrize("tail", ["DCR", "CRD", "nearest"])
def test_a_compiled_package_equals_the_reference(
    tail: str, tmp_path: Path, small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.network(scale=2, tail=tail, size=Size(multiple_of=8))
    runner = Runner(model.write(tmp_path / "small"), FORMAT, CPU)
    frame = _frame()
    expected = reference.run(frame.tobytes(), FORMAT, model.manifest, model.core)
    difference = np.abs(_run(runner, frame).astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("scale", [1, 2])
def test_a_core_of_a_single_convolution_keeps_its_float_weights(
    scale: int, tmp_path: Path, small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.single_convolution(scale)
    runner = Runner(model.write(tmp_path / "small"), FORMAT, CPU)
    frame = _frame()
    expected = reference.run(frame.tobytes(), FORMAT, model.manifest, model.core)
    difference = np.abs(_run(runner, frame).astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_two_runs_are_equal_byte_for_byte(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.network(scale=2, tail="DCR").write(tmp_path / "small")
    first, second = Runner(package, FORMAT, CPU), Runner(package, FORMAT, CPU)
    frame = _frame()
    results = [_run(first, frame), _run(second, frame), _run(first, frame.copy())]
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


def test_the_frame_that_goes_in_is_not_changed(tmp_path: Path, small_models: ModuleType) -> None:
    runner = Runner(small_models.network().write(tmp_path / "small"), FORMAT, CPU)
    frame = _frame()
    frame.flags.writeable = False
    assert not np.array_equal(_run(runner, frame), frame)


def test_the_result_is_written_whole_and_in_place(tmp_path: Path, small_models: ModuleType) -> None:
    runner = Runner(small_models.identity().write(tmp_path / "small"), FORMAT, CPU)
    frame = _frame()
    result = np.zeros(FORMAT.shape, np.uint8)
    address = result.ctypes.data
    runner.warm_up()
    runner.run(frame, result)
    assert result.ctypes.data == address
    assert np.array_equal(result, frame)


# Parameters.


def test_with_its_defaults_the_frame_comes_back(knobs: Runner) -> None:
    frame = _frame()
    assert np.array_equal(_run(knobs, frame), frame)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("strength", 0.5, lambda x: x * 0.5),
        ("strength", 2, lambda x: x * 2),
        ("steps", 40, lambda x: x + 40),
        ("steps", -40.0, lambda x: x - 40),
        ("invert", True, lambda x: 255 - x),
        ("look", "dim", lambda x: x * 0.5),
        ("look", "dark", lambda x: x * 0.25),
        ("tint", [1, 0, 0.2], lambda x: x + np.array([255, 0, 51])),
        ("tint", (0, 1, 0), lambda x: x + np.array([0, 255, 0])),
    ],
)
def test_each_kind_of_parameter_changes_the_picture(
    name: str, value: Any, expected: Any, knobs: Runner
) -> None:
    frame = _frame()
    before = _run(knobs, frame)
    knobs.set_parameters({name: value})
    wanted = np.clip(np.rint(expected(frame[..., :3].astype(float))), 0, 255)
    found = _run(knobs, frame)
    assert np.abs(found[..., :3] - wanted).max() <= 1
    assert np.array_equal(found[..., 3], frame[..., 3])
    default = knobs.package.manifest.parameters[name].default
    knobs.set_parameters({name: default})
    assert np.array_equal(_run(knobs, frame), before)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1)])
def test_a_parameter_of_one_element_may_have_any_rank(
    shape: tuple[int, ...], tmp_path: Path, small_models: ModuleType
) -> None:
    runner = Runner(small_models.knobs(shape).write(tmp_path / "knobs"), FORMAT, CPU)
    frame = _frame()
    assert np.array_equal(_run(runner, frame), frame)
    runner.set_parameters({"strength": 0})
    assert not _run(runner, frame)[..., :3].any()


@pytest.mark.parametrize(
    "bad",
    [
        {"strength": 3},
        {"strength": "1"},
        {"strength": float("nan")},
        {"steps": 1.5},
        {"invert": 1},
        {"look": "loud"},
        {"tint": [0, 0]},
        {"nothing": 1},
    ],
    ids=str,
)
def test_a_bad_value_changes_nothing_not_even_the_good_ones_beside_it(
    bad: dict[str, object], knobs: Runner
) -> None:
    frame = _frame()
    knobs.set_parameters({"strength": 0.75})
    before = _run(knobs, frame)
    with pytest.raises(ParameterError):
        knobs.set_parameters({"invert": True, "look": "dark", **bad})
    assert np.array_equal(_run(knobs, frame), before)


def test_two_runners_of_a_package_have_their_own_parameters(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.knobs().write(tmp_path / "knobs")
    first, second = Runner(package, FORMAT, CPU), Runner(package, FORMAT, CPU)
    first.set_parameters({"invert": True})
    frame = _frame()
    assert np.array_equal(_run(second, frame), frame)
    assert not np.array_equal(_run(first, frame), frame)


# What is refused.


def test_a_provider_that_is_not_obtained_is_an_error_that_names_both(
    tmp_path: Path, small_models: ModuleType
) -> None:
    if "cuda" in available_providers():
        pytest.skip("this runtime offers CUDA")
    package = small_models.network().write(tmp_path / "small")
    with pytest.raises(ProviderError) as caught:
        Runner(package, FORMAT, RunOptions(provider="cuda"))
    assert caught.value.expected == "cuda"
    assert "cpu" in caught.value.found
    assert caught.value.exit_status == 3


def test_an_allowed_fallback_runs_and_says_so(tmp_path: Path, small_models: ModuleType) -> None:
    if "cuda" in available_providers():
        pytest.skip("this runtime offers CUDA")
    package = small_models.identity().write(tmp_path / "small")
    runner = Runner(package, FORMAT, RunOptions(provider="cuda", allow_fallback=True))
    assert runner.execution.provider == "cpu"
    assert "cuda" in runner.execution.note
    frame = _frame()
    assert np.array_equal(_run(runner, frame), frame)


def test_a_role_that_is_not_served_yet_is_named(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.masked().write(tmp_path / "small")
    with pytest.raises(UnsupportedModelError, match="role mask"):
        Runner(package, FORMAT, CPU)


def test_a_precision_that_the_package_has_not_is_refused(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network().write(tmp_path / "small")
    with pytest.raises(GraphMissingError):
        Runner(package, FORMAT, RunOptions(provider="cpu", precision="int8"))


def test_a_frame_outside_the_limits_is_refused(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.network(size=Size(min=[16, 16])).write(tmp_path / "small")
    with pytest.raises(FrameFormatError):
        Runner(package, FORMAT, CPU)


@pytest.mark.parametrize("scale", [1, 3])
def test_a_scale_that_is_not_the_graphs_own_is_a_typed_error(
    scale: int, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network(scale=2, tail="DCR")
    package = model.stating(outputs=[FrameOutput(name="result", scale=scale)]).write(tmp_path / "x")
    with pytest.raises(InferenceError):
        Runner(package, FORMAT, CPU).warm_up()


def test_a_graph_that_the_runtime_cannot_load_is_a_typed_error(
    tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network()
    model.core.graph.node[0].op_type = "Frobnicate"
    with pytest.raises(InferenceError, match="Frobnicate") as caught:
        Runner(model.write(tmp_path / "small"), FORMAT, CPU)
    assert caught.value.place == str(tmp_path / "small")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "frame",
    [np.zeros((8, 13, 4), np.uint8), np.zeros((8, 12, 3), np.uint8), np.zeros((8, 12, 4), "f4")],
    ids=["size", "channels", "type"],
)
def test_a_frame_of_another_shape_or_type_is_a_typed_error(
    frame: npt.NDArray[Any], tmp_path: Path, small_models: ModuleType
) -> None:
    runner = Runner(small_models.network().write(tmp_path / "small"), FORMAT, CPU)
    with pytest.raises(InferenceError):
        runner.run(frame, np.zeros(FORMAT.shape, np.uint8))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_is_told_to_stop_raises_and_the_next_one_is_good(
    backend: str, tmp_path: Path, small_models: ModuleType
) -> None:
    large = FrameFormat(width=512, height=512)
    package = small_models.network().write(tmp_path / "small")
    runner = Runner(package, large, RunOptions(backend=backend))
    frame = _frame(large)
    expected = _run(runner, frame)
    caught: list[InferenceError] = []

    def run() -> None:
        try:
            while True:
                _run(runner, frame)
        except InferenceError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(6000):  # until one arrives while a run is in progress
        runner.terminate()
        thread.join(0.01)
        if not thread.is_alive():
            break
    assert len(caught) == 1
    assert np.array_equal(_run(runner, frame), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_to_stop_without_a_run_in_progress_does_nothing(
    backend: str, tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.identity().write(tmp_path / "small")
    runner = Runner(package, FORMAT, RunOptions(backend=backend))
    runner.terminate()
    frame = _frame()
    assert np.array_equal(_run(runner, frame), frame)


def test_the_graph_on_disk_stays_as_it_is(tmp_path: Path, small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="CRD")
    package = model.write(tmp_path / "small")
    Runner(package, FORMAT, CPU).close()
    assert onnx.load_model(package.graph_path()) == model.core
