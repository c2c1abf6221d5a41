"""Steps of training: that they teach, repeat, and go on where they stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from models.recipes.training.loop import CHECKPOINT, Run, train  # noqa: E402
from models.recipes.upscale.data import Sample  # noqa: E402
from models.recipes.upscale.learner import Teaching, UpscaleLearner  # noqa: E402
from models.recipes.upscale.muon import Muon, orthogonal  # noqa: E402
from models.recipes.upscale.network import Shape  # noqa: E402

TINY = Shape(2, 4, 2, 3)


def samples(scale: int = 2) -> list[Sample]:
    """Where the low resolution is light, bicubic misses a pattern."""
    random = torch.Generator().manual_seed(1)
    low = torch.rand((1, 24, 24), generator=random)
    pattern = torch.zeros(scale, scale)
    pattern[0, 0], pattern[-1, -1] = 0.1, -0.1
    return [Sample(low, torch.kron(low[0], pattern)[None])]


def learner(scale: int = 2, seed: int = 1) -> UpscaleLearner:
    shape = Shape(scale, TINY.width, TINY.body, TINY.narrow)
    return UpscaleLearner(shape, samples(scale), samples(scale), seed, Teaching(side=8, batch=4))


def test_it_learns_what_bicubic_misses(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    run = Run("upscale-x2", learner(), 1, 60)
    before = run.learner.check()["gain_db"]
    train(run, tmp_path)
    assert run.figures[-1]["gain_db"] > before + 3


def test_a_run_that_was_stopped_equals_one_that_was_not(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = Run("upscale-x2", learner(), 1, 8)
    train(whole, tmp_path / "whole")
    part = Run("upscale-x2", learner(), 1, 8)
    for _ in range(5):
        part.learner.step(part.progress)
        part.learner.taken += 1
    part.save(tmp_path / CHECKPOINT)
    # Everything must come from the checkpoint, whatever chance gave this one.
    resumed = Run("upscale-x2", learner(seed=9), 9, 8)
    resumed.load(tmp_path / CHECKPOINT)
    train(resumed, tmp_path / "resumed")
    for kind in ("networks", "averages"):
        wanted, found = (r.learner.state()[kind]["upscale"] for r in (whole, resumed))
        assert all(torch.equal(wanted[name], found[name]) for name in wanted)


@pytest.mark.parametrize("scale", [3, 4])
def test_other_scales_begin_with_the_weights_of_x2(scale: int) -> None:
    start = learner().average.state_dict()
    other = learner(scale)
    other.begin_with(start)
    taken = other.average.state_dict()
    for name, weight in start.items():
        if not name.startswith("tail."):
            assert torch.equal(taken[name], weight)
            assert torch.equal(other.network.state_dict()[name], weight)
    assert torch.equal(taken["tail.weight"][0], start["tail.weight"][0])


def test_a_step_of_muon_has_equal_singular_values() -> None:
    torch.manual_seed(0)
    for shape in ((16, 72), (72, 16)):
        matrix = torch.randn(shape) * torch.logspace(0, -2, shape[1])
        singular = torch.linalg.svdvals(orthogonal(matrix))
        assert singular.max() < 1.3
        assert singular.min() > 0.3
    weight = torch.nn.Parameter(torch.zeros(8, 8, 3, 3))
    optimizer = Muon([weight], 0.5)
    weight.grad = torch.randn(8, 8, 3, 3)
    optimizer.step()
    assert (weight * weight.grad).sum() < 0
    assert weight.detach().norm().item() == pytest.approx(0.5 * 8**0.5, rel=0.3)
