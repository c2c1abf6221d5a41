"""The sidecar that the native client starts: one for the engine, and it ends with the engine."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from framebridge_client import connect

from tests.native.player import Player
from tests.system.processes import until

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]


def words(*command: str) -> str:
    """For fb_options.start_command, without spaces."""
    return json.dumps(command, separators=(",", ":"))


OURS = words(sys.executable, "-m", "bridge.cli.main")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """Of this very process, dead ones too."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def sidecar_of(player: Player) -> tuple[int, str]:
    """Its process, and the name of its run."""
    status, state = player.command(type="status")
    assert status == "ok"
    return state["pid"], state["run"]


def left_behind(folder: Path, run: str) -> list[str]:
    places = [*folder.iterdir(), *Path("/dev/shm").glob("fb-*")]
    return [path.name for path in places if run in path.name]


def test_two_clients_share_one_private_sidecar_that_nobody_else_finds(
    short_folder: Path, player: Player
) -> None:
    player.create(start=OURS)
    player.create(start=OURS)
    player.play("results", 3)
    second = sidecar_of(player)
    player.say("use 0")
    player.play("results", 3)
    assert sidecar_of(player) == second
    assert player.command(type="status")[1]["clients"] == 2
    assert not (short_folder / "bridge.json").exists()
    assert children(player.pid) == []
    pid, _ = second
    player.say("destroy")
    player.say("use 1")
    player.say("destroy")
    assert is_running(pid)  # the next client has it at once
    player.create(start=OURS)
    player.play("results", 1)
    assert sidecar_of(player) == second


@pytest.mark.parametrize("how", ["by itself", "kill -9"])
def test_the_private_sidecar_ends_with_the_engine_and_leaves_nothing(
    short_folder: Path, player: Player, how: str
) -> None:
    player.create(start=OURS)
    player.play("results", 3)
    pid, run = sidecar_of(player)
    assert left_behind(short_folder, run)
    if how == "kill -9":
        player.kill()
    else:
        assert player.end() == 0
    until(lambda: not is_running(pid), "the sidecar ends")
    until(lambda: left_behind(short_folder, run) == [], "it leaves nothing")


def test_a_private_sidecar_that_dies_is_started_again_and_is_nobody_s_zombie(
    short_folder: Path, player: Player
) -> None:
    player.create(start=OURS)
    player.play("results", 3)
    pid, _ = sidecar_of(player)
    os.kill(pid, signal.SIGKILL)
    player.play("passed", 3)
    player.play("results", 3)
    again, run = sidecar_of(player)
    assert again != pid
    assert children(player.pid) == []
    player.kill()
    until(lambda: not is_running(again), "the second one ends, too")
    until(lambda: left_behind(short_folder, run) == [], "it leaves nothing")


def test_a_bridge_that_is_there_is_used_and_none_is_started(
    sidecar: object, player: Player
) -> None:
    player.create(start=words("/no/such/program"))
    player.play("results", 1)
    assert player.say("error") == ""


def test_a_shared_sidecar_is_found_by_others_and_outlives_the_engine(
    short_folder: Path, start_player: Callable[..., Player]
) -> None:
    player = start_player()
    player.create(start=OURS, shared=1)
    player.play("results", 1)
    pid, _ = sidecar_of(player)
    other = start_player()
    other.create()
    other.play("results", 1)
    assert sidecar_of(other)[0] == pid
    player.kill()
    other.play("results", 3)
    other.kill()
    assert is_running(pid)
    with connect() as bridge:
        bridge.stop()
    until(lambda: not is_running(pid), "it has been told to end")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (words("/no/such/program"), "not found"),
        (words(sys.executable, "-c", "exit('no-licence')"), "no-licence"),
        (words("echo", "hello"), "hello serve --private"),
        (words("true"), "ended"),
    ],
)
def test_what_cannot_be_started_is_told_in_its_own_words(
    short_folder: Path, player: Player, command: str, told: str
) -> None:
    player.create(start=command)
    until(lambda: told in player.say("error"), "it is told")
    assert "start_command" in player.say("error")
    player.play("passed", 3)


@pytest.mark.parametrize("command", ["framebridge", "[]", "[1]", '{"a":1}'])
def test_a_command_that_is_no_array_of_words_is_refused(
    short_folder: Path, player: Player, command: str
) -> None:
    with pytest.raises(AssertionError, match="FB-E002"):
        player.create(start=command)
