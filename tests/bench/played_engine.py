"""An engine with work of its own, in a session of its own: `python -m tests.bench.played_engine`.

It runs 60 ticks a second. Windows of its work alone, and of its work and a submit in each tick,
take turns; a few of a submit in each tick and no work say what the bridge could do by itself.
Reads a JSON Plan, prints a JSON Played.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np
from framebridge_client import Stream, connect

from tests.bench.frames import noise
from tests.bench.ticks import RATE, run_ticks

_SETTLE_S = 0.3
_NUMBERS = 32_768
"""A quarter of a MiB: near enough to the core, and long enough a calculation that two threads of
Python do not wait for each other."""

Kind = Literal["idle", "both", "submits"]
_SUBMITS_EVERY = 3
"""Only each third turn has a window without work."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play: threads of work a tick, seconds of it on each, and pairs of windows."""

    endpoint: str
    token: str
    threads: int
    work_s: float
    windows: int
    window_s: float
    model: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen.

    Attributes:
        wall_s: of the work of each tick, without ("idle") and with submits ("both").
        processor_s: the processor time that the same work took, on its slowest thread.
        results: results that came back in the windows of each kind, by kind.
        seconds: those windows' length in all.
    """

    wall_s: dict[str, list[float]] = field(default_factory=dict)
    processor_s: dict[str, list[float]] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Work:
    """So many seconds of arithmetic on each of its threads, in cache and waiting for nothing.

    Numpy lets other threads run meanwhile, so two threads are two cores' work.
    """

    def __init__(self, threads: int, seconds: float) -> None:
        self._numbers = [np.linspace(0.1, 0.9, _NUMBERS) for _ in range(threads)]
        self._times = [0.0] * threads
        self._turns = 1
        self._begin, self._end = threading.Barrier(threads), threading.Barrier(threads)
        for index in range(1, threads):
            threading.Thread(target=self._follow, args=(index,), daemon=True).start()
        self._calibrate(seconds)

    def __call__(self) -> tuple[float, float]:
        """Seconds until all threads are done, and of processor time on the slowest one."""
        start = time.perf_counter()
        self._begin.wait()
        self._calculate(0)
        self._end.wait()
        return time.perf_counter() - start, max(self._times)

    def _follow(self, index: int) -> None:
        while True:
            self._begin.wait()
            self._calculate(index)
            self._end.wait()

    def _calculate(self, index: int) -> None:
        start = time.thread_time()
        numbers = self._numbers[index]
        for _ in range(self._turns):
            np.multiply(numbers, 1.000001, out=numbers)
            np.sqrt(numbers, out=numbers)
        self._times[index] = time.thread_time() - start

    def _calibrate(self, seconds: float) -> None:
        """By processor time, which is the same whoever else is at work."""
        self._turns = 4
        while (taken := float(np.median([self()[1] for _ in range(15)]))) < seconds / 2:
            self._turns *= 2
        self._turns = max(1, round(self._turns * seconds / taken))


def play(plan: Plan) -> Played:
    """Play it all; each turn begins with another kind."""
    work = Work(plan.threads, plan.work_s)
    played = Played()
    frame = noise(plan.width, plan.height)
    with connect(plan.endpoint, plan.token) as bridge:
        stream = bridge.open(plan.model, plan.width, plan.height)
        for turn in range(plan.windows):
            kinds: list[Kind] = ["idle", "both"] if turn % 2 else ["both", "idle"]
            if turn % _SUBMITS_EVERY == 0:
                kinds.append("submits")
            for kind in kinds:
                _window(kind, plan, played, work, stream, frame)
    return played


def _window(
    kind: Kind,
    plan: Plan,
    played: Played,
    work: Work,
    stream: Stream,
    frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> None:
    taken: list[tuple[float, float]] = []
    does: Callable[[], object] = lambda: taken.append(work())  # noqa: E731
    if kind == "idle":
        _idle(plan.window_s, does)
    else:
        # The bridge is at work already when the window begins.
        run_ticks(stream, frame, _SETTLE_S, drain=False)
        start = time.perf_counter()
        arrived = run_ticks(
            stream, frame, plan.window_s, does if kind == "both" else None, drain=False
        )
        played.seconds[kind] = played.seconds.get(kind, 0.0) + time.perf_counter() - start
        played.results[kind] = played.results.get(kind, 0) + len(arrived)
        # And it is at rest before the next one does.
        run_ticks(stream, frame, 0)
    played.wall_s.setdefault(kind, []).extend(wall for wall, _ in taken)
    played.processor_s.setdefault(kind, []).extend(processor for _, processor in taken)


def _idle(seconds: float, work: Callable[[], object]) -> None:
    begun = time.monotonic()
    for tick in range(1, round(seconds * RATE) + 1):
        work()
        time.sleep(max(0.0, begun + tick / RATE - time.monotonic()))


if __name__ == "__main__":
    print(json.dumps(asdict(play(Plan(**json.load(sys.stdin))))))
