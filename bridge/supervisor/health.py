"""Whether a worker is well: how long it has been silent, and how often it has failed."""

from __future__ import annotations

import os
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

DEATHS_ALLOWED = 3
DEATHS_WINDOW_S = 60.0
_STEP_S = 0.3
_STARVED_SHARE = 0.2
_STARVED_PATIENCE = 3


class Patience:
    """Counts time by the steps in which it is asked, so that a machine that slept, or a supervisor
    that was stopped together with everything else, has not used any of it."""

    def __init__(self, now: float) -> None:
        self._then = now

    def step(self, now: float) -> float:
        """Seconds to count since the last call, 0.3 at most."""
        then, self._then = self._then, now
        return min(max(now - then, 0.0), _STEP_S)


class Pulse:
    """Tells a worker that hangs from one that is starved, or that somebody has stopped."""

    def __init__(self, pid: int, limit_s: float) -> None:
        """
        Args:
            limit_s: how long it may say nothing.
        """
        self._pid = pid
        self._used_s = _processor_s(pid)
        self.limit_s = limit_s
        self.silent_s = 0.0

    def heard(self) -> None:
        """It has said something."""
        self.silent_s = 0.0

    def hangs(self, step_s: float) -> bool:
        """Whether it has been silent for too long, `step_s` after the last call."""
        if self.silent_s > 1.0:
            used_s = _processor_s(self._pid)
            gained_s, self._used_s = used_s - self._used_s, used_s
            states = _thread_states(self._pid)
            if "T" in states:
                # Whoever stopped it will let it go on.
                step_s = 0.0
            elif "R" in states and gained_s < _STARVED_SHARE * step_s:
                step_s /= _STARVED_PATIENCE
        self.silent_s += step_s
        return self.silent_s > self.limit_s


class Deaths:
    """Failures that speak against a chain: three within a minute are enough."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=DEATHS_ALLOWED)

    def add(self, now: float) -> None:
        self._moments.append(now)

    def recent(self, now: float) -> int:
        return sum(now - moment < DEATHS_WINDOW_S for moment in self._moments)

    def too_many(self, now: float) -> bool:
        return self.recent(now) >= DEATHS_ALLOWED

    def clear(self) -> None:
        self._moments.clear()


def _processor_s(pid: int) -> float:
    """Processor time used; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    with suppress(OSError, ValueError, IndexError):
        fields = _stat(Path(f"/proc/{pid}/stat"))
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _thread_states(pid: int) -> set[str]:
    """State letters as proc(5) has them; none where the system does not tell."""
    states = set[str]()
    if sys.platform != "linux":
        return states
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, IndexError):
                states.add(_stat(task / "stat")[0])
    return states


def _stat(path: Path) -> list[str]:
    # The name of the program may hold spaces and brackets: what counts comes after the last one.
    return path.read_text(errors="replace").rpartition(")")[2].split()
