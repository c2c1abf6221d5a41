"""What a run is to be: fixed when it begins, and the same when it goes on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bridge.errors import UsageError

from ..graph import Shape

COMMAND = "framebridge train next-frame"
CHECKS = 12
CHECK_S = (15.0, 120.0)
"""A run is looked at CHECKS times, but not more often and not more rarely than this; a very short
one still LEAST_CHECKS times."""
LEAST_CHECKS = 3
FIRST_PACKAGE_S = 300.0
"""A package is written with each check; the first one no later than this."""
SAVE_S, SAVES = 20.0, 10
"""A checkpoint is written this often, in a short run so many times: what a killed process loses."""
AGES = (0.01, 0.03, 0.08, 0.20, 0.40, 0.65, 0.85, 1.0)
"""Shares of the run at which a network is kept for the knob `age`."""
MILESTONES = (10, 50, 200, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
"""Steps at which the same seeds are played for the diary."""

SMALL_SIDE, SIDE, LARGE_SIDE = 96, 128, 256


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the command was told.

    Attributes:
        minutes: that the run takes in all, over which the learning rate falls; steps decide if 0.
        side: of the shorter side of the frames in training; 0 leaves it to `default_side`.
        output: folder of the run.
        package: folder of the package to make.
        device: as PyTorch names it; empty for the fastest there is.
    """

    clip: Path
    name: str
    output: Path
    package: Path
    minutes: float = 30.0
    steps: int = 0
    side: int = 0
    seed: int = 1
    device: str = ""
    fresh: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What stays as it is when a run goes on.

    Attributes:
        digest: of the clip at its training size.
        side: as asked for, or as `default_side` has it.
        size: width and height in training, and of the package.
        width, levels: of the network.
        batch: sequences in a step.
        unroll: frames that it is taught in a row, at the end of the run.
    """

    digest: str
    side: int
    size: tuple[int, int]
    seed: int
    width: int
    levels: int
    batch: int = 4
    unroll: int = 3

    @property
    def shape(self) -> Shape:
        return Shape(self.width, self.levels)

    def check_continues(self, other: Plan, order: Order) -> None:
        """
        Raises: UsageError: `other`, of the run that is there, is not this one.
        """
        again = "Give the same words to go on, another --name, or --fresh to begin anew."
        place = f"{order.output}"
        if other.size != self.size:
            raise UsageError(
                place, f"a run of {_by(self.size)}", f"one of {_by(other.size)}", again
            )
        if other.digest != self.digest:
            raise UsageError(
                place, f"a run that learns from {order.clip}", "one of another clip", again
            )
        if other.seed != self.seed:
            raise UsageError(place, f"a run of seed {self.seed}", f"one of {other.seed}", again)
        if other != self:
            raise UsageError(
                place, "a run of this version of Framebridge", "one that another began", again
            )


def default_side(device: str, cores: int) -> int:
    """The shorter side in training that this machine has time for."""
    if device.startswith(("cuda", "mps")):
        return LARGE_SIDE
    return SIDE if cores >= 6 else SMALL_SIDE


def check_interval_s(expected_s: float) -> float:
    """Seconds from one check to the next of a run that takes `expected_s`."""
    low, high = CHECK_S
    return min(max(min(low, expected_s / LEAST_CHECKS), expected_s / CHECKS), high)


def save_interval_s(expected_s: float) -> float:
    """Seconds from one checkpoint to the next."""
    return min(SAVE_S, expected_s / SAVES)


def due_ages(progress: float, kept: int) -> int:
    """How many networks are to have been kept at this share of the run, at least `kept`; the last
    one is the finished one, whenever that is."""
    return max(kept, sum(progress >= mark - 1e-9 for mark in AGES[:-1]))


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
