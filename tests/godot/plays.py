"""A project that plays in Godot, and what its probe writes down."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WATCHDOG_S = 900.0
"""Far above what anything takes: the processor draws, and has other work."""


@dataclass
class Play:
    """A project that plays, and what its probe has written.

    Attributes:
        folder: of the probe's output: report.json, lines of events, pictures.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    def events(self) -> list[list[Any]]:
        """What the probe has said so far: [kind, frame, value]."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("]")]

    def until(self, kind: str, count: int = 1) -> list[Any]:
        """Wait until an event has come so often; it must come while Godot runs."""
        end = time.monotonic() + WATCHDOG_S
        while True:
            ended = self.process.poll() is not None
            found = [event for event in self.events() if event[0] == kind]
            if len(found) >= count:
                return found[count - 1]
            assert not ended, f"Godot ended before {kind}:\n{self.output()}"
            assert time.monotonic() < end, f"no {kind}:\n{self.output()}"
            time.sleep(0.02)

    def wait(self) -> dict[str, Any]:
        """Until it has ended by itself. Returns the probe's report."""
        assert self.process.wait(WATCHDOG_S) == 0, self.output()
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return report

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def pictures(self, kind: str) -> dict[int, npt.NDArray[np.uint8]]:
        """By frame id: uint8 (H, W, 4), RGBA, top row first."""
        return {
            int(path.stem.split("-")[1]): self._picture(path)
            for path in sorted(self.folder.glob(f"{kind}-*.rgba"))
        }

    @staticmethod
    def _picture(path: Path) -> npt.NDArray[np.uint8]:
        width, height = (int(part) for part in path.stem.split("-")[2].split("x"))
        return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 4)
