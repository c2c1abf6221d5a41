"""Speaks with `engine_plugin/native/tests/player.cpp`, which plays an engine over the library."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.system.processes import WATCHDOG_S, kill

ANSWER_LIMIT_S = 3 * WATCHDOG_S
"""Above the player's own watchdog, which says more."""


class PlayerError(AssertionError):
    """What the player has to complain of."""


class Player:
    """A process with the native library in it; told what to do in the words of player.cpp.

    Attributes:
        complaints: what it and the library have logged so far.
    """

    def __init__(self, program: Path, folder: Path, **environment: str) -> None:
        self._log = folder / "player.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, start_new_session=True, env={**os.environ, **environment},
            )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("!it has ended")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def complaints(self) -> str:
        return self._log.read_text(errors="replace")

    def say(self, words: str) -> str:
        """Have it do something. Raises: PlayerError: it could not, or it found something wrong."""
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        answer = self._lines.get(timeout=ANSWER_LIMIT_S)
        if answer.startswith("!"):
            raise PlayerError(f"{words}: {answer[1:]}\n{self.complaints[-3000:]}")
        return answer

    def create(self, **options: Any) -> None:
        self.say("create " + " ".join(f"{key}={value}" for key, value in options.items()))

    def play(self, what: str, count: int) -> dict[str, Any]:
        counted: dict[str, Any] = json.loads(self.say(f"play {what} {count}"))
        return counted

    def statistics(self) -> dict[str, Any]:
        counted: dict[str, Any] = json.loads(self.say("statistics"))
        return counted

    def command(self, **fields: Any) -> tuple[str, dict[str, Any]]:
        """Ask the library. Returns: "ok" or "bridge", and the answer; "refused" and its words."""
        status, _, rest = self.say(f"command {json.dumps(fields)}").partition(" ")
        return status, {"text": rest} if status == "refused" else json.loads(rest)

    def end(self) -> int:
        """Have it end by itself. Returns: its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._reap()

    def kill(self, group: bool = False) -> None:
        """kill -9, of its whole process group if asked. A second time does nothing."""
        if self._process.poll() is None:
            kill(self._process.pid, group)
        self._reap()

    def _reap(self) -> int:
        code = self._process.wait(ANSWER_LIMIT_S)
        self._reader.join(ANSWER_LIMIT_S)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        return code
