"""Named segments by shm_open.

The standard library's SharedMemory unlinks a segment when a process that merely attached to it
exits (Python 3.11), and its truncation succeeds beyond the free space.
"""

from __future__ import annotations

import _posixshmem
import mmap
import os
import sys

assert sys.platform != "win32"


def make(name: str, size_bytes: int) -> mmap.mmap:
    """A new segment, with its memory reserved, so that no later touch of it can fail.

    Raises: FileExistsError: the name is taken. OSError: there is no room.
    Guarantees: on an error no segment of ours is left.
    """
    fd = _posixshmem.shm_open(f"/{name}", os.O_RDWR | os.O_CREAT | os.O_EXCL, mode=0o600)
    try:
        _reserve(fd, size_bytes)
        return mmap.mmap(fd, size_bytes)
    except OSError:
        _posixshmem.shm_unlink(f"/{name}")
        raise
    finally:
        os.close(fd)


def attach(name: str, size_bytes: int) -> mmap.mmap:
    """A segment that somebody made.

    Raises: FileNotFoundError: nobody did. OSError, ValueError: it is smaller.
    """
    fd = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
    try:
        return mmap.mmap(fd, size_bytes)
    finally:
        os.close(fd)


def remove(name: str) -> None:
    """Take the name away, if it is there; memory goes with the last process."""
    try:
        _posixshmem.shm_unlink(f"/{name}")
    except FileNotFoundError:
        return


def _reserve(fd: int, size_bytes: int) -> None:
    # ftruncate succeeds beyond the free space, and the first touch is then a SIGBUS in the engine.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size_bytes)
    else:
        os.ftruncate(fd, size_bytes)
