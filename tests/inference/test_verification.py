"""Packages are tried out in a process of their own; what was found is remembered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bridge.errors import (
    FramebridgeError,
    GraphMismatchError,
    InferenceError,
    ScratchError,
    VerificationError,
)
from bridge.frames import FrameFormat
from bridge.inference import cache
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.inference.scratch_process import run_scratch
from bridge.inference.verification import Limits, recall, verified, verify_in_turn
from tests.inference import hostile_models

CPU = RunOptions(provider="cpu")
SOURCE = FrameFormat(width=48, height=32)
SMALL = Limits(deadline_s=60, memory_bytes=512 << 20)
resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    yield
    assert _children() == []
    assert list(scratch.iterdir()) == []


def _children() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    found = [int(word) for path in tasks for word in path.read_text().split()]
    # What multiprocessing leaves behind, wherever else in this process it was used, is not ours.
    return [pid for pid in found if not _is_resource_tracker(pid)]


def _is_resource_tracker(pid: int) -> bool:
    return b"multiprocessing.resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _failure(package: ModelPackage, limits: Limits, **more: bool) -> FramebridgeError:
    with pytest.raises(FramebridgeError) as caught:
        verified(package, SOURCE, CPU, limits, **more)
    return caught.value


def test_a_package_is_tried_at_the_size_at_which_it_will_run(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network(scale=2, tail="DCR").write(tmp_path / "small")
    verdict = verified(package, SOURCE, CPU)
    assert (verdict.source, verdict.result, verdict.finite) == ((48, 32), (96, 64), True)
    assert verdict.execution.endswith(", cpu")


def test_a_verdict_is_remembered_and_asked_for_again_only_when_wanted(
    tmp_path: Path, small_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = small_models.network().write(tmp_path / "small")
    assert recall(package, SOURCE, CPU) is None
    first = verified(package, SOURCE, CPU)
    assert recall(package, SOURCE, CPU) == first
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    assert verified(package, SOURCE, CPU) == first
    with pytest.raises(ScratchError):
        verified(package, SOURCE, CPU, fresh=True)
    assert recall(package, SOURCE, CPU) == first


def test_a_verdict_is_of_one_package_format_and_way_to_run_it(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network().write(tmp_path / "small")
    verdict = verified(package, SOURCE, CPU)
    assert recall(small_models.network().write(tmp_path / "copy"), SOURCE, CPU) == verdict
    assert recall(small_models.network(seed=1).write(tmp_path / "other"), SOURCE, CPU) is None
    assert recall(package, FrameFormat(width=48, height=33), CPU) is None
    assert recall(package, FrameFormat(width=48, height=32, alpha="opaque"), CPU) is None
    assert recall(package, SOURCE, RunOptions(provider="auto")) is None
    assert recall(package, SOURCE, RunOptions(provider="cpu", threads=1)) is None


def test_a_verdict_that_somebody_has_spoilt_is_none(
    tmp_path: Path, small_models: ModuleType, cache_folder: Path
) -> None:
    package = small_models.network().write(tmp_path / "small")
    verified(package, SOURCE, CPU)
    (entry,) = cache_folder.glob("verdicts/*")
    entry.write_text(entry.read_text().replace('"finite": true', '"finite": 7'))
    assert recall(package, SOURCE, CPU) is None
    assert verified(package, SOURCE, CPU).finite


def test_a_failure_is_remembered_for_the_same_package_elsewhere(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.noise().write(tmp_path / "noise")
    error = _failure(package, SMALL)
    assert isinstance(error, GraphMismatchError)
    copy = small_models.noise().write(tmp_path / "copy")
    known = recall(copy, SOURCE, CPU, SMALL)
    assert isinstance(known, GraphMismatchError)
    assert known.place == f"{copy.folder} deterministic"
    assert str(_failure(copy, SMALL)) == str(known)


def test_more_memory_is_worth_another_trial(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.hungry_constant_of_shape())
    assert isinstance(_failure(package, SMALL), VerificationError)
    assert isinstance(recall(package, SOURCE, CPU, SMALL), VerificationError)
    less = Limits(SMALL.deadline_s / 2, SMALL.memory_bytes // 2)
    assert isinstance(recall(package, SOURCE, CPU, less), VerificationError)
    for more in (Limits(61, SMALL.memory_bytes), Limits(60, SMALL.memory_bytes + 1)):
        assert recall(package, SOURCE, CPU, more) is None


def test_a_machine_that_has_too_little_memory_says_nothing_about_the_package(
    tmp_path: Path,
) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.hungry_constant_of_shape())
    limits = Limits(60, 1 << 50)
    assert isinstance(_failure(package, limits), VerificationError)
    assert recall(package, SOURCE, CPU, limits) is None


def test_what_this_version_cannot_run_is_not_remembered(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network().write(tmp_path / "small")
    size = FrameFormat(width=16384, height=1)
    with pytest.raises(FramebridgeError):
        verified(package, size, RunOptions(provider="coreml"))
    assert recall(package, size, RunOptions(provider="coreml")) is None


def test_weights_that_are_no_numbers_pass_and_are_said_to(
    tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network()
    model.core.graph.initializer[0].raw_data = np.full(162, np.inf, np.float32).tobytes()
    assert not verified(model.write(tmp_path / "inf"), SOURCE, CPU).finite


def test_a_package_that_remembers_is_run_twice_from_its_beginning(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.memory(initial="noise").write(tmp_path / "small")
    assert verified(package, SOURCE, CPU).result == (SOURCE.width, SOURCE.height)


def test_a_package_without_a_frame_input_passes(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.generator().write(tmp_path / "small")
    assert verified(package, SOURCE, CPU).result == (12, 8)


def test_each_package_of_a_chain_is_tried_at_what_the_one_before_makes(
    tmp_path: Path, small_models: ModuleType
) -> None:
    first = small_models.network(scale=2, tail="DCR").write(tmp_path / "first")
    second = small_models.network().write(tmp_path / "second")
    verify_in_turn([first, second], SOURCE, CPU)
    assert recall(second, FrameFormat(width=96, height=64), CPU) is not None
    assert recall(second, SOURCE, CPU) is None


# Packages that hurt.


@pytest.mark.parametrize("make", hostile_models.ENDLESS, ids=lambda make: make.__name__)
def test_what_does_not_end_is_ended(make: hostile_models.Maker, tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", make())
    error = _failure(package, Limits(deadline_s=4))
    assert isinstance(error, VerificationError)
    assert "runs twice in 4 s" in error.expected


@pytest.mark.parametrize("make", hostile_models.HUNGRY, ids=lambda make: make.__name__)
def test_what_wants_100_gb_gets_none_of_it(make: hostile_models.Maker, tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", make())
    error = _failure(package, SMALL)
    refused_by_size = isinstance(error, InferenceError) and "exceeds the" in error.found
    assert refused_by_size or (
        isinstance(error, VerificationError) and error.found == "more wanted"
    )
    # The largest of all trials so far.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1 << 20


@pytest.mark.parametrize("make", hostile_models.EMPTY, ids=lambda make: make.__name__)
def test_weights_that_are_not_there_are_a_typed_error(
    make: hostile_models.Maker, tmp_path: Path
) -> None:
    package = hostile_models.write(tmp_path / "h", make())
    assert isinstance(_failure(package, SMALL), InferenceError)


def test_a_graph_that_is_too_deep_is_a_typed_error(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.deep())
    assert isinstance(_failure(package, SMALL), GraphMismatchError)


def test_functions_that_double_without_end_are_ended(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.doubling_functions())
    assert isinstance(_failure(package, Limits(4, 512 << 20)), VerificationError)


def _struck(package: ModelPackage, number: signal.Signals) -> FramebridgeError:
    """The failure of a trial that is sent a signal."""

    def strike() -> None:
        end = time.monotonic() + 30
        while not (found := _children()) and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(found[0], number)

    striker = threading.Thread(target=strike)
    striker.start()
    error = _failure(package, Limits(deadline_s=60))
    striker.join()
    return error


def test_a_trial_that_somebody_else_ends_says_nothing_about_the_package(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.endless_loop())
    assert isinstance(_struck(package, signal.SIGKILL), ScratchError)
    assert recall(package, SOURCE, CPU, Limits(deadline_s=60)) is None


def test_a_trial_that_crashes_is_remembered_as_such(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.endless_loop())
    error = _struck(package, signal.SIGSEGV)
    assert isinstance(error, VerificationError)
    assert "signal 11" in error.found
    assert isinstance(recall(package, SOURCE, CPU, Limits(deadline_s=60)), VerificationError)


def test_a_trial_ends_with_whoever_started_it(tmp_path: Path) -> None:
    package = hostile_models.write(tmp_path / "h", hostile_models.endless_loop())
    code = (
        "import sys; from pathlib import Path; from bridge.frames import FrameFormat;"
        "from bridge.inference.package import ModelPackage;"
        "from bridge.inference.verification import verified;"
        f"package = ModelPackage.open(Path({str(package.folder)!r}));"
        "verified(package, FrameFormat(width=8, height=8))"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as starter:
        tasks = Path(f"/proc/{starter.pid}/task")
        end = time.monotonic() + 30
        words: list[str] = []
        while not words and time.monotonic() < end:
            words = [word for path in tasks.glob("*/children") for word in path.read_text().split()]
            time.sleep(0.01)
        starter.kill()
    while _runs(int(words[0])):
        assert time.monotonic() < end, "the trial outlives its starter"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# The process.


def test_a_request_that_is_none_is_answered_by_an_end_in_words() -> None:
    outcome = run_scratch(b"no request", 60)
    assert (outcome.answer, outcome.in_time) == (b"", True)
    assert outcome.status == 1
    assert "DecodeError" in outcome.words


def test_a_package_that_was_exchanged_meanwhile_is_refused(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network().write(tmp_path / "small")
    small_models.network(seed=1).write(tmp_path / "small")
    assert "while it was being loaded" in _failure(package, SMALL).remedy


@pytest.mark.parametrize(
    ("deadline", "memory", "limits"),
    [
        ("", "", Limits()),
        ("2.5", "100", Limits(2.5, 100 << 20)),
        ("never", "-4", Limits()),
        ("nan", "inf", Limits()),
    ],
)
def test_limits_can_be_set_from_outside(
    deadline: str, memory: str, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_DEADLINE_S", deadline)
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_MEMORY_MB", memory)
    assert Limits.of_environment() == limits
