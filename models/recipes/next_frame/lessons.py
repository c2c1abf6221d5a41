"""What a next-frame network learns from: a simulation, from wherever the network takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .learning import OLDEST, Loops, small_noise
from .world import World

SIDE = 64
"""Of the boxes that are simulated to learn from; what happens in them is local, so that frames of
any size behave alike."""
TICKS = 2
BATCH = 4
POOL = 192
"""Clips that are drawn from."""
REFILL_EVERY = 20
"""Steps between two times that some clips are replaced."""
LOOPS = 4
"""Of each kind in each world."""
YOUNGEST = 8
"""Ticks that loops of the network live at most when the training begins."""
GO_ON = 10
"""Ticks that the loops go on before clips are taken from where they stand."""


class Lessons:
    """Clips of simulations, from frames that the simulation and the network have come to.

    A network that only sees what the simulation shows drifts, on its own results, to frames that it
    has never seen. So beside the training two kinds of feedback loops go on, some of the simulation
    and some of the network, from frames of all kinds; from where they stand the simulation shows
    what should come next, and those clips replace older ones in the pool that is learned from.
    Source: dataset aggregation, Ross, Gordon and Bagnell, 2011.

    Args:
        worlds: what to learn; clips of each are in the pool alike.
        random: the source of all chance.
        alone: share of the run in which the network is spared its own results, of which a
            beginner's are noise.
        pool: how many clips are drawn from.
    """

    def __init__(
        self, worlds: list[World], random: torch.Generator, *, alone: float = 0.0, pool: int = POOL
    ) -> None:
        self.worlds, self.random, self.alone = worlds, random, alone
        chance = self._numpy_random()
        self.true_loops = [Loops.start(world, LOOPS, chance) for world in worlds]
        self.own_loops = [Loops.start(world, LOOPS, chance, YOUNGEST) for world in worlds]
        size = (pool, TICKS + 1, 3, worlds[0].height, worlds[0].width)
        self.pool = torch.zeros(size, dtype=torch.uint8)
        self.replaced = 0
        while self.replaced < pool:
            self._refill(None, 0)

    def draw(self, taken: int, network: nn.Module, progress: float) -> tuple[Tensor, Tensor]:
        """A batch of clips, and noise for their first frames, as `unrolled_loss` takes them.

        Args:
            taken: steps so far; every so many the loops go on.
            network: whose own results are learned from.
            progress: 0 at the first step of the run, 1 after the last.
        """
        if taken % REFILL_EVERY == REFILL_EVERY - 1:
            self._refill(network, progress)
        chosen = torch.randint(0, len(self.pool), (BATCH,), generator=self.random)
        clips = _turned(self.pool[chosen].float() / 255, self.random)
        return clips, small_noise(clips[:, 0], self.random)

    def figures(self) -> dict[str, float]:
        """How alive the network's own loops are, as shares of the simulation's: 1 is alike."""
        figures = {}
        for own, true in zip(self.own_loops, self.true_loops, strict=True):
            found, wanted = own.alive(), true.alive()
            figures[f"{own.world.name}_contrast"] = found[0] / max(wanted[0], 1e-6)
            figures[f"{own.world.name}_change"] = found[1] / max(wanted[1], 1e-6)
        return figures

    def write_picture(self, path: Path) -> None:
        """A PNG of where all loops stand: a row of the simulation's, a row of the network's."""
        rows = [
            np.concatenate([*loops.frames], axis=2)
            for pair in zip(self.true_loops, self.own_loops, strict=True)
            for loops in pair
        ]
        shown = np.rint(255 * np.concatenate(rows, axis=1)).astype(np.uint8)
        Image.fromarray(np.ascontiguousarray(shown.transpose(1, 2, 0))).save(path)

    def state(self) -> dict[str, Any]:
        loops = [loops.state() for loops in (*self.true_loops, *self.own_loops)]
        return {"pool": self.pool, "replaced": self.replaced, "loops": loops}

    def load_state(self, state: dict[str, Any]) -> None:
        self.pool.copy_(state["pool"])
        self.replaced = state["replaced"]
        for loops, kept in zip((*self.true_loops, *self.own_loops), state["loops"], strict=True):
            loops.load_state(kept)

    def _refill(self, network: nn.Module | None, progress: float) -> None:
        """Let all loops go on, and put clips that start where they stand into the pool.

        Loops of the network live longer and longer: where a beginner gets to after many ticks is
        nothing to learn from.
        """
        random = self._numpy_random()
        skilled = max(0.0, min(1.0, progress) - self.alone) / (1 - self.alone)
        oldest = YOUNGEST + round((OLDEST - YOUNGEST) * skilled)
        network = network if skilled else None
        for world, true, own in zip(self.worlds, self.true_loops, self.own_loops, strict=True):
            true.renew(random)
            own.renew(random, oldest, true)
            for loops, runs_on in ((true, None), (own, network)):
                # Of those that have just begun the first ticks are learned too.
                going = int(random.integers(0, 1 + min(2 * GO_ON, oldest)))
                if going:
                    loops.go(going, runs_on)
                clips = world.clips(loops.frames, TICKS)
                clips = np.concatenate([loops.frames[:, None], clips], axis=1)
                for clip in torch.from_numpy(np.rint(255 * clips).astype(np.uint8)):
                    self.pool[self.replaced % len(self.pool)] = clip
                    self.replaced += 1

    def _numpy_random(self) -> np.random.Generator:
        return np.random.default_rng(
            int(torch.randint(0, 2**62, (1,), generator=self.random).item())
        )


def _turned(clips: Tensor, random: torch.Generator) -> Tensor:
    """All by the same number of quarter turns; in a mirror a swirl would turn the wrong way."""
    turns = int(torch.randint(0, 4, (1,), generator=random).item())
    return clips.rot90(turns, (3, 4)).contiguous()
