"""Counts, and the latest of many timings."""

from __future__ import annotations

from bridge.worker.tally import Tally


def test_values_since_a_mark_are_given_once_and_none_twice() -> None:
    tally = Tally()
    assert tally.since("run", 0) == ([], 0)
    for value in (1.0, 2.0):
        tally.note("run", value)
    values, mark = tally.since("run", 0)
    assert values == [1.0, 2.0]
    assert tally.since("run", mark) == ([], mark)
    tally.note("run", 3.0)
    assert tally.since("run", mark) == ([3.0], mark + 1)


def test_only_the_latest_are_kept_and_the_mark_goes_on() -> None:
    tally = Tally()
    for value in range(2000):
        tally.note("run", float(value))
    values, mark = tally.since("run", 0)
    assert mark == 2000
    assert values[-1] == 1999
    assert len(values) == tally.spread("run")["count"] == 512


def test_timings_of_another_chain_are_forgotten_and_counts_are_not() -> None:
    tally = Tally()
    tally.count("returned")
    tally.note("run", 1.0)
    _, mark = tally.since("run", 0)
    tally.time_anew()
    assert tally.spread("run") == {}
    tally.note("run", 2.0)
    assert tally.since("run", mark) == ([2.0], mark + 1)
    assert tally.spread("run") == {"p50": 2.0, "p99": 2.0, "count": 1}
    assert tally.counters()["returned"] == 1
