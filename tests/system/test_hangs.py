"""Runs that never end, workers that say nothing, and processes that were only stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framebridge_client import Bridge, BridgeError, Stream, connect

from tests.system.knobbed import heavy, looping
from tests.system.processes import Sidecar, numbered, until

FRAME = np.full((16, 16, 4), 128, np.uint8)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def impatient(start_sidecar: Callable[..., Sidecar]) -> Sidecar:
    """A sidecar in which a run may take half a second."""
    return start_sidecar("--run-limit", "0.5")


def row(bridge: Bridge) -> dict[str, Any]:
    report: dict[str, Any] = bridge.status()["streams"][0]
    return report


def test_a_run_that_never_ends_is_stopped_and_the_worker_goes_on(
    impatient: Sidecar, tmp_path: Path
) -> None:
    package = looping(tmp_path / "looping")
    with (
        connect() as bridge,
        bridge.open(package, 16, 16, policy="lockstep") as stream,
        bridge.open("passthrough", 16, 16, policy="lockstep") as other,
    ):
        stream.process(FRAME, 30)
        before = row(bridge)
        stream.set(steps=10**12, timeout_s=10)
        with pytest.raises(BridgeError, match="FB-E042"):
            stream.process(FRAME, 30)
        until(lambda: "FB-E044" in row(bridge)["last_error"], "the cause is told")
        stream.set(steps=1, timeout_s=10)
        assert stream.process(FRAME, 30).origin == "bridge"
        assert other.process(FRAME, 30).origin == "bridge"
        after = row(bridge)
        assert after["worker_pid"] == before["worker_pid"]
        assert after["restarts"] == 0


def test_a_kernel_that_cannot_be_stopped_costs_its_worker_and_nobody_else(
    start_sidecar: Callable[..., Sidecar], tmp_path: Path
) -> None:
    # Long enough for the matrices to be made, after which the flag is looked at once more.
    start_sidecar("--run-limit", "3")
    package = heavy(tmp_path / "heavy")
    with (
        connect() as bridge,
        bridge.open(package, 16, 16) as stream,
        bridge.open("passthrough", 16, 16, policy="lockstep") as other,
    ):
        before = row(bridge)
        stream.set(steps=12000, timeout_s=10)
        stream.submit(FRAME)
        until(lambda: not stream.poll() and stream.state == "paused", "the stream is paused")
        assert stream.error is not None
        assert "nor when asked" in str(stream.error)
        assert other.process(FRAME, 30).origin == "bridge"
        until(lambda: not stream.poll() and stream.state == "live", "the stream is back")
        after = row(bridge)
        assert (after["restarts"], after["parameters"]) == (1, {"steps": 12000})
        assert after["worker_pid"] != before["worker_pid"]


def test_a_chain_that_hangs_three_times_is_given_up_and_passes_through(
    impatient: Sidecar, tmp_path: Path
) -> None:
    with connect() as bridge, bridge.open(looping(tmp_path / "looping"), 16, 16) as stream:
        stream.set(steps=10**12, timeout_s=10)

        def given_up() -> bool:
            stream.submit(FRAME)
            stream.poll()
            return row(bridge)["state"] == "failed"

        until(given_up, "three runs that hang are enough")
        assert "FB-E044" in row(bridge)["last_error"]
        stream.submit(numbered(5, 16, 16))
        until(lambda: passes_through(stream, 5), "the stream passes through")
        bridge.load(stream.number, "passthrough")
        until(lambda: shows(stream, 6), "a load brings it back")


def passes_through(stream: Stream, number: int) -> bool:
    stream.submit(numbered(number, 16, 16))
    result = stream.poll()
    return result is not None and result.origin == "passthrough"


def shows(stream: Stream, number: int) -> bool:
    stream.submit(numbered(number, 16, 16))
    result = stream.poll()
    return result is not None and result.origin == "bridge"


@pytest.mark.timeout(120)
def test_everything_stopped_for_longer_than_any_deadline_goes_on_without_a_restart(
    impatient: Sidecar, tmp_path: Path
) -> None:
    with connect() as bridge, bridge.open(looping(tmp_path / "looping"), 16, 16) as stream:
        # A run of a few tenths of a second is under way whenever they are stopped.
        stream.set(steps=30_000, timeout_s=10)
        worker, supervisor = row(bridge)["worker_pid"], impatient.pid
        for _ in range(3):
            sent = stream.counters.returned
            stream.submit(FRAME)
            time.sleep(0.05)
            for pid in (worker, supervisor):
                os.kill(pid, signal.SIGSTOP)
            # Beyond the limit of a run, its grace, and a client's patience with a greeting.
            time.sleep(4)
            for pid in (supervisor, worker):
                os.kill(pid, signal.SIGCONT)
            until(lambda n=sent: returns(stream) > n, "frames go on")
        after = row(bridge)
        assert (after["worker_pid"], after["restarts"]) == (worker, 0)
        assert after["last_error"] == ""


def returns(stream: Stream) -> int:
    stream.submit(FRAME)
    stream.poll()
    return stream.counters.returned


@pytest.mark.timeout(120)
def test_a_worker_alone_that_was_stopped_is_not_taken_for_one_that_hangs(
    impatient: Sidecar,
) -> None:
    with connect() as bridge, bridge.open("passthrough", 16, 16) as stream:
        worker = row(bridge)["worker_pid"]
        os.kill(worker, signal.SIGSTOP)
        # The limit of silence is 10 s.
        time.sleep(12)
        assert row(bridge)["worker_pid"] == worker
        os.kill(worker, signal.SIGCONT)
        until(lambda: returns(stream) > 0, "frames go on")
        assert row(bridge)["restarts"] == 0
