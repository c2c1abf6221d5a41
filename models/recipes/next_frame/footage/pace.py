"""How far a run is, how long it takes, and what stops it."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from .plan import Order


class Pace:
    """Wall time of a run over all its sessions, and its progress.

    Attributes:
        elapsed_s, cpu_s: as of the last `step`; of processor time, that of all threads.
    """

    def __init__(self, order: Order, elapsed_s: float = 0.0, cpu_s: float = 0.0) -> None:
        self._order = order
        self._before_s, self._cpu_before_s = elapsed_s, cpu_s
        self._begun_s, self._cpu_begun_s = time.monotonic(), time.process_time()
        self.elapsed_s, self.cpu_s = elapsed_s, cpu_s

    def tick(self) -> None:
        self.elapsed_s = self._before_s + time.monotonic() - self._begun_s
        self.cpu_s = self._cpu_before_s + time.process_time() - self._cpu_begun_s

    def progress(self, taken: int) -> float:
        """Share of the run, 0 to 1. By steps it can be repeated; by minutes nobody waits longer."""
        if self._order.steps:
            return min(1.0, taken / self._order.steps)
        return min(1.0, self.elapsed_s / (60 * self._order.minutes))

    def left_s(self, taken: int, step_s: float) -> float:
        """Seconds until it is done, if a step takes so long."""
        if self._order.steps:
            return max(0.0, (self._order.steps - taken) * step_s)
        return max(0.0, 60 * self._order.minutes - self.elapsed_s)


class StopSignal:
    """Ctrl-C lets the step that is under way end; a second one does not wait.

    SIGTERM does the same. In a thread other than the main one it changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for number, old in self._old.items():
            signal.signal(number, old)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
