"""What a step of edges-to-shoes is."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from converters.scores.lines import Rgb8

from ..training.learner import Learner, follow, set_cosine_rate
from .critic import Critic
from .network import DOWN, UP, Pix2PixNetwork
from .pairs import drawings_of, pairs_of
from .variation import Change, Variation

BATCH = 2
SLOPES = 0.5
"""Of the difference of slopes, in the loss."""
CRITIC_FROM = 0.7
CRITIC_ALONE = 0.05
"""Shares of the first part: the critic has a say after the first of them, and learns before for the
second."""
WHITE = 0.95
"""Of -1 to 1."""
PIECE = 128
"""Pixels: side of what the critic sees of each picture."""


@dataclass(frozen=True, slots=True)
class Part:
    """How a part of the run learns.

    Attributes:
        until: share of the run at its end.
        rate, critic_rate: at its beginning; both fall to zero along a cosine.
        critic: how strongly the critic pulls at a picture, as a share of what the differences do.
        white: how much more a white pixel of a photograph counts than any other.
        change: how pairs are varied.
    """

    until: float
    rate: float
    critic_rate: float
    critic: float
    white: float
    change: Change


PARTS = (
    # What lies inside of which lines, and where soles and linings are light.
    Part(10 / 13, rate=1e-3, critic_rate=4e-4, critic=0.2, white=1, change=Change(0.3, 0.45, 0.3)),
    # Clean white beside drawings of many hands; no longer how bright which shoe was.
    Part(1, rate=5e-4, critic_rate=3e-4, critic=0.2, white=1.5, change=Change(0.2, 0.4, 0.8)),
)


class ShoesLearner(Learner):
    def __init__(
        self,
        seed: int,
        pictures: Sequence[tuple[Rgb8, Rgb8]],
        held_back: Sequence[tuple[Rgb8, Rgb8]] = (),
        *,
        parts: Sequence[Part] = PARTS,
        down: tuple[int, ...] = DOWN,
        up: tuple[int, ...] = UP,
        device: str = "cpu",
    ) -> None:
        super().__init__(seed)
        self.variation = Variation(pairs_of(pictures), self.random)
        self.checked = list(held_back or pictures)
        self.mean = np.mean([photograph for _, photograph in pictures], axis=0)
        self.network = Pix2PixNetwork(down, up).to(device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.critic = Critic().to(device)
        self.parts = parts
        self.networks = {"network": self.network, "critic": self.critic}
        self.averages = {"network": self.average}
        self.optimizers = {
            "network": torch.optim.AdamW(
                self.network.parameters(), parts[0].rate, (0.7, 0.99), weight_decay=0.02, fused=True
            ),
            "critic": torch.optim.Adam(
                self.critic.parameters(), parts[0].critic_rate, (0.5, 0.99), fused=True
            ),
        }
        self.device = device

    def step(self, progress: float) -> float:
        """Returns: L1 of 255."""
        index = next(i for i, p in enumerate(self.parts) if progress < p.until or p.until == 1)
        part, begun = self.parts[index], self.parts[index - 1].until if index else 0.0
        done = (progress - begun) / (part.until - begun)
        batch = self.variation.batch(BATCH, part.change)
        drawings, photographs = (tensor.to(self.device) for tensor in batch)
        set_cosine_rate(self.optimizers["network"], part.rate, done)
        with self._half():
            made = self.network(drawings, self.random)
        weight = 1 + (part.white - 1) * (photographs.amin(1, keepdim=True) > WHITE)
        difference = made.float() - photographs
        differences = (weight * difference.abs()).mean() + SLOPES * _slopes(difference)
        (pull,) = torch.autograd.grad(differences, made, retain_graph=True)
        if part.critic and (index or done >= CRITIC_FROM - CRITIC_ALONE):
            set_cosine_rate(self.optimizers["critic"], part.critic_rate, done)
            wished = self._criticised(drawings, made.detach(), photographs, pull)
            if index or done >= CRITIC_FROM:
                pull = pull + part.critic * wished
        self.optimizers["network"].zero_grad()
        made.backward(pull)
        self.optimizers["network"].step()
        follow(self.average, self.network, self.taken)
        return 127.5 * float(difference.detach().abs().mean())

    def _half(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def _criticised(
        self, drawings: Tensor, made: Tensor, photographs: Tensor, pull: Tensor
    ) -> Tensor:
        """Teach the critic a piece of each picture, then ask where it pulls; as strongly as `pull`
        does there."""
        most = drawings.shape[2] - PIECE + 1
        top, left = torch.randint(0, most, (2,), generator=self.random).tolist()
        cut = (slice(None), slice(None), slice(top, top + PIECE), slice(left, left + PIECE))
        lines = drawings[:, :1][cut]
        mine = made[cut].requires_grad_()
        with self._half():
            judged_real = self.critic(torch.cat([lines, photographs[cut]], 1)).float()
            judged_mine = self.critic(torch.cat([lines, mine.detach()], 1)).float()
        learned = functional.relu(1 - judged_real).mean() + functional.relu(1 + judged_mine).mean()
        self.optimizers["critic"].zero_grad()
        learned.backward()
        self.optimizers["critic"].step()
        with self._half():
            judged = self.critic(torch.cat([lines, mine], 1)).float()
        (wished,) = torch.autograd.grad(-judged.mean(), mine)
        pulls = torch.zeros_like(made)
        pulls[cut] = wished * (pull[cut].norm() / wished.norm().clamp(min=1e-12))
        return pulls

    def make(self, drawings: Sequence[Rgb8]) -> list[np.ndarray]:
        """Pictures of the averaged network: float32 (H, W, 3), of 255."""
        made = []
        with torch.no_grad():
            for drawing in drawings:
                x = drawings_of([(drawing, drawing)]).to(self.device)
                made.append((self.average(x)[0].permute(1, 2, 0).cpu().numpy() + 1) * 127.5)
        return made

    def check(self) -> dict[str, float]:
        """L1 of the pairs held back, or, where all are learned from, of those; less is better."""
        found = self.make([drawing for drawing, _ in self.checked])
        l1 = np.mean([np.abs(m - p).mean() for m, (_, p) in zip(found, self.checked, strict=True)])
        unit = np.mean([np.abs(self.mean - p).mean() for _, p in self.checked])
        return {"l1_of_mean_picture": float(l1 / unit)}

    def preview(self, path: Path) -> None:
        shown = self.checked[:12]
        made = self.make([drawing for drawing, _ in shown])
        rows = [
            np.concatenate([drawing, m.clip(0, 255).astype(np.uint8), photograph])
            for (drawing, photograph), m in zip(shown, made, strict=True)
        ]
        Image.fromarray(np.concatenate(rows, 1)).save(path)


def _slopes(difference: Tensor) -> Tensor:
    """How much slopes between neighbours differ, in the mean."""
    down = (difference[:, :, 1:] - difference[:, :, :-1]).abs().mean()
    along = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    return down + along
