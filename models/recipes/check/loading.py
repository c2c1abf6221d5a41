"""How long packages take until their first frame, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import FramebridgeError
from bridge.frames import FrameFormat
from bridge.inference.manifest import Manifest
from bridge.inference.package import ModelPackage
from bridge.inference.runner import Runner

MOST_S = 2.0
_FRAME = (640, 360)
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    Attributes:
        size: width and height of the frames.
        ready_s: until all was loaded and warm, the least of some times; None if it was not.
        execution: what ran it.
        fault: it takes too long, or does not load.
        missing: it took too long, but the machine had other work to do.
    """

    package: str
    size: tuple[int, int]
    ready_s: float | None
    execution: str = ""
    fault: str = ""
    missing: str = ""


def loading_of(package: ModelPackage) -> Loaded:
    """Time from the folder's name to a runner that is warm, on all cores.

    A trial of backends, which happens once on a machine, is not in it: the first of the processes
    has made it.
    """
    size = frame_size(package.manifest)
    times, execution = [], ""
    try:
        for _ in range(_TIMES):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, execution = pool.apply(_ready_s, (package.folder, size))
            times.append(seconds)
    except FramebridgeError as error:
        return Loaded(package.name, size, None, fault=str(error))
    least = min(times)
    if least <= MOST_S:
        return Loaded(package.name, size, least, execution)
    if busy():
        missing = f"over {MOST_S:g} seconds on a busy machine: measure it alone"
        return Loaded(package.name, size, least, execution, missing=missing)
    return Loaded(package.name, size, least, execution, f"over {MOST_S:g} seconds")


def busy() -> bool:
    """Whether more wants to run than this check, as far as the system tells."""
    if not hasattr(os, "getloadavg"):
        return False
    return os.getloadavg()[0] > (os.cpu_count() or 1) + 1


def frame_size(manifest: Manifest) -> tuple[int, int]:
    """Of the frames that a package is tried with: its own, or else 640x360."""
    port = manifest.frame_input
    if port is None or port.size.fixed is None:
        least = port.size.min if port is not None and port.size.min else [1, 1]
        return max(_FRAME[0], least[0]), max(_FRAME[1], least[1])
    return port.size.fixed[0], port.size.fixed[1]


def _ready_s(folder: Path, size: tuple[int, int]) -> tuple[float, str]:
    begin = time.monotonic()
    runner = Runner(ModelPackage.open(folder), FrameFormat(width=size[0], height=size[1]))
    runner.warm_up()
    seconds = time.monotonic() - begin
    runner.close()
    return seconds, f"{runner.execution.backend} {runner.execution.compute}"
