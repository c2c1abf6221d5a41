"""What stays as it is when a run goes on, and when what is due."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bridge.errors import UsageError
from models.recipes.next_frame.footage.plan import (
    AGES,
    FIRST_PACKAGE_S,
    Order,
    Plan,
    check_interval_s,
    default_side,
    due_ages,
    save_interval_s,
)

PLAN = Plan(digest="a" * 64, side=64, size=(96, 64), seed=1, width=16, levels=3)
ORDER = Order(clip=Path("clip.mp4"), name="sea", output=Path("out/train/sea"), package=Path("sea"))


def test_a_run_goes_on_with_the_same_words() -> None:
    PLAN.check_continues(msgspec.convert(msgspec.to_builtins(PLAN), Plan), ORDER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"digest": "b" * 64}, "expected a run that learns from clip.mp4, got one of another clip"),
        ({"size": (48, 32)}, "expected a run of 96x64, got one of 48x32"),
        ({"seed": 2}, "expected a run of seed 1, got one of 2"),
        ({"unroll": 7}, "expected a run of this version of Framebridge, got one that another"),
    ],
)
def test_another_run_is_refused_and_says_how_to_go_on(change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=f"FB-E002 out/train/sea: {said}.*--fresh"):
        PLAN.check_continues(msgspec.structs.replace(PLAN, **change), ORDER)


def test_eight_ages_are_kept_early_ones_close_together() -> None:
    assert len(AGES) == 8
    assert list(AGES) == sorted(AGES)
    assert [due_ages(share, 0) for share in (0, 0.009, 0.01, 0.1, 0.5, 0.999, 1)] == [
        0, 0, 1, 3, 5, 7, 7,
    ]  # fmt: skip


def test_an_age_that_was_kept_stays_kept_when_the_run_becomes_longer() -> None:
    assert due_ages(0.02, kept=5) == 5


@pytest.mark.parametrize("expected_s", [30, 120, 1800, 36_000])
def test_a_run_is_looked_at_before_the_first_package_is_due(expected_s: float) -> None:
    assert check_interval_s(expected_s) < FIRST_PACKAGE_S / 2


def test_a_short_run_is_looked_at_and_saved_more_often() -> None:
    assert check_interval_s(12) == pytest.approx(4)
    assert save_interval_s(12) < save_interval_s(3600) <= 20


def test_a_larger_machine_gets_larger_pictures() -> None:
    assert default_side("cpu", 2) < default_side("cpu", 16) < default_side("cuda:0", 2)
