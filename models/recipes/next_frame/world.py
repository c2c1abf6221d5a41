"""What a simulation is, whose whole state is a picture of three channels."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

Batch = npt.NDArray[np.float32]


class World(ABC):
    """A simulation in a box, with pictures of all that it remembers.

    Pictures and states are float32 (N, 3, H, W). A picture is `colours @ state + ground`, 0 to 1;
    the matrix can be inverted, so that any picture whatever is a state to go on from.

    Attributes:
        name: as a command names it.
        ground: (3,), RGB of the state 0.
        colours: (3, 3), RGB in rows, state in columns.
    """

    name: str
    ground: Batch
    colours: Batch

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width

    @abstractmethod
    def step(self, state: Batch) -> Batch:
        """The state one tick later."""

    @abstractmethod
    def bounded(self, state: Batch) -> Batch:
        """The nearest state that can be."""

    @abstractmethod
    def first_pictures(self, count: int, random: np.random.Generator) -> Batch:
        """Pictures from which what is typical comes about soon."""

    def pictures(self, state: Batch) -> Batch:
        shown = np.einsum("cs,nshw->nchw", self.colours, state) + self.ground[:, None, None]
        return np.clip(shown, 0, 1, dtype=np.float32)

    def states(self, pictures: Batch) -> Batch:
        back = np.linalg.inv(self.colours.astype(np.float64)).astype(np.float32)
        state = np.einsum("sc,nchw->nshw", back, pictures - self.ground[:, None, None])
        return self.bounded(state.astype(np.float32))

    def clips(self, pictures: Batch, ticks: int) -> Batch:
        """What comes after each picture: (N, ticks, 3, H, W)."""
        state = self.states(pictures)
        made = []
        for _ in range(ticks):
            state = self.step(state)
            made.append(self.pictures(state))
        return np.stack(made, axis=1)
