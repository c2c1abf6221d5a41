"""Slots in named shared memory: the transport that every system has.

Our own shm_open and mmap: the standard library's SharedMemory unlinks a segment when a process
that merely attached to it exits (Python 3.11), and its truncation succeeds beyond the free space.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Final

import numpy as np

from bridge.errors import TransportError
from bridge.frames import FrameFormat, Pixels

if sys.platform != "win32":
    import _posixshmem

_WINDOWS: Final = sys.platform == "win32"


class SharedMemorySlot:
    """A named segment that holds one frame of a format.

    Attributes:
        name: without the leading slash that POSIX wants.
    """

    def __init__(self, name: str, format: FrameFormat, memory: mmap.mmap, owner: bool) -> None:
        self.name = name
        self._owner = owner
        pixels = np.frombuffer(memory, np.uint8, count=format.size_bytes)
        # The array alone holds the mapping: an mmap with a live view cannot be closed, so it is
        # unmapped when the last view of it goes.
        self._pixels: Pixels | None = pixels.reshape(format.shape)

    @classmethod
    def create(cls, name: str, format: FrameFormat) -> SharedMemorySlot:
        """Make the segment, with its memory reserved, so that no later touch of it can fail.

        Raises: TransportError: the name is taken, or shared memory is full.
        Guarantees: on an error no segment is left.
        """
        size = format.size_bytes
        if _WINDOWS:
            return cls(name, format, _windows_mapping(name, size), owner=True)
        try:
            fd = _posixshmem.shm_open(f"/{name}", os.O_RDWR | os.O_CREAT | os.O_EXCL, mode=0o600)
        except OSError as error:
            raise _failed(name, "a new segment", error) from None
        try:
            _reserve(fd, size)
            return cls(name, format, mmap.mmap(fd, size), owner=True)
        except OSError as error:
            _posixshmem.shm_unlink(f"/{name}")
            raise _failed(name, f"{size / 2**20:.1f} MiB of shared memory", error) from None
        finally:
            os.close(fd)

    @classmethod
    def attach(cls, name: str, format: FrameFormat) -> SharedMemorySlot:
        """Map a segment that another process made.

        Raises: TransportError: no such segment, or a smaller one.
        """
        size = format.size_bytes
        if _WINDOWS:
            return cls(name, format, _windows_mapping(name, size), owner=False)
        try:
            fd = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
        except OSError as error:
            raise _failed(name, "an existing segment", error) from None
        try:
            return cls(name, format, mmap.mmap(fd, size), owner=False)
        except (OSError, ValueError) as error:
            raise _failed(name, f"a segment of {size} bytes", error) from None
        finally:
            os.close(fd)

    @property
    def pixels(self) -> Pixels:
        assert self._pixels is not None, "the slot is closed"
        return self._pixels

    def close(self) -> None:
        """Give up the view; the process that made the segment also takes its name away."""
        self._pixels = None
        if self._owner:
            remove(self.name)


def remove(name: str) -> None:
    """Take a segment's name away, if there is one; memory goes with the last process."""
    if _WINDOWS:
        return
    try:
        _posixshmem.shm_unlink(f"/{name}")
    except FileNotFoundError:
        return


def _windows_mapping(name: str, size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name)
    raise AssertionError("only Windows names its mappings")


def _reserve(fd: int, size: int) -> None:
    # ftruncate succeeds beyond the free space, and the first touch is then a SIGBUS in the engine.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    else:
        os.ftruncate(fd, size)


def _failed(name: str, wanted: str, error: Exception) -> TransportError:
    return TransportError(
        f"shared memory {name}",
        wanted,
        getattr(error, "strerror", None) or str(error),
        "Close other streams, use smaller frames, or give shared memory more room"
        " (in a container: --shm-size).",
    )
