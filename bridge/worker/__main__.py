"""Entry of a worker process: commands on standard input, reports on what was standard output."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import traceback

from bridge.worker.process import WorkerProcess

if sys.platform == "win32":
    from bridge.windows import timers

_FAULT_STATUS = 71


def main() -> None:
    faulthandler.enable()
    _die_with_parent()
    if sys.platform == "win32":
        timers.sharpen()
    # Libraries print to standard output; the link must carry nothing but its own messages.
    link = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        WorkerProcess(sys.stdin.buffer, link).run()
    except BaseException:
        # Not with the interpreter's own status, 1: on Windows that is what a killed process has.
        traceback.print_exc()
        os._exit(_FAULT_STATUS)
    # Threads of a runtime may still be at work; nothing of this process is worth waiting for.
    os._exit(0)


def _die_with_parent() -> None:
    """Beside the end of file on standard input: a worker inside a long call cannot read that."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    main()
