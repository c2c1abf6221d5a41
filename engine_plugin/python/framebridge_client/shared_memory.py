"""Slots that the bridge has made, mapped into this process. Nothing is made or removed here."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

import numpy as np

from framebridge_client.errors import BridgeError
from framebridge_client.result import Pixels

if sys.platform == "win32":
    import _winapi
else:
    import _posixshmem


def attach(name: str, shape: tuple[int, int, int]) -> Pixels:
    """The frame in a slot: uint8 (H, W, 4), the memory itself.

    The mapping lasts as long as the array or a view of it does.
    Raises: BridgeError: FB-E050, the slot is not there, or is too small.
    """
    size = shape[0] * shape[1] * shape[2]
    try:
        memory = _map(name, size)
    except (OSError, ValueError) as error:
        raise BridgeError(
            "FB-E050", "TransportError", f"shared memory {name}", f"a slot of {size} bytes",
            str(error), "The stream opens again by itself.",
        ) from None  # fmt: skip
    return np.frombuffer(memory, np.uint8, count=size).reshape(shape)


def _map(name: str, size: int) -> Any:
    if sys.platform == "win32":
        # mmap alone would make a slot that nobody else has. While we hold the handle the name
        # cannot go, so that mmap opens what is there.
        handle = _winapi.OpenFileMapping(_winapi.FILE_MAP_WRITE, False, name)
        try:
            return mmap.mmap(-1, size, tagname=name)
        finally:
            _winapi.CloseHandle(handle)
    else:
        # Not multiprocessing.shared_memory: in Python 3.11 it unlinks what it has only attached to.
        fd = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
        try:
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)
