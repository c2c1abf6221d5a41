"""Waits as short as they were asked for. Source: the Windows API, timeBeginPeriod."""

from __future__ import annotations

import ctypes
import sys

assert sys.platform == "win32"


def sharpen() -> None:
    """Let this process wake at each millisecond, until it ends; by itself Windows wakes it at each
    64th of a second, which is a whole tick of a stream of 60."""
    ctypes.WinDLL("winmm").timeBeginPeriod(1)
