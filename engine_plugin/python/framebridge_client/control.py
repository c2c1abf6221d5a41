"""The control channel: requests and answers over one DEALER socket, without ever waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from framebridge_client import wire
from framebridge_client.discovery import Address

Fields = dict[str, Any]

# As plain numbers: zmq's own enumerations take longer than the call, and this is asked each tick.
_EVENTS, _POLLIN = int(zmq.EVENTS), int(zmq.POLLIN)


def has_input(socket: zmq.Socket[Any]) -> bool:
    """Whether a `recv` would give something at once."""
    return bool(socket.getsockopt(_EVENTS) & _POLLIN)  # type: ignore[operator]


class Control:
    """One connection to one sidecar; a lost connection is not used again.

    Attributes:
        lost: the other side has gone.
        unknown_here: the other side does not know our key, and will not.
    """

    def __init__(self, context: zmq.Context[Any], address: Address, client: str) -> None:
        """Begin to connect; the greeting's answer comes with the other messages."""
        self.lost = self.unknown_here = False
        self._requests = 0
        self._socket: zmq.Socket[Any] = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 200)
        self._socket.setsockopt(zmq.MAXMSGSIZE, wire.MAX_MESSAGE_BYTES)
        if address.keys is not None:
            address.keys.arm(self._socket)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        )
        self._socket.connect(address.endpoint)
        self.hello = self.send(
            "hello", protocol=wire.PROTOCOL_VERSION, client=client, token=address.token
        )

    def send(self, type: str, **fields: Any) -> int:
        """Send a message. Returns: its request number, which the answer carries."""
        self._requests = self._requests % (2**32 - 1) + 1
        with suppress(zmq.Again):
            self._socket.send(wire.encode(type, self._requests, **fields), zmq.NOBLOCK)
        return self._requests

    def receive(self) -> Iterator[Fields]:
        """What has arrived; never waits."""
        while has_input(self._socket):
            message = wire.decode(self._socket.recv(zmq.NOBLOCK))
            if message:
                yield message
        while has_input(self._monitor):
            event = recv_monitor_message(self._monitor, zmq.NOBLOCK)["event"]
            self.unknown_here |= event == zmq.EVENT_HANDSHAKE_FAILED_AUTH
            self.lost = True

    def wait(self, others: list[zmq.Socket[Any]], timeout_s: float) -> None:
        """Until something arrives here or at one of the other sockets, or the time is over."""
        poller = zmq.Poller()
        for source in (self._socket, self._monitor, *others):
            poller.register(source, zmq.POLLIN)
        poller.poll(max(0, round(timeout_s * 1000)))

    def close(self, say_bye: bool = True) -> None:
        if say_bye and not self.lost:
            self.send("bye")
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close()
