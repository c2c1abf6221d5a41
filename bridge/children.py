"""Child processes that need no window, and that end with us."""

from __future__ import annotations

import logging
import subprocess
import sys

log = logging.getLogger(__name__)

if sys.platform == "win32":
    from bridge.windows.job import Job

    # Without a console of its own, a child of a program without one would be given a window. It
    # also keeps the Ctrl-C that is meant for us from the child.
    CREATION_FLAGS = subprocess.CREATE_NO_WINDOW
    _job: Job | None = None

    def end_with_us(pid: int) -> None:
        """Let a child that was just started end when this process does, however that ends."""
        global _job
        try:
            _job = _job or Job()
            _job.take(pid)
        except OSError as error:
            # It still reads the end of its input, unless it is inside of a long call.
            log.warning("process %d may outlive the sidecar: %s", pid, error)
else:
    CREATION_FLAGS = 0

    def end_with_us(pid: int) -> None:
        """Nothing: on Linux a child asks for it by itself (PR_SET_PDEATHSIG)."""
