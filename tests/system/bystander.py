"""A well-behaved engine in a process of its own, that counts what others cost it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Any

from framebridge_client import connect

from tests.system.processes import ROOT, WATCHDOG_S, number_of, numbered

TICK_S = 1 / 60


class Bystander:
    """Sends frames at 60 ticks a second while others misbehave; a context manager.

    At its end it asserts that no tick was lost (each submit came back, as a result or as dropped),
    and that each result was its own frame's and came from the bridge.

    Attributes:
        counted: once it has ended, what became of its frames. `skipped` are ticks that found no
            slot, as happens where all cores are taken: a figure, not a loss.
    """

    def __init__(self, policy: str = "latest") -> None:
        self.counted: dict[str, Any] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.bystander", policy],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Bystander:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"flowing\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            said, _ = self._process.communicate(timeout=WATCHDOG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        if kind is None:
            self.counted = json.loads(said)
            counted = self.counted
            assert counted["returned"] + counted["dropped"] == counted["sent"] > 0, counted
            assert counted["foreign"] == [], counted


def main(policy: str) -> None:
    foreign: list[str] = []
    with connect() as bridge, bridge.open("passthrough", 64, 64, policy=policy) as stream:
        sent = dict[int, int]()
        number = 0
        stream.process(numbered(0, 64, 64), WATCHDOG_S)
        print("flowing", flush=True)
        due = time.monotonic()
        end = float("inf")
        while time.monotonic() < end:
            if select.select([sys.stdin], [], [], 0)[0]:
                end = min(end, time.monotonic() + WATCHDOG_S / 3)
                if stream.counters.returned + stream.counters.dropped == stream.counters.sent:
                    break
            else:
                number += 1
                frame_id = stream.submit(numbered(number, 64, 64))
                if frame_id is not None:
                    sent[frame_id] = number
                    sent.pop(frame_id - 100, None)
            result = stream.poll()
            if result is not None and (
                result.origin != "bridge" or number_of(result.pixels) != sent.get(result.frame_id)
            ):
                foreign.append(f"{result.origin} {result.frame_id}")
            due += TICK_S
            time.sleep(max(0.0, due - time.monotonic()))
        counters = stream.counters
        print(
            json.dumps(
                {
                    "sent": counters.sent, "returned": counters.returned,
                    "dropped": counters.dropped, "skipped": counters.skipped, "foreign": foreign,
                }
            )
        )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
