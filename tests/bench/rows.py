"""One measured figure, and the way all of them are taken: in turn, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

Work = Callable[[], float]
"""Does its work and returns the seconds that count."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the report.

    Attributes:
        against: what the baseline is, in words; empty without one.
        value, baseline: in `unit`; the baseline was measured in the same run, in turn.
        ratio: value / baseline, or baseline / value where the goal is to be so many times faster.
        goal: what the ratio (without a baseline: the value) is to be by now.
        aim: what it is to be in the end, where that is more.
        strain: above 1 when the goal is missed, by how much; None without a goal.
    """

    name: str
    against: str
    unit: str
    value: float
    baseline: float | None
    ratio: float | None
    goal: str
    aim: str
    repetitions: int
    met: bool | None
    strain: float | None


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio, or a value without a baseline, is to be.

    Attributes:
        at_most: value / baseline is to be no more; None says nothing.
        aim: what `at_most` is to be in the end.
        faster: baseline / value is to be no less, and so is the ratio that the row states.
        aim_faster: what `faster` is to be in the end.
    """

    at_most: float | None = None
    aim: float | None = None
    faster: float | None = None
    aim_faster: float | None = None

    @property
    def is_faster(self) -> bool:
        """The ratio says how many times faster."""
        return self.faster is not None or self.aim_faster is not None

    @property
    def bound(self) -> float | None:
        return self.faster if self.is_faster else self.at_most

    def words(self) -> tuple[str, str]:
        """The goal and the aim."""
        pair = (self.faster, self.aim_faster) if self.is_faster else (self.at_most, self.aim)
        form = ">= {:g}x" if self.is_faster else "<= {:g}"
        goal, aim = ("" if bound is None else form.format(bound) for bound in pair)
        return goal, aim


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines of one small plot."""

    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    proportional: bool
    """Draw what growth in proportion to x would be."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often to repeat: all of it, or a tenth while developing."""

    quick: bool = False

    def of(self, repetitions: int) -> int:
        return max(3, repetitions // 10) if self.quick else repetitions


@dataclass(frozen=True, slots=True)
class Finding:
    """What a theme found.

    Attributes:
        breakdown: measures where the time goes; asked for when a goal is missed.
        curves: what is drawn as a line: label to (x, ratio) points, by the title of its plot.
    """

    rows: list[Row]
    breakdown: Callable[[], list[str]] = list
    curves: Mapping[str, Curves] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Theme:
    """A group of figures that are measured and read together.

    Attributes:
        key: for `--only`.
        about: what is compared, for somebody who has not read the code.
        shortfall: why goals are missed, where they are; printed with the breakdown.
    """

    key: str
    title: str
    about: str
    measure: Callable[[Effort], Finding]
    shortfall: str = ""


NO_GOAL = Goal()


def row(
    name: str,
    values_s: Sequence[float],
    baseline_s: Sequence[float] | None = None,
    against: str = "",
    *,
    percentile: float = 50,
    goal: Goal = NO_GOAL,
) -> Row:
    """A figure in milliseconds with its baseline's, both at the percentile."""
    value = float(np.percentile(values_s, percentile)) * 1000
    base = None if baseline_s is None else float(np.percentile(baseline_s, percentile)) * 1000
    label = name if percentile == 50 else f"{name}, p{percentile:g}"
    return judged(label, "ms", value, base, against, len(values_s), goal)


def judged(
    name: str,
    unit: str,
    value: float,
    baseline: float | None,
    against: str,
    repetitions: int,
    goal: Goal = NO_GOAL,
) -> Row:
    """A figure in any unit, held against its goal."""
    if not baseline or not value:
        ratio = None
    else:
        ratio = baseline / value if goal.is_faster else value / baseline
    met = strain = None
    if goal.bound is not None:
        found = value if ratio is None else ratio
        # A bound of 0 is met by 0 alone.
        share = found / goal.bound if goal.bound else 1 + found
        strain = 1 / share if goal.is_faster else share
        met = strain <= 1
    wanted, aim = goal.words()
    return Row(name, against, unit, value, baseline, ratio, wanted, aim, repetitions, met, strain)


def timed(work: Callable[[], object]) -> Work:
    """All of the work counts."""

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def in_turn(work: Mapping[str, Work], repetitions: int, warm_up: int = 5) -> dict[str, list[float]]:
    """Seconds that each piece of work takes, one after the other in every round, so that whatever
    the machine does to one it does to all. Each round has an order of its own, seeded, or one
    would always suffer from what the same other leaves behind."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    order = list(work)
    random = Random(0)
    for turn in range(warm_up + repetitions):
        random.shuffle(order)
        for name in order:
            seconds = work[name]()
            if turn >= warm_up:
                taken[name].append(seconds)
    return taken
