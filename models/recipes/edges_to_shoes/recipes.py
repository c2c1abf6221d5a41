"""The recipe of edges-to-shoes."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import MediaError
from converters.scores.lines import Rgb8, read_pair, split

from ..recipe import Options, Recipe
from ..training.learner import Learner
from .export import export
from .learner import ShoesLearner

PAIRS = "pix2pix/edges2shoes100"
"""Folder in `Options.data`."""
STEPS = 6500


def training_pairs(data: Path) -> list[tuple[Rgb8, Rgb8]]:
    """Those that are not held back for measuring.

    Raises: FileNotFoundError.
    """
    folder = data / PAIRS
    try:
        return [read_pair(file) for file in split(folder)[0]]
    except MediaError as error:
        raise FileNotFoundError(f"{error}\nGive the folder that holds {PAIRS} by --data") from None


def _learner(options: Options) -> Learner:
    return ShoesLearner(options.seed, training_pairs(options.data), device=options.device)


RECIPES = {"edges-to-shoes": Recipe("edges-to-shoes", STEPS, _learner, export)}
