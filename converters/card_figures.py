"""Measured figures as a card shows them: with units, beside what they were compared with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from bridge.inference.manifest import Manifest, Quality
from converters.scores.base import Measure
from converters.scores.catalogue import MEASURES

_UNITS = (
    (r"_db$", " dB"),
    (r"(_(levels|255)(_|$)|^l1$)", " of 255"),
    (r"_percent(_|$)", " %"),
    (r"(^life_|_ratio(_|$)|_of_mean_picture$|_of_filter(_|$))", " times"),
)
_COUNTS = r"^(pairs|pictures|frames|ticks)_"
_MOST_DECIMALS = 4


def figure_text(metric: str, value: float) -> str:
    """A figure with its unit, as it was stated: two decimals at least, four at most; a count has
    none."""
    if re.search(_COUNTS, metric) and value == int(value):
        return f"{value:.0f}"
    _, _, after = repr(float(value)).partition(".")
    decimals = min(max(len(after), 2), _MOST_DECIMALS)
    return f"{value:.{decimals}f}{_unit(metric)}"


def quality_rows(quality: Sequence[Quality]) -> list[tuple[str, ...]]:
    """Set, metric, value, and what it was compared with."""
    return [
        (
            q.dataset,
            f"`{q.metric}`",
            f"**{figure_text(q.metric, q.value)}**",
            "; ".join(f"{name} {figure_text(q.metric, v)}" for name, v in q.baseline.items()),
        )
        for q in quality
    ]


def explanations(manifest: Manifest) -> list[str]:
    """A line for each measure that the figures' commands run."""
    found: dict[str, Measure] = {}
    for figure in manifest.quality:
        words = shlex.split(figure.command)
        named = words[words.index("--measure") + 1 :] if "--measure" in words else []
        for name, measure in MEASURES.items():
            if name in named[:1] or (not named and words and manifest.task in measure.tasks):
                found[name] = measure
    return [f"`{name}`: {measure.about}." for name, measure in found.items()]


def _unit(metric: str) -> str:
    return next((unit for pattern, unit in _UNITS if re.search(pattern, metric)), "")
