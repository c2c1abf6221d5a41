"""framebridge.dll, cross-built by mingw-w64, and engines that use it, on an emulated Windows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.native.player import Player
from tests.native_builds import Native, native_windows, pytest_collection_finish
from tests.windows.installation import program
from tests.windows.test_sidecar import applied
from tests.windows.wine import PYTHON, Wine, until

__all__ = ["native_windows", "pytest_collection_finish"]

KILLS = 3
LOCKSTEP = 1
# What every Windows has in its system folder. The C runtime is the one that Windows itself uses.
SYSTEM = {
    "advapi32.dll", "d3d11.dll", "dxgi.dll", "gdi32.dll", "iphlpapi.dll", "kernel32.dll",
    "msvcrt.dll", "ole32.dll", "opengl32.dll", "rpcrt4.dll", "shell32.dll", "user32.dll",
    "ws2_32.dll",
}  # fmt: skip
START = json.dumps([PYTHON, "-m", "bridge.cli.main"], separators=(",", ":"))


def test_the_dll_needs_nothing_but_the_systems_own(native_windows: Native) -> None:
    words = [program("x86_64-w64-mingw32-objdump"), "-p", str(native_windows.library)]
    told = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
    needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", told)}
    assert needed
    assert needed <= SYSTEM


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("abi_version", []),
        ("vectors", ["F:\\engine_plugin\\vectors"]),
        ("hostile_messages", ["2000"]),
        ("bad_input", []),
    ],
)
def test_a_c_test_passes(wine: Wine, native_windows: Native, name: str, words: list[str]) -> None:
    path = wine.path(native_windows.program(name))
    status, out, err = wine.finish(wine.start([path, *words]))
    assert status == 0, out + err


@pytest.fixture
def start_player(
    wine: Wine, native_windows: Native, tmp_path: Path
) -> Iterator[Callable[[], Player]]:
    """Start an engine that runs under Wine; it ends with the test, and so does all else."""
    starter = tmp_path / "player"
    path = wine.path(native_windows.program("player"))
    starter.write_text(f"#!/bin/sh\nexec {shlex.join([program('wine64'), path])}\n")
    starter.chmod(0o755)
    shutil.rmtree(wine.folder / "runtime", ignore_errors=True)
    (wine.folder / "runtime").mkdir()
    started: list[Player] = []

    def start() -> Player:
        started.append(Player(starter, tmp_path, **wine.environment()))
        return started[-1]

    yield start
    for player in started:
        player.kill()
    wine.end_all()


def terminate(wine: Wine, pid: int) -> None:
    """End a process by its number, which is Windows', not Linux'."""
    words = f"from tests.windows.programs.windows_processes import terminate; terminate({pid})"
    status, out, err = wine.python("-c", words)
    assert status == 0, out + err


def live(player: Player, **options: Any) -> None:
    """A client, and the sidecar that it starts, which takes its time on a busy machine."""
    player.create(start=START, **options)
    until(lambda: player.statistics()["state"] == "live", "the stream is live")


def test_frames_through_the_sidecar_that_the_dll_starts(
    wine: Wine, start_player: Callable[[], Player], tmp_path: Path
) -> None:
    player = start_player()
    live(player, width=64, height=48)
    counted = player.play("results", 50)
    assert counted["results"] >= 50
    assert not (wine.folder / "runtime" / "bridge.json").exists(), "it is private"
    player.say("destroy")

    frames = np.random.default_rng(1).integers(0, 256, (8, 64, 96, 4), np.uint8)
    frames[..., 3] = 255
    frames.tofile(tmp_path / "film.raw")
    expected = applied(tmp_path, frames)
    live(player, model="upscale-x2", width=96, height=64, policy=LOCKSTEP, every=1)
    files = [wine.path(tmp_path / name) for name in ("film.raw", "results.raw")]
    assert player.say(f"film 96 64 {files[0]} {files[1]}") == "8"
    results = np.fromfile(tmp_path / "results.raw", np.uint8).reshape(expected.shape)
    assert np.abs(results.astype(np.int16) - expected.astype(np.int16)).max() <= 1
    assert player.end() == 0
    until(lambda: not wine.running(), "the sidecar and its workers end with the engine")


def test_a_killed_worker_and_a_killed_sidecar_come_back(
    wine: Wine, start_player: Callable[[], Player]
) -> None:
    player = start_player()
    live(player)
    for turn in range(2 * KILLS):
        player.play("results", 3)
        status = player.command(type="status")[1]
        victim = status["streams"][0]["worker_pid"] if turn % 2 else status["pid"]
        terminate(wine, victim)
        player.play("passed", 1)
        until(lambda: player.statistics()["state"] == "live", "the stream is live again")
        player.play("results", 3)
    assert player.statistics()["restarts"] == 2 * KILLS
    assert player.end() == 0
    until(lambda: not wine.running(), "nothing is left")


def test_a_killed_engine_takes_its_sidecar_along(
    wine: Wine, start_player: Callable[[], Player]
) -> None:
    for _ in range(KILLS):
        player = start_player()
        live(player)
        player.play("results", 3)
        assert len(wine.running()) >= 3, "the engine, its sidecar and a worker"
        player.kill()
        until(lambda: not wine.running(), "the sidecar and its worker end")
    left = [path.name for path in (wine.folder / "runtime").iterdir()]
    assert left == []


def test_an_engine_without_a_console_starts_its_sidecar_without_a_window(
    wine: Wine, native_windows: Native
) -> None:
    player = wine.path(native_windows.program("player"))
    process = wine.start(
        [PYTHON, "-m", "tests.windows.programs.no_window", player, START], screen=True
    )
    status, out, err = wine.finish(process)
    assert status == 0, out + err
    found = json.loads(out.strip().splitlines()[-1])
    assert found["of_a_console_asked_for"], "the check itself sees a window where there is one"
    assert found["of_the_sidecar"] == []


def test_a_host_plays_unitys_part_with_direct3d_11(
    wine: Wine, native_windows: Native, start_player: Callable[[], Player]
) -> None:
    path = wine.path(native_windows.program("d3d11_host"))
    status, out, err = wine.finish(
        wine.start([path, "300"], screen=True, FRAMEBRIDGE_TEST_START=START)
    )
    assert status == 0, out + err
