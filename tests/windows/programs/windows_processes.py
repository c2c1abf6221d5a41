"""Processes by their number, as the Task Manager deals with them, and sidecars."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from ctypes import wintypes
from typing import Any

from bridge import children

assert sys.platform == "win32"

WATCHDOG_S = float(os.environ["FRAMEBRIDGE_WINDOWS_WATCHDOG_S"]) / 2
"""Below that of whoever started us, which says less."""
_TERMINATE, _SYNCHRONIZE, _STILL_RUNS = 0x0001, 0x00100000, 0x102
_KILLED = 1

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.OpenProcess.restype = wintypes.HANDLE
_kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_kernel.TerminateProcess.argtypes = (wintypes.HANDLE, wintypes.UINT)
_kernel.WaitForSingleObject.argtypes = (wintypes.HANDLE, wintypes.DWORD)
_kernel.CloseHandle.argtypes = (wintypes.HANDLE,)


def terminate(pid: int) -> None:
    """End a process as the Task Manager does: it runs no further instruction."""
    process = _kernel.OpenProcess(_TERMINATE, False, pid)
    assert process, f"there is no process {pid}"
    assert _kernel.TerminateProcess(process, _KILLED)
    _kernel.CloseHandle(process)


def is_running(pid: int) -> bool:
    process = _kernel.OpenProcess(_SYNCHRONIZE, False, pid)
    if not process:
        return False
    waits = _kernel.WaitForSingleObject(process, 0) == _STILL_RUNS
    _kernel.CloseHandle(process)
    return waits


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {WATCHDOG_S:g} s"
        time.sleep(0.02)


class Sidecar:
    """`framebridge serve`.

    Attributes:
        address: what it printed.
    """

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "bridge.cli.main", "serve", "--json", *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # A test that fails must not leave it, which would hold the pipes of ours.
        children.end_with_us(self.process.pid)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the sidecar ended with {self.process.wait(WATCHDOG_S)}"
        self.address: dict[str, Any] = json.loads(line)

    def end_of_input(self) -> int:
        """Returns: its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WATCHDOG_S)

    def name(self) -> None:
        """Let clients of this process find it, though it is private."""
        os.environ["FRAMEBRIDGE_ENDPOINT"] = self.address["endpoint"]
        os.environ["FRAMEBRIDGE_TOKEN"] = self.address["token"]
