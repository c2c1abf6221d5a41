"""The shipped styles, without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.inference.manifest import ParameterInput
from bridge.inference.package import ModelPackage
from converters.scores.flicker import FILTER, METRIC, METRIC_EDGES
from converters.scores.plain_model import PlainModel
from models.recipes.style.drawings import draw
from models.recipes.style.planes import Planes
from models.recipes.style.render import PAINTINGS

MODELS = Path(__file__).parents[3] / "models"
STYLES = pytest.mark.parametrize("style", sorted(PAINTINGS))
SIDE = 132


def model(style: str, strength: float = 1.0) -> PlainModel:
    package = ModelPackage.open(MODELS / f"style-{style}")
    return PlainModel(package, {"strength": strength}, threads=1)


def drawing(seed: int) -> np.ndarray:
    return draw(np.random.default_rng(seed), SIDE)


def planes(rgb8: np.ndarray) -> Planes:
    return np.ascontiguousarray(rgb8.transpose(2, 0, 1)) / np.float32(255)


@STYLES
def test_it_paints_nearly_what_its_filter_paints(style: str) -> None:
    painter, off, changed = model(style), [], []
    for seed in range(200, 204):
        frame = drawing(seed)
        wanted = 255 * PAINTINGS[style].render(planes(frame)).transpose(1, 2, 0)
        found = painter.run(frame)
        off.append(np.abs(found - wanted).mean())
        changed.append(np.abs(found - frame).mean())
    assert np.mean(off) < 13
    assert np.mean(off) < 0.6 * np.mean(changed)


@STYLES
def test_it_has_a_knob_that_leads_back_to_the_frame(style: str) -> None:
    manifest = ModelPackage.open(MODELS / f"style-{style}").manifest
    knob = manifest.parameters["strength"]
    assert isinstance(knob, ParameterInput)
    assert (knob.min, knob.max, knob.default) == (0, 1, 1)
    frame = drawing(7)
    assert np.abs(model(style, 0.0).run(frame) - frame).max() < 1e-3
    assert np.abs(model(style, 0.5).run(frame) - frame).mean() > 1


@STYLES
def test_noise_changes_it_less_than_the_noise_itself(style: str) -> None:
    frame = drawing(11)
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    noisy = (frame + noise).round().clip(0, 255).astype(np.uint8)
    painter = model(style)
    own = np.abs(painter.run(noisy) - painter.run(frame)).mean()
    assert own < 0.5 * np.abs(noisy.astype(float) - frame).mean()


@STYLES
@pytest.mark.parametrize("size", [(32, 32), (45, 83), (96, 128)])
def test_any_frame_is_painted_and_painted_alike_again(style: str, size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    for frame in (
        np.zeros((*size, 3), np.uint8),
        np.full((*size, 3), 255, np.uint8),
        random.integers(0, 256, (*size, 3)).astype(np.uint8),
    ):
        painter = model(style)
        painted = painter.run(frame)
        assert painted.shape == frame.shape
        assert np.isfinite(painted).all()
        assert np.array_equal(painted, painter.run(frame))
        # Paper, paint and tiles have a grain of their own.
        assert painted.std() > 0.5


@STYLES
def test_its_card_states_flicker_and_edges_beside_the_filter(style: str) -> None:
    quality = ModelPackage.open(MODELS / f"style-{style}").manifest.quality
    stated = {figure.metric: figure for figure in quality}
    for metric in (METRIC, METRIC_EDGES):
        assert FILTER in stated[metric].baseline
        assert "--measure flicker" in stated[metric].command
