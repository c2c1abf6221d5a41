"""Starts a scratch process, waits for its answer, and makes sure that it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from bridge import children
from bridge.errors import ScratchError
from bridge.inference.scratch import ANSWER_MAX_BYTES

_WORDS_MAX_BYTES = 1 << 14
_LAST_WISH_S = 5.0
"""How long it may take to end by itself once it has answered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scratch process ended.

    Attributes:
        answer: what it said; empty if nothing.
        words: the last of what it wrote to standard error.
        status: its exit status, negative for a signal.
        in_time: whether it ended by itself before the deadline.
        processor_s: processor time that it was given; 0.0 where the system does not say.
    """

    answer: bytes
    words: str
    status: int
    in_time: bool
    processor_s: float


def run_scratch(request: bytes, deadline_s: float) -> Outcome:
    """Run one request in a process of its own.

    Raises: ScratchError: the system gives no process.
    Guarantees: when it returns or raises, the process and all that it started are gone.
    """
    before_s = _children_s()
    process = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    answer = _Reader(process.stdout, ANSWER_MAX_BYTES, keep_last=False)
    words = _Reader(process.stderr, _WORDS_MAX_BYTES, keep_last=True)
    in_time = False
    try:
        with suppress(OSError):  # it has died already, and its end says how
            process.stdin.write(request + b"\n")
            process.stdin.flush()
        # It holds the only other end, so that the end of the answer is its own.
        answer.join(deadline_s)
        in_time = not answer.is_alive()
        if in_time:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_WISH_S)
    finally:
        if process.returncode is None:
            _kill(process)
        process.wait()
        for reader in (answer, words):
            reader.join(_LAST_WISH_S)
        with suppress(OSError):
            process.stdin.close()
    return Outcome(
        bytes(answer.content),
        words.content.decode("utf-8", "backslashreplace"),
        process.returncode,
        in_time,
        _children_s() - before_s,
    )


def _start() -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.inference.scratch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=children.CREATION_FLAGS
            | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
    except OSError as error:
        raise ScratchError(
            "scratch process", "a new process", error.strerror or str(error),
            "Close other streams or programs.",
        ) from None  # fmt: skip
    children.end_with_us(process.pid)
    return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            # It leads a session of its own, and has not been waited for: the number is still its.
            os.killpg(process.pid, signal.SIGKILL)


def _children_s() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Reader(threading.Thread):
    """Reads a pipe to its end and keeps so much of it, so that nobody who writes can fill us."""

    def __init__(self, pipe: IO[bytes], most_bytes: int, *, keep_last: bool) -> None:
        super().__init__(name="scratch pipe", daemon=True)
        self.content = bytearray()
        self._pipe = pipe
        self._most_bytes = most_bytes
        self._keep_last = keep_last
        self.start()

    def run(self) -> None:
        with self._pipe, suppress(OSError):
            while piece := os.read(self._pipe.fileno(), 1 << 16):
                self.content += piece
                surplus = max(0, len(self.content) - self._most_bytes)
                if self._keep_last:
                    del self.content[:surplus]
                elif surplus:
                    del self.content[self._most_bytes :]
