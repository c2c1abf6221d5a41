"""What a tick costs outside its model: small frames, where the messages are nearly all of it."""

from __future__ import annotations

import time

import numpy as np
from framebridge_client import Bridge, connect

from bridge.demo.sidecar import PrivateSidecar
from bridge.frames import FrameFormat
from bridge.inference.runner import Runner
from bridge.supervisor.library import Library
from tests.bench.frames import noise
from tests.bench.graphs import BARE, bare_session
from tests.bench.profile import of_trip
from tests.bench.rows import Effort, Finding, Goal, Row, Theme, in_turn, row, timed
from tests.bench.ticks import PATIENCE_S, RATE

SIDE = 256
WARM_UP = 20


def measure(effort: Effort) -> Finding:
    with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
        rows = [
            *_outside(bridge, "one tick after the other", "passthrough", effort.of(1000)),
            *_outside(bridge, "60 ticks a second", "passthrough", effort.of(400), RATE),
            *_outside(bridge, "asleep while `upscale-x2` runs", "upscale-x2", effort.of(150)),
            *_tick_to_result(bridge, effort),
        ]
    return Finding(rows, _breakdown)


def _breakdown() -> list[str]:
    return [
        *of_trip(SIDE, SIDE),
        "",
        *of_trip(SIDE, SIDE, paced=True),
        "",
        *of_trip(SIDE, SIDE, "upscale-x2"),
    ]


def _outside(
    bridge: Bridge, when: str, model: str, repetitions: int, rate: float | None = None
) -> list[Row]:
    frame = noise(SIDE, SIDE)
    outside: list[float] = []
    with bridge.open(model, SIDE, SIDE, policy="lockstep") as stream:
        for turn in range(WARM_UP + repetitions):
            start = time.perf_counter()
            result = stream.process(frame, PATIENCE_S)
            taken = time.perf_counter() - start
            if turn >= WARM_UP:
                outside.append(taken - result.model_ms / 1000)
            if rate is not None:
                time.sleep(max(0.0, 1 / rate - taken))
    name = f"256x256 outside the model, {when}"
    return [
        row(name, outside, goal=Goal(at_most=0.3, aim=0.1)),
        row(name, outside, percentile=99),
    ]


def _tick_to_result(bridge: Bridge, effort: Effort) -> list[Row]:
    width, height = 320, 180
    package = Library().find("upscale-x2")
    session = bare_session(package)
    planes = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    name = session.get_inputs()[0].name
    frame = noise(width, height)
    here = Runner(package, FrameFormat(width=width, height=height))
    result = np.zeros(here.result.shape, np.uint8)
    own = "the same runner in the engine's process"
    with bridge.open("upscale-x2", width, height, policy="lockstep") as stream:
        taken = in_turn(
            {
                BARE: timed(lambda: session.run(None, {name: planes})),
                own: timed(lambda: here.run(frame, result)),
                "stream": timed(lambda: stream.process(frame, PATIENCE_S)),
            },
            effort.of(80),
        )
    here.close()
    what = "`upscale-x2` at 320x180, tick to result"
    return [
        row(what, taken["stream"], taken[BARE], BARE, goal=Goal(at_most=1.01)),
        row(what, taken["stream"], taken[own], own),
    ]


THEME = Theme(
    key="outside",
    title="A tick, outside its model",
    about=(
        "From `process(frame)` to its return, across processes, less what the model took: a copy "
        "into the slot, a message to the worker, a message back, and the wake-ups of two threads. "
        "A processor that has slept wakes more slowly than one at work, so it is measured one tick "
        "after the other, at 60 ticks a second with sleep between them, and with an engine that "
        "sleeps while a model takes tens of milliseconds. *Tick to result* is all of it, model "
        "included, against the model alone."
    ),
    measure=measure,
    shortfall=(
        "Each message goes through a thread of ZeroMQ on either side, so that one there and one "
        "back wake six threads in turn; on a busy or virtual machine each wake-up takes tens of "
        "microseconds."
    ),
)
