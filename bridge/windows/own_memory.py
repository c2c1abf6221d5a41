"""What this process occupies. Source: the Windows API, GetProcessMemoryInfo."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"


class _Counters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("page_faults", wintypes.DWORD),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("pool_and_page_file", ctypes.c_size_t * 6),
    )


_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.GetCurrentProcess.restype = wintypes.HANDLE
_kernel.K32GetProcessMemoryInfo.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)


def resident_bytes() -> int:
    """The working set; 0 if the system does not tell."""
    counters = _Counters(size=ctypes.sizeof(_Counters))
    told = _kernel.K32GetProcessMemoryInfo(
        _kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size
    )
    return int(counters.working_set) if told else 0
