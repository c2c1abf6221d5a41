"""Frames through the sidecar that bridge.json names: bytes, swaps, knobs, killed workers.

`frame_path FOLDER PACKAGE KILLS`: FOLDER holds frames.npy, (N, H, W, 4), and gets a file of results
for each chain; PACKAGE has the knob `lift`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from framebridge_client import Stream, connect

from tests.windows.programs.windows_processes import (
    WATCHDOG_S,
    Sidecar,
    is_running,
    terminate,
    until,
)

TIMEOUT_S = WATCHDOG_S


def main(folder: Path, package: str, kills: int) -> dict[str, Any]:
    frames = np.load(folder / "frames.npy")
    height, width = frames.shape[1:3]
    sidecar = Sidecar()
    with connect() as bridge:
        stream = bridge.open("passthrough", width, height, policy="lockstep", timeout_s=TIMEOUT_S)
        keep(folder, "passthrough", stream, frames)
        stream.load("upscale-x2", TIMEOUT_S)
        keep(folder, "upscale-x2", stream, frames)
        stream.load(package, TIMEOUT_S)
        stream.set(lift=20, timeout_s=TIMEOUT_S)
        keep(folder, "lifted", stream, frames)

        workers, passed_through = [], []
        for turn in range(kills):
            workers.append(bridge.status(TIMEOUT_S)["streams"][0]["worker_pid"])
            terminate(workers[-1])
            passed_through.append(live_again(stream, frames[0]))
            keep(folder, f"after-kill-{turn}", stream, frames[turn : turn + 1])
        status = bridge.status(TIMEOUT_S)
        worker = status["streams"][0]["worker_pid"]
        left = os.listdir(os.environ["FRAMEBRIDGE_RUNTIME_DIR"])
        bridge.stop(TIMEOUT_S)
    ended = sidecar.process.wait(WATCHDOG_S)
    return {
        "endpoint": sidecar.address["endpoint"],
        "status": status,
        "passed_through": passed_through,
        "files_while_it_ran": left,
        "files_after": os.listdir(os.environ["FRAMEBRIDGE_RUNTIME_DIR"]),
        "ended": ended,
        "running": [pid for pid in (*workers, worker) if is_running(pid)],
    }


def live_again(stream: Stream, frame: Any) -> int:
    """An engine's loop until results come again. Returns: how many frames passed through."""
    passed, back = 0, False

    def tick() -> bool:
        nonlocal passed, back
        stream.submit(frame)
        result = stream.poll()
        if result is not None:
            passed += result.origin == "passthrough"
            # One from before the kill may have arrived already.
            back = result.origin == "bridge" and passed > 0
        return back

    until(tick, "results come again")
    until(lambda: stream.poll() is None and not stream._times, "all frames are answered")
    return passed


def keep(folder: Path, name: str, stream: Stream, frames: Any) -> None:
    """Write what the chain makes of the frames."""
    results = []
    for frame in frames:
        result = stream.process(frame, TIMEOUT_S)
        assert result.origin == "bridge", result.origin
        results.append(result.pixels.copy())
    np.save(folder / f"{name}.npy", np.stack(results))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
