"""What leaving the process costs: frames there and back, the model's own time left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
from framebridge_client import Bridge, Stream, connect

from bridge.demo.sidecar import PrivateSidecar
from tests.bench.frames import Pixels, picture
from tests.bench.other_ways import Trip, encoded, jpeg_over_websocket, zeromq
from tests.bench.profile import of_trip
from tests.bench.rows import Effort, Finding, Goal, Row, Theme, Work, in_turn, row, timed
from tests.bench.ticks import PATIENCE_S, draw

WIDTH, HEIGHT = 1920, 1080
ZEROMQ = {f"ZeroMQ {way}, {kind}": (way, kind) for way in ("ipc", "tcp")
          for kind in ("by hand", "best case")}  # fmt: skip
JPEG = "JPEG over WebSocket"
GOALS = {
    "two memcpys": Goal(at_most=2, aim=1.25),
    "ZeroMQ ipc, by hand": Goal(faster=20, aim=25),
    "ZeroMQ ipc, best case": Goal(faster=20, aim=25),
    "ZeroMQ tcp, by hand": Goal(aim_faster=40),
    "ZeroMQ tcp, best case": Goal(aim_faster=40),
    JPEG: Goal(faster=30, aim=40),
}


def measure(effort: Effort) -> Finding:
    with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
        rows = _rows(bridge, effort)
    return Finding(rows, lambda: of_trip(WIDTH, HEIGHT))


def _rows(bridge: Bridge, effort: Effort) -> list[Row]:
    frame = picture(WIDTH, HEIGHT)
    one, two = np.empty_like(frame), np.empty_like(frame)

    def copies() -> None:
        np.copyto(one, frame)
        np.copyto(two, one)

    with ExitStack() as stack:
        stream = stack.enter_context(bridge.open("passthrough", WIDTH, HEIGHT, policy="lockstep"))
        whole: list[float] = []
        work: dict[str, Work] = {
            "submit": _submitting(stream, frame, whole),
            "draw": _drawing(stream, frame),
            "two memcpys": timed(copies),
        }
        for name, (way, kind) in ZEROMQ.items():
            work[name] = _by(stack.enter_context(zeromq(way, kind)), frame)
        work[JPEG] = _by(stack.enter_context(jpeg_over_websocket()), frame)
        taken = in_turn(work, effort.of(120))
    whole = whole[-len(taken["submit"]) :]
    rows = []
    for path, label in (
        ("submit", "1080p, copied into a slot"),
        ("draw", "1080p, drawn in a slot"),
    ):
        for against, goal in GOALS.items():
            base = taken[against]
            rows.append(row(label, taken[path], base, _told(against, frame), goal=goal))
            if against == "two memcpys":
                rows.append(
                    row(label, taken[path], base, against, percentile=99, goal=Goal(aim=1.5))
                )
    hand = "ZeroMQ ipc, by hand"
    label = "1080p, copied into a slot, and what pass-through itself took"
    return [*rows, row(label, whole, taken[hand], hand)]


def _told(against: str, frame: Pixels) -> str:
    return f"{against} ({len(encoded(frame)) / 1e6:.1f} MB)" if against == JPEG else against


def _submitting(stream: Stream, frame: Pixels, whole: list[float]) -> Work:
    """From the frame in the engine's own array, copy included, to its result."""
    process = timed(lambda: results.append(stream.process(frame, PATIENCE_S).model_ms))
    results: list[float] = []

    def run() -> float:
        seconds = process()
        whole.append(seconds)
        return seconds - results[-1] / 1000

    return run


def _drawing(stream: Stream, frame: Pixels) -> Work:
    def run() -> float:
        seconds, result = draw(stream, frame)
        return seconds - result.model_ms / 1000

    return run


def _by(trip: Trip, frame: Pixels) -> Work:
    work: Callable[[], object] = lambda: trip(frame)  # noqa: E731
    return timed(work)


THEME = Theme(
    key="trips",
    title="A 1080p frame there and back",
    about=(
        "From the moment a frame of 8.3 MB stands in the engine's memory until its result can be "
        "read there, with a pass-through model in the other process, whose own time is left out "
        "(the last row counts it in). *Copied into a slot* is `stream.submit(array)`, and the one "
        "copy that it makes is counted. *Drawn in a slot* is `with stream.frame() as view:`, where "
        "the engine draws into the shared memory itself and nothing is copied at all.\n\n"
        "The other ways run in a real second process that has the frame as an array, and have no "
        "model to run either. *By hand* is `socket.send(array)` and `np.frombuffer(socket.recv())` "
        "at both ends, as one writes it; *best case* tells pyzmq at both ends to leave out every "
        "copy that it can. JPEG over WebSocket is encoded and decoded by Pillow at quality 90 at "
        "both ends, on a picture about as hard as a photograph."
    ),
    measure=measure,
    shortfall=(
        "What remains of a drawn frame is two messages of under 30 bytes and the wake-ups of "
        "sleeping threads: the worker's, the engine's, and those of ZeroMQ between them. Little of "
        "it grows with the frame as the baselines do, so that the ratio is better for larger "
        "frames and worse for smaller ones. A copied frame costs its copy on top, and that is "
        "the memory's speed. The times outside the model are small against those of the "
        "pass-through model itself, which converts every byte to a float and back."
    ),
)
