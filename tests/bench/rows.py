"""One measured figure, and the way all of them are taken: in turn, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the report.

    Attributes:
        value, baseline: in `unit`; the baseline was measured in the same run, in turn.
        ratio: value / baseline, or baseline / value where more is better.
        goal: what the ratio (without a baseline: the value) is meant to be.
    """

    name: str
    unit: str
    value: float
    baseline: float | None
    ratio: float | None
    goal: str
    repetitions: int
    met: bool | None


def row(
    name: str,
    values_s: list[float],
    baseline_s: list[float] | None,
    *,
    percentile: float = 50,
    at_most: float | None = None,
    times_faster: float | None = None,
) -> Row:
    """A figure in milliseconds with its baseline's.

    Args:
        at_most: goal for value / baseline, or for the value itself without a baseline.
        times_faster: goal for baseline / value.
    """
    value = float(np.percentile(values_s, percentile)) * 1000
    base = None if baseline_s is None else float(np.percentile(baseline_s, percentile)) * 1000
    label = name if percentile == 50 else f"{name}, p{percentile:g}"
    if times_faster is not None and base is not None:
        ratio = base / value
        goal, met = f">= {times_faster:g}x", ratio >= times_faster
    else:
        ratio = None if base is None else value / base
        judged = value if ratio is None else ratio
        goal = "" if at_most is None else f"<= {at_most:g}"
        met = None if at_most is None else judged <= at_most
    return Row(label, "ms", value, base, ratio, goal, len(values_s), met)


def in_turn(
    work: Mapping[str, Callable[[], object]], repetitions: int, warm_up: int = 5
) -> dict[str, list[float]]:
    """Seconds that each piece of work takes, one after the other in every round, so that whatever
    the machine does to one it does to all; each round begins with another."""
    names = list(work)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warm_up + repetitions):
        for shift in range(len(names)):
            name = names[(turn + shift) % len(names)]
            start = time.perf_counter()
            work[name]()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - start)
    return taken
