"""What was refused, in the log: enough to find the culprit, never a flood."""

from __future__ import annotations

import logging
from collections import Counter

from bridge.errors import FramebridgeError

WRITTEN_EACH, WINDOW_S = 5, 10.0
_LONGEST = 500

log = logging.getLogger(__name__)


class Refusals:
    """Writes the first refusals of each code in a window of time, and how many more there were."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._ends = 0.0

    def note(self, error: FramebridgeError, now: float) -> None:
        """
        Args:
            now: seconds on a clock that only grows, as for `tend`.
        """
        self.tend(now)
        if not self._seen:
            self._ends = now + WINDOW_S
        self._seen[error.code] += 1
        if self._seen[error.code] <= WRITTEN_EACH:
            # Some of it is what a stranger sent: no line breaks, and not 64 KiB of it.
            log.info("refused: %s", str(error)[:_LONGEST].encode("unicode_escape").decode())

    def fault(self, error: Exception, now: float) -> None:
        """An error of our own, with where it happened; as seldom as any other."""
        self.tend(now)
        if self._seen[FramebridgeError.code] < WRITTEN_EACH:
            log.error("a fault while answering a client", exc_info=error)

    def tend(self, now: float) -> None:
        """End a window that is over."""
        if not self._seen or now < self._ends:
            return
        for code, count in self._seen.items():
            if count > WRITTEN_EACH:
                log.info("refused: %d more with %s", count - WRITTEN_EACH, code)
        self._seen.clear()
