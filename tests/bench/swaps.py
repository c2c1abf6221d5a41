"""What a change of models does to the frames meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from framebridge_client import Bridge, Stream, connect
from onnx import numpy_helper

from bridge.demo.sidecar import PrivateSidecar
from bridge.inference.package import save
from bridge.supervisor.library import Library
from tests.bench.frames import Pixels, noise
from tests.bench.profile import listed
from tests.bench.rows import Effort, Finding, Goal, Row, Theme, judged, row
from tests.bench.ticks import Arrival, run_ticks
from tests.inference.small_models import network

PACKAGES = 3
_BETWEEN_S = 0.1
_SETTLE_S = 0.3
_PATIENCE_S = 60.0

_DIRECTOR = """
import json, select, sys, time
from framebridge_client import connect
between_s, endpoint, token, stream, *packages = sys.argv[1:]
turn = 0
with connect(endpoint, token) as bridge:
    print("ready", flush=True)
    while sys.stdin.readline():
        taken = []
        while not select.select([sys.stdin], [], [], float(between_s))[0]:
            turn += 1
            start = time.perf_counter()
            bridge.load(int(stream), packages[turn % len(packages)])
            taken.append(time.perf_counter() - start)
        sys.stdin.readline()
        print(json.dumps(taken), flush=True)
"""


@dataclass(slots=True)
class _Seen:
    """Results of the windows with swaps, and of those without."""

    arrived: dict[bool, list[Arrival]] = field(default_factory=lambda: {False: [], True: []})
    ticks: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    loading_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Looks:
    """Packages of one shape to change between, at a size that leaves time in a tick."""

    name: str
    side: int
    packages: list[Path]


def measure(effort: Effort) -> Finding:
    rows, seen = [], {}
    with (
        tempfile.TemporaryDirectory() as folder,
        PrivateSidecar([]) as sidecar,
        connect(sidecar.endpoint, sidecar.token) as bridge,
    ):
        for looks in (_two_convolutions(Path(folder)), _upscalers(Path(folder))):
            seen[looks.name], more = _measure(sidecar, bridge, looks, effort)
            rows += more
    return Finding(rows, lambda: [line for name in seen for line in _parts(name, seen[name])])


def _two_convolutions(folder: Path) -> _Looks:
    packages = [folder / f"two-convolutions-{seed}" for seed in range(PACKAGES)]
    for seed, package in enumerate(packages):
        network(seed=seed).write(package)
    return _Looks("two convolutions, 256x256", 256, packages)


def _upscalers(folder: Path) -> _Looks:
    """The shipped upscaler, each with other weights."""
    shipped = Library().find("upscale-x2")
    packages = [folder / f"upscale-{seed}" for seed in range(PACKAGES)]
    for seed, package in enumerate(packages):
        model = shipped.load_graph()
        weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        values = numpy_helper.to_array(weights) * (1 + 0.01 * seed)
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weights.name))
        save(package, shipped.manifest, {shipped.graph_path().name: model.SerializeToString()})
    return _Looks("`upscale-x2`, 128x128", 128, packages)


def _measure(
    sidecar: PrivateSidecar, bridge: Bridge, looks: _Looks, effort: Effort
) -> tuple[_Seen, list[Row]]:
    pairs, window_s = (2, 1.0) if effort.quick else (9, 1.7)
    seen = _Seen()
    frame = noise(looks.side, looks.side)
    with bridge.open(str(looks.packages[0]), looks.side, looks.side) as stream:
        # What is verified once in a package's life is no part of this.
        for package in looks.packages:
            stream.load(str(package))
        run_ticks(stream, frame, _SETTLE_S)
        with _Director(sidecar, stream.number, looks.packages) as director:
            for turn in range(pairs):
                for swapping in (turn % 2 == 0, turn % 2 == 1):
                    _window(stream, frame, window_s, director if swapping else None, seen)
        counters = stream.counters
        lost = counters.sent - counters.returned - counters.dropped
        sent = counters.sent
    return seen, _rows(looks.name, seen, lost, sent)


def _window(
    stream: Stream, frame: Pixels, seconds: float, director: _Director | None, seen: _Seen
) -> None:
    swapping = director is not None
    with director.at_work(seen) if director else nullcontext():
        before = stream.counters.sent + stream.counters.skipped
        seen.arrived[swapping] += run_ticks(stream, frame, seconds)
        seen.ticks[swapping] += stream.counters.sent + stream.counters.skipped - before
    # A load that is still under way ends in no window.
    run_ticks(stream, frame, _SETTLE_S)


class _Director:
    """A process of its own that loads one package after the other while it is told to: a thread of
    the engine's process would keep that from its own ticks."""

    def __init__(self, sidecar: PrivateSidecar, stream: int, packages: list[Path]) -> None:
        words = [sidecar.endpoint, sidecar.token, str(stream), *map(str, packages)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _DIRECTOR, str(_BETWEEN_S), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._say, self._hear = self._process.stdin, self._process.stdout
        assert self._hear.readline() == "ready\n"

    def __enter__(self) -> _Director:
        return self

    def __exit__(self, *_: object) -> None:
        self._say.close()
        self._process.wait(_PATIENCE_S)
        self._hear.close()

    @contextmanager
    def at_work(self, seen: _Seen) -> Iterator[None]:
        self._say.write("go\n")
        try:
            yield
        finally:
            self._say.write("stop\n")
        seen.loading_s += json.loads(self._hear.readline())


def _rows(name: str, seen: _Seen, lost: int, sent: int) -> list[Row]:
    ages = {kind: [arrival.age_s for arrival in seen.arrived[kind]] for kind in (False, True)}
    without = "windows without swaps"
    missing = {kind: 1000 * (1 - len(ages[kind]) / seen.ticks[kind]) for kind in (False, True)}
    return [
        row(f"{name}: submit to result", ages[True], ages[False], without, percentile=99,
            goal=Goal(at_most=1.3)),
        row(f"{name}: submit to result", ages[True], ages[False], without),
        judged(f"{name}: lost ticks, neither returned nor dropped", "", lost, None, "", sent,
               Goal(at_most=0)),
        judged(f"{name}: of 1000 ticks, without a result of their own", "", missing[True],
               missing[False], without, seen.ticks[True]),
        row(f"{name}: a swap, from its request to its answer", seen.loading_s),
    ]  # fmt: skip


def _parts(name: str, seen: _Seen) -> list[str]:
    """Of the slowest hundredth of the frames: in the model, or before and after it."""
    lines: list[str] = []
    for swapping, label in ((False, "without swaps"), (True, "with swaps")):
        arrived = seen.arrived[swapping]
        limit = np.percentile([arrival.age_s for arrival in arrived], 99)
        slow = [arrival for arrival in arrived if arrival.age_s >= limit]
        age, model = (
            1000 * float(np.mean(part))
            for part in ([one.age_s for one in slow], [one.model_s for one in slow])
        )
        lines += listed(
            f"{name}, {label}, means of the slowest hundredth of the frames",
            {"in the model": model, "before and after it": age - model},
        )
        lines.append("")
    return lines


THEME = Theme(
    key="swaps",
    title="Frames while models are swapped",
    about=(
        "An engine submits 60 frames a second. Another connection loads one of three packages "
        "after the other, a tenth of a second after the last was there. Windows of 1.7 s with and "
        "without swaps take turns. *Lost* is a frame that neither came back nor was reported as "
        "dropped for a newer one."
    ),
    measure=measure,
    shortfall=(
        "Loading compiles a graph and runs it once, on the cores on which frames are being made; "
        "what is slower are the frames of that moment."
    ),
)
