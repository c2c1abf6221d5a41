"""What no engine should ask for, and what no bridge should say: a status and words, no crash."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgpack
import pytest
import zmq

from tests.conftest import load_vectors
from tests.native.player import Player
from tests.native_builds import Native
from tests.system.processes import Sidecar, until

pytestmark = pytest.mark.timeout(300)


def passes(program: Path, *words: str) -> None:
    done = subprocess.run(
        [str(program), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_bad_input_is_a_status_and_words_without_a_bridge(
    native: Native, short_folder: Path
) -> None:
    passes(native.program("bad_input"))


def test_bad_input_is_a_status_and_words_with_a_bridge(native: Native, sidecar: Sidecar) -> None:
    passes(native.program("bad_input"))


class Peer:
    """Says on a bridge's control socket what no bridge says.

    Attributes:
        endpoint: of it.
        said: types of the messages that have come.
    """

    def __init__(self, answers: Callable[[dict[str, Any]], list[bytes]]) -> None:
        self.said: list[str] = []
        self._answers = answers
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket: zmq.Socket[Any] = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._ending = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            if not self._socket.poll(20):
                continue
            identity, raw = self._socket.recv_multipart()
            asked = msgpack.unpackb(raw)
            self.said.append(asked["type"])
            for answer in self._answers(asked):
                self._socket.send_multipart([identity, answer])

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()
        self._context.term()


@contextmanager
def peer(answers: Callable[[dict[str, Any]], list[bytes]]) -> Iterator[Peer]:
    made = Peer(answers)
    try:
        yield made
    finally:
        made.close()


def welcome(asked: dict[str, Any], protocol: int = 1) -> bytes:
    packed: bytes = msgpack.packb(
        {"type": "welcome", "request": asked["request"], "protocol": protocol, "bridge": "9.0.0",
         "run": "abcdef"}
    )  # fmt: skip
    return packed


def stream(asked: dict[str, Any], **changed: Any) -> bytes:
    """A `stream` whose slots are nowhere."""
    fields = next(
        entry["fields"] for entry in load_vectors("control.json")
        if entry["name"] == "stream, the answer to open"
    )  # fmt: skip
    packed: bytes = msgpack.packb({**fields, "request": asked["request"], **changed})
    return packed


def test_a_bridge_of_another_version_is_told_in_words(player: Player) -> None:
    def refuses(asked: dict[str, Any]) -> list[bytes]:
        error = {
            "code": "FB-E031", "kind": "VersionError", "place": "protocol",
            "expected": "protocol 7", "found": "protocol 1", "remedy": "Update the client.",
        }  # fmt: skip
        return [msgpack.packb({"type": "error", "request": asked["request"], "error": error})]

    with peer(refuses) as other:
        player.create(endpoint=other.endpoint)
        until(lambda: "FB-E031" in player.say("error"), "the version is told")
        player.play("passed", 3)


def test_a_bridge_that_greets_in_another_version_is_told_in_words(player: Player) -> None:
    with peer(lambda asked: [welcome(asked, protocol=2)]) as other:
        player.create(endpoint=other.endpoint)
        until(lambda: "FB-E031" in player.say("error"), "the version is told")
        player.play("passed", 3)
        assert "open" not in other.said


def test_whatever_a_bridge_answers_frames_pass_through(player: Player) -> None:
    hostile = [bytes.fromhex(entry["hex"]) for entry in load_vectors("malformed.json")]
    hostile += [b"\x91" * 200_000, b"\xc1", b"", b"\xff" * 60_000]

    def answers(asked: dict[str, Any]) -> list[bytes]:
        return [*hostile, welcome(asked), *hostile] if asked["type"] == "hello" else hostile

    with peer(answers) as other:
        player.create(endpoint=other.endpoint)
        until(lambda: "open" in other.said, "it is greeted all the same")
        player.play("passed", 20)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"epoch": 0},
        {"doorbell": "no endpoint"},
        {"doorbell": "ipc:///nowhere/at/all"},
        {"source": {}},
        {"parameters": []},
    ],
    ids=lambda changed: next(iter(changed), "slots that are not there"),
)
def test_a_stream_that_cannot_be_used_is_told_and_frames_pass_through(
    player: Player, changed: dict[str, Any]
) -> None:
    def answers(asked: dict[str, Any]) -> list[bytes]:
        if asked["type"] == "hello":
            return [welcome(asked)]
        return [stream(asked, **changed)] if asked["type"] == "open" else []

    with peer(answers) as other:
        player.create(endpoint=other.endpoint, width=320, height=180)
        until(lambda: "FB-E0" in player.say("error"), "what is wrong is told")
        player.play("passed", 5)
        assert player.statistics()["sent"] == 0


def test_a_slot_that_is_smaller_than_the_bridge_says_is_not_touched(
    player: Player, tmp_path: Path
) -> None:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        pytest.skip("shared memory is not seen as files here")
    name = f"fb-small-{os.getpid()}"
    (folder / name).write_bytes(b"x")
    slots = {
        "format": {"width": 320, "height": 180, "pixel_format": "rgba8", "rows": "top_first",
                   "transfer": "srgb", "alpha": "straight"},
        "stride": 1280, "size_bytes": 230400, "transport": "shared_memory", "names": [name] * 3,
    }  # fmt: skip

    def answers(asked: dict[str, Any]) -> list[bytes]:
        if asked["type"] == "hello":
            return [welcome(asked)]
        return [stream(asked, source=slots, result=slots)] if asked["type"] == "open" else []

    try:
        with peer(answers) as other:
            player.create(endpoint=other.endpoint, width=320, height=180)
            until(lambda: "FB-E050" in player.say("error"), "the slot is told")
            player.play("passed", 5)
    finally:
        (folder / name).unlink()
