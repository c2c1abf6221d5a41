"""The worker's end of the doorbell: one DEALER socket that two threads share."""

from __future__ import annotations

import select
import threading
from contextlib import suppress
from typing import Any

import zmq

from bridge import protocol

Rings = list[tuple[int, ...]]
"""Doorbell messages in the order of their arrival, as `protocol.unpack_doorbell` gives them."""


class Doorbell:
    """Bound to one client. Every use of the socket is under one lock, which makes sharing it legal.

    A send also notices what has arrived, and then the socket's descriptor does not signal it
    again. So whoever sends gets what has arrived, and must handle it.

    Attributes:
        address: where the client connects.
    """

    def __init__(self, endpoint: str, epoch: int) -> None:
        self._lock = threading.Lock()
        self._epoch = epoch
        self._socket: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        # Far above any doorbell message: libzmq holds its own handshake to this limit as well.
        self._socket.setsockopt(zmq.MAXMSGSIZE, 512)
        self._socket.bind(endpoint)
        self.address: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._fd: int = self._socket.getsockopt(zmq.FD)
        self.malformed = 0
        self.stale = 0

    def wait(self, timeout_s: float) -> None:
        """Until something may have arrived, or the time is over."""
        select.select([self._fd], [], [], timeout_s)

    def receive(self) -> Rings:
        """What has arrived, of this epoch and well-formed; never waits."""
        with self._lock:
            return self._drain()

    def send(self, message: bytes) -> Rings:
        """Send, and return what has arrived; a message to nobody is lost, never waited for."""
        with self._lock:
            if self._socket.closed:
                return []
            with suppress(zmq.Again):
                self._socket.send(message, zmq.NOBLOCK)
            return self._drain()

    def close(self) -> None:
        with self._lock:
            self._socket.close()

    def _drain(self) -> Rings:
        rings: Rings = []
        # Bounded, so that a flood cannot hold the lock against a `done`.
        while len(rings) < 64 and not self._socket.closed:
            if not self._socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # type: ignore[operator, arg-type]
                break
            parts = self._socket.recv_multipart(zmq.NOBLOCK)
            ring = protocol.unpack_doorbell(parts[0]) if len(parts) == 1 else None
            if ring is None:
                self.malformed += 1
            elif ring[1] != self._epoch:
                self.stale += 1
            else:
                rings.append(ring)
        return rings
