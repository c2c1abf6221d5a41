"""kill -9 of the host, the sidecar and the worker while frames flow through the native client."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from framebridge_client import Bridge, connect

from tests.native.player import Player
from tests.native.test_sidecar import OURS, is_running, left_behind, sidecar_of
from tests.system.processes import Sidecar, kill, until

KILLS = int(os.environ.get("FRAMEBRIDGE_KILLS", "5"))
"""Of each kind; `make test-crash` asks for more."""

pytestmark = [
    pytest.mark.timeout(120 + 30 * KILLS),
    pytest.mark.skipif(sys.platform != "linux", reason="kill -9 is POSIX, and looks into /proc"),
]


def whole_group(turn: int) -> bool:
    """Every other kill is one of a whole process group."""
    return turn % 2 == 1


def worker_of(bridge: Bridge) -> int:
    pid: int = bridge.status()["streams"][0]["worker_pid"]
    return pid


def test_a_killed_worker_is_replaced_and_no_stale_result_is_shown(
    sidecar: Sidecar, player: Player
) -> None:
    player.create()
    moments = random.Random(1)
    with connect() as bridge:
        for turn in range(KILLS):
            player.play("results", moments.randrange(1, 20))
            kill(worker_of(bridge), whole_group(turn))
            player.play("passed", 1)
            player.play("results", 1)
            assert player.statistics()["restarts"] == turn + 1
    assert player.statistics()["connections"] == 1


def test_a_killed_sidecar_leaves_nothing_and_the_stream_returns(
    sidecar: Sidecar, player: Player
) -> None:
    player.create()
    moments = random.Random(2)
    for turn in range(KILLS):
        player.play("results", moments.randrange(1, 20))
        with connect() as bridge:
            worker = worker_of(bridge)
        sidecar.kill(whole_group(turn))
        player.play("passed", 1)
        until(lambda pid=worker: not is_running(pid), "the worker ends with its sidecar")
        sidecar.start()
        player.play("results", 3)
        until(lambda: sidecar.left_behind() == [], "nothing is left")
    assert player.statistics()["connections"] == KILLS + 1
    maps = Path(f"/proc/{player.pid}/maps").read_text()
    # Of three epochs at most: the one now, and what the engine looked at before.
    assert maps.count("/dev/shm/fb-") <= 18


def test_a_killed_host_costs_the_bridge_nothing_and_disturbs_no_other(
    sidecar: Sidecar, player: Player, start_player: Callable[..., Player]
) -> None:
    player.create()
    player.play("results", 5)
    with connect() as bridge:
        for turn in range(KILLS):
            host = start_player()
            host.create()
            host.play("results", 3)
            assert len(bridge.status()["streams"]) == 2
            host.kill(whole_group(turn))
            until(lambda: bridge.status()["clients"] == 2, "the bridge sees that it has gone")
            assert len(bridge.status()["streams"]) == 1
            before = player.play("ticks", 1)
            assert player.play("results", 5)["passed"] == before["passed"]
    sidecar.end()
    assert sidecar.left_behind() == []


def test_a_killed_host_takes_its_own_sidecar_with_it(
    short_folder: Path, start_player: Callable[..., Player]
) -> None:
    for turn in range(KILLS):
        host = start_player()
        host.create(start=OURS)
        # Now and then before the sidecar has said a word.
        if turn % 3 == 2:
            host.play("ticks", 20)
            host.kill(whole_group(turn))
        else:
            host.play("results", 2)
            pid, run = sidecar_of(host)
            host.kill(whole_group(turn))
            until(lambda pid=pid: not is_running(pid), "its sidecar ends with it")
            until(lambda run=run: left_behind(short_folder, run) == [], "nothing is left")
    until(
        lambda: [path.name for path in short_folder.iterdir() if path.suffix != ".lock"] == [],
        "no socket is left",
    )
