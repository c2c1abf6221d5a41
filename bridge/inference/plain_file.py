"""Files of a package: plain ones, and what was checked is what is read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from bridge.errors import HashMismatchError, UnsafePackageError

PACKAGE_MAX_BYTES = (1 << 31) - 1
"""protobuf's own limit, for a graph and all its weights."""


def open_plain(path: Path, *, sole: bool = False) -> BufferedReader:
    """Open a plain file for reading; nothing else is followed, waited for or touched.

    Args:
        sole: refuse a file that has a second name, which may lie anywhere.
    Raises: UnsafePackageError: a link or a special file. OSError: none can be opened.
    """
    # Opened first and looked at afterwards, so that nobody can exchange it in between. A pipe
    # without a writer would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
        raise _unsafe(path, "a symbolic link")
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "a symbolic link") from None
        if error.errno in (errno.ENXIO, errno.EISDIR) or path.is_dir():
            raise _unsafe(path, "a folder or special file") from None
        raise
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _unsafe(path, "a folder or special file")
        if sole and status.st_nlink > 1:
            raise _unsafe(path, f"a file of {status.st_nlink} names (hard links)")
        if status.st_size > PACKAGE_MAX_BYTES:
            raise UnsafePackageError(str(path), "less than 2 GiB", f"{status.st_size} bytes")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_checked(path: Path, sha256: str, *, sole: bool = False) -> bytes:
    """The content of a plain file, read once and compared with its hash.

    Raises: HashMismatchError, UnsafePackageError, OSError.
    """
    with open_plain(path, sole=sole) as file:
        # As much is reserved as is asked for; one more, should it have grown.
        content = file.read(os.fstat(file.fileno()).st_size + 1)
    _compare(path, sha256, hashlib.sha256(content).hexdigest())
    return content


def check_plain(path: Path, sha256: str, *, sole: bool = False) -> None:
    """As `read_checked`, in little memory.

    Raises: HashMismatchError, UnsafePackageError, OSError.
    """
    with open_plain(path, sole=sole) as file:
        _compare(path, sha256, hashlib.file_digest(file, "sha256").hexdigest())


def _compare(path: Path, wanted: str, found: str) -> None:
    if found != wanted:
        raise HashMismatchError(
            str(path),
            f"sha256 {wanted[:16]}...",
            f"{found[:16]}...",
            "The file was changed or cut short: copy the package again, or convert it again.",
        )


def _unsafe(path: Path, found: str) -> UnsafePackageError:
    return UnsafePackageError(
        str(path), "a plain file", found, "Copy the file itself into the package."
    )
