"""A hundred changes of the model while frames flow, a third of them to packages that are broken."""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from framebridge_client import Bridge, Stream, connect

from tests.inference import hostile_models
from tests.system.footprint import private_bytes
from tests.system.processes import Sidecar, number_of, numbered, until
from tests.system.test_withheld import overflowing
from tests.system.turning import ORDERS, turning

TICK_S = 1 / 60
SIZE = 64
Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    return {name: turning(tmp_path / name, order) for name, order in ORDERS.items()}


@pytest.fixture
def broken(tmp_path: Path, good: dict[str, str]) -> dict[str, str]:
    """Packages that cannot be loaded."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(good["same"], tmp_path / name))

    truncated, another, shapes = copy("truncated"), copy("another"), copy("shapes")
    whole = (truncated / "model.onnx").read_bytes()
    (truncated / "model.onnx").write_bytes(whole[: len(whole) // 2])
    (another / "model.onnx").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    text = (shapes / "model.toml").read_text()
    assert "outputs" in text
    (shapes / "model.toml").write_text(text.replace('task = "stylize"', 'task = "upscale"').replace(
        "[[outputs]]", "[[outputs]]\nscale = 2"))  # fmt: skip
    made = {
        "endless": hostile_models.endless_loop(),
        "deaf": hostile_models.huge_kernel(),
        "hungry": hostile_models.hungry_constant_of_shape(),
    }
    for name, graph in made.items():
        hostile_models.write(tmp_path / name, graph)
    return {name: str(tmp_path / name) for name in ("truncated", "another", "shapes", *made)}


@pytest.fixture
def bridge(
    start_sidecar: Callable[..., Sidecar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bridge]:
    # Verdicts of these packages alone, and little patience with those that do not end.
    monkeypatch.setenv("FRAMEBRIDGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_DEADLINE_S", "4")
    monkeypatch.setenv("FRAMEBRIDGE_TRIAL_MEMORY_MB", "1024")
    start_sidecar()
    with connect() as bridge:
        yield bridge


class Stage:
    """An engine's loop at 60 ticks a second: every result is compared with its own frame, turned by
    the package that its chain names."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sent = dict[int, int]()
        self._number = 0
        self._last_id = 0
        self._due = time.perf_counter()
        self._orders = dict[str, list[int]]()
        """By the first digits of the chain that puts the channels so."""
        self.shown = 0

    def tick(self) -> None:
        stream = self._stream
        if len(stream.packages) == 1 and stream.packages[0] in ORDERS:
            self._orders[stream.chain[:8]] = ORDERS[stream.packages[0]]
        self._number += 1
        frame_id = stream.submit(numbered(self._number, SIZE, SIZE))
        if frame_id is not None:
            self._sent[frame_id] = self._number
        result = stream.poll()
        if result is not None:
            assert result.origin == "bridge"
            assert result.frame_id > self._last_id, "an older frame after a newer one"
            self._last_id = result.frame_id
            self._check(result.chain, result.pixels, self._sent[result.frame_id])
        self._due = max(self._due + TICK_S, time.perf_counter() - TICK_S)
        time.sleep(max(0.0, self._due - time.perf_counter()))

    def _check(self, chain: str, pixels: Pixels, number: int) -> None:
        made = numbered(number, 1, 1)[0, 0, :3]
        first = pixels[0, 0, :3]
        # The event that names a new chain may come after its first result.
        orders = [self._orders[chain]] if chain in self._orders else list(ORDERS.values())
        assert any(np.array_equal(first, made[order]) for order in orders), "a foreign frame"
        number_of(pixels)  # every pixel the same, or it is torn
        self.shown += 1

    def tick_until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, f"{what}: not within a minute: {self._stream.error}"
            self.tick()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.timeout(300)
def test_a_hundred_swaps_lose_no_tick_show_no_foreign_frame_and_keep_no_memory(
    bridge: Bridge, good: dict[str, str], broken: dict[str, str], tmp_path: Path
) -> None:
    blind = str(overflowing(tmp_path / "blind", weight=float("nan")))
    failures = cycle([*sorted(broken), "blind"])
    moments = random.Random(3)
    grown = dict[int, float]()
    with bridge.open(good["same"], SIZE, SIZE) as stream:
        stage = Stage(stream)
        stage.tick_until(lambda: stage.shown > 10, "frames")
        worker: dict[str, Any] = bridge.status()["streams"][0]
        for swap in range(100):
            now = stream.packages[0]
            name = next(failures) if swap % 3 == 2 else ""
            if name == "blind":
                # It loads, and not one of its frames is shown.
                stream.load(blind, timeout_s=0)
                stage.tick_until(lambda: stream.packages == ["overflowing"], "it is loaded")
                before = stream.counters.withheld
                stage.tick_until(lambda n=before: stream.counters.withheld > n + 3, "withheld")
            elif name:
                stream.error = None
                stream.load(broken[name], timeout_s=0)
                stage.tick_until(lambda: stream.error, f"{name} is refused")
                assert stream.packages == [now]
            else:
                name = moments.choice([n for n in good if n != now])
                stream.load(good[name], timeout_s=0)
                stage.tick_until(lambda n=name: stream.packages == [n], f"{name} is loaded")
            for _ in range(moments.randrange(3, 12)):
                stage.tick()
            if swap in (20, 99):
                grown[swap] = private_bytes(worker["worker_pid"]) / 2**20
        counters = stream.counters
        stage.tick_until(lambda: len(stream._times) == 0 or stream.poll(), "the last answers")
        until(lambda: settled(stream), "every submit is answered")
        assert counters.sent == counters.returned + counters.dropped
        assert counters.withheld > 3
        after = bridge.status()["streams"][0]
        assert (after["worker_pid"], after["restarts"]) == (worker["worker_pid"], 0)
    assert grown[99] - grown[20] < 20, grown


def settled(stream: Stream) -> bool:
    stream.poll()
    return stream.counters.sent == stream.counters.returned + stream.counters.dropped
