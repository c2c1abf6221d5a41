"""Counts and recent timings of a stream, written by its threads and read by its reports."""

from __future__ import annotations

import threading
from collections import Counter, deque

import numpy as np

_RECENT = 512


class Tally:
    """Thread-safe counters, and the last 512 values of each timing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter(submitted=0, returned=0, dropped=0)
        self._timings: dict[str, deque[float]] = {}
        self._noted: Counter[str] = Counter()

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self._counters[what] += by

    def note(self, what: str, value: float) -> None:
        with self._lock:
            self._timings.setdefault(what, deque(maxlen=_RECENT)).append(value)
            self._noted[what] += 1

    def time_anew(self) -> None:
        """Forget the timings: another chain runs."""
        with self._lock:
            self._timings.clear()

    def counters(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counters)

    def since(self, what: str, mark: int) -> tuple[list[float], int]:
        """Values noted since `mark`, as far as they are kept, and the mark of now."""
        with self._lock:
            values, noted = self._timings.get(what, ()), self._noted[what]
            return list(values)[-(noted - mark) :] if noted > mark else [], noted

    def spread(self, what: str) -> dict[str, float]:
        """p50, p99 and the number of the recent values, or nothing when there are none."""
        with self._lock:
            values = list(self._timings.get(what, ()))
        if not values:
            return {}
        p50, p99 = np.percentile(values, [50, 99])
        return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "count": len(values)}
