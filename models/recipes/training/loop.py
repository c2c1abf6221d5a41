"""The training loop: steps, checks, checkpoints, the loss curve, and when it will be done."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..loss_curve import draw_loss_curve
from .learner import Learner

CHECK_EVERY_S = 30.0
CHECKPOINT = "checkpoint.pt"
LOSS_CURVE = "loss.png"
PREVIEW = "preview.png"


@dataclass(slots=True)
class Run:
    """A run and where it stands: it goes on from its checkpoint as if it had not stopped.

    Attributes:
        steps: of the whole run; the learning rate falls over all of them.
        cpu_s: processor time of all threads, so that it means the same on a busy machine.
        losses: mean between two checks.
        figures: what each check found on what is held back.
    """

    name: str
    learner: Learner
    seed: int
    steps: int
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    figures: list[dict[str, float]] = field(default_factory=list)

    @property
    def step(self) -> int:
        return self.learner.taken

    @property
    def progress(self) -> float:
        return min(1.0, self.step / self.steps)

    def save(self, path: Path) -> None:
        """Write a checkpoint; the one before stays whole until this one is complete."""
        part = path.with_suffix(".part")
        torch.save({**self.facts(), "learner": self.learner.state()}, part)
        part.replace(path)

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.name, "seed": self.seed, "steps": self.steps, "step": self.step,
            "elapsed_s": self.elapsed_s, "cpu_s": self.cpu_s, "losses": self.losses,
            "figures": self.figures,
        }  # fmt: skip

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; how many steps there are to be stays as it is here.

        Raises: ValueError: it is another recipe's.
        """
        state: dict[str, Any] = torch.load(path, weights_only=True)
        if state["name"] != self.name:
            raise ValueError(f"{path} is a checkpoint of {state['name']}, not of {self.name}")
        self.learner.load_state(state["learner"])
        self.seed = state["seed"]
        self.elapsed_s, self.cpu_s = state["elapsed_s"], state["cpu_s"]
        self.losses, self.figures = state["losses"], state["figures"]


def train(run: Run, output: Path, check_every_s: float = CHECK_EVERY_S) -> None:
    """Train until all steps are done; progress goes to standard error.

    Twice a minute, and at the end, a checkpoint, the loss curve and a preview go to `output`. On
    SIGINT a checkpoint is written before KeyboardInterrupt goes on.
    Raises: FloatingPointError: the loss is not finite; the last checkpoint is from before that.
    """
    output.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, highlight=False)
    clock = _Clock(run)
    recent: list[float] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=run.steps, completed=run.step)
        try:
            while run.step < run.steps:
                loss = run.learner.step(run.progress)
                if not math.isfinite(loss):
                    raise FloatingPointError(
                        f"{run.name}: the loss is {loss} at step {run.step}; the last checkpoint "
                        "is from before"
                    )
                recent.append(loss)
                run.learner.taken += 1
                bar.update(task, completed=run.step)
                if clock.since_check_s() >= check_every_s:
                    bar.update(task, description=_check(run, recent, output, clock, console))
                    recent = []
        except KeyboardInterrupt:
            _check(run, recent, output, clock, console)
            raise
        _check(run, recent, output, clock, console)


class _Clock:
    def __init__(self, run: Run) -> None:
        self._begun = time.monotonic() - run.elapsed_s
        self._cpu_begun = time.process_time() - run.cpu_s
        self._checked = time.monotonic()

    def since_check_s(self) -> float:
        return time.monotonic() - self._checked

    def write(self, run: Run) -> None:
        run.elapsed_s = time.monotonic() - self._begun
        run.cpu_s = time.process_time() - self._cpu_begun

    def checked(self) -> None:
        self._checked = time.monotonic()


def _check(
    run: Run, recent: list[float], output: Path, clock: _Clock, console: Console
) -> str:  # fmt: skip
    if recent:
        run.losses.append(sum(recent) / len(recent))
        run.figures.append(run.learner.check())
    clock.write(run)
    run.save(output / CHECKPOINT)
    text = f"{run.name} step {run.step} of {run.steps}"
    if run.losses:
        draw_loss_curve(run.losses, output / LOSS_CURVE, f"{run.name}, step {run.step}")
        run.learner.preview(output / PREVIEW)
        figures = "  ".join(f"{name} {value:.4g}" for name, value in run.figures[-1].items())
        text += f"  loss {run.losses[-1]:.4g}  {figures}"
    console.print(f"{text}  {run.cpu_s / 60:.1f} CPU minutes  {run.progress:.0%}", markup=False)
    clock.checked()
    return text
