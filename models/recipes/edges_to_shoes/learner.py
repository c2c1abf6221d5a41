"""What a step of edges-to-shoes is."""

from __future__ import annotations

import copy
from collections.abc import Sequence
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
from .variation import Variation

BATCH = 2
RATE = 1e-3
CRITIC_RATE = 4e-4
SLOPES = 0.5
"""Of the difference of slopes, in the loss."""
CRITIC = 0.2
"""How strongly the critic pulls at a picture, as a share of what the differences do."""
CRITIC_FROM = 0.7
CRITIC_ALONE = 0.05
"""Shares of the run: the critic has a say after the first, and learns before for the second."""
PIECE = 128
"""Pixels: side of what the critic sees of each picture."""


class ShoesLearner(Learner):
    def __init__(
        self,
        seed: int,
        pictures: Sequence[tuple[Rgb8, Rgb8]],
        held_back: Sequence[tuple[Rgb8, Rgb8]] = (),
        *,
        critic: float = CRITIC,
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
        self.critic_weight = critic
        self.networks = {"network": self.network, "critic": self.critic}
        self.averages = {"network": self.average}
        self.optimizers = {
            "network": torch.optim.AdamW(
                self.network.parameters(), RATE, (0.7, 0.99), weight_decay=0.02, fused=True
            ),
            "critic": torch.optim.Adam(
                self.critic.parameters(), CRITIC_RATE, (0.5, 0.99), fused=True
            ),
        }
        self.device = device

    def step(self, progress: float) -> float:
        """Returns: L1 of 255."""
        drawings, photographs = (t.to(self.device) for t in self.variation.batch(BATCH))
        set_cosine_rate(self.optimizers["network"], RATE, progress)
        with self._half():
            made = self.network(drawings, self.random)
        l1 = (made.float() - photographs).abs().mean()
        differences = l1 + SLOPES * _slopes(made.float(), photographs)
        (pull,) = torch.autograd.grad(differences, made, retain_graph=True)
        if self.critic_weight and progress >= CRITIC_FROM - CRITIC_ALONE:
            pull = pull + self._criticised(drawings, made.detach(), photographs, pull, progress)
        self.optimizers["network"].zero_grad()
        made.backward(pull)
        self.optimizers["network"].step()
        follow(self.average, self.network, self.taken)
        return 127.5 * float(l1.detach())

    def _half(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16)

    def _criticised(
        self, drawings: Tensor, made: Tensor, photographs: Tensor, pull: Tensor, progress: float
    ) -> Tensor:
        """Teach the critic, then ask it where it pulls; as strongly as `pull` times its weight."""
        set_cosine_rate(self.optimizers["critic"], CRITIC_RATE, progress)
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
        pulls = torch.zeros_like(pull)
        if progress < CRITIC_FROM:
            return pulls
        with self._half():
            judged = self.critic(torch.cat([lines, mine], 1)).float()
        (wished,) = torch.autograd.grad(-judged.mean(), mine)
        strength = self.critic_weight * pull[cut].norm() / wished.norm().clamp(min=1e-12)
        pulls[cut] = strength * wished
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


def _slopes(made: Tensor, wanted: Tensor) -> Tensor:
    """The mean difference of slopes between neighbours."""
    difference = made - wanted
    down = (difference[:, :, 1:] - difference[:, :, :-1]).abs().mean()
    along = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    return down + along
