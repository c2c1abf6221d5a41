"""The recipes of the upscalers: one architecture, weights for each scale, and a fast variant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..recipe import Options, Recipe
from ..training.learner import Learner
from ..training.loop import CHECKPOINT
from .data import samples_of
from .export import export_package
from .learner import UpscaleLearner
from .network import Shape

PICTURES = "train-images"
"""Folder in `Options.data`."""


def _learner(shape: Shape, options: Options, start: str = "") -> Learner:
    training, watching = samples_of(options.data / PICTURES, shape.scale)
    learner = UpscaleLearner(shape, training, watching, options.seed, device=options.device)
    if start:
        checkpoint = options.trained / start / CHECKPOINT
        if not checkpoint.is_file():
            raise FileNotFoundError(
                f"{checkpoint}: no such file; train {start} first, whose weights this one begins "
                "with"
            )
        state = torch.load(checkpoint, weights_only=True)
        learner.begin_with(state["learner"]["averages"]["upscale"])
    return learner


def _recipe(name: str, shape: Shape, steps: int, after: str = "") -> Recipe:
    def learner(options: Options) -> Learner:
        return _learner(shape, options, after)

    def export(state: dict[str, Any], package: Path, options: Options) -> None:
        export_package(name, shape, state, package, options)

    return Recipe(name, steps, learner, export, after)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        _recipe("upscale-x2", Shape(2, width=32, body=4, narrow=16), 28000),
        _recipe("upscale-x3", Shape(3, width=32, body=4, narrow=16), 5000, "upscale-x2"),
        _recipe("upscale-x4", Shape(4, width=32, body=4, narrow=16), 5000, "upscale-x2"),
        _recipe("upscale-x2-fast", Shape(2, width=32, body=2, narrow=16), 24000),
    )
}
