"""Slots as the supervisor makes them and a worker maps them."""

from __future__ import annotations

import gc
import secrets
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import TransportError
from bridge.frames import FrameFormat
from bridge.transport.shared_memory import SharedMemorySlot, remove

FORMAT = FrameFormat(width=6, height=4)


@pytest.fixture
def name() -> str:
    return f"fb-t{secrets.token_hex(4)}"


def test_a_slot_that_is_attached_shares_its_bytes(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    attached = SharedMemorySlot.attach(name, FORMAT)
    made.pixels[1, 2] = (1, 2, 3, 4)
    attached.pixels[3, 5] = (5, 6, 7, 8)
    assert attached.pixels[1, 2].tolist() == [1, 2, 3, 4]
    assert made.pixels[3, 5].tolist() == [5, 6, 7, 8]
    attached.close()
    made.close()


def test_a_new_slot_is_a_black_picture_of_its_format(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    assert made.pixels.shape == FORMAT.shape
    assert made.pixels.dtype == np.uint8
    assert made.pixels.flags.c_contiguous
    assert not made.pixels.any()
    made.close()


def test_a_name_that_is_taken_is_a_transport_error_and_stays_taken(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    made.pixels[...] = 5
    with pytest.raises(TransportError, match=name):
        SharedMemorySlot.create(name, FORMAT)
    assert (SharedMemorySlot.attach(name, FORMAT).pixels == 5).all()
    made.close()


def test_attaching_to_nothing_is_a_transport_error(name: str) -> None:
    with pytest.raises(TransportError, match=name):
        SharedMemorySlot.attach(name, FORMAT)


def test_attaching_to_a_smaller_segment_is_a_transport_error(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    with pytest.raises(TransportError, match=r"a segment of \d+ bytes"):
        SharedMemorySlot.attach(name, FORMAT.resized(4096, 4096))
    made.close()


def test_the_makers_close_takes_the_name_away(name: str) -> None:
    SharedMemorySlot.create(name, FORMAT).close()
    with pytest.raises(TransportError):
        SharedMemorySlot.attach(name, FORMAT)
    SharedMemorySlot.create(name, FORMAT).close()


def test_the_close_of_one_that_attached_leaves_the_name(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    made.pixels[...] = 4
    SharedMemorySlot.attach(name, FORMAT).close()
    again = SharedMemorySlot.attach(name, FORMAT)
    assert (again.pixels == 4).all()
    again.close()
    made.close()


def test_a_slot_can_be_closed_twice(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    made.close()
    made.close()


def test_a_live_view_survives_the_close(name: str) -> None:
    made = SharedMemorySlot.create(name, FORMAT)
    made.pixels[...] = 6
    view = made.pixels[1:3, ::2]
    made.close()
    gc.collect()
    assert (view == 6).all()
    view[...] = 7
    assert (view == 7).all()


def test_removing_a_name_that_is_not_there_does_nothing(name: str) -> None:
    remove(name)


class _Enormous(FrameFormat, frozen=True):
    """More bytes than any machine has, without the frame that they would belong to."""

    @property
    def size_bytes(self) -> int:
        return 1 << 60


@pytest.mark.skipif(sys.platform != "linux", reason="only there is the memory reserved at once")
def test_no_room_is_a_transport_error_and_leaves_nothing(name: str) -> None:
    with pytest.raises(TransportError, match="MiB of shared memory") as caught:
        SharedMemorySlot.create(name, _Enormous(width=1, height=1))
    assert "--shm-size" in caught.value.remedy
    assert not (Path("/dev/shm") / name).exists()
    SharedMemorySlot.create(name, FORMAT).close()
