"""Packages made to hurt, loaded onto a stream that is on stage: it stays, and is told why."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from framebridge_client import Bridge, BridgeError, Timeout, connect

from tests.inference import hostile_models
from tests.system.processes import Sidecar, number_of, numbered, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture
def bridge(
    start_sidecar: Callable[..., Sidecar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bridge]:
    monkeypatch.setenv("FRAMEBRIDGE_CACHE_DIR", str(tmp_path / "cache"))
    # Enough for any package that means well, little enough to be waited for.
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_DEADLINE_S", "6")
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_MEMORY_MB", "2048")
    sidecar = start_sidecar()
    with connect() as bridge:
        yield bridge
    sidecar.end()
    assert _segments(sidecar.runs[0]) == []


def _worker(bridge: Bridge) -> int:
    pid: int = bridge.status()["streams"][0]["worker_pid"]
    return pid


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in tasks for word in path.read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _segments(run: str) -> list[str]:
    return sorted(path.name for path in Path("/dev/shm").glob(f"fb-{run}-*"))


def _begin_load(bridge: Bridge, stream: int, folder: Path) -> None:
    with pytest.raises(Timeout):
        bridge.load(stream, str(folder), timeout_s=0.2)


def _truncated() -> bytes:
    content = hostile_models.absent_weights().SerializeToString()
    return content[: len(content) // 2]


CASES: dict[str, tuple[hostile_models.Maker, set[str]]] = {
    "endless loop": (hostile_models.endless_loop, {"FB-E045"}),
    "huge kernel": (hostile_models.huge_kernel, {"FB-E045"}),
    "100 GB while it loads": (hostile_models.hungry_folding, {"FB-E045"}),
    "100 GB when it runs": (hostile_models.hungry_constant_of_shape, {"FB-E045"}),
    "absent weights": (hostile_models.absent_weights, {"FB-E042"}),
    "too deep": (hostile_models.deep, {"FB-E014"}),
    "truncated": (_truncated, {"FB-E014", "FB-E042"}),
}


def test_none_of_them_takes_the_stage_or_disturbs_what_is_on_it(
    bridge: Bridge, tmp_path: Path
) -> None:
    with bridge.open("passthrough", 32, 32, policy="lockstep") as stream, connect() as other:
        assert number_of(stream.process(numbered(1), 10).pixels) == 1
        worker = _worker(bridge)
        for name, (make, codes) in CASES.items():
            folder = tmp_path / name.replace(" ", "-")
            hostile_models.write(folder, make())
            with pytest.raises(BridgeError) as caught:
                other.load(stream.number, str(folder), timeout_s=60)
            assert caught.value.code in codes, name
            assert str(folder) in caught.value.place, name
            assert number_of(stream.process(numbered(7), 10).pixels) == 7
            assert stream.packages == ["passthrough"]
            assert _children(worker) == []
        assert _worker(bridge) == worker
        assert bridge.status()["streams"][0]["restarts"] == 0


def test_frames_flow_while_a_package_is_tried_out(bridge: Bridge, tmp_path: Path) -> None:
    hostile_models.write(tmp_path / "endless", hostile_models.endless_loop())
    with bridge.open("passthrough", 32, 32, policy="lockstep") as stream, connect() as other:
        worker = _worker(bridge)
        _begin_load(other, stream.number, tmp_path / "endless")
        until(lambda: _children(worker), "the trial has begun")
        for number in range(50):
            assert number_of(stream.process(numbered(number), 10).pixels) == number
        assert _children(worker), "the trial goes on"


def test_a_package_that_does_not_end_does_not_open_a_stream(bridge: Bridge, tmp_path: Path) -> None:
    hostile_models.write(tmp_path / "endless", hostile_models.endless_loop())
    with pytest.raises(BridgeError, match="FB-E045"):
        bridge.open(str(tmp_path / "endless"), 32, 32, timeout_s=60)
    assert bridge.status()["streams"] == []


def test_a_stream_closed_during_a_trial_leaves_none_behind(bridge: Bridge, tmp_path: Path) -> None:
    hostile_models.write(tmp_path / "endless", hostile_models.endless_loop())
    with bridge.open("passthrough", 32, 32) as stream, connect() as other:
        worker = _worker(bridge)
        _begin_load(other, stream.number, tmp_path / "endless")
        until(lambda: _children(worker), "the trial has begun")
        (trial,) = _children(worker)
    until(lambda: not _runs(worker) and not _runs(trial), "both are gone")
