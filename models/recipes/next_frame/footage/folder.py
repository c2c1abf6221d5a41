"""The folder of a run: every file in it is whole, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from bridge.errors import StorageError

CHECKPOINT = "checkpoint.pt"
DIARY = "diary.html"
RECORD = "diary.json"
PREVIEW = "preview.png"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RunFolder:
    def __init__(self, path: Path) -> None:
        """
        Raises: StorageError: it cannot be made.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(path, 0, error) from None

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, content: bytes) -> Path:
        """
        Raises: StorageError: there is no room for it, or no right.
        Guarantees: whoever opens the file, at any moment, finds the old content or the new one.
        """
        path = self.path / name
        part = self.path / f".{name}.part"
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                # Before it takes the other's place: else a lost supply leaves an empty file there.
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise storage_error(path, len(content), error) from None
        return path

    def clear(self) -> None:
        """Forget the run: the next one begins anew."""
        for name in (CHECKPOINT, RECORD, DIARY, PREVIEW):
            with suppress(FileNotFoundError):
                (self.path / name).unlink()


def storage_error(path: Path, size_bytes: int, error: OSError) -> StorageError:
    """What to tell whoever cannot write there."""
    room = f"room for {max(1, size_bytes >> 20)} MB" if size_bytes else "a place to write to"
    if error.errno in _FULL:
        remedy = "Make room and give the same command again: it goes on from the last checkpoint."
    else:
        remedy = "Name another place, or give yourself the right to write there."
    return StorageError(str(path), room, error.strerror or str(error), remedy)
