"""Where a client looks for the sidecar, and how it sees that one is there."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from framebridge_client import discovery
from framebridge_client.discovery import Address, find, may_answer

from bridge.supervisor import runtime_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="no ipc sockets there")


def publish(folder: Path, text: str) -> None:
    (folder / discovery.ADDRESS_FILE).write_text(text)


def test_nothing_is_found_where_no_sidecar_ever_ran(runtime_dir: Path) -> None:
    assert find() is None


def test_nothing_is_found_and_nothing_made_where_there_is_no_folder(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = runtime_dir / "missing"
    monkeypatch.setenv(discovery.FOLDER_VARIABLE, str(missing))
    assert find() is None
    assert not missing.exists()


def test_the_published_address_is_found(runtime_dir: Path) -> None:
    fields = {"endpoint": "ipc:///x", "token": "t", "run": "r", "pid": 1, "protocol": 1}
    publish(runtime_dir, json.dumps({**fields, "field of a later version": 2}))
    assert find() == Address("ipc:///x", "t")


def test_the_endpoint_variable_comes_before_the_published_address(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(runtime_dir, json.dumps({"endpoint": "ipc:///x", "token": "t"}))
    monkeypatch.setenv(discovery.ENDPOINT_VARIABLE, "tcp://127.0.0.1:9")
    assert find() == Address("tcp://127.0.0.1:9", "")
    monkeypatch.setenv(discovery.TOKEN_VARIABLE, "mine")
    assert find() == Address("tcp://127.0.0.1:9", "mine")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"endpoint": "ipc:///x"}', '{"token": "t"}', "\x00"]
)
def test_a_broken_address_file_is_as_good_as_none(runtime_dir: Path, text: str) -> None:
    publish(runtime_dir, text)
    assert find() is None


def test_an_address_file_that_is_no_text_is_as_good_as_none(runtime_dir: Path) -> None:
    (runtime_dir / discovery.ADDRESS_FILE).write_bytes(b"\xff\xfe\x00")
    assert find() is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FRAMEBRIDGE_RUNTIME_DIR": "/named", "XDG_RUNTIME_DIR": "/run/user/7"}, "/named"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/framebridge"),
        ({"XDG_RUNTIME_DIR": ""}, None),
        ({}, None),
    ],
)
@posix
def test_both_sides_look_in_the_same_folder(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
) -> None:
    for name in ("FRAMEBRIDGE_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = discovery.runtime_folder()
    assert found == runtime_folder._folder_path()
    if expected is not None:
        assert found == Path(expected)
    else:
        assert found.parent == Path(tempfile.gettempdir())
        assert found.name.startswith("framebridge-")


# Whether anybody listens.


@pytest.fixture
def ipc(runtime_dir: Path) -> Iterator[tuple[socket.socket, str]]:
    path = runtime_dir / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        yield listener, f"ipc://{path}"


@posix
def test_a_socket_that_is_listened_to_may_answer(ipc: tuple[socket.socket, str]) -> None:
    assert may_answer(ipc[1])


@posix
def test_a_socket_that_a_dead_sidecar_left_does_not_answer(
    ipc: tuple[socket.socket, str],
) -> None:
    listener, endpoint = ipc
    listener.close()
    assert Path(endpoint.removeprefix("ipc://")).is_socket()
    assert not may_answer(endpoint)


@posix
def test_a_sidecar_too_busy_to_accept_still_may_answer(ipc: tuple[socket.socket, str]) -> None:
    waiting = []
    try:
        for _ in range(8):  # fills the queue of the listener, whatever its length
            client = socket.socket(socket.AF_UNIX)
            waiting.append(client)
            client.setblocking(False)
            try:
                client.connect(ipc[1].removeprefix("ipc://"))
            except BlockingIOError:
                break
        assert may_answer(ipc[1])
    finally:
        for client in waiting:
            client.close()


@posix
def test_a_path_without_a_socket_does_not_answer(runtime_dir: Path) -> None:
    assert not may_answer(f"ipc://{runtime_dir}/none")
    (runtime_dir / "file").write_text("")
    assert not may_answer(f"ipc://{runtime_dir}/file")
    assert not may_answer(f"ipc://{runtime_dir}/{'x' * 200}")


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:1"])
def test_a_port_may_always_answer_since_asking_it_could_wait(endpoint: str) -> None:
    assert may_answer(endpoint)
