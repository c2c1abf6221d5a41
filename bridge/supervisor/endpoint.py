"""One control socket, and which connections it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from bridge import protocol
from bridge.errors import TransportError
from bridge.supervisor.access import Doorkeeper

_HANDSHAKE_MS = 5000
_UNREAD, _UNSENT = 64, 256
_HEARTBEAT_MS = 5000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a client.

    Attributes:
        sender: names the client; different for clients of different endpoints.
        raw: its last part, of `parts`.
        descriptor: of the connection that it came by; -1 for one that speaks a ZMTP before 3,
            which tells us none.
    """

    sender: bytes
    raw: bytes
    parts: int
    descriptor: int


class Endpoint:
    """A bound ROUTER socket. No call waits.

    Attributes:
        address: where it is bound.
        remote: it takes known keys from other machines, instead of this user's programs.
        connected: descriptors of the connections there are, greeted or not.
        sources: sockets to be polled for what `receive` and `departed` would give.
    """

    def __init__(
        self, context: zmq.Context[Any], wanted: str, doorkeeper: Doorkeeper | None = None
    ) -> None:
        """
        Args:
            doorkeeper: of an endpoint that others can reach.
        Raises: TransportError: the address cannot be bound.
        """
        self.remote = doorkeeper is not None
        self.connected = set[int]()
        # A client may choose its routing id, so an id alone would not tell two sockets apart.
        self._mark = b"r" if self.remote else b"l"
        self._socket: zmq.Socket[Any] = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 100)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.MAXMSGSIZE, protocol.MAX_MESSAGE_BYTES)
        # What one client can make us keep: 4 MB unread of it, and the answers that it leaves
        # unread. Beyond that it waits, and it loses answers.
        self._socket.setsockopt(zmq.RCVHWM, _UNREAD)
        self._socket.setsockopt(zmq.SNDHWM, _UNSENT)
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        if doorkeeper is not None:
            doorkeeper.guard(self._socket)
            self._socket.setsockopt(zmq.IPV6, int("[" in wanted))
            # A machine that was switched off says no goodbye.
            self._socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
            self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * _HEARTBEAT_MS)
        self._monitor = self._watch(context)
        self.sources = (self._socket, self._monitor)
        try:
            self._socket.bind(wanted)
        except zmq.ZMQError as error:
            self.close()
            raise TransportError(
                f"endpoint {wanted}", "an address that can be bound", str(error), "Name another."
            ) from None
        self.address: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def receive(self) -> Delivery | None:
        """The next message, if there is one."""
        try:
            first = self._socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        # One part at a time, so that a message of a million parts is never held as a whole.
        parts, frame = 0, first
        while frame.more:
            parts, frame = parts + 1, self._socket.recv(zmq.NOBLOCK, copy=False)
        sender, raw = self._mark + bytes(first.buffer), bytes(frame.buffer)
        return Delivery(sender, raw, parts, _descriptor(frame))

    def departed(self) -> Iterator[int]:
        """Descriptors of connections that have broken since the last call."""
        while self._monitor.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # type: ignore[operator, arg-type]
            event = recv_monitor_message(self._monitor, zmq.NOBLOCK)
            if event["event"] == zmq.EVENT_ACCEPTED:
                self.connected.add(event["value"])
            elif event["event"] == zmq.EVENT_DISCONNECTED:
                self.connected.discard(event["value"])
                yield event["value"]

    def is_of(self, sender: bytes) -> bool:
        """Whether a client is one of this endpoint's."""
        return sender.startswith(self._mark)

    def send(self, sender: bytes, message: protocol.Message) -> bool:
        """Send to a client; one that does not read loses messages, never our time.

        Returns: False when it has gone, whatever we have heard of it.
        """
        try:
            self._socket.send_multipart([sender[1:], protocol.encode(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            return error.errno != zmq.EHOSTUNREACH
        return True

    def close(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close()

    def _watch(self, context: zmq.Context[Any]) -> zmq.Socket[Any]:
        place = f"inproc://monitor-{id(self)}"
        self._socket.monitor(place, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        monitor: zmq.Socket[Any] = context.socket(zmq.PAIR)
        # With a limit, libzmq's own thread would wait for us in the middle of a flood of
        # connections, and with it every other connection.
        monitor.setsockopt(zmq.RCVHWM, 0)
        monitor.connect(place)
        return monitor


def _descriptor(frame: zmq.Frame) -> int:
    try:
        return int(frame.get(zmq.SRCFD))
    except zmq.ZMQError:
        return -1
