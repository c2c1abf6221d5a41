"""Slots as a client maps them: shared with the bridge, never made, never removed."""

from __future__ import annotations

import gc
import secrets
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from framebridge_client import BridgeError
from framebridge_client.shared_memory import attach

from bridge.frames import FrameFormat
from bridge.transport.shared_memory import SharedMemorySlot

FORMAT = FrameFormat(width=6, height=4)
WATCHDOG_S = 60


@pytest.fixture
def slot() -> Iterator[SharedMemorySlot]:
    made = SharedMemorySlot.create(f"fb-t{secrets.token_hex(4)}", FORMAT)
    yield made
    made.close()


def test_both_sides_see_the_same_bytes(slot: SharedMemorySlot) -> None:
    mine = attach(slot.name, FORMAT.shape)
    mine[1, 2] = (1, 2, 3, 4)
    assert slot.pixels[1, 2].tolist() == [1, 2, 3, 4]
    slot.pixels[3, 5] = (5, 6, 7, 8)
    assert mine[3, 5].tolist() == [5, 6, 7, 8]


def test_a_slot_is_a_uint8_picture_that_can_be_drawn_into(slot: SharedMemorySlot) -> None:
    mine = attach(slot.name, FORMAT.shape)
    assert mine.shape == (4, 6, 4)
    assert mine.dtype == np.uint8
    assert mine.flags.c_contiguous
    assert mine.flags.writeable


@pytest.mark.skipif(sys.platform == "win32", reason="an open there makes what is missing")
def test_a_slot_that_is_not_there_is_an_error_with_a_code() -> None:
    with pytest.raises(BridgeError, match="FB-E050 shared memory fb-tnone") as caught:
        attach("fb-tnone", FORMAT.shape)
    assert caught.value.kind == "TransportError"


@pytest.mark.skipif(sys.platform == "win32", reason="the size there is that of whole pages")
def test_a_slot_that_is_too_small_is_an_error_with_a_code(slot: SharedMemorySlot) -> None:
    with pytest.raises(BridgeError, match="FB-E050"):
        attach(slot.name, (4096, 4096, 4))


def test_what_is_mapped_stays_readable_after_the_bridge_took_the_slot_away(
    slot: SharedMemorySlot,
) -> None:
    mine = attach(slot.name, FORMAT.shape)
    slot.pixels[...] = 9
    slot.close()
    assert (mine == 9).all()


def test_a_view_keeps_the_mapping_alive(slot: SharedMemorySlot) -> None:
    view = attach(slot.name, FORMAT.shape)[1:3]
    gc.collect()
    view[...] = 7
    assert (slot.pixels[1:3] == 7).all()


def test_a_client_that_ends_leaves_the_slot_where_it_is(slot: SharedMemorySlot) -> None:
    code = (
        "from framebridge_client.shared_memory import attach\n"
        f"attach({slot.name!r}, {FORMAT.shape})[...] = 3\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=WATCHDOG_S)
    assert (attach(slot.name, FORMAT.shape) == 3).all()
