"""Cuts connections before what they make us keep ends the sidecar.

libzmq limits the parts of a message and counts whole messages, but keeps the parts of one that
never ends, and does not say whose they are. So we watch our own size. Whoever is cut though
innocent connects again by itself.
"""

from __future__ import annotations

import array
import logging
import os
import socket
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    from bridge.windows import own_memory, sockets
else:
    import fcntl
    import termios

LIMIT_BYTES = 384 << 20
"""Several times what a supervisor with all its streams and clients occupies."""
_PATIENCE = 20
"""So many times we look for who is sending, before all are cut."""
_SAMPLES, _FLOOD_BYTES = 20, 1024

log = logging.getLogger(__name__)


class MemoryGuard:
    """Suspects first: each time that we are found too large, those of the next class are cut."""

    def __init__(self) -> None:
        self._found = 0
        """How many times in a row we were too large."""

    def check(self, connected: Iterable[int], greeted: Iterable[int]) -> None:
        """
        Args:
            connected: descriptors of all connections.
            greeted: of those that have greeted us.
        """
        if resident_bytes() <= LIMIT_BYTES:
            self._found = 0
            return
        self._found += 1
        everyone = set(connected)
        if self._found == 1:
            suspects = everyone - set(greeted)
        elif self._found % _PATIENCE:
            # Whoever floods us has more on the way than any honest message, though not at every
            # moment.
            suspects = {each for each in everyone if _is_sending(each)}
        else:
            suspects = everyone
        for descriptor in suspects:
            cut(descriptor)
        if suspects:
            log.warning(
                "more than %d MB in use: %d of %d connections cut",
                LIMIT_BYTES >> 20, len(suspects), len(everyone),
            )  # fmt: skip


def resident_bytes() -> int:
    """What this process occupies; 0 where the system does not tell cheaply."""
    if sys.platform == "win32":
        return own_memory.resident_bytes()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def cut(descriptor: int) -> None:
    """Break a connection that belongs to libzmq, which then finds it broken."""
    if sys.platform == "win32":
        sockets.shut_down(descriptor)
        return
    with suppress(OSError):
        # It may have been closed meanwhile, and be something else by now.
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as connection:
                connection.shutdown(socket.SHUT_RDWR)


def _is_sending(descriptor: int) -> bool:
    return any(_unread_bytes(descriptor) >= _FLOOD_BYTES for _ in range(_SAMPLES))


def _unread_bytes(descriptor: int) -> int:
    if sys.platform == "win32":
        unread = sockets.unread_bytes(descriptor)
    else:
        count = array.array("i", [0])
        with suppress(OSError):
            fcntl.ioctl(descriptor, termios.FIONREAD, count)
        unread = count[0]
    return unread
