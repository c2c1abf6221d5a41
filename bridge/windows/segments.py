"""Named segments as file mappings of the page file, in the session's own namespace.

mmap alone would take a mapping that is there for a new one, and make one that is not there. So each
of ours is made or opened here first, and mmap then opens what has this name: while we hold it, it
cannot go. Source: the Windows API, CreateFileMapping.
"""

from __future__ import annotations

import _winapi
import mmap
import sys

assert sys.platform == "win32"


def make(name: str, size_bytes: int) -> mmap.mmap:
    """A new segment, with its memory committed, so that no later touch of it can fail.

    Raises: FileExistsError: the name is taken. OSError: there is no room.
    Guarantees: on an error no segment of ours is left.
    """
    handle = _winapi.CreateFileMapping(
        _winapi.INVALID_HANDLE_VALUE, _winapi.NULL, _winapi.PAGE_READWRITE,
        size_bytes >> 32, size_bytes & 0xFFFFFFFF, name,
    )  # fmt: skip
    try:
        if _winapi.GetLastError() == _winapi.ERROR_ALREADY_EXISTS:
            raise FileExistsError(f"{name} is taken")
        return mmap.mmap(-1, size_bytes, tagname=name)
    finally:
        _winapi.CloseHandle(handle)


def attach(name: str, size_bytes: int) -> mmap.mmap:
    """A segment that somebody made.

    Raises: FileNotFoundError: nobody did. OSError: it is smaller.
    """
    handle = _winapi.OpenFileMapping(_winapi.FILE_MAP_WRITE, False, name)
    try:
        return mmap.mmap(-1, size_bytes, tagname=name)
    finally:
        _winapi.CloseHandle(handle)


def remove(name: str) -> None:
    """Nothing: the name goes with the last process that has mapped it."""
