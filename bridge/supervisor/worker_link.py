"""The supervisor's end of one worker process."""

from __future__ import annotations

import logging
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from bridge import children, protocol
from bridge.errors import LimitError, ProtocolError, WorkerError

_MOST_COMMANDS = 256
_PROBE_LIMIT_S = 30.0

log = logging.getLogger(__name__)

if sys.platform == "win32":
    # What the Task Manager, taskkill and Popen.kill give to TerminateProcess, and os.kill with
    # SIGTERM; a worker that fails by itself ends with another status (bridge.worker.__main__).
    _KILLED = (1, signal.SIGTERM)
else:
    _KILLED = (-signal.SIGKILL,)

Report = protocol.FromWorker | None
"""A message of the worker, or None when it has ended."""


class WorkerLink:
    """Starts a worker in a session of its own and passes messages both ways.

    Attributes:
        last_words: the last lines that the worker wrote to standard error.
    """

    def __init__(self, on_report: Callable[[WorkerLink, Report], None]) -> None:
        """
        Args:
            on_report: called from a thread of this link; with None once, at the worker's end.
        Raises: WorkerError: the system gives no process.
        """
        self._on_report = on_report
        self.last_words: deque[str] = deque(maxlen=40)
        self._given_up = False
        self._commands: queue.Queue[protocol.ToWorker | None] = queue.Queue(_MOST_COMMANDS)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bridge.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                creationflags=children.CREATION_FLAGS,
            )
        except OSError as error:
            raise WorkerError(
                "worker", "a new process", error.strerror or str(error),
                "Close other streams or programs.",
            ) from None  # fmt: skip
        children.end_with_us(self.pid)
        for work in (self._write_commands, self._read_reports, self._read_errors):
            threading.Thread(target=work, daemon=True, name=f"worker-{self.pid}").start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, command: protocol.ToWorker) -> None:
        """Hand a command over; never waits for the worker to read it.

        Raises: LimitError: the worker has not read any for long.
        """
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            raise LimitError(
                f"worker {self.pid}", f"at most {_MOST_COMMANDS} commands unread", "one more",
                "It is busy or stopped: try again later.",
            ) from None  # fmt: skip

    def stop(self, patience_s: float = 1.0) -> None:
        """Ask the worker to end, and make it end if it does not; waits for neither."""
        try:
            self._commands.put_nowait(None)
        except queue.Full:
            patience_s = 0
        killer = threading.Timer(patience_s, self.kill)
        killer.daemon = True
        killer.start()

    def kill(self) -> None:
        with suppress(OSError):
            self._process.kill()

    def give_up(self, why: str) -> None:
        """Kill it, for a reason that speaks against what it ran."""
        self.last_words.append(why)
        self._given_up = True
        self.kill()

    def wait(self, timeout_s: float) -> bool:
        """Whether the worker has ended within the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def was_killed(self) -> bool:
        """Whether somebody else ended it, with a signal that no code of its own can raise by
        mistake, or on Windows with the status that only those give who end another process."""
        return self._process.poll() in _KILLED and not self._given_up

    def cause(self) -> str:
        """Why the worker ended, for a person."""
        status = self._process.poll()
        words = [line for line in self.last_words if line.strip()]
        said = f": {words[-1]}" if words else ""
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return f"ended with {how}{said}"

    def _write_commands(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        # If the worker has ended, the report of its end is on its way; what it was told is void.
        with suppress(OSError), pipe:
            while (command := self._commands.get()) is not None:
                pipe.write(protocol.to_pipe(command))
                pipe.flush()

    def _read_reports(self) -> None:
        try:
            for report in protocol.reports_of(self._process.stdout):
                self._on_report(self, report)
        except ProtocolError as error:
            self.last_words.append(str(error))
            self.kill()
        self._process.wait()
        with suppress(queue.Full):
            self._commands.put_nowait(None)
        self._on_report(self, None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()[:500]
            self.last_words.append(text)
            log.warning("worker %d: %s", self.pid, text)


def find_lever() -> protocol.Lever:
    """How workers give way to the engine on this machine, as a probe in a process of its own sees
    it; takes a fraction of a second.

    Returns: "none" if the probe fails: nothing gives way then.
    """
    command = [sys.executable, "-m", "bridge.worker.priority"]
    try:
        probe = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_PROBE_LIMIT_S, start_new_session=True, check=True,
            creationflags=children.CREATION_FLAGS,
        )  # fmt: skip
        lever: protocol.Lever = msgspec.convert(probe.stdout.strip(), protocol.Lever)
    except (OSError, subprocess.SubprocessError, msgspec.ValidationError) as error:
        log.warning("no way to give way to the engine was found: %s", error)
        return "none"
    return lever
