"""The demo itself: ticks of a source, frames through the sidecar, results back, nobody waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from framebridge_client import Bridge, Stream

from bridge.demo.source import FrameSource
from bridge.frames import Pixels

REPLAYED = 30
_CLIP_BYTES = 256 * 2**20


@dataclass(slots=True)
class Showing:
    """What was seen while the source ran.

    Attributes:
        inputs: the first frames submitted.
        pair: a frame and its own result, for the picture, with the frame's tick.
        clip: every other result as it was shown, RGB, as far as memory is spent on it.
    """

    seconds: float = 0.0
    ticks: int = 0
    submitted: int = 0
    returned: int = 0
    shown: int = 0
    dropped: int = 0
    skipped: int = 0
    ages_ms: list[float] = field(default_factory=list)
    model_ms: list[float] = field(default_factory=list)
    inputs: list[Pixels] = field(default_factory=list)
    pair: tuple[int, Pixels, Pixels] | None = None
    clip: list[Pixels] = field(default_factory=list)


Watch = Callable[[Showing], None]


def show(
    stream: Stream, source: FrameSource, seconds: float, ticks_per_second: float, watch: Watch
) -> Showing:
    """Run the source for that long, each tick a submit and a poll.

    Args:
        watch: called about five times a second.
    """
    seen = Showing()
    ticks_of = dict[int, tuple[int, Pixels]]()
    start = time.perf_counter()
    clip_bytes, watched, due = 0, 0.0, 0.0
    while (now := time.perf_counter() - start) < seconds:
        # Paced like an engine with a frame limit: a late tick is not made up for.
        time.sleep(max(0.0, due - now))
        due = max(due, now) + 1 / ticks_per_second
        frame = source.render(seen.ticks)
        frame_id = stream.submit(frame)
        if frame_id is not None:
            ticks_of[frame_id] = seen.ticks, frame
            if len(seen.inputs) < REPLAYED:
                seen.inputs.append(frame)
        seen.ticks += 1
        result = stream.poll()
        if result is not None and result.origin == "bridge":
            source.present(result.pixels)
            seen.shown += 1
            seen.ages_ms.append(result.age_ms)
            seen.model_ms.append(result.model_ms)
            tick, own = ticks_of[result.frame_id]
            for old in [i for i in ticks_of if i <= result.frame_id]:
                del ticks_of[old]
            if seen.pair is None or (tick >= REPLAYED > seen.pair[0]):
                seen.pair = tick, own, result.pixels.copy()
            if seen.shown % 2 and clip_bytes < _CLIP_BYTES:
                picture = result.pixels[:, :, :3].copy()
                clip_bytes += picture.nbytes
                seen.clip.append(picture)
        if now - watched >= 0.2:
            watched = now
            _count(seen, stream, now)
            watch(seen)
    _count(seen, stream, time.perf_counter() - start)
    _drain(seen, stream)
    return seen


def replay(bridge: Bridge, model: str, frames: list[Pixels], timeout_s: float) -> list[Pixels]:
    """The frames' own results, one by one in lockstep, through a second stream."""
    height, width, _ = frames[0].shape
    with bridge.open(model, width, height, policy="lockstep", label="demo replay") as stream:
        return [np.array(stream.process(frame, timeout_s).pixels) for frame in frames]


def _count(seen: Showing, stream: Stream, seconds: float) -> None:
    counters = stream.counters
    seen.seconds = seconds
    seen.submitted, seen.returned = counters.sent, counters.returned
    seen.dropped, seen.skipped = counters.dropped, counters.skipped


def _drain(seen: Showing, stream: Stream) -> None:
    """Take what is still under way, so that the sums come out even."""
    until = time.perf_counter() + 1.0
    while time.perf_counter() < until:
        counters = stream.counters
        if counters.returned + counters.dropped >= counters.sent:
            break
        time.sleep(0.002)
        stream.poll()
    _count(seen, stream, seen.seconds)
