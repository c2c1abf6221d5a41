"""A run as it is stored: what it needs to go on as if it had not stopped."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from bridge.errors import TrainingError

from .learner import FootageLearner
from .plan import Plan

FORMAT = 1


@dataclass(slots=True)
class Progress:
    """Where a run stands, beside its learner.

    Attributes:
        kept: networks by age, youngest first: weights by name, on the CPU.
        promised: `Promise.bound`.
        done: it came to its end.
    """

    plan: Plan
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    kept: list[dict[str, torch.Tensor]] = field(default_factory=list)
    promised: float = 0.0
    done: bool = False

    def encoded(self, learner: FootageLearner) -> bytes:
        buffer = io.BytesIO()
        torch.save(
            {
                "format": FORMAT, "plan": msgspec.to_builtins(self.plan), "kept": self.kept,
                "elapsed_s": self.elapsed_s, "cpu_s": self.cpu_s, "promised": self.promised,
                "done": self.done, "learner": learner.state(),
            },
            buffer,
        )  # fmt: skip
        return buffer.getvalue()


def read_checkpoint(path: Path) -> tuple[Progress, dict[str, Any]]:
    """A run, and what `FootageLearner.load_state` takes.

    Raises: TrainingError: it cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"a checkpoint of format {state['format']}")
        plan = msgspec.convert(state["plan"], Plan)
    except Exception as error:  # unpickling raises several unrelated types
        raise TrainingError(
            str(path), "a checkpoint of this command", f"{type(error).__name__}: {error}"[:200],
            "Begin anew with --fresh, or name another run with --name.",
        ) from None  # fmt: skip
    return (
        Progress(
            plan, state["elapsed_s"], state["cpu_s"], state["kept"], state["promised"],
            state["done"],
        ),
        state["learner"],
    )  # fmt: skip
