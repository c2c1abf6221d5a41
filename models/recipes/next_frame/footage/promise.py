"""Eight pictures, learned by heart: what a network of this size can reach on this footage."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from .clip import Clip
from .learner import RATE, WARM_STEPS, optimizer_of, untrained
from .plan import Plan

PICTURES = 8
MOST_STEPS = 600
ENOUGH = 0.7
"""Of the error of repeating: what a network that can learn this footage gets below."""
STEPS_TO_JUDGE = 150


@dataclass(frozen=True, slots=True)
class Promise:
    """What overfitting showed; losses are mean absolute errors of one step, of 255.

    Attributes:
        pictures: how many.
        repeat: loss of repeating them.
        begun, reached: of the network, untrained and overfitted.
        falling: it still fell when time was up.
    """

    pictures: int
    repeat: float
    begun: float
    reached: float
    steps: int
    seconds: float
    falling: bool

    @property
    def bound(self) -> float:
        """The loss that the run will hardly get below; 0 if there was no time to find it."""
        tells = self.reached <= ENOUGH * self.repeat or self.steps >= STEPS_TO_JUDGE
        return self.reached if tells else 0.0

    @property
    def sentences(self) -> list[str]:
        share = self.reached / self.repeat
        told = (
            f"Before the run, a network of this size learned {self.pictures} steps of the clip by "
            f"heart for {self.seconds:.0f} s: its error fell from {self.begun:.2f} to "
            f"{self.reached:.2f} of 255, where repeating the frame before is off by "
            f"{self.repeat:.2f}."
        )
        still = " It was still falling, so the true bound lies lower." if self.falling else ""
        if share <= ENOUGH:
            means = (
                f"So it can explain at least {1 - share:.0%} of what moves here; frames that it "
                f"has not seen will come out above {self.reached:.2f}.{still}"
            )
        elif self.falling or self.steps < STEPS_TO_JUDGE:
            means = (
                "Time was too short to say how far it can get: it did not learn them by heart yet."
            )
        else:
            means = (
                "That is little: much of this footage cannot be foretold from one frame, or needs "
                "a larger network or smaller pictures. Expect soft, slow motion."
            )
        return [told, means]


def overfit(plan: Plan, clip: Clip, device: str, budget_s: float) -> Promise:
    """Teach a network of the plan's size eight steps of the clip, and no more, for a while."""
    torch.manual_seed(plan.seed)
    network = untrained(plan, device)
    optimizer = optimizer_of(network)
    starts = clip.starts(1)
    picked = [starts[i] for i in np.linspace(0, len(starts) - 1, PICTURES).round().astype(int)]
    picked = sorted(set(picked))
    before, after = (
        torch.from_numpy(clip.frames[[s + step for s in picked]])
        .to(device).permute(0, 3, 1, 2).float().div_(255)
        for step in (0, 1)
    )  # fmt: skip
    repeat = 255 * float((before - after).abs().mean())
    losses: list[float] = []
    begun_s = time.monotonic()
    while len(losses) < MOST_STEPS and (len(losses) < 2 or time.monotonic() - begun_s < budget_s):
        spent = max(len(losses) / MOST_STEPS, (time.monotonic() - begun_s) / budget_s)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (len(losses) + 1) / WARM_STEPS) * max(0.1, 1 - spent)
        loss = (before + network.change(before) - after).abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(255 * float(loss.detach()))
    quarter = max(1, len(losses) // 4)
    reached = min(losses)
    falling = reached < 0.9 * min(losses[:-quarter] or losses)
    return Promise(
        len(picked), repeat, losses[0], reached, len(losses), time.monotonic() - begun_s, falling
    )
