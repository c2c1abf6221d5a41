"""Train the network: `python -m models.recipes.upscale.train --minutes 20`."""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from torch import Tensor, nn

from models.recipes.loss_curve import draw_loss_curve
from models.recipes.upscale.data import (
    Patches,
    Sample,
    find_pictures,
    make_sample,
    read_pair,
    split,
)
from models.recipes.upscale.network import UpscaleNetwork

PATCH_SIDE = 32
BATCH = 16
LEARNING_RATE = 2e-3
EMA_DECAY = 0.999
CHECK_EVERY_S = 30.0
CHECKPOINT = "checkpoint.pt"
LOSS_CURVE = "loss.png"


@dataclass(slots=True)
class Run:
    """Everything that a checkpoint holds: a run goes on from it as if it had not stopped."""

    network: UpscaleNetwork
    average: UpscaleNetwork
    optimizer: torch.optim.Adam
    patches: Patches
    seed: int
    step: int = 0
    elapsed_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    """Mean loss between two checks, of 255."""
    gains_db: list[float] = field(default_factory=list)
    """What the average gains over bicubic on the pictures held out, at each check."""

    @classmethod
    def start(cls, samples: list[Sample], seed: int) -> Run:
        torch.manual_seed(seed)
        network, average = UpscaleNetwork(), UpscaleNetwork()
        average.load_state_dict(network.state_dict())
        # Channels last and the fused Adam: two thirds of the time of a step on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True)
        return cls(network, average, optimizer, Patches(samples, PATCH_SIDE, seed), seed)

    def save(self, path: Path) -> None:
        """Write a checkpoint; the one before stays whole until this one is complete."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "patches": self.patches.random.get_state(),
            "seed": self.seed,
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "losses": self.losses,
            "gains_db": self.gains_db,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.patches.random.set_state(state["patches"])
        self.seed, self.step = state["seed"], state["step"]
        self.elapsed_s, self.losses = state["elapsed_s"], state["losses"]
        self.gains_db = state["gains_db"]


@dataclass(frozen=True, slots=True)
class Budget:
    """When training is done: after so many steps if they are given, else after so long."""

    minutes: float
    steps: int | None

    def progress(self, run: Run) -> float:
        """0 at the start, 1 at the end."""
        part = run.step / self.steps if self.steps else run.elapsed_s / (60 * self.minutes)
        return min(1.0, part)


def train(run: Run, held_out: list[Sample], budget: Budget, output: Path) -> None:
    """Train until the budget is spent, with a checkpoint and the loss curve twice a minute."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    begun = checked = time.monotonic() - run.elapsed_s
    checked += run.elapsed_s
    recent: list[float] = []
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=1.0)
        while (progress := budget.progress(run)) < 1:
            recent.append(_step(run, progress))
            run.elapsed_s = time.monotonic() - begun
            if time.monotonic() - checked >= CHECK_EVERY_S:
                _check(run, held_out, recent, output)
                _show(bar, task, run, progress)
                recent, checked = [], time.monotonic()
            bar.update(task, completed=progress)
        _check(run, held_out, recent, output)
        _show(bar, task, run, 1.0)


def _step(run: Run, progress: float) -> float:
    """One step of Adam; returns the loss of the batch, of 255."""
    for group in run.optimizer.param_groups:
        group["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * progress))
    low, missing = run.patches.draw(BATCH)
    loss = nn.functional.l1_loss(run.network.correction(low), missing)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    run.step += 1
    # Short at first: the average must not remember the weights that training started from.
    decay = min(EMA_DECAY, run.step / (run.step + 10))
    with torch.no_grad():
        pairs = zip(run.average.parameters(), run.network.parameters(), strict=True)
        for average, weight in pairs:
            average.lerp_(weight, 1 - decay)
    return 255 * loss.item()


def _check(run: Run, held_out: list[Sample], recent: list[float], output: Path) -> None:
    if recent:
        run.losses.append(sum(recent) / len(recent))
        run.gains_db.append(gain_over_bicubic(run.average, held_out))
    run.save(output / CHECKPOINT)
    draw_loss_curve(run.losses, output / LOSS_CURVE, f"upscale-x2, L1 of 255, step {run.step}")


def _show(bar: Progress, task: TaskID, run: Run, progress: float) -> None:
    if run.losses:
        text = (
            f"step {run.step}  loss {run.losses[-1]:.3f}  {run.gains_db[-1]:+.2f} dB over bicubic"
        )
        bar.update(task, description=text)
        bar.console.print(f"{text}  {run.elapsed_s / 60:.1f} min  {progress:.0%}")


@torch.no_grad()
def gain_over_bicubic(network: UpscaleNetwork, samples: list[Sample]) -> float:
    """PSNR of the network minus PSNR of bicubic, mean over `samples`, in dB."""
    gains = [
        10 * math.log10(_mean_square(s.missing) / _mean_square(_left(network, s))) for s in samples
    ]
    return sum(gains) / len(gains)


def _left(network: UpscaleNetwork, sample: Sample) -> Tensor:
    return sample.missing - network.correction(sample.low[None])[0]


def _mean_square(difference: Tensor) -> float:
    return float(difference.square().mean())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.upscale.train",
        description="Train the x2 upscaler on pictures; the weights go to a checkpoint, which "
        "models.recipes.upscale.export makes into a package.",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/train-images"), metavar="FOLDER",
        help="pictures to train on, at any depth; never those of a test set (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=Path("out/train/upscale-x2"), metavar="FOLDER",
        help="where the checkpoint and the loss curve go (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=20.0, metavar="M",
        help="how long to train; the learning rate falls to zero over it (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=int, metavar="N",
        help="train N steps instead, however long they take: this is what makes a run repeatable",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="T", help="(%(default)s)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --output"
    )
    arguments = parser.parse_args()
    if arguments.minutes <= 0 or (arguments.steps is not None and arguments.steps < 1):
        parser.error("--minutes and --steps must be above zero")
    if arguments.resume and not (arguments.output / CHECKPOINT).is_file():
        parser.error(f"--resume: no {CHECKPOINT} in {arguments.output}")
    return arguments


def main() -> int:
    """Exit status: 0 trained, 3 no pictures."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    training, held_out = split(find_pictures(arguments.data))
    if not training or not held_out:
        print(f"no pictures to train on in {arguments.data}: give --data", file=sys.stderr)
        return 3
    run = Run.start([make_sample(read_pair(p)) for p in training], arguments.seed)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.resume:
        run.load(arguments.output / CHECKPOINT)
    budget = Budget(arguments.minutes, arguments.steps)
    length = f"{budget.steps} steps" if budget.steps else f"{budget.minutes:g} minutes"
    print(
        f"{len(training)} pictures, {len(held_out)} held out; {length} from step {run.step}",
        file=sys.stderr,
    )
    train(run, [make_sample(read_pair(p)) for p in held_out], budget, arguments.output)
    print(arguments.output / CHECKPOINT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
