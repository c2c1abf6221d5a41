"""Sockets that belong to libzmq, by their descriptor. Source: Winsock, shutdown and ioctlsocket.

Unlike a file descriptor of the C library, a socket here is a handle of the system.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_BOTH_WAYS = 2
_BYTES_TO_READ = 0x4004667F

_winsock = ctypes.WinDLL("ws2_32")
_winsock.shutdown.argtypes = (ctypes.c_size_t, ctypes.c_int)
_winsock.ioctlsocket.argtypes = (ctypes.c_size_t, ctypes.c_long, ctypes.c_void_p)


def shut_down(descriptor: int) -> None:
    """Break a connection; what is no socket is left alone."""
    _winsock.shutdown(descriptor, _BOTH_WAYS)


def unread_bytes(descriptor: int) -> int:
    """What has arrived and was not read; 0 of what is no socket."""
    count = wintypes.DWORD()
    if _winsock.ioctlsocket(descriptor, _BYTES_TO_READ, ctypes.byref(count)):
        return 0
    return int(count.value)
