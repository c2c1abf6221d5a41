"""Streams that tick by themselves: the seed and the number of the tick decide every byte."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from framebridge_client import Bridge, FrameError, Stream

from tests.inference.small_models import memory, recurrent
from tests.system.processes import WATCHDOG_S, until

SIZE = 24


@pytest.fixture
def package(tmp_path: Path) -> str:
    return str(recurrent().write(tmp_path / "recurrent").folder)


def free(bridge: Bridge, package: str, seed: int) -> Stream:
    return bridge.open(package, SIZE, SIZE, policy="free", rate=1000, seed=seed, every=True)


def ticks(stream: Stream, count: int) -> list[str]:
    """Digests of the results from tick 1 to `count`, of which none may be missing."""
    digests: list[str] = []
    end = time.monotonic() + WATCHDOG_S
    while len(digests) < count:
        assert time.monotonic() < end, f"{len(digests)} ticks of {count}"
        result = stream.poll()
        if result is None:
            time.sleep(0.0005)
            continue
        assert result.frame_id == len(digests) + 1
        digests.append(hashlib.sha256(result.pixels.tobytes()).hexdigest())
    return digests


def test_600_ticks_of_one_seed_are_the_same_bytes_every_time(bridge: Bridge, package: str) -> None:
    with free(bridge, package, seed=7) as stream:
        first = ticks(stream, 600)
    with free(bridge, package, seed=7) as stream:
        assert ticks(stream, 600) == first
    with free(bridge, package, seed=8) as stream:
        other = ticks(stream, 60)
    assert len(set(first)) == 600
    assert not set(first) & set(other)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_600_ticks_are_the_same_bytes_after_the_worker_was_killed(
    bridge: Bridge, package: str
) -> None:
    with free(bridge, package, seed=7) as stream:
        first = ticks(stream, 600)
        os.kill(bridge.status()["streams"][0]["worker_pid"], signal.SIGKILL)
        until(lambda: not stream.poll() and stream.state == "paused", "the stream is paused")
        assert ticks(stream, 600) == first


def test_a_reset_begins_at_tick_1_of_another_seed_and_a_restart_keeps_it(
    bridge: Bridge, package: str
) -> None:
    with free(bridge, package, seed=8) as stream:
        wanted = ticks(stream, 50)
    with free(bridge, package, seed=7) as stream:
        ticks(stream, 20)
        stream.reset(8, timeout_s=10)
        restarted: list[str] = []

        def all_there() -> bool:
            result = stream.poll()
            if result is not None:
                if result.frame_id == 1:
                    restarted.clear()
                restarted.append(hashlib.sha256(result.pixels.tobytes()).hexdigest())
            return restarted[:50] == wanted

        until(all_there, "the ticks of the other seed")
        assert bridge.status()["streams"][0]["seed"] == 8


def test_a_frame_is_taken_up_by_a_tick_and_comes_back_as_taken(
    bridge: Bridge, tmp_path: Path
) -> None:
    dreams = memory(initial="frame", takes_frame=False, state=(1, 3, 8, 12))
    package = str(dreams.write(tmp_path / "memory").folder)
    injected = np.full((16, 16, 4), (200, 100, 50, 255), np.uint8)
    with bridge.open(package, 16, 16, policy="free", rate=200) as stream:
        until(lambda: stream.poll() is not None, "it ticks without a frame")
        assert stream.submit(injected) == 1

        def shown() -> bool:
            result = stream.poll()
            return result is not None and tuple(result.pixels[0, 0, :3]) == (200, 100, 50)

        until(shown, "the frame shows")
        until(lambda: stream.poll() and stream.counters.taken == 1, "the frame is taken up")
        assert stream.counters.dropped == 0


def test_ticks_wait_while_nobody_polls_and_none_is_lost(bridge: Bridge, package: str) -> None:
    with free(bridge, package, seed=7) as stream:

        def made() -> int:
            counters: dict[str, int] = bridge.status()["streams"][0]["counters"]
            return counters.get("returned", 0)

        until(lambda: made() == 3, "all result slots are taken")
        assert ticks(stream, 100)


def test_a_free_stream_answers_no_single_frame(bridge: Bridge, package: str) -> None:
    with (
        free(bridge, package, seed=7) as stream,
        pytest.raises(FrameError, match="one of policy free"),
    ):
        stream.process(np.zeros((SIZE, SIZE, 4), np.uint8))


def test_a_stream_with_state_begins_anew_at_a_reset(bridge: Bridge, tmp_path: Path) -> None:
    package = str(memory().write(tmp_path / "memory").folder)
    bright = np.full((16, 16, 4), 250, np.uint8)
    with bridge.open(package, 16, 16, policy="lockstep") as stream:
        assert stream.process(bright, 10).pixels[..., :3].max() == 0
        assert stream.process(bright, 10).pixels[..., :3].min() == 250
        stream.reset(timeout_s=10)
        assert stream.process(bright, 10).pixels[..., :3].max() == 0
