"""A worker gives way to the engine, and takes its share back when it would starve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from framebridge_client import Bridge, connect

from bridge.supervisor.worker_link import find_lever
from tests.system.processes import Sidecar, until


@pytest.fixture(scope="module")
def lever() -> str:
    found = find_lever()
    if found not in ("autogroup", "class"):
        pytest.skip(f"here workers give way by {found!r}, which cannot be undone")
    return found


def row(bridge: Bridge) -> dict[str, Any]:
    report: dict[str, Any] = bridge.status()["streams"][0]
    return report


@contextmanager
def busy_engine() -> Iterator[None]:
    """A process in a session of its own for each core, twice over, that never rests."""
    spin = [sys.executable, "-c", "while True: pass"]
    spinning = [
        subprocess.Popen(spin, start_new_session=True) for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def test_a_worker_gives_way_once_it_is_live_and_no_other_process_does(
    lever: str, bridge: Bridge, sidecar: Sidecar
) -> None:
    with bridge.open("passthrough", 32, 32, policy="lockstep") as stream:
        until(lambda: row(bridge)["priority"] == "low", "it gives way")
        assert stream.process(np.zeros((32, 32, 4), np.uint8), 10).origin == "bridge"
        if lever == "autogroup":
            assert niceness(row(bridge)["worker_pid"]) == 19
            assert niceness(sidecar.pid) == 0
            assert niceness(os.getpid()) == 0


def niceness(pid: int) -> int:
    """Of the session of a process. The file of one that was started before sessions had groups,
    or in none, is empty: it is in the system's own, whose niceness nothing changes."""
    with open(f"/proc/{pid}/autogroup") as file:
        words = file.read().split()
        return int(words[-1]) if words else 0


@pytest.mark.timeout(120)
def test_a_worker_that_starves_beside_a_busy_engine_gets_its_priority_back(
    lever: str, bridge: Bridge
) -> None:
    frame = np.zeros((64, 64, 4), np.uint8)
    with bridge.open("upscale-x2", 64, 64) as stream:

        def has_become(priority: str) -> bool:
            stream.submit(frame)
            stream.poll()
            return bool(row(bridge)["priority"] == priority)

        until(lambda: has_become("low"), "it gives way")
        with busy_engine():
            until(lambda: has_become("normal"), "it gets its share back")
            before = stream.counters.returned
            until(lambda: has_become("normal") and stream.counters.returned > before + 5, "frames")
        until(lambda: has_become("low"), "it gives way again", 60)


def test_a_worker_keeps_its_priority_where_it_is_told_to(
    lever: str, start_sidecar: Callable[..., Sidecar]
) -> None:
    start_sidecar("--keep-priority")
    with connect() as bridge, bridge.open("passthrough", 32, 32, policy="lockstep") as stream:
        frame = np.zeros((32, 32, 4), np.uint8)
        until(
            lambda: stream.process(frame, 10) and row(bridge)["counters"].get("returned", 0) > 300,
            "three hundred frames",
        )
        assert row(bridge)["priority"] == "normal"
