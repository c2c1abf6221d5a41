"""Drawings of the diary, as SVG inside its page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .diary import LayerRange, Point

_WIDTH, _HEIGHT = 960, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 132, 14, 34
_NICE = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,))
"""Round numbers, dense to sparse."""


def losses(points: Sequence[Point], repeat: float, promise: float) -> str:
    """Losses over steps, both on logarithmic scales.

    Args:
        repeat: the loss of repeating the last frame, drawn as a line.
        promise: the loss reached on eight pictures, drawn as a line; 0 for none.
    """
    if not points:
        return ""
    curves = {
        "learned": [(point.step, point.learned) for point in points],
        "held": [(point.step, point.held_back) for point in points],
    }
    shown = (
        [y for curve in curves.values() for _, y in curve] + [repeat] + [promise] * (promise > 0)
    )
    low, high = min(shown) / 1.15, max(shown) * 1.15
    first, last = max(1, points[0].step), max(2, points[-1].step)
    x = _scale(first, last if last > first else first + 1, _LEFT, _WIDTH - _RIGHT)
    y = _scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="Losses over steps">'
    ]
    for value in _marks(low, high):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value)}" '
            f'y2="{y(value)}"/><text class="mark end" x="{_LEFT - 8}" y="{y(value) + 4:.1f}">'
            f"{value:g}</text>"
        )
    for value in _marks(first, last):
        parts.append(
            f'<text class="mark middle" x="{x(value)}" y="{_HEIGHT - 10}">{value:,g}</text>'
        )
    levels = [("repeat", repeat, "repeating the frame")]
    if promise > 0:
        levels.append(("promise", promise, "eight pictures"))
    for kind, value, label in levels:
        parts.append(
            f'<line class="level {kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value)}" '
            f'y2="{y(value)}"/>'
        )
        parts.append(_label(kind, y(value), label))
    for kind, label in (("learned", "learned from"), ("held", "held back")):
        way = " ".join(f"{x(a)},{y(b)}" for a, b in curves[kind])
        end = curves[kind][-1]
        parts.append(f'<polyline class="curve {kind}" points="{way}"/>')
        parts.append(f'<circle class="dot {kind}" cx="{x(end[0])}" cy="{y(end[1])}" r="3.5"/>')
        parts.append(_label(kind, y(end[1]), label))
    return "".join(_apart(parts)) + "</svg>"


def layer_bar(layer: LayerRange, reach: float) -> str:
    """A bar from `low` to `high` on a scale that is linear near zero and logarithmic beyond.

    Args:
        reach: largest size of any bound on the page.
    """
    low, high = (100 + 96 * _soft(bound) / _soft(reach) for bound in (layer.low, layer.high))
    return (
        '<svg class="range" viewBox="0 0 200 14" preserveAspectRatio="none" role="img" '
        f'aria-label="{layer.low:.2g} to {layer.high:.2g}">'
        '<line class="zero" x1="100" x2="100" y1="0" y2="14"/>'
        f'<rect x="{low:.1f}" y="3" width="{max(1.0, high - low):.1f}" height="8" rx="2"/></svg>'
    )


def _soft(value: float) -> float:
    return math.asinh(2 * value)


class _scale:  # noqa: N801 (a function with two numbers inside)
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._span = math.log(low), math.log(high) - math.log(low)
        self._start, self._length = start, end - start

    def __call__(self, value: float) -> float:
        share = (math.log(max(value, 1e-9)) - self._low) / self._span
        return round(self._start + share * self._length, 1)


def _marks(low: float, high: float) -> list[float]:
    """Round numbers between the two, eight at most."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for nice in _NICE:
        marks = [n * 10.0**power for power in powers for n in nice]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= 8:
            return marks
    return marks[:: math.ceil(len(marks) / 8)]


_LABEL_MARK = "\0"


def _label(kind: str, y: float, text: str) -> str:
    return f"{_LABEL_MARK}{y}{_LABEL_MARK}{kind}{_LABEL_MARK}{text}"


def _apart(parts: Sequence[str]) -> list[str]:
    """Labels at the right edge, moved down where they would cover each other."""
    drawn = [part for part in parts if not part.startswith(_LABEL_MARK)]
    labels = [part.split(_LABEL_MARK)[1:] for part in parts if part.startswith(_LABEL_MARK)]
    below = 0.0
    for y, kind, text in sorted(labels, key=lambda label: float(label[0])):
        below = max(float(y) + 4, below + 15)
        drawn.append(
            f'<text class="label {kind}" x="{_WIDTH - _RIGHT + 10}" y="{below:.1f}">{text}</text>'
        )
    return drawn
