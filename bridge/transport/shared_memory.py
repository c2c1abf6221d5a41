"""Slots in named shared memory: the transport that every system has."""

from __future__ import annotations

import mmap
import sys

import numpy as np

from bridge.errors import TransportError
from bridge.frames import FrameFormat, Pixels

if sys.platform == "win32":
    from bridge.windows import segments
else:
    from bridge.transport import posix_segments as segments


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
        try:
            return cls(name, format, segments.make(name, size), owner=True)
        except FileExistsError as error:
            raise _failed(name, "a new segment", error) from None
        except (OSError, OverflowError) as error:
            raise _failed(name, f"{size / 2**20:.1f} MiB of shared memory", error) from None

    @classmethod
    def attach(cls, name: str, format: FrameFormat) -> SharedMemorySlot:
        """Map a segment that another process made.

        Raises: TransportError: no such segment, or a smaller one.
        """
        size = format.size_bytes
        try:
            return cls(name, format, segments.attach(name, size), owner=False)
        except FileNotFoundError as error:
            raise _failed(name, "an existing segment", error) from None
        except (OSError, ValueError) as error:
            raise _failed(name, f"a segment of {size} bytes", error) from None

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
    segments.remove(name)


def _failed(name: str, wanted: str, error: Exception) -> TransportError:
    return TransportError(
        f"shared memory {name}",
        wanted,
        getattr(error, "strerror", None) or str(error),
        "Close other streams, use smaller frames, or give shared memory more room"
        " (in a container: --shm-size).",
    )
