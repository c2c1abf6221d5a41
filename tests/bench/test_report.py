"""What a run leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench import plot, report
from tests.bench.report import Measured
from tests.bench.rows import Curves, Finding, Goal, Theme, judged

HIT = judged("trip", "ms", 1.0, 40.0, "a socket", 100, Goal(faster=20))
MISS = judged("trip", "ms", 1.0, 0.2, "a copy", 100, Goal(at_most=2))
NONE_LOST = judged("lost ticks", "", 0, None, "", 100, Goal(at_most=0))
PLAIN = judged("growth", "ms", 3.0, 1.0, "240p", 100)


def _measured(*rows: object, breakdown: tuple[str, ...] = ()) -> Measured:
    finding = Finding(list(rows))  # type: ignore[arg-type]
    theme = Theme("trips", "There and back", "What is compared.", lambda _: finding, "Because.")
    return Measured(theme, finding, breakdown)


def test_the_json_is_a_list_of_rows_with_names_of_their_own() -> None:
    rows = json.loads(report.as_json([_measured(HIT, MISS, NONE_LOST, PLAIN)], quick=True))
    assert len({row["name"] for row in rows}) == 4
    assert rows[0] == {
        "name": "trip, against a socket", "against": "a socket", "theme": "trips", "unit": "ms",
        "value": 1.0, "baseline": 40.0, "ratio": 40.0, "goal": ">= 20x", "aim": "",
        "repetitions": 100, "met": True, "quick": True,
    }  # fmt: skip
    assert rows[2]["met"] is True


def test_the_page_counts_the_goals_and_explains_those_that_are_missed() -> None:
    page = report.as_page(
        [_measured(HIT, MISS, PLAIN, breakdown=("| copy | 3 ms |",))], "it.png", 0.25
    )
    assert "**1 of 2 goals are met.**" in page
    assert "meant to be 0): 0.2." in page
    short = page.partition("## What falls short")[2]
    assert "trip, against a copy: 5.000, goal <= 2" in short
    assert "a socket" not in short
    assert "Because." in short
    assert "| copy | 3 ms |" in short


def test_a_page_without_a_miss_says_so() -> None:
    assert "every goal is met" in report.as_page([_measured(HIT)], "it.png", 0.25)


def test_quick_figures_are_marked_as_such() -> None:
    assert report.QUICK_NOTE in report.as_text([_measured(HIT)], quick=True)
    assert report.QUICK_NOTE not in report.as_text([_measured(HIT)], quick=False)


def test_the_picture_shows_hits_and_misses_and_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "report.png"
    curves = {"Growth": Curves("streams", "times", {"a": [(1, 1.0), (4, 2.0)]}, True)}
    plot.draw([HIT, MISS, NONE_LOST, PLAIN], curves, path)
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    for colour in (plot.MET, plot.MISSED):
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=1) < 6).any()
