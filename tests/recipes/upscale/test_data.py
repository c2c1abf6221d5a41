"""Pairs and patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from converters.luma_psnr import luma  # noqa: E402
from models.recipes.upscale.data import (  # noqa: E402
    HELD_OUT_EVERY,
    Patches,
    Sample,
    make_sample,
    samples_of,
)
from models.recipes.upscale.network import Shape, UpscaleNetwork  # noqa: E402


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_and_what_it_misses_are_the_original(scale: int) -> None:
    whole = picture(50, 39)
    sample = make_sample(whole, scale)
    height, width = 39 // scale, 50 // scale
    assert sample.low.shape == (1, height, width)
    bicubic = UpscaleNetwork(Shape(scale, 2, 1)).enlarged(sample.low[None])[0]
    wanted = luma(whole[: height * scale, : width * scale]) / 255
    assert np.abs((bicubic + sample.missing)[0].numpy() - wanted).max() < 1e-5


def test_pictures_are_learned_from_at_three_sizes_and_some_are_held_back(tmp_path: Path) -> None:
    for index in range(HELD_OUT_EVERY):
        Image.fromarray(picture(40, 30, index)).save(tmp_path / f"{index:02}.png")
    training, watching = samples_of(tmp_path, 2)
    assert len(training) == 3 * (HELD_OUT_EVERY - 1)
    assert [tuple(s.low.shape) for s in training[:3]] == [(1, 15, 20), (1, 12, 16), (1, 9, 12)]
    last = make_sample(picture(40, 30, HELD_OUT_EVERY - 1), 2)
    assert [torch.equal(s.low, last.low) for s in watching] == [True]
    assert not any(torch.equal(s.low, last.low) for s in training)


def test_too_few_pictures_are_said(tmp_path: Path) -> None:
    Image.fromarray(picture(40, 30)).save(tmp_path / "0.png")
    with pytest.raises(FileNotFoundError, match="1 pictures, fewer than the 20"):
        samples_of(tmp_path, 2)


@pytest.mark.parametrize("scale", [2, 3])
def test_patches_of_both_resolutions_belong_together(scale: int) -> None:
    # Every pixel is told by its value, and its enlargement repeats it.
    low = torch.arange(9 * 11, dtype=torch.float32).view(1, 9, 11)
    high = low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    patches = Patches([Sample(low, high)], 4)
    first, target = patches.draw(40, torch.Generator().manual_seed(3))
    assert first.shape == (40, 1, 4, 4)
    assert torch.equal(first.repeat_interleave(scale, 2).repeat_interleave(scale, 3), target)
    turned = {tuple((patch[0, 0, 1:] - patch[0, 0, :-1]).tolist()) for patch in first}
    assert len(turned) == 4  # to the right, to the left, down and up


def test_the_same_chance_draws_the_same_patches() -> None:
    patches = Patches([Sample(torch.rand(1, 20, 20), torch.rand(1, 40, 40))], 8)
    one, two = (patches.draw(5, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_pictures_smaller_than_a_patch_are_left_out_or_refused() -> None:
    small = Sample(torch.zeros(1, 7, 30), torch.zeros(1, 14, 60))
    large = Sample(torch.ones(1, 8, 8), torch.ones(1, 16, 16))
    assert Patches([small, large], 8).draw(9, torch.Generator())[0].min() == 1
    with pytest.raises(ValueError, match="8 pixels wide and high"):
        Patches([small], 8)
