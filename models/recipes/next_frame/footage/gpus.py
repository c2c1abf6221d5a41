"""What common GPUs would need for a run, and how fast they would play its package: predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.devices import DEVICES
from converters.roofline import predict, training_step_s

from ..graph import build_graph
from .plan import Plan
from .telling import duration


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One GPU.

    Attributes:
        run_s: for all steps of this run; Python's own time is not counted.
        frames_per_s: of the finished package in float32, alone on the GPU.
    """

    name: str
    run_s: float
    frames_per_s: float

    def __str__(self) -> str:
        return f"{self.name}: {duration(self.run_s)}, {self.frames_per_s:,.0f} frames/s"


def elsewhere(plan: Plan, weights: Mapping[str, Any], steps: float) -> list[Elsewhere]:
    """
    Args:
        weights: of any network of the plan's size.
    """
    graph = build_graph(weights, plan.shape)
    step_s = training_step_s(graph, *plan.size, batch=plan.batch)
    live = {
        found.device.name: found.frames_per_s
        for found in predict(graph, *plan.size)
        if found.precision == "float32"
    }
    # Frames in a row are calculated one after another: each has launches of its own.
    passes = steps * plan.unroll
    return [Elsewhere(d.name, passes * step_s[d.name], live[d.name]) for d in DEVICES]


def as_lines(found: list[Elsewhere], width: int = 100) -> str:
    """For people: as many on a line as fit."""
    lines = ["The same steps on other hardware, and frames a second on stage: predicted, at best."]
    line = " "
    for index, one in enumerate(found):
        text = f" {one}{';' if index + 1 < len(found) else '.'}"
        if len(line) + len(text) > width:
            lines.append(line)
            line = " "
        line += text
    return "\n".join([*lines, line])
