"""One picture of a run: how near each goal is, and how the price grows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tests.bench.rows import Curves, Row

MET, MISSED, INK, PALE = "#2a7f62", "#c8553d", "#22303c", "#c9d1d6"
_LINES = ("#2b6cb0", "#c8553d", "#2a7f62", "#8a5fb0")
_BAR_IN = 0.29


def draw(rows: Sequence[Row], curves: Mapping[str, Curves], path: Path, note: str = "") -> None:
    """Write a PNG.

    Args:
        rows: those with a goal are drawn, in this order.
    """
    judged = [row for row in rows if row.strain is not None]
    bars_in = 1.0 + _BAR_IN * max(1, len(judged))
    heights = [bars_in, *([3.3] if curves else [])]
    figure = pyplot.figure(figsize=(11, sum(heights) + 0.9), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _goals(parts[0].subplots(), judged, note)
    if curves:
        panels = parts[1].subplots(1, len(curves), squeeze=False)[0]
        for axes, (title, lines) in zip(panels, curves.items(), strict=True):
            _growth(axes, title, lines)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    pyplot.close(figure)
    # A page of a repository: few colours are enough, and a fifth of the size.
    Image.open(drawn).convert("RGB").quantize(48).save(path, optimize=True)


def _goals(axes: Any, rows: Sequence[Row], note: str) -> None:
    """Bars as shares of the goal, so that 1 is the goal whatever it is a goal for."""
    shares = [max(row.strain or 0.0, 1 / 64) for row in rows]
    places = range(len(rows))
    axes.barh(places, [share - _LEAST for share in shares], left=_LEAST, height=0.62,
              color=[MET if row.met else MISSED for row in rows])  # fmt: skip
    axes.axvline(1, color=INK, linewidth=1.4)
    axes.set_xscale("log")
    widest = max([4.0, *shares])
    axes.set_xlim(_LEAST, widest * 8)
    axes.xaxis.set_major_locator(FixedLocator([1 / 64, 1 / 16, 1 / 4, 1, *_up_to(widest)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_share))
    axes.set_yticks(places, [_label(row) for row in rows], fontsize=8.5)
    axes.invert_yaxis()
    for place, row in zip(places, rows, strict=True):
        axes.text(widest * 1.2, place, _told(row), va="center", fontsize=8.5, color=INK)
    axes.set_xlabel("time taken, as a share of what the goal allows: left of the line is met")
    met = sum(row.met is True for row in rows)
    axes.set_title(f"{met} of {len(rows)} goals met{note}", loc="left", color=INK)
    _plain(axes)


_LEAST = 1 / 80
"""Where bars begin; there is no zero on this axis."""


def _up_to(widest: float) -> list[float]:
    return [bound for bound in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0) if bound <= widest * 1.01]


def _share(value: float, _: int) -> str:
    if value == 1:
        return "goal"
    return f"{value:g}x" if value > 1 else f"1/{1 / value:g}"


def _label(row: Row) -> str:
    against = f"  vs {row.against}" if row.against else ""
    return f"{row.name}{against}".replace("`", "")


def _told(row: Row) -> str:
    if row.ratio is None:
        return f"{row.value:.3g} {row.unit} (goal {row.goal})"
    times = "x" if row.goal.startswith(">=") else ""
    return f"{row.ratio:.3g}{times} (goal {row.goal})"


def _growth(axes: Any, title: str, curves: Curves) -> None:
    points = [point for line in curves.lines.values() for point in line]
    furthest = max(x for x, _ in points)
    wide = furthest > 8
    if curves.proportional:
        axes.plot([1, furthest], [1, furthest], color=PALE, linestyle="--", linewidth=1.2)
        axes.text(furthest, furthest, "in proportion ", color="#7d8a93", fontsize=7.5,
                  ha="right", va="bottom")  # fmt: skip
    for colour, (name, line) in zip(_LINES, curves.lines.items(), strict=False):
        axes.plot(*zip(*line, strict=True), marker="o", markersize=4, color=colour,
                  label=name.replace("`", ""))  # fmt: skip
    if wide:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_xticks(sorted({x for x, _ in points}))
        axes.set_ylim(bottom=0)
    axes.set_xlabel(curves.x)
    axes.set_ylabel(curves.y)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.legend(fontsize=7.5, frameon=False, loc="upper left" if curves.proportional else "best")
    _plain(axes)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
