"""How the price grows: with the pixels of a frame, and with the number of streams."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from framebridge_client import Bridge, Stream, connect

from bridge.demo.sidecar import PrivateSidecar
from tests.bench.frames import Pixels, noise
from tests.bench.rows import (
    Curves,
    Effort,
    Finding,
    Row,
    Theme,
    Work,
    in_turn,
    judged,
    row,
    timed,
)
from tests.bench.ticks import PATIENCE_S, wait_for_any

SIZES = {"240p": (426, 240), "540p": (960, 540), "1080p": (1920, 1080), "2160p": (3840, 2160)}
STREAMS = (1, 2, 3, 4)
STREAMED = {
    "pass-through 256x256": ("passthrough", 256, 256),
    "pass-through 540p": ("passthrough", 960, 540),
    "`upscale-x2` 128x128": ("upscale-x2", 128, 128),
}


def measure(effort: Effort) -> Finding:
    with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
        rows, pixels = _with_pixels(bridge, effort)
        per_frame: dict[str, list[tuple[float, float]]] = {}
        in_all: dict[str, list[tuple[float, float]]] = {}
        for name, (model, width, height) in STREAMED.items():
            more = _with_streams(bridge, effort, name, model, noise(width, height))
            rows += more
            ratios = [found.ratio or 0.0 for found in more]
            counts = STREAMS[1:]
            per_frame[name] = [(1, 1.0), *zip(counts, ratios[::2], strict=True)]
            in_all[name] = [(1, 1.0), *zip(counts, ratios[1::2], strict=True)]
    return Finding(
        rows,
        curves={
            "Time of a frame": Curves("times the pixels of 240p", "times as long", pixels, True),
            "Time of each frame": Curves("streams", "times as long", per_frame, True),
            "Frames a second, all streams": Curves("streams", "times as many", in_all, False),
        },
    )


def _with_pixels(
    bridge: Bridge, effort: Effort
) -> tuple[list[Row], dict[str, list[tuple[float, float]]]]:
    work: dict[str, Work] = {}
    streams: list[Stream] = []
    outside: dict[str, list[float]] = {label: [] for label in SIZES}
    for label, (width, height) in SIZES.items():
        stream = bridge.open("passthrough", width, height, policy="lockstep")
        streams.append(stream)
        work[label] = _process(stream, noise(width, height), outside[label])
    taken = in_turn(work, effort.of(60))
    for stream in streams:
        stream.close()
    repetitions = len(taken["240p"])
    parts = {
        "with pass-through": taken,
        "outside the model": {label: all_[-repetitions:] for label, all_ in outside.items()},
    }
    rows = [
        row(f"{label}, {part}", times[label], times["240p"], "240p")
        for part, times in parts.items()
        for label in list(SIZES)[1:]
    ]
    smallest = np.prod(SIZES["240p"])
    curves = {
        part: [
            (
                float(np.prod(size) / smallest),
                float(np.median(times[label]) / np.median(times["240p"])),
            )
            for label, size in SIZES.items()
        ]
        for part, times in parts.items()
    }
    return rows, curves


def _process(stream: Stream, frame: Pixels, outside: list[float]) -> Work:
    model_s: list[float] = []
    process = timed(lambda: model_s.append(stream.process(frame, PATIENCE_S).model_ms / 1000))

    def run() -> float:
        taken = process()
        outside.append(taken - model_s[-1])
        return taken

    return run


def _with_streams(
    bridge: Bridge, effort: Effort, name: str, model: str, frame: Pixels
) -> list[Row]:
    """Rows in pairs for 2, 3 and 4 streams: a frame's own time, and frames a second in all."""
    height, width = frame.shape[:2]
    streams = [bridge.open(model, width, height, policy="lockstep") for _ in STREAMS]
    ages: dict[int, list[float]] = {count: [] for count in STREAMS}
    work = {str(n): _tick_of(streams[:n], frame, ages[n]) for n in STREAMS}
    repetitions = effort.of(100)
    taken = in_turn(work, repetitions)
    for stream in streams:
        stream.close()
    rows = []
    for count in STREAMS[1:]:
        label = f"{name}, {count} streams"
        of_each, of_one = ages[count][-repetitions * count :], ages[1][-repetitions:]
        rate, alone = (n / float(np.median(taken[str(n)])) for n in (count, 1))
        rows += [
            row(f"{label}: each frame", of_each, of_one, "one stream"),
            judged(f"{label}: in all", "frames/s", rate, alone, "one stream", repetitions),
        ]
    return rows


def _tick_of(streams: Sequence[Stream], frame: Pixels, ages: list[float]) -> Work:
    """An engine's tick that submits to each stream, and the wait for the last result."""

    def run() -> float:
        start = time.perf_counter()
        begun = {}
        for stream in streams:
            begun[stream] = time.perf_counter()
            assert stream.submit(frame) is not None, "no slot was free"
        until = start + PATIENCE_S
        while begun:
            for stream in list(begun):
                if stream.poll() is not None:
                    ages.append(time.perf_counter() - begun.pop(stream))
            if begun:
                wait_for_any(list(begun), until - time.perf_counter())
        return time.perf_counter() - start

    return run


THEME = Theme(
    key="growth",
    title="How it grows",
    about=(
        "With pixels: a frame through pass-through, from its submit to its result, and the part "
        "of that outside the model. With streams: an engine that submits a frame to each of its "
        "streams in a tick and waits for all of the results; a frame's own time counts from its "
        "own submit. Each stream has a worker of its own, and all share this machine's cores, so "
        "that a model which fills them alone cannot gain by a second stream. The ratios are to "
        "240p and to one stream."
    ),
    measure=measure,
)
