"""What a process occupies, as Linux counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of one process at one moment; `rss` in bytes."""

    rss: int
    descriptors: int
    threads: int


def footprint(pid: int) -> Footprint:
    folder = Path(f"/proc/{pid}")
    lines = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    return Footprint(
        rss=int(lines["VmRSS"].split()[0]) * 1024,
        descriptors=len(list((folder / "fd").iterdir())),
        threads=int(lines["Threads"]),
    )
