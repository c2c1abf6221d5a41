"""What leaving the process costs: frames through a real sidecar, against other ways."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zmq
from framebridge_client import Bridge, Stream, connect

from bridge.demo.sidecar import PrivateSidecar
from bridge.supervisor.library import Library
from tests.bench.graphs import bare_session
from tests.bench.rows import Row, in_turn, row

ECHO = """
import sys, zmq
socket = zmq.Context().socket(zmq.PAIR)
socket.connect(sys.argv[1])
while True:
    socket.send(socket.recv(copy=False), copy=False)
"""


def measure() -> list[Row]:
    with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
        return [
            *_round_trip(bridge),
            *_outside(bridge),
            *_tick_to_result(bridge),
            *_growth(bridge),
        ]


def _round_trip(bridge: Bridge) -> list[Row]:
    """A 1080p frame there and back through `passthrough`, less what the model took."""
    width, height = 1920, 1080
    frame = _frame(width, height)
    one, two = np.empty_like(frame), np.empty_like(frame)

    def copies() -> None:
        np.copyto(one, frame)
        np.copyto(two, one)

    trips: list[float] = []
    with (
        bridge.open("passthrough", width, height, policy="lockstep") as stream,
        _echo("ipc") as by_ipc,
        _echo("tcp") as by_tcp,
    ):

        def trip() -> None:
            result = stream.process(frame, 10)
            trips.append((result.age_ms - result.model_ms) / 1000)

        taken = in_turn(
            {
                "trip": trip,
                "copies": copies,
                "ipc": lambda: by_ipc(frame),
                "tcp": lambda: by_tcp(frame),
                "copy": lambda: np.copyto(one, frame),
            },
            repetitions=200,
        )
    trips = trips[5:]
    # `age_ms` begins when the frame is sent, after its copy, which is added from the same round.
    with_copy = [trip + copy for trip, copy in zip(trips, taken["copy"], strict=True)]
    name = "1080p round trip through slots"
    return [
        row(f"{name}, against two memcpys", with_copy, taken["copies"], at_most=1.25),
        row(f"{name}, against two memcpys", with_copy, taken["copies"], percentile=99, at_most=1.5),
        row(f"{name}, against frames over ZeroMQ ipc", with_copy, taken["ipc"], times_faster=25),
        row(f"{name}, against frames over ZeroMQ tcp", with_copy, taken["tcp"], times_faster=40),
    ]


def _outside(bridge: Bridge) -> list[Row]:
    frame = _frame(256, 256)
    outside: list[float] = []
    with bridge.open("passthrough", 256, 256, policy="lockstep") as stream:
        for _ in range(1000):
            result = stream.process(frame, 10)
            outside.append((result.age_ms - result.model_ms) / 1000)
    outside = outside[50:]
    name = "outside the model per tick, 256x256"
    return [
        row(name, outside, None, at_most=0.1),
        row(name, outside, None, percentile=99),
    ]


def _tick_to_result(bridge: Bridge) -> list[Row]:
    width, height = 320, 180
    package = Library().find("upscale-x2")
    session = bare_session(package)
    planes = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    name = session.get_inputs()[0].name
    frame = _frame(width, height)
    with bridge.open("upscale-x2", width, height, policy="lockstep") as stream:
        taken = in_turn(
            {
                "bare": lambda: session.run(None, {name: planes}),
                "stream": lambda: stream.process(frame, 10),
            },
            repetitions=60,
        )
    what = "upscale-x2 320x180, engine tick to result across processes"
    return [row(what, taken["stream"], taken["bare"], at_most=1.01)]


def _growth(bridge: Bridge) -> list[Row]:
    sizes = {"240p": (426, 240), "540p": (960, 540), "1080p": (1920, 1080), "2160p": (3840, 2160)}
    work: dict[str, Callable[[], object]] = {}
    streams: list[Stream] = []
    for label, (width, height) in sizes.items():
        stream = bridge.open("passthrough", width, height, policy="lockstep")
        streams.append(stream)
        work[label] = _process(stream, _frame(width, height))
    taken = in_turn(work, repetitions=60)
    for stream in streams:
        stream.close()
    return [
        row(f"passthrough {label}, submit to result", taken[label], taken["240p"])
        for label in list(sizes)[1:]
    ]


def _process(stream: Stream, frame: np.ndarray[Any, Any]) -> Callable[[], object]:
    return lambda: stream.process(frame, 10)


@contextmanager
def _echo(transport: str) -> Iterator[Callable[[np.ndarray[Any, Any]], None]]:
    """A process that sends every frame back, as hand-made bridges do."""
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.bind("tcp://127.0.0.1:*" if transport == "tcp" else "ipc://*")
    endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
    other = subprocess.Popen([sys.executable, "-c", ECHO, endpoint])

    def trip(frame: np.ndarray[Any, Any]) -> None:
        socket.send(frame)
        socket.recv()

    try:
        yield trip
    finally:
        other.kill()
        other.wait()
        socket.close(0)
        context.term()


def _frame(width: int, height: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
