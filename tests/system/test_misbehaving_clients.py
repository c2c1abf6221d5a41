"""Clients that stop, hurry, change their minds or vanish cost the bridge no memory, and no other
stream a frame."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from framebridge_client import Bridge, connect

from bridge import protocol
from bridge.supervisor.memory_guard import LIMIT_BYTES
from tests.system.bystander import Bystander
from tests.system.footprint import MB, Footprint, footprint
from tests.system.processes import ROOT, WATCHDOG_S, Sidecar, numbered, until
from tests.system.test_hostile_clients import dial_by_hand, endpoint_of

GROWTH = 5 * MB
SHM = Path("/dev/shm")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(240),
]


def rows(bridge: Bridge) -> dict[int, dict[str, Any]]:
    return {row["stream"]: row for row in bridge.status()["streams"]}


def settled(sidecar: Sidecar, bridge: Bridge, clients: int) -> Footprint:
    """What the supervisor occupies once one stream and `clients` clients are left."""
    until(lambda: len(rows(bridge)) == 1, "the streams of those who left are gone")
    until(lambda: bridge.status()["clients"] == clients, "those who left are forgotten")
    seen: list[Footprint] = []

    def steady() -> bool:
        seen.append(footprint(sidecar.pid))
        time.sleep(0.2)
        last = [(each.descriptors, each.threads) for each in seen[-5:]]
        return len(last) == 5 and len(set(last)) == 1

    until(steady, "the last workers have ended")
    return seen[-1]


def assert_no_growth(before: Footprint, after: Footprint) -> None:
    print("before", before, "after", after)
    assert after.rss - before.rss <= GROWTH
    # Fewer are no fault: what the first look found may have been on its way out.
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads


@contextmanager
def engine(stage: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A client in a process of its own, which has got as far as `stage`."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENGINE, stage, *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        if stage in ("flow", "linger"):
            assert process.stdout.readline() == b"there\n"
        yield process
    finally:
        process.kill()
        process.wait(WATCHDOG_S)
        process.stdout.close()


ENGINE = """
import os, sys, time
import numpy as np
from framebridge_client import connect
stage = sys.argv[1]
bridge = connect()
if stage == "hello":
    os._exit(0)
fields = dict(source=dict(width=64, height=64), chain=["passthrough"])
if stage == "open":
    bridge._ask("open", print, **fields)
    time.sleep(float(sys.argv[2]))
    os._exit(0)
stream = bridge.open("passthrough", 64, 64)
frame = np.zeros((64, 64, 4), np.uint8)
while stream.counters.returned < 5:
    stream.submit(frame)
    stream.poll()
    time.sleep(0.005)
if stage == "load":
    bridge._ask("load", print, stream=stream.number, chain=["upscale-x2"])
    time.sleep(float(sys.argv[2]))
    os._exit(0)
if stage == "exit":
    os._exit(0)
print("there", flush=True)
while True:
    stream.submit(frame)
    stream.poll()
    time.sleep(0.005)
"""


def test_a_client_that_is_stopped_for_long_costs_nothing_and_goes_on(
    sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander(), engine("flow") as stopped:
        number = max(rows(bridge))
        os.kill(stopped.pid, signal.SIGSTOP)
        until(lambda: _quiet(bridge, number), "its frames have stopped")
        worker = rows(bridge)[number]["worker_pid"]
        for _ in range(300):
            bridge.set(number, {})
        before = footprint(sidecar.pid), footprint(worker)
        # Each of these has something to say to the owner, who does not listen.
        for _ in range(2000):
            bridge.set(number, {})
        after = footprint(sidecar.pid), footprint(worker)
        assert_no_growth(before[0], after[0])
        assert_no_growth(before[1], after[1])
        returned = rows(bridge)[number]["counters"]["returned"]
        os.kill(stopped.pid, signal.SIGCONT)
        until(lambda: rows(bridge)[number]["counters"]["returned"] > returned + 10, "it goes on")
        assert rows(bridge)[number]["restarts"] == 0


def _quiet(bridge: Bridge, number: int) -> bool:
    before = rows(bridge)[number]["counters"]
    time.sleep(1.1)
    return rows(bridge)[number]["counters"] == before


class RawClient:
    """A connection without the client's manners."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.control = self._dial(endpoint_of(sidecar)[0])
        assert self.ask(type="hello", protocol=1)["type"] == "welcome"

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def ask(self, **fields: Any) -> dict[str, Any]:
        self.control.send(msgpack.packb({"request": 1, **fields}))
        while True:
            answer: dict[str, Any] = msgpack.unpackb(self.control.recv())
            if answer["request"]:
                return answer

    def open(self, width: int, height: int) -> tuple[dict[str, Any], zmq.Socket[Any]]:
        source = {"width": width, "height": height}
        stream = self.ask(type="open", source=source, chain=["passthrough"])
        assert stream["type"] == "stream", stream
        return stream, self._dial(stream["doorbell"])

    def _dial(self, endpoint: str) -> zmq.Socket[Any]:
        made = self.context.socket(zmq.DEALER)
        made.setsockopt(zmq.RCVTIMEO, int(WATCHDOG_S * 1000))
        made.setsockopt(zmq.SNDTIMEO, int(WATCHDOG_S * 1000))
        made.connect(endpoint)
        return made


def test_a_client_that_asks_and_never_reads_costs_little(sidecar: Sidecar, bridge: Bridge) -> None:
    with Bystander(), RawClient(sidecar) as deaf:
        before = footprint(sidecar.pid)
        question = msgpack.packb({"type": "status", "request": 1})
        for _ in range(50_000):
            deaf.control.send(question)
        assert rows(bridge)
        after = footprint(sidecar.pid)
        print("before", before, "after", after)
        assert after.rss - before.rss <= GROWTH


def test_a_client_ten_times_too_fast_costs_nobody_else_a_frame(
    sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander("lockstep"), Bystander(), RawClient(sidecar) as hasty:
        stream, bell = hasty.open(64, 64)
        number, epoch = stream["stream"], stream["epoch"]
        worker = rows(bridge)[number]["worker_pid"]

        def submit(frame: int) -> None:
            bell.send(protocol.pack_submit(epoch, frame % 3, frame, 0))

        for frame in range(1, 3001):
            submit(frame)
        before = footprint(worker)
        due = time.monotonic()
        for frame in range(3001, 4201):  # 600 a second, whoever owns the slot; nothing is read
            submit(frame)
            due += 1 / 600
            time.sleep(max(0.0, due - time.monotonic()))
        for frame in range(4201, 60_000):
            submit(frame)

        def all_counted() -> bool:
            counters = rows(bridge)[number]["counters"]
            return counters["submitted"] + counters.get("malformed", 0) == 59_999

        until(all_counted, "each submit is taken or counted as malformed")
        row = rows(bridge)[number]
        assert (row["worker_pid"], row["restarts"], row["state"]) == (worker, 0, "live")
        assert footprint(worker).rss - before.rss <= GROWTH


def test_a_client_that_changes_its_frame_size_all_the_time_leaves_nothing(
    sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander(), RawClient(sidecar) as fickle:
        before = None
        for turn, size in enumerate([16, 640, 33, 200, 17, 500, 64, 16]):
            stream, bell = fickle.open(size, size + turn)
            bell.send(protocol.pack_submit(stream["epoch"], 0, 1, 0))
            ring = protocol.unpack_doorbell(bell.recv())
            assert ring is not None
            assert ring[0] == protocol.DONE
            bell.close()
            assert fickle.ask(type="close", stream=stream["stream"])["type"] == "ok"
            assert not any((SHM / name).exists() for name in stream["source"]["names"])
            if turn == 1:
                before = settled(sidecar, bridge, 3)
        assert before is not None
        assert_no_growth(before, settled(sidecar, bridge, 3))


@pytest.mark.parametrize("how", ["truncated", "unlinked"])
def test_a_slot_that_is_cut_away_under_the_worker_costs_that_stream_alone(
    how: str, sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander() as bystander, RawClient(sidecar) as vandal:
        stream, bell = vandal.open(64, 64)
        number, epoch = stream["stream"], stream["epoch"]
        names = stream["source"]["names"] + stream["result"]["names"]
        for name in names:
            if how == "truncated":
                os.truncate(SHM / name, 0)
            else:
                (SHM / name).unlink()
        bell.send(protocol.pack_submit(epoch, 0, 1, 0))
        if how == "unlinked":
            ring = protocol.unpack_doorbell(bell.recv())
            assert ring is not None
            assert ring[0] == protocol.DONE  # memory outlives its name
        else:
            until(lambda: rows(bridge)[number]["restarts"] == 1, "its worker has died")
            assert "signal 7" in rows(bridge)[number]["last_error"]
            until(lambda: rows(bridge)[number]["state"] == "live", "it has another worker")
            assert rows(bridge)[number]["epoch"] != epoch
        assert vandal.ask(type="close", stream=number)["type"] == "ok"
        assert not any((SHM / name).exists() for name in names)
    assert bystander.counted
    assert sidecar.left_behind() == []


def test_two_hundred_that_attach_and_exit_at_any_moment_leave_nothing(
    sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander("lockstep"):
        before = None
        for turn in range(2):
            for number in range(90):
                _connection_without_goodbye(sidecar, greet=number % 3 > 0)
            for stage in ("hello", "open", "load", "exit", "linger") * 2:
                with engine(stage, f"{0.1 * turn:.1f}") as vanishing:
                    if stage == "linger":
                        vanishing.kill()
                    vanishing.wait(WATCHDOG_S)
            before = before or settled(sidecar, bridge, 2)
        assert_no_growth(before, settled(sidecar, bridge, 2))
        with connect() as late, late.open("passthrough", 32, 32) as stream:
            assert stream.process(numbered(1), 10).frame_id == 1
    run = sidecar.runs[-1]
    assert not list(SHM.glob(f"fb-{run}-*"))


def _connection_without_goodbye(sidecar: Sidecar, greet: bool) -> None:
    with dial_by_hand(endpoint_of(sidecar)[0].removeprefix("ipc://")) as raw:
        if greet:
            hello = msgpack.packb({"type": "hello", "protocol": 1})
            raw.sendall(struct.pack("BB", 0, len(hello)) + hello)
            assert b"welcome" in raw.recv(4096)


def _endless(sidecar: Sidecar, greet: bool, parts: int) -> int:
    """Send the parts of a message that never ends. Returns: how many were taken."""
    part = b"\x03" + struct.pack(">Q", 1 << 16) + bytes(1 << 16)
    with dial_by_hand(endpoint_of(sidecar)[0].removeprefix("ipc://")) as endless:
        if greet:
            hello = msgpack.packb({"type": "hello", "protocol": 1})
            endless.sendall(struct.pack("BB", 0, len(hello)) + hello)
        for number in range(parts):
            try:
                endless.sendall(part)
            except ConnectionError:
                return number
    return parts


def test_what_a_message_without_end_has_cost_is_given_back_with_its_connection(
    sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander():
        before = settled(sidecar, bridge, 2)
        for _ in range(2):
            assert _endless(sidecar, greet=False, parts=400) == 400
            until(lambda: footprint(sidecar.pid).rss - before.rss <= GROWTH, "it is given back")
        assert_no_growth(before, settled(sidecar, bridge, 2))


@pytest.mark.parametrize("greet", [False, True])
def test_a_message_without_end_is_cut_before_it_ends_the_sidecar(
    greet: bool, sidecar: Sidecar, bridge: Bridge
) -> None:
    with Bystander():
        before = settled(sidecar, bridge, 2)
        most = 4 * LIMIT_BYTES >> 16
        assert LIMIT_BYTES >> 17 < _endless(sidecar, greet, most) < most
        until(lambda: footprint(sidecar.pid).rss - before.rss <= GROWTH, "it is given back")
        assert_no_growth(before, settled(sidecar, bridge, 2))
