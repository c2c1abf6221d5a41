"""The folder of a user's sidecars: one of them is the one, and dead ones leave nothing behind."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.errors import AlreadyRunningError, TransportError
from bridge.frames import FrameFormat
from bridge.supervisor.runtime_folder import (
    ADDRESS_FILE,
    FOLDER_VARIABLE,
    Address,
    Run,
    clean_up,
    read_address,
    runtime_folder,
)
from bridge.transport.shared_memory import SharedMemorySlot

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, sockets and signals of POSIX")
WATCHDOG_S = 60
FORMAT = FrameFormat(width=2, height=2)

# Makes everything that a sidecar makes, says what, and lives until it is killed.
_SIDECAR = """
import socket, sys
from pathlib import Path
from bridge.frames import FrameFormat
from bridge.supervisor.runtime_folder import Address, Run
from bridge.transport.shared_memory import SharedMemorySlot
run = Run(Path(sys.argv[1]))
run.become_the_one()
name = run.segment_name(1, 7, "i0")
slot = SharedMemorySlot.create(name, FrameFormat(width=2, height=2))
listener = socket.socket(socket.AF_UNIX)
listener.bind(run.endpoint("c").removeprefix("ipc://"))
run.publish(Address(run.endpoint("c"), "token", run.name, 4711, 1, "0.1.0"))
print(run.name, name, flush=True)
sys.stdin.read()
"""


def address_of(run: Run) -> Address:
    return Address(f"ipc:///{run.name}", "token", run.name, 4711, 1, "0.1.0")


@contextmanager
def other_process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """Another sidecar's process, its run and the name of its segment."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SIDECAR, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        run, segment = process.stdout.readline().decode().split()
        yield process, run, segment
    finally:
        process.kill()
        process.wait(WATCHDOG_S)
        process.stdin.close()
        process.stdout.close()


def segment_is_there(name: str) -> bool:
    try:
        SharedMemorySlot.attach(name, FORMAT)
    except TransportError:
        return False
    return True


# The folder.


def test_the_folder_is_made_for_its_user_alone(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = runtime_dir / "a" / "b"
    monkeypatch.setenv(FOLDER_VARIABLE, str(named))
    assert runtime_folder() == named
    assert named.is_dir()
    if sys.platform != "win32":
        assert stat.S_IMODE(named.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o701])
def test_a_folder_that_is_open_to_others_is_refused(runtime_dir: Path, mode: int) -> None:
    runtime_dir.chmod(mode)
    with pytest.raises(TransportError, match=f"mode {mode:04o}") as caught:
        runtime_folder()
    assert FOLDER_VARIABLE in caught.value.remedy


@posix
@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root may give away")
def test_a_folder_of_somebody_else_is_refused(runtime_dir: Path) -> None:
    os.chown(runtime_dir, 12345, 12345)
    with pytest.raises(TransportError, match="owner 12345"):
        runtime_folder()


@posix
def test_a_link_to_a_folder_is_refused(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runtime_dir / "real").mkdir(mode=0o700)
    (runtime_dir / "link").symlink_to(runtime_dir / "real")
    monkeypatch.setenv(FOLDER_VARIABLE, str(runtime_dir / "link"))
    with pytest.raises(TransportError, match="a folder of mode 0700 that is yours"):
        runtime_folder()


def test_a_file_in_the_folders_place_is_refused(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runtime_dir / "file").write_text("")
    monkeypatch.setenv(FOLDER_VARIABLE, str(runtime_dir / "file"))
    with pytest.raises(TransportError):
        runtime_folder()


# The one.


def test_a_second_one_is_told_where_the_first_is(runtime_dir: Path) -> None:
    first, second = Run(runtime_dir), Run(runtime_dir)
    first.become_the_one()
    first.publish(address_of(first))
    with pytest.raises(AlreadyRunningError, match=f"ipc:///{first.name}, process 4711"):
        second.become_the_one()
    second.close()
    first.close()


def test_a_second_one_is_refused_before_the_first_has_published(runtime_dir: Path) -> None:
    first, second = Run(runtime_dir), Run(runtime_dir)
    first.become_the_one()
    with pytest.raises(AlreadyRunningError):
        second.become_the_one()
    second.close()
    first.close()


def test_after_the_first_has_ended_the_next_is_the_one(runtime_dir: Path) -> None:
    first, second = Run(runtime_dir), Run(runtime_dir)
    first.become_the_one()
    first.close()
    second.become_the_one()
    second.close()


@posix
def test_a_second_process_is_told_where_the_first_is(runtime_dir: Path) -> None:
    with other_process(runtime_dir) as (_, name, _):
        run = Run(runtime_dir)
        with pytest.raises(AlreadyRunningError, match=f"{name}-c, process 4711"):
            run.become_the_one()
        run.close()


# What a run leaves.


@posix
def test_what_a_killed_run_left_is_cleared_by_the_next(runtime_dir: Path) -> None:
    with other_process(runtime_dir) as (process, name, segment):
        process.kill()
        process.wait(WATCHDOG_S)
        assert segment_is_there(segment)
        assert (runtime_dir / f"{name}-c").is_socket()
        assert read_address(runtime_dir) is not None
        run = Run(runtime_dir)
        assert not segment_is_there(segment)
        assert not list(runtime_dir.glob(f"*{name}*"))
        assert read_address(runtime_dir) is None
        run.become_the_one()
        run.close()


@posix
def test_what_a_living_run_has_is_left_to_it(runtime_dir: Path) -> None:
    with other_process(runtime_dir) as (_, name, segment):
        run = Run(runtime_dir)
        assert clean_up(runtime_dir) == []
        run.close()
        assert segment_is_there(segment)
        assert (runtime_dir / f"{name}-c").is_socket()
        assert (runtime_dir / f"run-{name}.lock").exists()
        known = read_address(runtime_dir)
        assert known is not None
        assert known.run == name


@posix
def test_a_dead_run_is_cleared_while_another_lives(runtime_dir: Path) -> None:
    living = Run(runtime_dir)
    kept = SharedMemorySlot.create(living.segment_name(1, 1, "i0"), FORMAT)
    with other_process(runtime_dir) as (process, name, segment):
        process.kill()
        process.wait(WATCHDOG_S)
        assert clean_up(runtime_dir) == [name]
        assert not segment_is_there(segment)
    assert segment_is_there(kept.name)
    kept.close()
    living.close()


@posix
def test_a_run_that_ends_takes_away_all_that_is_its_own(runtime_dir: Path) -> None:
    run, other = Run(runtime_dir), Run(runtime_dir)
    run.become_the_one()
    run.publish(address_of(run))
    paths = [Path(run.endpoint(what).removeprefix("ipc://")) for what in ("c", "1-7")]
    for path in paths:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    run.close()
    assert [path.name for path in runtime_dir.glob("*run-*")] == [f"run-{other.name}.lock"]
    assert not any(path.exists() for path in paths)
    assert read_address(runtime_dir) is None
    other.close()


def test_a_run_that_ends_leaves_the_address_of_another(runtime_dir: Path) -> None:
    first, second = Run(runtime_dir), Run(runtime_dir)
    first.publish(address_of(first))
    second.publish(address_of(second))
    first.close()
    assert read_address(runtime_dir) == address_of(second)
    second.close()


def test_a_run_killed_before_it_had_its_name_leaves_nothing(runtime_dir: Path) -> None:
    (runtime_dir / ".run-abcdef").write_text("")
    Run(runtime_dir).close()
    assert not (runtime_dir / ".run-abcdef").exists()


# The address.


def test_the_address_is_for_its_user_alone_and_written_whole(runtime_dir: Path) -> None:
    run = Run(runtime_dir)
    run.publish(address_of(run))
    path = runtime_dir / ADDRESS_FILE
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(path.read_text())) == {
        "endpoint", "token", "run", "pid", "protocol", "version",
    }  # fmt: skip
    assert read_address(runtime_dir) == address_of(run)
    assert not list(runtime_dir.glob(f".{ADDRESS_FILE}*"))
    run.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"endpoint": "x"}'])
def test_a_broken_address_file_is_as_good_as_none(runtime_dir: Path, text: str) -> None:
    (runtime_dir / ADDRESS_FILE).write_text(text)
    assert read_address(runtime_dir) is None
    Run(runtime_dir).close()


# Names.


@posix
def test_a_folder_too_long_for_a_socket_is_refused_by_name(runtime_dir: Path) -> None:
    run = Run(runtime_dir)
    longest = 107 - len(os.fsencode(runtime_dir)) - len(f"/{run.name}-")
    assert run.endpoint("x" * longest).startswith("ipc:///")
    with pytest.raises(TransportError, match="at most 107 bytes, got 108") as caught:
        run.endpoint("x" * (longest + 1))
    assert FOLDER_VARIABLE in caught.value.remedy
    run.close()


def test_a_segments_name_is_recorded_and_short_enough_for_every_system(runtime_dir: Path) -> None:
    run = Run(runtime_dir)
    name = run.segment_name(99_999_999, 2**32 - 1, "o2")
    assert len(name) <= 30
    assert name in (runtime_dir / f"run-{run.name}.lock").read_text().split()
    run.close()


def test_each_run_has_a_name_of_its_own(runtime_dir: Path) -> None:
    runs = [Run(runtime_dir) for _ in range(3)]
    assert len({run.name for run in runs}) == 3
    assert all(len(run.name) == 6 and int(run.name, 16) >= 0 for run in runs)
    for run in runs:
        run.close()
