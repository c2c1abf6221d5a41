"""An engine's side of a stream: one frame and its result, or a loop at a rate of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from framebridge_client import NotRunning, Result, Stream

from tests.bench.frames import Pixels

PATIENCE_S = 20.0
RATE = 60.0
"""Ticks a second of the engine that is played."""


def result_of(stream: Stream, frame_id: int | None) -> Result:
    """Wait at the doorbell, as `process` does, for the result of a frame that was sent."""
    assert frame_id is not None, "no slot was free"
    until = time.monotonic() + PATIENCE_S
    while True:
        result = stream.poll()
        if result is not None and result.frame_id == frame_id:
            return result
        wait_for_any([stream], until - time.monotonic())


def draw(stream: Stream, frame: Pixels) -> tuple[float, Result]:
    """Draw a frame straight into a slot.

    Returns: seconds from when it stood there to when its result could be read, and the result.
    """
    with (draft := stream.frame()) as view:
        np.copyto(view, frame)
        start = time.perf_counter()
    result = result_of(stream, draft.frame_id)
    return time.perf_counter() - start, result


@dataclass(frozen=True, slots=True)
class Arrival:
    """A result of a loop: seconds from its submit, and how many of them the model took."""

    age_s: float
    model_s: float


def run_ticks(
    stream: Stream,
    frame: Pixels,
    seconds: float,
    work: Callable[[], object] | None = None,
    *,
    drain: bool = True,
) -> list[Arrival]:
    """Submit at RATE whatever comes back when, as an engine does, and take each result the moment
    it is there.

    Args:
        work: of the engine, at the start of every tick.
        drain: wait for what is under way at the end, beyond the last tick.
    """
    arrived: list[Arrival] = []
    begun = time.monotonic()
    for tick in range(1, round(seconds * RATE) + 1):
        if work is not None:
            work()
        stream.submit(frame)
        _take_until(stream, begun + tick / RATE, arrived)
    until = time.monotonic() + PATIENCE_S
    while drain and stream._times and time.monotonic() < until:
        _take_until(stream, time.monotonic() + 0.01, arrived)
    return arrived


def _take_until(stream: Stream, deadline: float, arrived: list[Arrival]) -> None:
    while True:
        result = stream.poll()
        if result is not None:
            arrived.append(Arrival(result.age_ms / 1000, result.model_ms / 1000))
        left = deadline - time.monotonic()
        if left <= 0:
            return
        if left < 0.001:
            time.sleep(left)
        else:
            # A whole number of milliseconds, less the last, so that no tick comes late.
            wait_for_any([stream], int(left * 1000) / 1000)


def wait_for_any(streams: Sequence[Stream], seconds: float) -> None:
    """Sleep until one of the streams has news, or the time is over.

    Raises: TimeoutError: it was over before it began. NotRunning: a stream's worker has gone.
    """
    if seconds <= 0:
        raise TimeoutError(f"nothing of {len(streams)} streams")
    doorbells = [doorbell for stream in streams if (doorbell := stream._doorbell) is not None]
    control = streams[0]._bridge._control
    if control is None or len(doorbells) < len(streams):
        raise streams[0].error or NotRunning("stream", "one whose worker has gone")
    control.wait(doorbells, seconds)
