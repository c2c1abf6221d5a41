"""What a run says as it goes: one event after another, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """
    Attributes:
        kind: "reading", "clip", "plan", "promise", "progress", "check", "package" or "done".
        text: for a person, a line or several.
        facts: for a program, plain JSON values.
    """

    kind: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def passing(self) -> bool:
        """Replaced by the next one: for a status line, not for a log."""
        return self.kind in ("reading", "progress")


Tell = Callable[[Event], None]


def duration(seconds: float) -> str:
    """In the unit that people count such a time in."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):,.0f} MB"
