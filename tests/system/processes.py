"""Processes that are really started and really killed, and frames that can be told apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
WATCHDOG_S = 30.0


class Sidecar:
    """A public `framebridge serve`, started and killed as often as need be.

    Attributes:
        folder: its runtime folder, which FRAMEBRIDGE_RUNTIME_DIR names.
        runs: names of all its runs so far.
    """

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.folder = folder
        self.runs: list[str] = []
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [sys.executable, "-m", "bridge.cli.main", "serve", "--json", *self._arguments]
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the sidecar did not start"
        self.runs.append(json.loads(line)["run"])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self, group: bool = False) -> None:
        """kill -9, of its whole process group if asked."""
        assert self._process is not None
        kill(self._process.pid, group)
        self._reap()

    def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._reap()

    def wait(self) -> None:
        """Until it has ended by itself."""
        self._reap()

    def left_behind(self) -> list[str]:
        """Segments, sockets and other files of all runs but the present one."""
        stale = set(self.runs if self._process is None else self.runs[:-1])
        places = [*self.folder.iterdir(), *Path("/dev/shm").glob("fb-*")]
        return [path.name for path in places if any(run in path.name for run in stale)]

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(WATCHDOG_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


def kill(pid: int, group: bool) -> None:
    """kill -9 of a process, or of the whole process group that it leads."""
    if group:
        assert os.getpgid(pid) == pid, "it leads no group"
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGKILL)


def numbered(number: int, width: int = 32, height: int = 32) -> npt.NDArray[np.uint8]:
    """A frame that shows its number in every pixel: uint8 (height, width, 4)."""
    digits = [(number >> shift) & 0xFF for shift in (0, 8, 16)]
    return np.broadcast_to(np.array([*digits, 255], np.uint8), (height, width, 4)).copy()


def number_of(pixels: npt.NDArray[np.uint8]) -> int:
    """The number that a frame shows; every pixel must show the same."""
    first = pixels[0, 0]
    assert (pixels == first).all(), "a torn frame"
    return int(first[0]) | int(first[1]) << 8 | int(first[2]) << 16


def until(condition: Callable[[], object], what: str, timeout_s: float = WATCHDOG_S) -> None:
    """Wait for a condition; the watchdog is far above what it ever takes."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.005)
