"""What a process occupies, as Linux counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of one process at one moment.

    Attributes:
        rss: bytes that it occupies.
        private: those of them that no other process shares.
    """

    rss: int
    private: int
    descriptors: int
    threads: int


def footprint(pid: int) -> Footprint:
    folder = Path(f"/proc/{pid}")
    lines = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    return Footprint(
        rss=int(lines["VmRSS"].split()[0]) * 1024,
        private=private_bytes(pid),
        descriptors=len(list((folder / "fd").iterdir())),
        threads=int(lines["Threads"]),
    )


def private_bytes(pid: int) -> int:
    """Memory of a process that it shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024
