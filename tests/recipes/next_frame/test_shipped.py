"""The shipped packages stay alive, and so does the blend of both, made without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.inference.package import ModelPackage
from converters.drawing import draw
from converters.luma_psnr import Rgb8
from converters.scores.life import Feedback, Pace, pace
from converters.scores.plain_model import PlainModel
from models.recipes.next_frame.blend import blend_packages
from models.recipes.next_frame.simulate import WORLDS, rgb8, simulated

MODELS = Path(__file__).parents[3] / "models"
SIDE = 72
TICKS = 600
NAMES = ("fluid", "growth")


def shipped(name: str) -> ModelPackage:
    return ModelPackage.open(MODELS / f"next-{name}")


@pytest.fixture(scope="module")
def simulations() -> dict[str, Pace]:
    """Of 255; a third of the ticks tells the pace of all."""
    return {
        name: pace(
            255 * frame.transpose(1, 2, 0)
            for frame in simulated(WORLDS[name](SIDE, SIDE), TICKS // 3)
        )
        for name in NAMES
    }


def start(kind: str, name: str) -> Rgb8:
    if kind == "simulated":
        return np.asarray(rgb8(next(iter(simulated(WORLDS[name](SIDE, SIDE), 1)))))
    if kind == "noise":
        noise = np.random.default_rng(0).normal(127.5, 64, (SIDE, SIDE, 3))
        return np.clip(noise, 0, 255).astype(np.uint8)
    if kind == "drawing":
        return draw(SIDE, SIDE)
    return np.full((SIDE, SIDE, 3), 255 if kind == "white" else 0, np.uint8)


def assert_alive(found: Pace, wanted: Pace) -> None:
    """As alive as a simulation: over all ticks, and in each hundred after the first."""
    assert np.isfinite(found.contrast).all()
    spans = [slice(None), *(slice(tick, tick + 100) for tick in range(100, TICKS, 100))]
    for span in spans:
        contrast = found.contrast[span].mean() / wanted.contrast.mean()
        change = found.change[span].mean() / wanted.change.mean()
        assert 0.5 <= contrast <= 2, span
        assert 0.25 <= change <= 3, span


@pytest.mark.parametrize("kind", ["simulated", "black", "white", "noise", "drawing"])
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_package_stays_alive_from_any_start(
    name: str, kind: str, simulations: dict[str, Pace]
) -> None:
    frames = Feedback(shipped(name)).run(start(kind, name), TICKS)
    assert_alive(pace(frames), simulations[name])


@pytest.mark.parametrize("kind", ["black", "noise"])
def test_half_of_each_packages_weights_stays_alive(
    kind: str, simulations: dict[str, Pace], tmp_path: Path
) -> None:
    between = blend_packages(shipped("fluid"), shipped("growth"), 0.5, tmp_path / "between")
    found = pace(Feedback(between).run(start(kind, "fluid"), TICKS))
    for name in NAMES:
        assert_alive(found, simulations[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_package_plays_by_itself_and_repeats_itself(name: str) -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    first, again, other = (PlainModel(shipped(name), seed=seed) for seed in (7, 7, 8))
    for _ in range(20):
        made = first.run(black)
        np.testing.assert_array_equal(made, again.run(black))
        assert not np.array_equal(made, other.run(black))
