"""What a step on footage is: several frames foretold in a row, from one with noise on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...training.learner import Learner, follow, set_cosine_rate
from ..network import NextFrameNetwork
from .clip import Clip
from .plan import Plan
from .pool import Pool, as_float

RATE = 2e-3
WARM_STEPS = 20
"""Until the rate is reached: at once, it would throw a network that repeats its frame far off."""
BETAS = (0.9, 0.99)
MOVING = 1.0
"""How much more an error counts where as much moves as on average."""
UNROLLED_AT = 0.7
"""Share of the run at which it is taught as many frames in a row as the plan says."""
LAST_SHARE = 0.05
"""Of the last convolution's first weights. A short run has no time to unlearn a loud beginning."""
LONGEST_GRADIENT = 1.0
SEEN_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Foretold:
    """One frame and what the network made of the one before.

    Attributes:
        frame: index of the frame before.
        loss: mean absolute error, of 255.
    """

    frame: int
    held_back: bool
    loss: float


def untrained(plan: Plan, device: str) -> NextFrameNetwork:
    """A network of the plan's size that begins by nearly repeating the frame it is given."""
    network = NextFrameNetwork(plan.width, plan.levels)
    with torch.no_grad():
        network.last.weight.mul_(LAST_SHARE)
    network.to(torch.device(device), memory_format=torch.channels_last)
    return network


def optimizer_of(network: NextFrameNetwork) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=RATE, betas=BETAS, fused=True)


class Player:
    """A network that is fed its own frames."""

    def __init__(self, network: NextFrameNetwork, device: torch.device) -> None:
        self._network, self._device = network, device

    def play(self, begin: npt.NDArray[np.float32], ticks: int) -> Iterator[npt.NDArray[np.float32]]:
        """Frames that follow on each other.

        Args:
            begin: float (N, 3, H, W), 0 to 1.
        Yields: float (N, 3, H, W), `ticks` times.
        """
        frame = torch.from_numpy(begin).to(self._device)
        for _ in range(ticks):
            with torch.inference_mode():
                frame = self._network(frame)
            yield _numpy(frame)


class FootageLearner(Learner):
    """Learns what comes next in a clip."""

    def __init__(self, plan: Plan, clip: Clip, device: str) -> None:
        super().__init__(plan.seed)
        self._plan = plan
        self._clip = clip
        self._device = torch.device(device)
        network = untrained(plan, device)
        self.network: NextFrameNetwork = network
        self.average: NextFrameNetwork = copy.deepcopy(network).requires_grad_(False)
        self.networks = {"network": network}
        self.averages = {"network": self.average}
        self.optimizers = {"network": optimizer_of(network)}
        # As bytes: a float copy of a long clip would be four times as large.
        self._frames = torch.from_numpy(clip.frames).to(self._device)
        following = clip.following()
        self._following = torch.from_numpy(following)
        starts = torch.from_numpy(np.flatnonzero(following >= 0))
        self._pool = Pool(self._frames, starts)

    def step(self, progress: float) -> float:
        """One batch; returns the mean absolute error over all frames in a row, of 255."""
        rate = RATE * min(1.0, (self.taken + 1) / WARM_STEPS)
        set_cosine_rate(self.optimizers["network"], rate, progress)
        slots, frame, index = self._pool.begin(self._plan.batch, progress, self.random)
        length = 1 + round(min(1.0, progress / UNROLLED_AT) * (self._plan.unroll - 1))
        loss, error = torch.zeros((), device=self._device), 0.0
        for _ in range(length):
            before, index = self._batch(index), self._following[index]
            wanted = self._batch(index)
            after = frame + self.network.change(frame)
            off = (after - wanted).abs()
            loss = loss + (off * self._weight(before, wanted)).mean() / length
            error += 255 * float(off.detach().mean()) / length
            frame = after.clamp(0, 1)
        self._pool.put_back(slots, frame.detach(), index, length)
        optimizer = self.optimizers["network"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        optimizer.step()
        follow(self.average, self.network, self.taken)
        return error

    def _weight(self, before: Tensor, wanted: Tensor) -> Tensor:
        """(N, 1, H, W): more where something moves. A small thing that moves fast is a small error
        wherever it is put, or left out: for the plain mean the cheapest is to leave it out."""
        moved = (wanted - before).abs().mean(dim=1, keepdim=True)
        return 1 + MOVING * moved / (moved.mean(dim=(1, 2, 3), keepdim=True) + 1 / 255)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "pool": self._pool.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self._pool.load_state(state["pool"])

    def check(self) -> dict[str, float]:
        """As `figures`, of all that it can foretell."""
        return self.figures(self.foretell())

    def figures(self, found: list[Foretold]) -> dict[str, float]:
        """Mean errors of 255 on what is held back and on what is learned from, and `motion`."""
        held = [one.loss for one in found if one.held_back]
        learned = [one.loss for one in found if not one.held_back]
        return {
            "held_back": float(np.mean(held or learned)),
            "learned": float(np.mean(learned)),
            "motion": self.motion(),
        }

    def foretell(self, most: int = 24) -> list[Foretold]:
        """The averages' error on `most` frames of each kind, evenly spread, as they are."""
        return [
            Foretold(start, held_back, 255 * float(error))
            for held_back in (True, False)
            for starts in _parts(_spread(self._clip.starts(1, held_back=held_back), most))
            for start, error in zip(starts, self._errors(starts), strict=True)
        ]

    def made_of(self, frame: int) -> npt.NDArray[np.float32]:
        """float (3, H, W), 0 to 1: what the averages foretell after a frame of the clip."""
        with torch.inference_mode():
            return _numpy(self.average(self._batch(torch.tensor([frame]))))[0]

    def like(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> Player:
        """Another network of this size."""
        other = copy.deepcopy(self.average)
        other.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        return Player(other, self._device)

    def play(self, begin: npt.NDArray[np.float32], ticks: int) -> Iterator[npt.NDArray[np.float32]]:
        """As `Player.play`, of the averages."""
        yield from Player(self.average, self._device).play(begin, ticks)

    def motion(self, ticks: int = 48) -> float:
        """Mean change from tick to tick when left alone, the second half of it, of the clip's."""
        start = self._clip.starts(1)[0]
        begin = self._clip.frames[start].transpose(2, 0, 1)[None].astype(np.float32) / 255
        played = list(self.play(begin, ticks))[ticks // 2 :]
        changes = [
            float(np.abs(b - a).mean()) for a, b in pairwise(played)
        ]  # fmt: skip
        return float(np.mean(changes)) / self._clip.repeat_loss(_spread(self._clip.starts(1), 64))

    def _errors(self, starts: list[int]) -> Tensor:
        index = torch.tensor(starts)
        with torch.inference_mode():
            made = self.average(self._batch(index))
            return (made - self._batch(index + 1)).abs().mean(dim=(1, 2, 3)).cpu()

    def _batch(self, index: Tensor) -> Tensor:
        """float (N, 3, H, W), 0 to 1, channels last."""
        return as_float(self._frames[index.to(self._device)])


def _numpy(frames: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(frames.cpu().numpy(), np.float32)


def _spread(items: list[int], most: int) -> list[int]:
    """At most so many of them, evenly spread."""
    if len(items) <= most:
        return items
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _parts(items: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(items), SEEN_AT_ONCE):
        yield items[begin : begin + SEEN_AT_ONCE]
