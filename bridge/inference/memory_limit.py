"""A limit to the memory that this process may still take."""

from __future__ import annotations

import sys
from pathlib import Path


def limit_memory(memory_bytes: int) -> None:
    """As much as there is now, and this many bytes more; on Linux alone."""
    if sys.platform != "linux":
        return
    import resource

    # Not the address space: allocators and thread stacks reserve far more of it than they use.
    # RLIMIT_DATA counts what is private and can be written to.
    lines = Path("/proc/self/status").read_text().splitlines()
    used_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    limit = used_kib * 1024 + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
