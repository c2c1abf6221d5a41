"""The worker's end of the doorbell: one DEALER socket that two threads share."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import Any

import zmq

from bridge import protocol
from bridge.worker.tally import Tally

Rings = list[tuple[int, ...]]
"""Doorbell messages in the order of their arrival, as `protocol.unpack_doorbell` gives them."""


BATCH = 64

# As plain numbers: zmq's own enumerations take longer than the call, and this is asked each tick.
_EVENTS, _POLLIN, _POLLOUT = int(zmq.EVENTS), int(zmq.POLLIN), int(zmq.POLLOUT)


class Doorbell:
    """Bound to one client. Two threads share it, so every method but `wait` must be called under
    one lock of the caller's, which is what makes sharing a socket legal.

    A send also notices what has arrived, and then the descriptor does not signal it again: so
    after each send, `receive` before the lock is let go.

    Attributes:
        address: where the client connects.
    """

    def __init__(self, endpoint: str, epoch: int, tally: Tally) -> None:
        """
        Args:
            tally: counts what is discarded, as "malformed" and "stale".
        """
        self._epoch = epoch
        self._tally = tally
        self._socket: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        # Far above any doorbell message: libzmq holds its own handshake to this limit as well.
        self._socket.setsockopt(zmq.MAXMSGSIZE, 512)
        self._socket.bind(endpoint)
        self.address: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._fd: int = self._socket.getsockopt(zmq.FD)  # type: ignore[assignment]

    def wait(self, timeout_s: float) -> None:
        """Until something may have arrived, or the time is over."""
        select.select([self._fd], [], [], timeout_s)

    def wait_or_wake(self, timeout_s: float, spin_s: float = 0.0) -> None:
        """As `wait`, and also until `wake`.

        Args:
            spin_s: of that time without sleep: to be woken takes longer than the next frame of a
                client that answers at once.
        """
        woken = self._wake_in.fileno()
        sources, end = [self._fd, woken], time.perf_counter() + min(spin_s, timeout_s)
        ready: list[int] = []
        while not ready and time.perf_counter() < end:
            ready, _, _ = select.select(sources, [], [], 0)
        if not ready:
            ready, _, _ = select.select(sources, [], [], timeout_s)
        if woken in ready:
            self._wake_in.recv(64)

    def wake(self) -> None:
        """End a `wait_or_wake` that has begun, or the next one."""
        with suppress(BlockingIOError):
            self._wake_out.send(b"w")

    def receive(self) -> Rings:
        """What has arrived, of this epoch and well-formed; never waits, and gives BATCH at
        most, so that a flood cannot hold the lock against a `done`."""
        rings: Rings = []
        while len(rings) < BATCH and self._has_input():
            parts = self._socket.recv_multipart(zmq.NOBLOCK)
            ring = protocol.unpack_doorbell(parts[0]) if len(parts) == 1 else None
            if ring is None:
                self._tally.count("malformed")
            elif ring[1] != self._epoch:
                self._tally.count("stale")
            else:
                rings.append(ring)
        return rings

    def has_listener(self) -> bool:
        """Whether a client is there: what is sent before it is would be lost."""
        return bool(self._socket.getsockopt(_EVENTS) & _POLLOUT)  # type: ignore[operator]

    def send(self, message: bytes) -> None:
        """Send; a message to nobody is lost, never waited for."""
        with suppress(zmq.Again):
            self._socket.send(message, zmq.NOBLOCK)

    def close(self) -> None:
        self._socket.close()
        self._wake_in.close()
        self._wake_out.close()

    def _has_input(self) -> bool:
        return bool(self._socket.getsockopt(_EVENTS) & _POLLIN)  # type: ignore[operator]
