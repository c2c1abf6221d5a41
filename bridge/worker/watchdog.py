"""Ends runs that take too long: it asks first, and gives the process up if nobody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.errors import FramebridgeError, RunLimitError

_STEP_S = 0.1
_GRACE_S = 2.0
_STARVED_SHARE = 0.2
_STARVED_PATIENCE = 3


class Watchdog:
    """Watches one run at a time, from a thread of its own.

    Time is counted in steps of the watching thread, so that a process that was stopped, or a
    machine that slept, has not used any; and while the process gets hardly any processor time it
    counts for a third, since one that is starved is not hung.
    """

    def __init__(self, limit_s: float, give_up: Callable[[str], None]) -> None:
        """
        Args:
            limit_s: how long a run may take.
            give_up: told why, when a run goes on `_GRACE_S` after it was asked to stop.
        """
        self._limit_s = limit_s
        self._give_up = give_up
        self._lock = threading.Lock()
        self._terminate: Callable[[], None] | None = None
        self._spent_s = 0.0
        self._asked = False
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def guard(self, terminate: Callable[[], None]) -> Iterator[None]:
        """Watch the run inside the block.

        Args:
            terminate: asks that run to stop; it then raises.
        Raises: RunLimitError: in place of what the run raised when it was stopped.
        """
        with self._lock:
            self._terminate, self._spent_s, self._asked = terminate, 0.0, False
        try:
            yield
        except FramebridgeError:
            if self._asked:
                raise RunLimitError(
                    "worker", f"a run of at most {self._limit_s:g} s", "a longer one",
                    "Send smaller frames, choose a faster model, or raise --run-limit.",
                ) from None  # fmt: skip
            raise
        finally:
            with self._lock:
                self._terminate = None

    def spent_s(self) -> float:
        """How long the present run has been going on, as counted here; 0 between runs."""
        with self._lock:
            return self._spent_s if self._terminate is not None else 0.0

    def _watch(self) -> None:
        then, used = time.monotonic(), time.process_time()
        while True:
            time.sleep(_STEP_S)
            now, uses = time.monotonic(), time.process_time()
            step_s = min(now - then, 2 * _STEP_S)
            if uses - used < _STARVED_SHARE * (now - then):
                step_s /= _STARVED_PATIENCE
            then, used = now, uses
            with self._lock:
                if self._terminate is None:
                    continue
                self._spent_s += step_s
                if self._spent_s > self._limit_s + _GRACE_S:
                    self._give_up(f"a run did not end within {self._limit_s:g} s, nor when asked")
                elif self._spent_s > self._limit_s and not self._asked:
                    self._asked = True
                    self._terminate()
