"""Very many frames, swaps and knobs: every byte is foretold, and nothing grows.

`make test-soak` plays a million frames and holds memory to two per cent.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from framebridge_client import Bridge

from tests.system.footprint import Footprint, footprint
from tests.system.processes import Sidecar, until
from tests.system.turning import MOST_LIFT, ORDERS, turned, turning

FRAMES = int(os.environ.get("FRAMEBRIDGE_SOAK", "6000"))
WHOLE = "FRAMEBRIDGE_SOAK" in os.environ
SWAPS = max(FRAMES // 2000, 10)
CHANGES = max(FRAMES // 200, 50)
WARM_UP = FRAMES // 5
SIDE = 32


def segments(run: str) -> int:
    return len(list(Path("/dev/shm").glob(f"fb-{run}-*")))


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
@pytest.mark.timeout(120 + FRAMES // 200)
def test_frames_swaps_and_knobs_without_end_change_nothing_but_the_picture(
    bridge: Bridge, sidecar: Sidecar, tmp_path: Path
) -> None:
    packages = {name: turning(tmp_path / name, order) for name, order in ORDERS.items()}
    chance = random.Random(5)
    noise = np.random.default_rng(5)
    swaps = set(chance.sample(range(1, FRAMES), SWAPS))
    changes = set(chance.sample(range(1, FRAMES), CHANGES))
    frames = noise.integers(0, 256 - MOST_LIFT, (64, SIDE, SIDE, 4), np.uint8)
    name, lift, last_id = "same", 0, 0
    before: list[Footprint] = []
    with bridge.open(packages[name], SIDE, SIDE, policy="lockstep") as stream:
        pids = [sidecar.pid, bridge.status()["streams"][0]["worker_pid"], os.getpid()]
        others = segments(sidecar.runs[-1])
        for number in range(FRAMES):
            if number in swaps:
                name, lift = chance.choice([n for n in packages if n != name]), 0
                stream.load(packages[name], 30)
            if number in changes:
                lift = chance.randint(0, MOST_LIFT)
                stream.set(lift=lift, timeout_s=10)
            if number == WARM_UP:
                before = [footprint(pid) for pid in pids]
            frame = frames[number % len(frames)]
            # The number makes each frame another, alpha is carried along.
            frame[0, 0, 3] = number & 0xFF
            frame[0, 1, 3] = number >> 8 & 0xFF
            result = stream.process(frame, 30)
            assert result.frame_id > last_id
            last_id = result.frame_id
            assert np.array_equal(result.pixels, turned(frame, ORDERS[name], lift)), number
        until(lambda: settled(pids, before), "threads and descriptors are given back")
        after = [footprint(pid) for pid in pids]
        for was, now in zip(before, after, strict=True):
            print(f"{was} became {now}")
            grown = now.private - was.private
            assert grown < (0.02 if WHOLE else 0.2) * was.private
        assert segments(sidecar.runs[-1]) == others
        row = bridge.status()["streams"][0]
        assert (row["restarts"], row["worker_pid"]) == (0, pids[1])
        assert stream.counters.returned == FRAMES


def settled(pids: list[int], before: list[Footprint]) -> bool:
    """Whether no process has more threads or descriptors; a chain that was replaced is given back
    a little later."""
    now = [footprint(pid) for pid in pids]
    return all(
        a.threads <= b.threads and a.descriptors <= b.descriptors
        for a, b in zip(now, before, strict=True)
    )
