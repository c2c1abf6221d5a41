"""Levers by which a worker gives way to the engine, and a probe of which one works here.

`autogroup`: Linux shares processor time between sessions first; a worker has a session of its own,
and weighs less by writing to /proc/self/autogroup, which needs no privilege and can be undone. It
has no effect inside a control group of its own, so what counts is what the probe sees.
`idle`: SCHED_IDLE, which cannot be undone without privilege. `class`: Windows' priority classes.
`threads`: none of these works; one thread fewer than cores is used.

`python -m bridge.worker.priority` prints the lever that works.
Source: sched(7), "The autogroup feature"; SetPriorityClass in the Windows API.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from bridge.protocol import Lever

UNDOABLE = ("autogroup", "class")
_AUTOGROUP = Path("/proc/self/autogroup")
_LEAST, _NORMAL = 19, 0
_PROBE_S = 0.15
_LOOKS = 4
_WORKS_BELOW = 0.25
"""Of the processor time of a process beside it that did not give way."""


def lower(lever: Lever) -> bool:
    """Give way by this lever; whether the system let us."""
    return _apply(lever, low=True)


def restore(lever: Lever) -> bool:
    """Undo `lower`; whether that was possible."""
    return lever in UNDOABLE and _apply(lever, low=False)


def find_lever() -> Lever:
    """The first lever that is seen to work: a fraction of a second of two processes that spin on
    one core."""
    if sys.platform == "win32":
        return "class"
    if sys.platform == "linux":
        # On a busy machine one look may miss what works, and with another number of threads sums
        # are rounded otherwise: the same model would make other pixels than a moment before.
        for _ in range(_LOOKS):
            for lever in ("autogroup", "idle"):
                if _share_beside(lever) < _WORKS_BELOW:
                    return lever  # type: ignore[return-value]
    return "threads"


def _apply(lever: Lever, *, low: bool) -> bool:
    try:
        if lever == "autogroup":
            _AUTOGROUP.write_text(str(_LEAST if low else _NORMAL))
        elif lever == "idle" and sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        elif lever == "class" and sys.platform == "win32":
            return _set_class(low)
        else:
            return False
    except OSError:
        return False
    return True


def _set_class(low: bool) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    below_normal, normal = 0x4000, 0x20
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    return bool(
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal if low else normal)
    )


def _share_beside(lever: str) -> float:
    """Processor time of a process that gave way by `lever`, over that of one beside it that did
    not; both in sessions of their own, on one core. Infinite if the lever is refused."""
    if sys.platform != "linux":
        return float("inf")
    core = {min(os.sched_getaffinity(0))}
    children = []
    for given in ("none", lever):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _spin(given, core, write)
        os.close(write)
        children.append((pid, read))
    used = []
    for pid, read in children:
        with os.fdopen(read) as answer:
            used.append(float(answer.read() or "nan"))
        os.waitpid(pid, 0)
    share = used[1] / used[0] if used[0] else float("inf")
    return share if share == share else float("inf")


def _spin(lever: str, core: set[int], answer: int) -> None:
    try:
        if sys.platform == "linux":
            signal.alarm(30)
            os.setsid()
            os.sched_setaffinity(0, core)
            if lever == "none" or lower(lever):  # type: ignore[arg-type]
                end, before = time.monotonic() + _PROBE_S, time.process_time()
                while time.monotonic() < end:
                    pass
                os.write(answer, str(time.process_time() - before).encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    print(find_lever())
