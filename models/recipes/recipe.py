"""What a recipe is: a network to train and a package to make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .training.learner import Learner

DATA = Path("../shared/data")
TRAINED = Path("out/train")


@dataclass(frozen=True, slots=True)
class Options:
    """What a run may be told.

    Attributes:
        data: holds the pictures that recipes learn from and those that packages are measured on.
        trained: holds a folder for each recipe, with its checkpoint; a recipe that starts from
            another's weights finds them there.
        device: as PyTorch names it.
    """

    seed: int = 1
    data: Path = DATA
    trained: Path = TRAINED
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one package is made.

    Attributes:
        steps: those of the run that made the shipped package.
        learner: makes what is trained, from nothing or from another recipe's checkpoint. Raises
            FileNotFoundError with what to do if pictures or that checkpoint are missing.
        export: takes a checkpoint (`Run.facts()` and "learner"), and writes the package with card
            and pictures into a folder. Raises ValueError if the graph differs from the network.
        after: the recipe whose checkpoint it starts from.
        run: of the run that makes it, where one run makes several packages; by default as the
            package.
    """

    name: str
    steps: int
    learner: Callable[[Options], Learner]
    export: Callable[[dict[str, Any], Path, Options], None]
    after: str = ""
    run: str = ""

    @property
    def run_name(self) -> str:
        """Of the run, and of the folder that keeps its checkpoint."""
        return self.run or self.name
