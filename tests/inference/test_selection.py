"""The backend that was named, or the fastest exact one; and all processes choose alike."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bridge.errors import InferenceError, ProviderError, RuntimeMissingError
from bridge.frames import FrameFormat
from bridge.inference import cache, selection
from bridge.inference.backends import onnxruntime, openvino
from bridge.inference.backends.base import Arrays, Execution
from bridge.inference.pixels import FRAME_IN, FRAME_OUT, SUM_OUT, compose
from bridge.inference.runner import Runner, RunOptions

SMALL = FrameFormat(width=12, height=8)
needs_openvino = pytest.mark.skipif(
    openvino.installed_version() is None, reason="OpenVINO is not installed"
)


@pytest.fixture(autouse=True)
def own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def graph(small_models: ModuleType) -> bytes:
    model = small_models.network(scale=2, tail="DCR")
    return compose(model.core, model.manifest, SMALL).model


class Backend:
    """Compiles with ONNX Runtime, and then takes a stated time and changes the result as told.

    The time is that of a clock of its own, which `perf_counter` reads.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self.costs_s: dict[tuple[str, str], float] = {}
        self.off: dict[tuple[str, str], int] = {}
        self.fails: set[tuple[str, str]] = set()
        self.compiled: list[tuple[str, str]] = []
        self.runs: list[tuple[str, str]] = []
        self.open = 0
        self.real = onnxruntime.compile_graph

    def compile(self, pair: tuple[str, str], model: bytes, provider: str, common: Any) -> Any:
        self.compiled.append(pair)
        if pair in self.fails:
            raise InferenceError("graph", "a graph", "none")
        self.open += 1
        return Compiled(self, pair, self.real(model, provider="cpu", threads=1))


class Compiled:
    def __init__(self, backend: Backend, pair: tuple[str, str], real: Any) -> None:
        self.execution = Execution(pair[0], "cpu", "", pair[1])
        self._backend, self._pair, self._real = backend, pair, real

    def run(self, inputs: Arrays, outputs: Arrays) -> None:
        self._real.run(inputs, outputs)
        picture = outputs[FRAME_OUT]
        off = self._backend.off.get(self._pair, 0)
        picture[0, 0, 0] += off if picture[0, 0, 0] < 128 else -off
        self._backend.now_s += self._backend.costs_s[self._pair]
        self._backend.runs.append(self._pair)

    def terminate(self) -> None:
        self._real.terminate()

    def close(self) -> None:
        self._backend.open -= 1
        self._real.close()


ORT, OV, BF16 = ("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "bf16")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Candidates whose speed and exactness a test states, in place of the machine's own."""
    staged = Backend()
    staged.costs_s = {ORT: 0.020, OV: 0.010, BF16: 0.005}
    monkeypatch.setattr(selection, "_compile", staged.compile)
    monkeypatch.setattr(selection.time, "perf_counter", lambda: staged.now_s)
    monkeypatch.setattr(openvino, "installed_version", lambda: "1.0")
    monkeypatch.setattr(openvino, "available_computes", lambda: ["float32", "bf16"])
    yield staged
    assert staged.open <= 1, "every candidate but the one that was chosen is closed"


def chosen(graph: bytes, **options: Any) -> Execution:
    return selection.compile_graph(graph, {}, provider="cpu", **options).execution


def pair(execution: Execution) -> tuple[str, str]:
    return execution.backend, execution.compute


# Choosing.


def test_the_faster_one_is_taken_and_says_by_how_much(graph: bytes, backend: Backend) -> None:
    execution = chosen(graph)
    assert pair(execution) == OV
    assert execution.note == "openvino 2.0x faster than onnxruntime here"


def test_the_reference_stays_where_it_is_as_fast(graph: bytes, backend: Backend) -> None:
    backend.costs_s[OV] = 0.0195
    execution = chosen(graph)
    assert (pair(execution), execution.note) == (ORT, "")


def test_bf16_is_not_tried_unless_it_is_asked_for(graph: bytes, backend: Backend) -> None:
    chosen(graph)
    assert BF16 not in backend.compiled


@pytest.mark.parametrize(("steps", "expected"), [(1, BF16), (2, OV)])
def test_auto_takes_bf16_within_a_step_only(
    steps: int, expected: tuple[str, str], graph: bytes, backend: Backend
) -> None:
    backend.off[BF16] = steps
    execution = chosen(graph, compute="auto")
    assert pair(execution) == expected
    assert ("openvino bf16 is 2 steps of 255 off" in execution.note) == (steps == 2)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_faster_one_that_is_off_by_more_than_a_step_is_not_taken(
    steps: int, graph: bytes, backend: Backend
) -> None:
    backend.off[OV] = steps
    assert pair(chosen(graph)) == (OV if steps == 1 else ORT)


def test_one_that_cannot_load_the_graph_is_not_taken(graph: bytes, backend: Backend) -> None:
    backend.fails.add(OV)
    execution = chosen(graph)
    assert (pair(execution), execution.note) == (ORT, "openvino cannot load it")


def test_a_graph_that_the_reference_cannot_load_is_an_error(graph: bytes, backend: Backend) -> None:
    backend.fails.add(ORT)
    with pytest.raises(InferenceError):
        chosen(graph)


def test_a_graph_that_takes_no_time_is_left_to_the_reference(
    graph: bytes, backend: Backend
) -> None:
    backend.costs_s = {ORT: 0.001, OV: 0.0001}
    assert pair(chosen(graph)) == ORT
    assert OV not in backend.compiled


def test_candidates_run_in_turn_and_the_quickest_run_of_each_counts(
    graph: bytes, backend: Backend
) -> None:
    chosen(graph)
    race = backend.runs[3:]
    assert race.count(OV) == race.count(ORT) == selection._MOST_RUNS
    assert all(race[i] != race[i + 1] for i in range(0, len(race), 2))


def test_slow_graphs_have_few_runs(graph: bytes, backend: Backend) -> None:
    backend.costs_s = {ORT: 4.0, OV: 2.0}
    assert pair(chosen(graph)) == OV
    assert backend.runs == [ORT, OV]


def test_a_processor_without_bf16_is_no_fault(
    graph: bytes, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "available_computes", lambda: ["float32"])
    execution = chosen(graph, compute="auto", allow_fallback=True)
    assert pair(execution) == OV
    assert "bf16" not in execution.note


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"backend": "onnxruntime"}, ORT),
        ({"backend": "onnxruntime", "compute": "auto"}, ORT),
        ({"backend": "openvino"}, OV),
        ({"compute": "bf16"}, BF16),
        ({"backend": "openvino", "compute": "bf16"}, BF16),
    ],
    ids=str,
)
def test_what_is_named_is_taken_without_a_trial(
    options: dict[str, Any], expected: tuple[str, str], graph: bytes, backend: Backend
) -> None:
    backend.costs_s = dict.fromkeys((ORT, OV, BF16), 0.01)
    assert pair(chosen(graph, **options)) == expected
    assert backend.runs == []


@pytest.mark.parametrize(
    ("steps", "expected"), [((0, 0), BF16), ((0, 3), OV), ((5, 3), OV)], ids=str
)
def test_a_backend_that_is_named_stays_and_bf16_is_held_against_the_reference(
    steps: tuple[int, int], expected: tuple[str, str], graph: bytes, backend: Backend
) -> None:
    backend.off = dict(zip((OV, BF16), steps, strict=True))
    assert pair(chosen(graph, backend="openvino", compute="auto")) == expected


@pytest.mark.parametrize(
    "options",
    [{"backend": "abacus"}, {"compute": "int3"}, {"backend": "onnxruntime", "compute": "bf16"}],
    ids=str,
)
def test_what_cannot_be_is_refused(options: dict[str, Any], graph: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        chosen(graph, **options)
    assert caught.value.remedy


def test_another_provider_makes_no_trial(
    graph: bytes, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "available_providers", lambda: ["cuda", "cpu"])
    for provider in ("auto", "cuda"):
        selection.compile_graph(graph, {}, provider=provider).close()
    assert backend.compiled == [ORT, ORT]
    assert backend.runs == []


# Remembering.


def test_a_choice_is_made_once(graph: bytes, backend: Backend) -> None:
    first = chosen(graph)
    backend.open = 0
    backend.costs_s = {ORT: 0.01, OV: 1.0}
    backend.compiled.clear()
    backend.runs.clear()
    assert chosen(graph) == first
    assert (backend.compiled, backend.runs) == ([OV], [])


def test_another_graph_machine_runtime_or_number_of_threads_is_another_choice(
    graph: bytes, backend: Backend, small_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(model: bytes, **options: Any) -> bool:
        backend.runs.clear()
        chosen(model, **options)
        backend.open = 0
        return bool(backend.runs)

    model = small_models.network(scale=2, tail="DCR")
    larger = compose(model.core, model.manifest, FrameFormat(width=16, height=8)).model
    assert tried(graph)
    assert not tried(graph)
    assert tried(larger)
    assert tried(graph, threads=3)
    assert tried(graph, compute="auto")
    with monkeypatch.context() as patch:
        patch.setattr(openvino, "installed_version", lambda: "2.0")
        assert tried(graph)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "machine_key", lambda: "another")
        assert tried(graph)
    assert not tried(graph)


def test_what_another_process_found_meanwhile_is_taken(
    graph: bytes, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"backend": "onnxruntime", "compute": "float32", "note": "theirs"}
    trial = selection._trial

    def slower(*arguments: Any) -> dict[str, Any]:
        key = selection._key(hashlib.sha256(graph).hexdigest(), [ORT, OV], 0)
        cache.remember(selection._KIND, key, found)
        return trial(*arguments)

    monkeypatch.setattr(selection, "_trial", slower)
    execution = chosen(graph)
    assert (pair(execution), execution.note) == (ORT, "theirs")


@pytest.mark.parametrize("value", [{}, {"backend": "abacus", "compute": "float32"}])
def test_an_entry_that_names_no_candidate_is_tried_again(
    value: dict[str, Any], graph: bytes, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = cache.remember
    key = selection._key(hashlib.sha256(graph).hexdigest(), [ORT, OV], 0)
    remember(selection._KIND, key, value)
    assert pair(chosen(graph)) == OV
    assert cache.remembered(selection._KIND, key)["backend"] == "openvino"  # type: ignore[index]


def test_trials_that_never_end_are_given_up(
    graph: bytes, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(selection, "_trial", killed)
        for _ in range(selection._MOST_BEGUN):
            with pytest.raises(KeyboardInterrupt):
                chosen(graph)
    execution = chosen(graph)
    assert pair(execution) == ORT
    assert "did not end" in execution.note


def test_where_nothing_can_be_remembered_nothing_is_tried(
    graph: bytes, backend: Backend, own_cache_folder: Path
) -> None:
    own_cache_folder.write_text("in the way")
    execution = chosen(graph)
    assert (pair(execution), backend.runs) == (ORT, [])
    assert str(own_cache_folder) in execution.note


# With the runtimes themselves.


@needs_openvino
@pytest.mark.parametrize("compute", ["float32", "auto"])
def test_whatever_is_chosen_is_within_a_step_of_the_reference(
    compute: str, small_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_WORTHWHILE_S", 0.0)
    model = small_models.network(scale=2, tail="DCR")
    composed = compose(model.core, model.manifest, FrameFormat(width=96, height=64))
    frame = selection._picture(composed.source.shape)
    results = []
    for options in ({"backend": "onnxruntime"}, {"compute": compute}):
        compiled = selection.compile_graph(composed.model, {}, provider="cpu", **options)
        result = np.zeros(composed.result.shape, np.uint8)
        compiled.run({FRAME_IN: frame}, {FRAME_OUT: result, SUM_OUT: np.zeros(1, np.float32)})
        results.append(result.astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1


@needs_openvino
def test_a_package_runs_on_the_backend_that_is_named(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.knobs().write(tmp_path / "knobs")
    runner = Runner(package, SMALL, RunOptions(backend="openvino"))
    assert runner.execution.backend.startswith("openvino ")
    frame = np.random.default_rng(0).integers(0, 256, SMALL.shape, np.uint8)
    result = np.zeros(SMALL.shape, np.uint8)
    runner.run(frame, result)
    assert np.array_equal(result, frame)
    runner.set_parameters({"invert": True})
    runner.run(frame, result)
    assert np.array_equal(result[..., :3], 255 - frame[..., :3])


def test_a_named_backend_that_is_not_installed_is_an_error_that_says_how_to_get_it(
    graph: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(RuntimeMissingError, match="framebridge\\[openvino\\]"):
        chosen(graph, backend="openvino")


def test_without_openvino_there_is_nothing_to_choose(
    graph: bytes, monkeypatch: pytest.MonkeyPatch, own_cache_folder: Path
) -> None:
    monkeypatch.setattr(openvino, "installed_version", lambda: None)
    execution = chosen(graph)
    assert execution.backend.startswith("onnxruntime ")
    assert not own_cache_folder.exists()


def test_frames_in_any_order_of_bytes_take_the_same_backend(
    tmp_path: Path, small_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = small_models.network().write(tmp_path / "small")
    subjects = set()
    real = selection._key

    def key(subject: str, *rest: Any) -> str:
        subjects.add(subject)
        return real(subject, *rest)

    monkeypatch.setattr(selection, "_key", key)
    for order in ({}, {"pixel_format": "bgra8"}, {"rows": "bottom_first"}, {"alpha": "opaque"}):
        Runner(package, FrameFormat(width=24, height=16, **order)).close()
    assert len(subjects) == 1
    Runner(package, FrameFormat(width=32, height=16)).close()
    assert len(subjects) == 2
