"""Where a running sidecar keeps its sockets, its lock and its address, and how the next one
clears up after one that was killed.

Each run holds a lock on its own file for life. A file whose lock is free belongs to a dead run:
its segments and sockets are taken away. Process ids are never trusted, since they are used again.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from bridge.errors import AlreadyRunningError, TransportError
from bridge.transport import shared_memory

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FOLDER_VARIABLE = "FRAMEBRIDGE_RUNTIME_DIR"
ADDRESS_FILE = "bridge.json"
_SINGLE_LOCK = "bridge.lock"
_CHANGE_TRIES, _CHANGE_AGAIN_S = 100, 0.01
_MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107


@dataclass(frozen=True, slots=True)
class Address:
    """What a client needs to find the sidecar; the content of `bridge.json`, mode 0600."""

    endpoint: str
    token: str
    run: str
    pid: int
    protocol: int
    version: str


def runtime_folder() -> Path:
    """The folder of this user, made if need be.

    Raises: TransportError: it belongs to somebody else, or is open to others.
    """
    folder = _folder_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TransportError(
            str(folder), "a folder, or room to make one", error.strerror or str(error),
            f"Remove what is there, or name another place in {FOLDER_VARIABLE}.",
        ) from None  # fmt: skip
    if sys.platform != "win32":
        status = folder.lstat()
        private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
        if not private or status.st_uid != os.getuid():
            raise TransportError(
                str(folder), "a folder of mode 0700 that is yours",
                f"mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}",
                f"Remove it, or name another in {FOLDER_VARIABLE}.",
            )  # fmt: skip
    return folder


def _folder_path() -> Path:
    # framebridge_client.discovery finds the same folder by the same rules.
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "framebridge"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "framebridge"
    return Path(tempfile.gettempdir()) / f"framebridge-{os.getuid()}"


class Run:
    """One run of a supervisor: its name, its lock, and a record of what it has made.

    Attributes:
        name: six hex digits, in the names of all its sockets and segments.
        folder: where its files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean_up(folder)
        while True:
            self.name = secrets.token_hex(3)
            self._path = folder / f"run-{self.name}.lock"
            record = _locked_file(self._path)
            if record is not None:
                break
        self._record = record
        self._single: int | None = None
        self._published = False

    def become_the_one(self) -> None:
        """Be the sidecar that clients of this user find.

        Raises: AlreadyRunningError: there is one, and where.
        """
        fd = os.open(self.folder / _SINGLE_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(fd):
            os.close(fd)
            known = read_address(self.folder)
            where = f"one at {known.endpoint}, process {known.pid}" if known else "one"
            raise AlreadyRunningError(
                "serve", "no other sidecar of this user", where,
                "Use that one, or end it with `framebridge ctl stop`.",
            )  # fmt: skip
        self._single = fd

    def publish(self, address: Address) -> None:
        """Write `bridge.json`, whole or not at all."""
        fresh = self.folder / f".{ADDRESS_FILE}-{self.name}"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(asdict(address), file)
        _patiently(lambda: fresh.replace(self.folder / ADDRESS_FILE))
        self._published = True

    def segment_name(self, stream: int, epoch: int, slot: str) -> str:
        """A name for a segment, recorded before the segment is made. At most 30 characters."""
        name = f"fb-{self.name}-{stream}-{epoch:x}-{slot}"
        self._record.write(name + "\n")
        self._record.flush()
        return name

    def endpoint(self, what: str) -> str:
        """An address to bind: ipc where the system has it, else loopback TCP on a free port.

        Raises: TransportError: the folder's path is too long for a socket.
        """
        if sys.platform == "win32":
            return "tcp://127.0.0.1:*"
        path = self.folder / f"{self.name}-{what}"
        length = len(os.fsencode(path))
        if length > _MAX_SOCKET_PATH:
            raise TransportError(
                str(path), f"a path of at most {_MAX_SOCKET_PATH} bytes", str(length),
                f"Name a shorter folder in {FOLDER_VARIABLE}.",
            )  # fmt: skip
        return f"ipc://{path}"

    def close(self) -> None:
        """Take away everything of this run."""
        if self._published:
            known = read_address(self.folder)
            if known is not None and known.run == self.name:
                _remove_address(self.folder)
        if self._single is not None:
            os.close(self._single)
        _remove_sockets(self.folder, self.name)
        _discard(self._record, self._path)


def read_address(folder: Path) -> Address | None:
    """What the last sidecar published; whether it still runs is another question."""
    try:
        return Address(**json.loads((folder / ADDRESS_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def clean_up(folder: Path) -> list[str]:
    """Take away what dead runs left.

    Returns: the names of the runs cleared up.
    """
    cleared = []
    for path in (*folder.glob("run-*.lock"), *folder.glob(".run-*")):
        try:
            file = path.open("r+")
        except OSError:
            continue  # another supervisor was faster
        if not _lock(file.fileno()):
            file.close()
            continue
        name = path.name.removesuffix(".lock").lstrip(".").removeprefix("run-")
        for segment in file.read().split():
            shared_memory.remove(segment)
        _remove_sockets(folder, name)
        _discard(file, path)
        cleared.append(name)
    known = read_address(folder)
    if known is not None and not (folder / f"run-{known.run}.lock").exists():
        _remove_address(folder)
    return cleared


def _remove_address(folder: Path) -> None:
    # Who cannot remove it leaves an address at which nobody answers, as a killed run does.
    with suppress(PermissionError):
        _patiently(lambda: (folder / ADDRESS_FILE).unlink(missing_ok=True))


def _patiently(change: Callable[[], object]) -> None:
    """Change a file that others read for moments: on Windows it cannot be changed in these."""
    for _ in range(_CHANGE_TRIES if sys.platform == "win32" else 0):
        try:
            change()
        except PermissionError:
            time.sleep(_CHANGE_AGAIN_S)
        else:
            return
    change()


def _remove_sockets(folder: Path, run: str) -> None:
    for path in (*folder.glob(f"{run}-*"), *folder.glob(f".*-{run}")):
        with suppress(OSError):
            path.unlink()


def _locked_file(path: Path) -> TextIO | None:
    """A new file, locked; None when somebody who clears up was faster than our lock."""
    # On POSIX it is locked before it gets its name. On Windows an open file cannot be renamed, but
    # nor can anybody remove it.
    fresh = path if sys.platform == "win32" else path.with_name(f".{path.stem}")
    file = fresh.open("x")
    if not _lock(file.fileno()):
        file.close()
        return None
    if fresh != path:
        try:
            fresh.rename(path)
        except FileNotFoundError:
            file.close()
            return None
    return file


def _discard(file: TextIO, path: Path) -> None:
    """Close a lock file and take it away, in the order that the system allows."""
    if sys.platform == "win32":
        file.close()
        with suppress(OSError):
            path.unlink()
    else:
        path.unlink(missing_ok=True)
        file.close()


def _lock(fd: int) -> bool:
    """Lock a file for as long as it is open; False when another process has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
