"""Pairs as other shoes, drawn by other hands."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from converters.scores.lines import Rgb8  # noqa: E402
from models.recipes.edges_to_shoes import variation as module  # noqa: E402
from models.recipes.edges_to_shoes.pairs import REACH, pairs_of  # noqa: E402
from models.recipes.edges_to_shoes.variation import Change, Variation  # noqa: E402

SIDE = 64


def pair() -> tuple[Rgb8, Rgb8]:
    """A red box with an outline, well inside of the sheet."""
    drawing = np.full((SIDE, SIDE, 3), 255, np.uint8)
    drawing[20:44, 16:48] = 0
    drawing[21:43, 17:47] = 255
    photograph = np.full((SIDE, SIDE, 3), 255, np.uint8)
    photograph[20:44, 16:48] = (180, 30, 40)
    return drawing, photograph


def batch(seed: int = 1, size: int = 4, plain: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    made = Variation(pairs_of([pair()]), torch.Generator().manual_seed(seed))
    return made.batch(size, Change(plain, thin=0.4, brightness=0.5))


def test_the_same_seed_gives_the_same_batch_and_another_seed_another() -> None:
    for first, again, other in zip(batch(), batch(), batch(2), strict=True):
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


def test_all_values_are_finite_and_of_the_network_s_range() -> None:
    for seed in range(5):
        for part in batch(seed, 8):
            assert part.shape == (8, 3, SIDE, SIDE)
            assert torch.isfinite(part).all()
            assert part.min() >= -1
            assert part.max() <= 1


def test_pairs_that_stay_plain_keep_sharp_lines_and_only_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EMPTY", 0.0)
    monkeypatch.setattr(module, "MIRRORED", 0.0)
    drawings, photographs = batch(size=8, plain=1)
    dark = (drawings[:, 0] < 0).sum((1, 2))
    assert (dark == (pair()[0][..., 0] == 0).sum()).all()
    assert ((drawings.abs() - 1).abs() < 1e-4).all()
    # Lines are where the photograph ends.
    covered = (photographs.min(1).values < 0.9).float()
    assert ((drawings[:, 0] < 0) <= (covered > 0)).all()


def test_drawing_and_photograph_are_bent_alike() -> None:
    drawings, photographs = batch(3, 12)
    for drawing, photograph in zip(drawings[:, 0], photographs.min(1).values, strict=True):
        ink, solid = (drawing < 0).nonzero(), (photograph < 0.8).nonzero()
        if len(ink) > 20:
            assert (ink.float().mean(0) - solid.float().mean(0)).abs().max() < SIDE / 6


def test_an_empty_sheet_goes_with_an_empty_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EMPTY", 1.0)
    for part in batch():
        assert (part == 1).all()


def test_other_colours_leave_white_white() -> None:
    _, photographs = batch(5, 16)
    assert (photographs[:, :, :2, :2] > 0.999).all()
    tops = photographs.amin((2, 3))
    assert tops.std(0).max() > 0.1


def test_distances_are_those_of_the_nearest_line_up_to_their_reach() -> None:
    near = pairs_of([pair()]).near[0, 0]
    assert near[20, 30] == REACH
    assert near[17, 30] == REACH - 3
    assert near[18, 14] == pytest.approx(REACH - 8**0.5)
    assert near[0, 0] == 0
    assert near[32, 32] == 0
