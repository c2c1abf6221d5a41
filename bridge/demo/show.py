"""The demo itself: ticks of a source, frames through the sidecar, results back, nobody waiting."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from framebridge_client import Result, Stream

from bridge.demo.screen import Screen
from bridge.demo.source import FrameSource
from bridge.frames import Pixels

REPLAYED = 30
REPEATED = 60
PATIENCE_S = 20.0
"""On a busy machine the first result may take longer than the whole demo was to last, and the last
ones, too."""
_CLIP_BYTES = 256 * 2**20


@dataclass(slots=True)
class Showing:
    """What was seen while the source ran.

    Attributes:
        ticks: of the source; of a stream that ticks by itself, its own that were seen.
        inputs: the first frames submitted.
        pair: a frame and its own result, for the picture, with the frame's tick.
        clip: one of `clip_every` results as it was shown, RGB, as far as memory is spent on it,
            with the number of its tick; of a drawing, the sheet beside it.
        digests: of the first ticks of a stream that ticks by itself.
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
    clip: list[tuple[int, Pixels]] = field(default_factory=list)
    clip_bytes: int = 0
    clip_every: int = 2
    digests: list[str] = field(default_factory=list)


Watch = Callable[[Showing], None]


def show(
    stream: Stream, source: FrameSource, screen: Screen, seconds: float, ticks_per_second: float,
    watch: Watch, beside: bool = False,
) -> Showing:  # fmt: skip
    """Run the source for that long, each tick a submit and a poll.

    Args:
        watch: called about five times a second.
        beside: the clip shows each frame beside its result.
    """
    seen = Showing()
    ticks_of = dict[int, tuple[int, Pixels]]()
    for _ in _paced(seen, stream, screen, seconds, ticks_per_second, watch):
        frame = source.render(seen.ticks)
        frame_id = stream.submit(frame)
        if frame_id is not None:
            ticks_of[frame_id] = seen.ticks, frame
            if len(seen.inputs) < REPLAYED:
                seen.inputs.append(frame)
        seen.ticks += 1
        result = stream.poll()
        if result is not None and result.origin == "bridge":
            _present(seen, screen, result)
            tick, own = ticks_of[result.frame_id]
            for old in [i for i in ticks_of if i <= result.frame_id]:
                del ticks_of[old]
            # A drawing is looked at when it is done, a scene once it moves.
            if seen.pair is None or beside or (tick >= REPLAYED > seen.pair[0]):
                seen.pair = tick, own, result.pixels.copy()
            _record(seen, tick, result.pixels, own if beside else None)
    _drain(seen, stream)
    return seen


def show_free(
    stream: Stream, source: FrameSource | None, screen: Screen, seconds: float,
    ticks_per_second: float, watch: Watch,
) -> Showing:  # fmt: skip
    """Watch a stream that ticks by itself for that long.

    Args:
        source: whose frames are submitted for the model to take up; None: it is left alone.
    """
    seen = Showing()
    submitted = 0
    for _ in _paced(seen, stream, screen, seconds, ticks_per_second, watch):
        if source is not None:
            stream.submit(source.render(submitted))
            submitted += 1
        # All that are there: a tick that was looked at late must not slow down those to come.
        while (result := stream.poll()) is not None and result.origin == "bridge":
            seen.ticks += 1
            _present(seen, screen, result)
            if len(seen.digests) < REPEATED and source is None:
                seen.digests.append(digest(result.pixels))
            _record(seen, result.frame_id, result.pixels, None)
    _count(seen, stream, seen.seconds)
    return seen


def digest(pixels: Pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def _paced(
    seen: Showing, stream: Stream, screen: Screen, seconds: float, ticks_per_second: float,
    watch: Watch,
) -> Iterator[None]:  # fmt: skip
    """Once a tick until the time is over, or who watches has had enough."""
    start = time.perf_counter()
    watched, due = 0.0, 0.0
    while not screen.ended:
        now = time.perf_counter() - start
        if now >= seconds + (0 if seen.shown else PATIENCE_S):
            break
        # Paced like an engine with a frame limit: a late tick is not made up for.
        time.sleep(max(0.0, due - now))
        due = max(due, now) + 1 / ticks_per_second
        yield
        if now - watched >= 0.2:
            watched = now
            _count(seen, stream, now)
            watch(seen)
    _count(seen, stream, time.perf_counter() - start)


def _present(seen: Showing, screen: Screen, result: Result) -> None:
    screen.show(result.pixels)
    seen.shown += 1
    seen.ages_ms.append(result.age_ms)
    seen.model_ms.append(result.model_ms)


def _record(seen: Showing, tick: int, made: Pixels, frame: Pixels | None) -> None:
    """Of every other result, as far as memory is spent on it."""
    if (seen.shown - 1) % seen.clip_every:
        return
    if seen.clip_bytes >= _CLIP_BYTES:
        if frame is None:
            return
        # A drawing is only worth seeing with its end: of a long one the clip goes faster.
        seen.clip, seen.clip_every = seen.clip[::2], 2 * seen.clip_every
        seen.clip_bytes = sum(picture.nbytes for _, picture in seen.clip)
    picture = made[:, :, :3].copy()
    if frame is not None:
        picture = np.concatenate([_as_high(frame[:, :, :3], picture.shape[0]), picture], axis=1)
    seen.clip_bytes += picture.nbytes
    seen.clip.append((tick, picture))


def _as_high(frame: Pixels, height: int) -> Pixels:
    """Enlarged by the nearest pixel to that height."""
    if frame.shape[0] == height:
        return frame
    rows = np.arange(height) * frame.shape[0] // height
    width = frame.shape[1] * height // frame.shape[0]
    columns = np.arange(width) * frame.shape[1] // width
    enlarged: Pixels = frame[rows[:, None], columns[None, :]]
    return enlarged


def _count(seen: Showing, stream: Stream, seconds: float) -> None:
    counters = stream.counters
    seen.seconds = seconds
    seen.submitted, seen.returned = counters.sent, counters.returned
    seen.dropped, seen.skipped = counters.dropped, counters.skipped


def _drain(seen: Showing, stream: Stream) -> None:
    """Take what is still under way, so that the sums come out even."""
    until = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < until:
        counters = stream.counters
        if counters.returned + counters.dropped >= counters.sent:
            break
        time.sleep(0.002)
        stream.poll()
    _count(seen, stream, seen.seconds)
