"""When a worker gives way to the engine, and when it must not."""

from __future__ import annotations

import logging
import statistics
from typing import Literal

from bridge.protocol import Lever
from bridge.worker import priority
from bridge.worker.tally import Tally
from bridge.worker.watchdog import Watchdog

_STARVED_FACTOR = 4
_STARVED_AT_LEAST_MS = 50.0
_STARVED_LOOKS = 2
_FIRST_HOLD_S, _LONGEST_HOLD_S = 10.0, 80.0

log = logging.getLogger(__name__)


class Neighbour:
    """Lowers the process once a lever is known, and raises it while its runs take several times
    as long as they do when there is room. Used by one thread.

    Attributes:
        priority: what the process has now.
        lever: how it gives way.
    """

    def __init__(self, tally: Tally, watchdog: Watchdog) -> None:
        self.priority: Literal["normal", "low"] = "normal"
        self._tally, self._watchdog = tally, watchdog
        self.lever: Lever = "none"
        self._mark = 0
        self._best_ms = float("inf")
        self._looks = 0
        self._hold_s = _FIRST_HOLD_S
        self._normal_until = 0.0

    def give_way(self, lever: Lever) -> None:
        """Lower the process by `lever` from now on."""
        self.lever = lever
        self._lower()

    def expect(self, run_ms: float) -> None:
        """Another chain runs, and takes so long where there is room. On a machine that was busy
        from the beginning no run would ever show it."""
        self._best_ms = run_ms

    def tend(self, now: float) -> None:
        """Look at the runs since the last call; several times a second at most.

        Args:
            now: seconds on the monotonic clock.
        """
        runs, self._mark = self._tally.since("model_ms", self._mark)
        latest_ms = max(statistics.median(runs) if runs else 0.0, self._watchdog.spent_s() * 1000)
        if runs:
            self._best_ms = min(self._best_ms, *runs)
        if self.priority == "normal":
            if self.lever in priority.UNDOABLE and now >= self._normal_until:
                self._lower()
            return
        starved = latest_ms > max(_STARVED_FACTOR * self._best_ms, _STARVED_AT_LEAST_MS)
        self._looks = self._looks + 1 if starved else 0
        if self._looks >= _STARVED_LOOKS and priority.restore(self.lever):
            log.info("runs of %.0f ms take %.0f: back to normal", self._best_ms, latest_ms)
            self.priority, self._looks = "normal", 0
            self._normal_until = now + self._hold_s
            self._hold_s = min(2 * self._hold_s, _LONGEST_HOLD_S)
        elif not starved and runs and now > self._normal_until + self._hold_s:
            self._hold_s = _FIRST_HOLD_S

    def _lower(self) -> None:
        if priority.lower(self.lever):
            self.priority, self._looks = "low", 0
