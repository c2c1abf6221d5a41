"""Programs for Windows, run by Wine, each with a watchdog."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.windows.installation import ROOT, Installation, place, program, wine_environment

WATCHDOG_S = float(os.environ.get("FRAMEBRIDGE_WINDOWS_WATCHDOG_S", "300"))
"""Far above what anything here takes; an interpreter alone starts in seconds on a busy machine."""
PYTHON = "P:\\python.exe"
_KEPT = ("HOME", "LANG", "PATH", "USER", "OMP_NUM_THREADS", "DISPLAY", "XAUTHORITY")


class Wine:
    """One prefix, and the Windows CPython in it.

    Attributes:
        folder: for files of a session: runtime folders, caches, logs.
    """

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def path(self, path: Path) -> str:
        """How Windows programs name a file of Linux."""
        if path.is_relative_to(ROOT):
            return "F:\\" + str(path.relative_to(ROOT)).replace("/", "\\")
        return "Z:" + str(path).replace("/", "\\")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        ours = {
            "PYTHONHOME": "P:\\",
            "PYTHONPATH": "F:\\;F:\\engine_plugin\\python",
            "PYTHONUTF8": "1",
            "FRAMEBRIDGE_WINDOWS_WATCHDOG_S": str(WATCHDOG_S),
            "TEMP": self.path(self.folder),
            "TMP": self.path(self.folder),
            "FRAMEBRIDGE_RUNTIME_DIR": self.path(self.folder / "runtime"),
            "FRAMEBRIDGE_LOG_DIR": self.path(self.folder / "logs"),
            "FRAMEBRIDGE_CACHE_DIR": self.path(self.folder / "cache"),
        }
        return {**kept, **wine_environment(self.installation), **ours, **more}

    def start(
        self, words: Sequence[str], *, screen: bool = False, **environment: str
    ) -> subprocess.Popen[str]:
        """Start a program; `finish` or `end_all` ends it.

        Args:
            screen: give it a display of its own.
        """
        before = [program("xvfb-run"), "-a"] if screen else []
        process = subprocess.Popen(
            [*before, program("wine64"), *words], cwd=self.folder, text=True,
            env=self.environment(**environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], given: str = "") -> tuple[int, str, str]:
        """Close its input, wait for its end. Returns: status, standard output, standard error."""
        try:
            out, err = process.communicate(given, timeout=WATCHDOG_S)
        except subprocess.TimeoutExpired:
            self.end_all()
            out, err = process.communicate(timeout=30)
            raise AssertionError(f"not within {WATCHDOG_S:g} s:\n{out}\n{err}") from None
        return process.returncode, out, err

    def python(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Run the interpreter. Returns: status, standard output, standard error."""
        return self.finish(self.start([PYTHON, *words], **environment))

    def findings(self, module: str, *words: str, **environment: str) -> dict[str, Any]:
        """Run a module of tests/windows/programs, whose last line is a map as JSON."""
        status, out, err = self.python(
            "-m", f"tests.windows.programs.{module}", *words, **environment
        )
        assert status == 0, f"{module} ended with {status}:\n{out}\n{err}"
        found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return found

    def running(self) -> list[str]:
        """Command lines of the programs of ours that run in this prefix, as Linux sees them."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"WINEPREFIX={self.installation.prefix}".encode() in (
                    folder / "environ"
                ).read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if "C:\\windows" not in words and ".exe" in words:
                        found.append(words.strip())
        return found

    def end_all(self) -> None:
        """End every program of this prefix."""
        subprocess.run(
            [program("wineserver"), "--kill"], env=self.environment(), timeout=60,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for process in self._started:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self._started.clear()


def until(condition: Any, what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {WATCHDOG_S:g} s"
        time.sleep(0.1)


def lock_file() -> Path:
    """Held by whoever uses the prefix: one session at a time."""
    place().mkdir(parents=True, exist_ok=True)
    return place() / "in-use.lock"
