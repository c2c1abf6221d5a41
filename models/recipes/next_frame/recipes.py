"""The recipes of `next-fluid` and `next-growth`, and of the start that both are trained from."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bridge.inference.manifest import Quality
from bridge.inference.package import ModelPackage
from converters.card import PREVIEW, write_card
from converters.scores.life import LIFE

from ..recipe import Options, Recipe
from ..training.learner import Learner
from ..training.loop import CHECKPOINT
from .about import ABOUT
from .export import make_package
from .fluid import Fluid
from .growth import Growth
from .learner import NETWORK, RATE, SimulationLearner
from .lessons import SIDE
from .pair import PairLearner
from .preview import write_preview
from .simulate import SIDE as MEASURED_SIDE
from .simulate import WORLDS, write_frames
from .stirred import Stirred

START = "next-start"
PAIR = "next-pair"
"""The run that makes both packages."""
STEPS = {START: 450, PAIR: 5000}
ALONE = 0.3
FINE_RATE = 1.5e-3
"""Of what goes on from the common start."""


def make_start(options: Options) -> Learner:
    """Learns the fluid, which takes longest: what sees flow in a frame sees growth in it soon.

    Of both worlds at once it learns the fluid hardly at all, since the same black or white frame is
    to become two things.
    """
    return SimulationLearner([Fluid(SIDE, SIDE)], options.seed, RATE, alone=ALONE)


def make_pair(options: Options) -> Learner:
    """Both packages, from the common start."""
    checkpoint = options.trained / START / CHECKPOINT
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: no such file; make {START} first")
    weights = weights_of(torch.load(checkpoint, weights_only=True), NETWORK)
    worlds = (Fluid(SIDE, SIDE), Growth(SIDE, SIDE), Stirred(SIDE, SIDE))
    return PairLearner(*worlds, options.seed, FINE_RATE, weights)


def weights_of(checkpoint: dict[str, Any], network: str) -> dict[str, Tensor]:
    """What is shipped of a checkpoint: the averages of one network."""
    weights: dict[str, Tensor] = checkpoint["learner"]["averages"][network]
    return weights


def _export(name: str) -> Callable[[dict[str, Any], Path, Options], None]:
    def export(checkpoint: dict[str, Any], folder: Path, options: Options) -> None:
        about = ABOUT[name]
        if name == START:
            make_package(folder, weights_of(checkpoint, NETWORK), about)
            return
        weights = weights_of(checkpoint, name.removeprefix("next-"))
        with tempfile.TemporaryDirectory() as other:
            make_package(Path(other) / name, weights, about)
            quality = measured(ModelPackage.open(Path(other) / name))
        make_package(folder, weights, about, quality=quality)
        write_preview(ModelPackage.open(folder), folder / PREVIEW)
        write_card(folder)

    return export


def measured(package: ModelPackage) -> list[Quality]:
    """How alive it is beside the simulation that it learned, on frames that it never saw."""
    world = package.name.removeprefix("next-")
    output = f"out/simulated/{world}"
    command = (
        f"python -m models.recipes.next_frame.simulate {world} --output {output} && "
        f"framebridge models score models/{package.name} --dataset {output}"
    )
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / world
        write_frames(WORLDS[world](MEASURED_SIDE, MEASURED_SIDE), dataset)
        figures = LIFE.run(package, dataset, lambda done, count, next_name: None)
    return [
        Quality(
            dataset=figure.dataset, metric=figure.metric,
            value=_unflattered(figure.value, figure.metric), command=command,
        )
        for figure in figures
    ]  # fmt: skip


def _unflattered(value: float, metric: str) -> float:
    """Two decimals, away from 1: a figure is not made to look better."""
    rounded = math.ceil if metric.endswith("_most") else math.floor
    return rounded(100 * value) / 100


RECIPES = {
    START: Recipe(START, STEPS[START], make_start, _export(START)),
    **{
        f"next-{world}": Recipe(
            f"next-{world}", STEPS[PAIR], make_pair, _export(f"next-{world}"),
            after=START, run=PAIR,
        )
        for world in WORLDS
    },
}  # fmt: skip
