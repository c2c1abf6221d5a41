"""Runs that take too long, with real time and real work."""

from __future__ import annotations

import threading
import time

import pytest

from bridge.errors import InferenceError, RunLimitError
from bridge.worker.watchdog import Watchdog


class Run:
    """Works until it is asked to stop, and for `deaf_s` after that."""

    def __init__(self, deaf_s: float = 0.0) -> None:
        self._asked_at = float("inf")
        self._deaf_s = deaf_s

    def stop(self) -> None:
        self._asked_at = min(self._asked_at, time.monotonic())

    def work(self, limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if time.monotonic() > self._asked_at + self._deaf_s:
                raise InferenceError("run", "a finished run", "one that was stopped")


def test_a_run_beyond_its_limit_is_asked_to_stop_and_says_so() -> None:
    given_up: list[str] = []
    watchdog, run = Watchdog(0.3, given_up.append), Run()
    with pytest.raises(RunLimitError, match=r"0\.3 s"), watchdog.guard(run.stop):
        run.work()
    assert given_up == []
    assert watchdog.spent_s() == 0


def test_a_run_that_does_not_listen_is_given_up() -> None:
    given_up = threading.Event()
    watchdog, run = Watchdog(0.2, lambda _: given_up.set()), Run(deaf_s=60)
    with watchdog.guard(run.stop):
        end = time.monotonic() + 30
        while not given_up.is_set():
            assert time.monotonic() < end, "never given up"
    assert run._asked_at < float("inf")


def test_runs_within_the_limit_are_left_alone_however_many_follow_each_other() -> None:
    given_up: list[str] = []
    watchdog, run = Watchdog(0.5, given_up.append), Run()
    for _ in range(10):
        with watchdog.guard(run.stop):
            run.work(limit_s=0.1)
    assert run._asked_at == float("inf")
    assert given_up == []


def test_an_error_within_the_limit_stays_what_it_was() -> None:
    watchdog = Watchdog(10, lambda _: None)
    with pytest.raises(InferenceError, match="broken"), watchdog.guard(lambda: None):
        raise InferenceError("run", "a finished run", "broken")


def test_a_run_that_gets_no_processor_time_is_given_longer() -> None:
    asked = threading.Event()
    watchdog = Watchdog(0.4, lambda _: None)
    start = time.monotonic()
    with watchdog.guard(asked.set):
        assert asked.wait(30)
    # It slept: counted at a third, 0.4 s are 1.2.
    assert time.monotonic() - start > 0.8
