"""What this machine has for a run."""

from __future__ import annotations

import os
import sys

import torch

from bridge.errors import TrainerMissingError


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen_device(name: str) -> str:
    """
    Raises: TrainerMissingError: it is not there.
    """
    if not name:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise TrainerMissingError(
            "--device", "a device of this machine's PyTorch", f"{name!r}: {error}".split("\n")[0],
            "Leave it out, and the fastest there is is taken.",
        ) from None  # fmt: skip
    return name


def peak_memory_bytes() -> int:
    """The most that this process has held in memory; 0 where nobody says."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
