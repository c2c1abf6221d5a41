"""Who is cut when the sidecar is too large, and who is not."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from bridge.supervisor import memory_guard
from bridge.supervisor.memory_guard import MemoryGuard, resident_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Pair:
    """A connection: our end of it, and the other."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()

    @property
    def is_cut(self) -> bool:
        self.theirs.setblocking(False)
        try:
            return self.theirs.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def pairs() -> Iterator[dict[str, Pair]]:
    made = {name: Pair() for name in ("stranger", "sending", "quiet")}
    made["sending"].theirs.send(bytes(2000))
    made["quiet"].theirs.send(b"an honest question")
    yield made
    for pair in made.values():
        pair.ours.close()
        pair.theirs.close()


def check(guard: MemoryGuard, pairs: dict[str, Pair]) -> list[str]:
    """Returns: who is cut by now."""
    descriptors = {name: pair.ours.fileno() for name, pair in pairs.items()}
    greeted = [descriptors[name] for name in ("sending", "quiet")]
    guard.check(descriptors.values(), greeted)
    return [name for name, pair in pairs.items() if pair.is_cut]


def test_nobody_is_cut_while_there_is_room(
    pairs: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests share a process that may be larger than any sidecar.
    monkeypatch.setattr(memory_guard, "LIMIT_BYTES", 1 << 40)
    guard = MemoryGuard()
    assert [check(guard, pairs) for _ in range(5)] == [[]] * 5


def test_strangers_are_cut_first_then_who_is_sending_then_all(
    pairs: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_guard, "LIMIT_BYTES", 1 << 20)
    guard = MemoryGuard()
    assert check(guard, pairs) == ["stranger"]
    assert check(guard, pairs) == ["stranger", "sending"]
    for _ in range(17):
        assert check(guard, pairs) == ["stranger", "sending"]
    assert check(guard, pairs) == ["stranger", "sending", "quiet"]


def test_once_there_is_room_again_strangers_come_first_again(
    pairs: dict[str, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = MemoryGuard()
    for limit in (1 << 20, 1 << 40, 1 << 20):
        monkeypatch.setattr(memory_guard, "LIMIT_BYTES", limit)
        assert check(guard, pairs) in ([], ["stranger"])
    assert not pairs["sending"].is_cut


def test_a_descriptor_that_is_gone_or_no_socket_harms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_guard, "LIMIT_BYTES", 1 << 20)
    reading, writing = os.pipe()
    before = len(os.listdir("/proc/self/fd"))
    guard = MemoryGuard()
    for _ in range(3):
        guard.check([reading, 999_999], [reading])
    assert len(os.listdir("/proc/self/fd")) == before
    os.write(writing, b"x")
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.close(writing)


def test_our_own_size_is_that_of_the_system() -> None:
    grown = bytearray(b"x") * (64 << 20)
    assert resident_bytes() > len(grown)
