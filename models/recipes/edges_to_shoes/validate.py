"""Try a run on pairs that are held back from the training pairs, before the run on all of them:
`python -m models.recipes.edges_to_shoes.validate`.

The pairs that the package is measured on take no part in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ..recipe import DATA, TRAINED
from ..training.loop import Run, train
from .learner import ShoesLearner
from .recipes import STEPS, training_pairs

EVERY = 6
"""The third of the training pairs by name, and from there each sixth, are held back here."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on a part of the training pairs.")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER")
    parser.add_argument("--steps", type=int, default=STEPS, metavar="N")
    parser.add_argument("--threads", type=int, default=2, metavar="T")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pairs = training_pairs(arguments.data)
    held_back = pairs[2::EVERY]
    learned = [pair for index, pair in enumerate(pairs) if index % EVERY != 2]
    learner = ShoesLearner(1, learned, held_back)
    run = Run("edges-to-shoes", learner, 1, arguments.steps)
    train(run, TRAINED / "edges-to-shoes-validated")


if __name__ == "__main__":
    main()
