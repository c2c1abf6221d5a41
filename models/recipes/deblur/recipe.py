"""The recipe of `deblur-motion`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..recipe import Options, Recipe
from .export import make_package
from .learner import NAME, learner

STEPS = 8800


def export(checkpoint: dict[str, Any], package: Path, options: Options) -> None:
    """Write the package of a checkpoint.

    Raises: ValueError: the graph differs from the network. FileNotFoundError: no test pictures.
    """
    recipe = (
        f"python -m models.recipes.make {NAME} --steps {checkpoint['step']} "
        f"--seed {checkpoint['seed']}"
    )
    weights = checkpoint["learner"]["averages"]["deblur"]
    make_package(package, weights, recipe, options.data / "deblur-images" / "reds")


RECIPES = {NAME: Recipe(NAME, STEPS, learner, export)}
