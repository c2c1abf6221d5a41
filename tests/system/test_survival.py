"""kill -9 of each part while frames flow: the stream comes back, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from framebridge_client import Bridge, Stream, connect

from tests.system.processes import WATCHDOG_S, Sidecar, kill, number_of, numbered, until
from tests.system.test_withheld import overflowing

KILLS = int(os.environ.get("FRAMEBRIDGE_KILLS", "5"))
"""Of each kind; `make test-crash` asks for more, and holds them to the clock as well."""
BY_THE_CLOCK = "FRAMEBRIDGE_KILLS" in os.environ
TICK_S = 1 / 60
BACK_WITHIN_S = 2.0


def whole_group(turn: int) -> bool:
    """Every other kill is one of a whole process group."""
    return turn % 2 == 1


class Player:
    """An engine's loop: a submit and a poll each tick, every result compared with its own frame."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sent = dict[int, int]()
        self._number = 0
        self.last_shown = 0
        self.from_bridge = 0
        self.passed_through = 0
        self.worst_ticks = 0

    def tick(self) -> None:
        self._number += 1
        frame_id = self._stream.submit(numbered(self._number))
        if frame_id is not None:
            self._sent[frame_id] = self._number
        result = self._stream.poll()
        if result is None:
            return
        assert result.frame_id > self.last_shown, "an older frame after a newer one"
        self.last_shown = result.frame_id
        if result.origin == "bridge":
            assert number_of(result.pixels) == self._sent[result.frame_id]
            self.from_bridge += 1
        else:
            assert result.origin == "passthrough"
            assert number_of(result.pixels) == self._number
            self.passed_through += 1

    def play_until_results(self, more: int) -> None:
        wanted = self.from_bridge + more
        end = time.monotonic() + WATCHDOG_S
        while self.from_bridge < wanted:
            assert time.monotonic() < end, f"no frames from the bridge: {self._stream.error}"
            self.tick()
            time.sleep(0.005)

    def play_until_results_again(self) -> None:
        """From the moment at which the sidecar, or its worker, has returned."""
        start = time.monotonic()
        self.play_until_results(1)
        took_s = time.monotonic() - start
        assert not BY_THE_CLOCK or took_s <= BACK_WITHIN_S, (
            f"frames flow again after {took_s:.1f} s"
        )

    def play_until_passthrough(self) -> None:
        """From the moment of a kill: the tick that follows it may still see nothing, the next
        passes through."""
        wanted = self.passed_through + 1
        end = time.monotonic() + WATCHDOG_S
        ticks = 0
        while self.passed_through < wanted:
            assert time.monotonic() < end, "never passed through"
            self.tick()
            ticks += 1
            time.sleep(TICK_S)
        self.worst_ticks = max(self.worst_ticks, ticks)
        assert not BY_THE_CLOCK or ticks <= 2, f"passed through {ticks - 1} ticks after the kill"


def worker_pids(bridge: Bridge) -> list[int]:
    return [stream["worker_pid"] for stream in bridge.status()["streams"]]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.timeout(60 + 10 * KILLS)
def test_a_killed_worker_is_replaced_and_no_stale_result_is_shown(bridge: Bridge) -> None:
    stream = bridge.open("passthrough", 32, 32)
    player = Player(stream)
    epochs = set()
    moments = random.Random(1)
    for turn in range(KILLS):
        player.play_until_results(moments.randrange(1, 20))
        epochs.add(bridge.status()["streams"][0]["epoch"])
        kill(worker_pids(bridge)[0], whole_group(turn))
        player.play_until_passthrough()
        player.play_until_results_again()
    player.play_until_results(10)
    assert len(epochs) == KILLS
    assert bridge.status()["streams"][0]["restarts"] == KILLS


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.timeout(60 + 10 * KILLS)
def test_a_killed_supervisor_leaves_nothing_and_the_stream_returns(
    bridge: Bridge, sidecar: Sidecar
) -> None:
    stream = bridge.open("passthrough", 32, 32)
    player = Player(stream)
    moments = random.Random(2)
    for turn in range(KILLS):
        player.play_until_results(moments.randrange(1, 20))
        worker = worker_pids(bridge)[0]
        sidecar.kill(whole_group(turn))
        player.play_until_passthrough()
        until(lambda pid=worker: not is_running(pid), "the worker ends with its supervisor")
        sidecar.start()
        player.play_until_results_again()
        player.play_until_results(10)
        until(lambda: sidecar.left_behind() == [], "nothing is left", BACK_WITHIN_S)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.timeout(60 + 10 * KILLS)
def test_a_killed_client_costs_the_bridge_nothing_and_disturbs_no_other(
    bridge: Bridge, sidecar: Sidecar
) -> None:
    player = Player(bridge.open("passthrough", 32, 32))
    player.play_until_results(5)
    for turn in range(KILLS):
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, start_new_session=True
        )
        assert client.stdout is not None
        assert client.stdout.readline() == b"flowing\n"
        status = bridge.status()
        assert (len(status["streams"]), status["clients"]) == (2, 2)
        kill(client.pid, whole_group(turn))
        client.wait(WATCHDOG_S)
        client.stdout.close()
        until(lambda: bridge.status()["clients"] == 1, "the bridge sees that the client has gone")
        assert len(bridge.status()["streams"]) == 1
        player.play_until_results(5)
    assert player.passed_through == 0
    sidecar.end()
    assert sidecar.left_behind() == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_chain_that_crashes_three_times_is_given_up_with_its_cause_until_a_load(
    bridge: Bridge,
) -> None:
    stream = bridge.open("passthrough", 32, 32)
    with connect() as other:

        def row() -> dict[str, Any]:
            report: dict[str, Any] = other.status()["streams"][0]
            return report

        for crashes in range(3):
            until(
                lambda n=crashes: (row()["restarts"], row()["state"]) == (n, "live"), "a new worker"
            )
            os.kill(row()["worker_pid"], signal.SIGSEGV)
        until(lambda: row()["state"] == "failed", "the third crash is the last")
        assert "signal 11" in row()["last_error"]
        other.load(stream.number, "passthrough")
        assert row()["state"] == "live"
    Player(stream).play_until_results(3)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


CLIENT = """
import time
import numpy as np
from framebridge_client import connect
bridge = connect()
stream = bridge.open("passthrough", 64, 64)
frame = np.zeros((64, 64, 4), np.uint8)
while stream.counters.returned < 5:
    stream.submit(frame)
    stream.poll()
    time.sleep(0.005)
print("flowing", flush=True)
while True:
    stream.submit(frame)
    stream.poll()
    time.sleep(0.005)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_what_others_have_loaded_and_set_is_back_after_the_sidecar_was_killed(
    bridge: Bridge, sidecar: Sidecar, tmp_path: Path
) -> None:
    stream = bridge.open("passthrough", 32, 32)
    player = Player(stream)
    package = overflowing(tmp_path / "overflowing")
    with connect() as other:
        other.load(stream.number, str(package))
        other.set(stream.number, {"gain": 0.0})
    until(lambda: stream.poll() or stream.packages == ["overflowing"], "the owner hears of it")
    sidecar.kill()
    player.play_until_passthrough()
    assert stream.error is not None
    assert stream.error.code == "FB-E071"
    sidecar.start()
    until(lambda: stream.poll() is None and stream.state == "live", "the stream is back")
    assert stream.error is None
    row = bridge.status()["streams"][0]
    assert (row["packages"], row["parameters"]) == (["overflowing"], {"gain": 0.0})
    assert stream.process(numbered(77), 10).pixels[..., :3].max() == 0
