"""Messages that no honest client sends, to a real sidecar, beside a stream that must not notice.

`make test-fuzz` sends a million of them.
"""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from framebridge_client import Bridge, connect

from bridge import protocol
from bridge.errors import FramebridgeError
from tests.system.bystander import Bystander
from tests.system.footprint import MB, footprint
from tests.system.mutations import SOURCE, made_by_hand, mutated, mutated_ring, valid_messages
from tests.system.processes import WATCHDOG_S, Sidecar, until

MUTATIONS = int(os.environ.get("FRAMEBRIDGE_FUZZ", "30000"))
IN_FLIGHT = 100
GROWTH = 5 * MB
HELLO = msgpack.packb({"type": "hello", "protocol": 1})

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(60 + MUTATIONS // 500),
]


class Attacker:
    """A connection that sends anything, and knows how many answers it is owed."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, token: str = "") -> None:
        self._token = token
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(WATCHDOG_S * 1000))
        self.socket.connect(endpoint)
        self.owed = 0
        self.greeted = False
        self.codes: Counter[str] = Counter()

    def __enter__(self) -> Attacker:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hello(self) -> None:
        self.fire(msgpack.packb({"type": "hello", "protocol": 1, "token": self._token}))
        self.settle()
        assert self.greeted

    def fire(self, *parts: bytes) -> None:
        """Send a message, and wait for older answers when too many are owed."""
        message = _decoded(parts[0]) if len(parts) == 1 else None
        leaves = self.greeted and isinstance(message, protocol.Bye)
        self.owed += not leaves
        if isinstance(message, protocol.Hello) or leaves:
            self.greeted = not leaves
        self.socket.send_multipart(parts)
        while self.owed >= IN_FLIGHT or self.socket.poll(0):
            self._take_answer()

    def settle(self) -> None:
        """Take every answer that is owed; one too few is found by the watchdog."""
        while self.owed:
            self._take_answer()
        assert not self.socket.poll(0), "an answer too many"

    def ask(self, raw: bytes) -> dict[str, Any]:
        self.settle()
        self.socket.send(raw)
        return self._read()

    def _take_answer(self) -> None:
        answer = self._read()
        self.owed -= 1
        self.codes[answer["error"]["code"] if "error" in answer else answer["type"]] += 1

    def _read(self) -> dict[str, Any]:
        answer: dict[str, Any] = msgpack.unpackb(self.socket.recv())
        assert answer["type"] in ("welcome", "ok", "state", "heartbeat", "error", "stream"), answer
        assert type(answer["request"]) is int
        if answer["type"] == "error":
            assert answer["error"].keys() == set(protocol.ErrorMap.__struct_fields__)
            # FB-E000 is a fault of the bridge's own.
            assert answer["error"]["code"] != "FB-E000", answer
        return answer


def _decoded(raw: bytes) -> protocol.ClientMessage | None:
    try:
        return protocol.decode_client(raw)
    except FramebridgeError:
        return None


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.term()


@pytest.fixture
def victim(bridge: Bridge) -> Iterator[int]:
    """A stream of somebody else, whose number an attacker names."""
    with bridge.open("passthrough", 16, 16) as stream:
        yield stream.number


def log_bytes() -> int:
    return sum(path.stat().st_size for path in Path(os.environ["FRAMEBRIDGE_LOG_DIR"]).iterdir())


def endpoint_of(sidecar: Sidecar) -> tuple[str, str]:
    path = sidecar.folder / "bridge.json"
    until(path.exists, "the sidecar publishes its address")
    address = json.loads(path.read_text())
    return address["endpoint"], address["token"]


def test_every_mutated_message_is_answered_and_costs_nothing(
    sidecar: Sidecar, victim: int, context: zmq.Context[Any]
) -> None:
    rng = random.Random(20261121)
    originals = [msgpack.packb(message) for message in valid_messages(victim)]
    endpoint, _ = endpoint_of(sidecar)

    def attack(attacker: Attacker, number: int) -> None:
        raw = mutated(rng, originals)
        while isinstance(_decoded(raw), protocol.Stop) and attacker.greeted:
            raw = mutated(rng, originals)
        if number % 50 == 0:
            cut = rng.randrange(len(raw) + 1)
            attacker.fire(*[b""] * rng.randrange(2), raw[:cut], raw[cut:])
        else:
            attacker.fire(raw)
        if number % 10 == 0 and not attacker.greeted:
            attacker.fire(HELLO)

    with Bystander() as bystander, Attacker(context, endpoint) as attacker:
        attacker.hello()
        for number in range(MUTATIONS // 10):
            attack(attacker, number)
        attacker.settle()
        before, logged = footprint(sidecar.pid), log_bytes()
        began = time.monotonic()
        for number in range(MUTATIONS):
            attack(attacker, number)
        attacker.settle()
        took_s = time.monotonic() - began
        after = footprint(sidecar.pid)
        print(MUTATIONS, "in", round(took_s), "s;", before, after, log_bytes() - logged)
        print(dict(attacker.codes.most_common()))
    print(bystander.counted)
    assert after.rss - before.rss <= GROWTH
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
    # A hundred lines for each window of ten seconds, and each window that has begun.
    assert log_bytes() - logged <= 100_000 * (took_s / 10 + 2)
    assert attacker.codes["FB-E030"] > MUTATIONS // 2
    assert {"FB-E011", "FB-E021", "FB-E031", "FB-E033", "state", "ok"} <= set(attacker.codes)


def test_every_message_made_by_hand_is_refused_with_a_typed_error(
    sidecar: Sidecar, victim: int, context: zmq.Context[Any]
) -> None:
    messages = dict(made_by_hand())
    assert len(messages) >= 200
    endpoint, _ = endpoint_of(sidecar)
    with Bystander(), Attacker(context, endpoint) as greeted, Attacker(context, endpoint) as other:
        greeted.hello()
        for attacker in (greeted, other):
            for name, raw in messages.items():
                assert attacker.ask(raw)["type"] == "error", name
        before = footprint(sidecar.pid)
        for _ in range(3):
            for raw in messages.values():
                greeted.ask(raw)
        assert footprint(sidecar.pid).rss - before.rss <= GROWTH


def test_long_messages_and_ones_of_many_parts_cost_their_sender_alone(
    sidecar: Sidecar, victim: int, context: zmq.Context[Any]
) -> None:
    endpoint, _ = endpoint_of(sidecar)
    with Bystander() as bystander:
        before = None
        for length in [*[1 << 16] * 5, *[(1 << 16) + 1, 1 << 20, 1 << 24] * 5]:
            with Attacker(context, endpoint) as attacker:
                attacker.hello()
                attacker.socket.send(bytes(length))
                if length <= 1 << 16:
                    assert msgpack.unpackb(attacker.socket.recv())["error"]["code"] == "FB-E030"
                else:
                    # The connection is cut, and the one in its place has not been greeted.
                    def cut(attacker: Attacker = attacker) -> bool:
                        answer = attacker.ask(msgpack.packb({"type": "heartbeat"}))
                        return answer["type"] == "error"

                    until(cut, "the connection is cut")
        for parts in (2, 100, 10_000):
            with Attacker(context, endpoint) as attacker:
                attacker.hello()
                for _ in range(3):
                    attacker.fire(*[bytes(100)] * parts)
                    attacker.settle()
                before = before or footprint(sidecar.pid)
        assert footprint(sidecar.pid).rss - before.rss <= GROWTH
    assert bystander.counted


# Below ZeroMQ.

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
READY = b"\x04" + bytes([len(_READY)]) + _READY


def dial_by_hand(path: str) -> socket.socket:
    """A connection over ipc that has shaken hands, without libzmq."""
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(WATCHDOG_S)
    made.connect(path)
    made.sendall(GREETING)
    _receive(made, len(GREETING))
    made.sendall(READY)
    _, length = _receive(made, 2)
    _receive(made, length)
    return made


def _receive(stream: socket.socket, length: int) -> bytes:
    said = b""
    while len(said) < length:
        more = stream.recv(length - len(said))
        assert more, "cut off"
        said += more
    return said


def raw_attacks() -> dict[str, bytes]:
    rng = random.Random(7)
    attacks = {f"greeting of {n} bytes": GREETING[:n] for n in range(0, 65, 3)}
    attacks |= {f"noise {n}": rng.randbytes(rng.randrange(1, 3000)) for n in range(40)}
    for n in range(40):
        wounded = bytearray(GREETING + READY)
        for _ in range(rng.randrange(1, 5)):
            wounded[rng.randrange(len(wounded))] = rng.randrange(256)
        attacks[f"wounded handshake {n}"] = bytes(wounded)
    for flags in (0x02, 0x03, 0x06, 0x07, 0xFE):
        for size in (2**32, 2**63 - 1, 2**64 - 1, 65537):
            header = bytes([flags]) + struct.pack(">Q", size)
            attacks[f"frame {flags} of {size} at once"] = GREETING + header
            attacks[f"frame {flags} of {size} after it"] = GREETING + READY + header
    attacks["http"] = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"
    attacks["tls"] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(500)
    attacks["zmtp 1 with a frame of 2**63"] = b"\x01\x00" + b"\xff" + struct.pack(">Q", 2**63)
    return attacks


def test_bytes_that_are_no_zmtp_and_half_open_connections_harm_nobody(
    start_sidecar: Callable[..., Sidecar], context: zmq.Context[Any]
) -> None:
    sidecar = start_sidecar("--endpoint", "tcp://127.0.0.1:*")
    endpoint, token = endpoint_of(sidecar)
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")

    def dial() -> socket.socket:
        return socket.create_connection((host, int(port)), WATCHDOG_S)

    with connect() as witness, Bystander():
        before = None
        for _ in range(2):
            for name, raw in raw_attacks().items():
                with dial() as stranger, suppress(ConnectionError):
                    stranger.sendall(raw)
                assert witness.status()["clients"] == 2, name
            half_open = [dial() for _ in range(300)]
            for stranger, raw in zip(half_open, raw_attacks().values(), strict=False):
                with suppress(ConnectionError):
                    stranger.sendall(raw)
            with Attacker(context, endpoint, token) as newcomer:
                newcomer.hello()
            for stranger in half_open:
                stranger.close()
            until(lambda: witness.status()["clients"] == 2, "the newcomer is gone")
            until(lambda: footprint(sidecar.pid).descriptors < 100, "all are gone")
            before = before or footprint(sidecar.pid)
        after = footprint(sidecar.pid)
        assert after.rss - before.rss <= GROWTH
        assert after.descriptors <= before.descriptors + 2


def test_a_client_of_an_older_zeromq_is_refused_by_name(
    start_sidecar: Callable[..., Sidecar],
) -> None:
    endpoint, _ = endpoint_of(start_sidecar("--endpoint", "tcp://127.0.0.1:*"))
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), WATCHDOG_S) as old:
        # ZMTP 1: an anonymous identity, then one frame.
        old.sendall(b"\x01\x00" + bytes([len(HELLO) + 1]) + b"\0" + HELLO)
        said = b""
        while b"FB-E030" not in said:
            more = old.recv(4096)
            assert more, "cut off unanswered"
            said += more
        assert b"ZMTP 3" in said


# The doorbell.


def doorbell_of(attacker: Attacker, context: zmq.Context[Any]) -> tuple[dict[str, Any], Any]:
    """A stream of the attacker's own, and a socket at its doorbell."""
    request = {"type": "open", "source": SOURCE, "chain": ["passthrough"], "policy": "latest"}
    stream = attacker.ask(msgpack.packb(request))
    assert stream["type"] == "stream", stream
    bell = context.socket(zmq.DEALER)
    bell.setsockopt(zmq.LINGER, 0)
    bell.setsockopt(zmq.SNDTIMEO, int(WATCHDOG_S * 1000))
    bell.connect(stream["doorbell"])
    return stream, bell


def row_of(attacker: Attacker, stream: int) -> dict[str, Any]:
    state = attacker.ask(msgpack.packb({"type": "status"}))
    (row,) = [row for row in state["streams"] if row["stream"] == stream]
    return row


def test_every_mutated_doorbell_message_is_counted_and_the_worker_lives(
    sidecar: Sidecar, context: zmq.Context[Any]
) -> None:
    rng = random.Random(3)
    endpoint, _ = endpoint_of(sidecar)
    with Bystander(), Attacker(context, endpoint) as attacker:
        attacker.hello()
        stream, bell = doorbell_of(attacker, context)
        number, epoch = stream["stream"], stream["epoch"]
        originals = [
            protocol.pack_submit(epoch, 0, 1, 2), protocol.pack_release(epoch, 0),
            protocol.pack_done(epoch, 0, 0, 1, 2, 3), protocol.pack_dropped(epoch, 0, 1, 0),
            protocol.pack_submit(epoch, 127, 1, 2), protocol.pack_submit(epoch + 1, 0, 1, 2),
        ]  # fmt: skip
        owed: Counter[str] = Counter()
        pid = row_of(attacker, number)["worker_pid"]
        before = None
        with bell:
            for index in range(MUTATIONS):
                raw = mutated_ring(rng, originals)
                ring = protocol.unpack_doorbell(raw)
                if ring and ring[1] == epoch and ring[0] in (1, 4) and ring[2] < 3:
                    continue  # it may be an honest one
                several = index % 50 == 0
                bell.send_multipart([raw, b""] if several else [raw])
                stale = not several and ring is not None and ring[1] != epoch
                owed["stale" if stale else "malformed"] += 1
                if index == MUTATIONS // 10:
                    before = footprint(pid)

            def counted() -> bool:
                counters = row_of(attacker, number)["counters"]
                return {key: counters.get(key, 0) for key in owed} == owed

            until(counted, "each is counted")
            assert before is not None
            assert footprint(pid).rss - before.rss <= GROWTH
            _abuse_slots(bell, epoch)
            row = row_of(attacker, number)
            assert (row["worker_pid"], row["state"], row["restarts"]) == (pid, "live", 0)


def _abuse_slots(bell: zmq.Socket[Any], epoch: int) -> None:
    """Double submits and releases of what one does not hold change nothing: after them each
    submit of a slot that is ours is answered once."""
    for slot in (0, 1, 2, 3, 127, 255):
        bell.send(protocol.pack_release(epoch, slot))
    for _ in range(100):
        for slot in range(3):
            bell.send(protocol.pack_submit(epoch, slot, 5, 0))
    for slot in (3, 127, 255):
        bell.send(protocol.pack_submit(epoch, slot, 6, 0))
    held = set[int]()
    end = time.monotonic() + WATCHDOG_S
    frame = 1000
    answered = -1
    while answered < frame:
        assert time.monotonic() < end, "the stream does not go on"
        if bell.poll(100):
            ring = protocol.unpack_doorbell(bell.recv())
            assert ring is not None
            if ring[0] == protocol.DONE:
                assert ring[3] not in held, "a result slot given twice"
                held.add(ring[3])
                answered = max(answered, ring[4])
            else:
                answered = max(answered, ring[3])
        else:
            bell.send(protocol.pack_submit(epoch, 0, frame, 0))
        while held:
            bell.send(protocol.pack_release(epoch, held.pop()))
