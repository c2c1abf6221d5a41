"""Real processes that spin, sleep, starve and are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from bridge.supervisor.health import DEATHS_WINDOW_S, Deaths, Patience, Pulse

LIMIT_S = 2.0
Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that runs a line of Python; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(line: str) -> int:
        words = [sys.executable, "-c", f"print(flush=True); {line}"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        started.append(process)
        return process.pid

    yield begin
    for process in started:
        process.kill()
        process.wait()


def hangs_within(pulse: Pulse, seconds: float) -> bool:
    """Whether the worker was found to hang, asked ten times a second for that long."""
    patience, end = Patience(time.monotonic()), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        if pulse.hangs(patience.step(time.monotonic())):
            return True
    return False


@pytest.mark.parametrize("line", ["import time; time.sleep(60)", "exec('while True: pass')"])
def test_a_worker_that_says_nothing_hangs_whether_it_works_or_waits(
    start: Start, line: str
) -> None:
    assert hangs_within(Pulse(start(line), LIMIT_S), 4 * LIMIT_S)


def test_a_worker_that_speaks_now_and_then_does_not_hang(start: Start) -> None:
    pulse = Pulse(start("import time; time.sleep(60)"), LIMIT_S)
    for _ in range(4):
        assert not hangs_within(pulse, LIMIT_S / 2)
        pulse.heard()


@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read from /proc")
def test_a_stopped_worker_does_not_hang_until_it_goes_on(start: Start) -> None:
    pid = start("import time; time.sleep(60)")
    pulse = Pulse(pid, LIMIT_S)
    os.kill(pid, signal.SIGSTOP)
    assert not hangs_within(pulse, 2 * LIMIT_S)
    os.kill(pid, signal.SIGCONT)
    assert hangs_within(pulse, 2 * LIMIT_S)


def test_time_in_which_nobody_could_ask_does_not_count() -> None:
    patience = Patience(100.0)
    assert patience.step(100.1) == pytest.approx(0.1)
    assert patience.step(5000.0) == pytest.approx(0.3)
    assert patience.step(5000.2) == pytest.approx(0.2)


def test_three_deaths_within_a_minute_are_too_many_and_older_ones_are_forgotten() -> None:
    deaths = Deaths()
    for moment in (0.0, 1.0):
        deaths.add(moment)
        assert not deaths.too_many(moment)
    late = DEATHS_WINDOW_S + 0.5
    deaths.add(late)
    assert deaths.recent(late) == 2
    deaths.add(late)
    assert deaths.too_many(late)
    deaths.clear()
    assert deaths.recent(late) == 0
