"""What a ratio and its goal say, and that all work gets its turn."""

from __future__ import annotations

from tests.bench.rows import Goal, in_turn, judged, row


def test_a_ratio_above_its_bound_misses_the_goal_by_as_much() -> None:
    found = judged("copy", "ms", 3.0, 2.0, "a copy", 10, Goal(at_most=1.2, aim=1.0))
    assert (found.ratio, found.met, found.goal, found.aim) == (1.5, False, "<= 1.2", "<= 1")
    assert found.strain is not None
    assert abs(found.strain - 1.25) < 1e-9


def test_times_faster_is_the_baseline_over_the_value() -> None:
    found = judged("trip", "ms", 2.0, 50.0, "a socket", 10, Goal(faster=20, aim_faster=40))
    assert (found.ratio, found.met, found.goal, found.aim) == (25.0, True, ">= 20x", ">= 40x")
    assert found.strain == 0.8


def test_a_value_without_a_baseline_is_held_against_the_goal_itself() -> None:
    assert judged("outside", "ms", 0.2, None, "", 10, Goal(at_most=0.3)).met is True
    assert judged("outside", "ms", 0.4, None, "", 10, Goal(at_most=0.3)).met is False


def test_a_goal_of_zero_is_met_by_zero_alone() -> None:
    assert judged("lost", "", 0, None, "", 10, Goal(at_most=0)).met is True
    assert judged("lost", "", 1, None, "", 10, Goal(at_most=0)).met is False


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    found = judged("p99", "ms", 3.0, 2.0, "a copy", 10, Goal(aim=1.5))
    assert (found.met, found.strain, found.goal, found.aim) == (None, None, "", "<= 1.5")


def test_a_row_compares_the_same_percentile_of_both() -> None:
    found = row("trip", [0.001, 0.002, 0.009], [0.002, 0.004, 0.006], "other", percentile=100)
    assert (found.name, found.value, found.baseline) == ("trip, p100", 9.0, 6.0)
    assert (found.unit, found.ratio, found.repetitions) == ("ms", 1.5, 3)


def test_all_work_has_its_turn_in_each_round_and_the_warm_up_does_not_count() -> None:
    done: list[str] = []

    def work(name: str) -> float:
        done.append(name)
        return float(len(done))

    taken = in_turn({name: lambda name=name: work(name) for name in "abc"}, 6, warm_up=2)  # type: ignore[misc]
    rounds = [done[at : at + 3] for at in range(0, 24, 3)]
    assert all(sorted(round_) == ["a", "b", "c"] for round_ in rounds)
    assert len({tuple(round_) for round_ in rounds}) > 1
    assert all(len(times) == 6 and min(times) > 6 for times in taken.values())
