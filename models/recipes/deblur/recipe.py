"""The recipe of `deblur-motion`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..recipe import Options, Recipe
from .learner import NAME, learner


def export(checkpoint: dict[str, Any], package: Path, options: Options) -> None:
    """Write the package of a checkpoint."""
    raise NotImplementedError


RECIPES = {NAME: Recipe(NAME, 9000, learner, export)}
