"""The network, its bicubic, and where x3 and x4 begin."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from models.recipes.upscale.network import (  # noqa: E402
    Shape,
    UpscaleNetwork,
    bicubic_kernel,
    resampled_tail,
)

SCALES = (2, 3, 4)


@pytest.mark.parametrize("scale", SCALES)
def test_bicubic_is_pillows_but_at_the_border(scale: int) -> None:
    low = np.random.default_rng(scale).random((19, 24), np.float32)
    size = (24 * scale, 19 * scale)
    wanted = np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))
    found = UpscaleNetwork(Shape(scale, 2, 1)).enlarged(torch.from_numpy(low)[None, None])[0, 0]
    inner = (slice(2 * scale, -2 * scale),) * 2
    assert np.abs(found.numpy() - wanted)[inner].max() < 1e-5
    # A flat picture stays flat up to the border.
    assert np.abs(bicubic_kernel(scale).sum((1, 2, 3)) - 1).max() < 1e-6


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("narrow", [0, 3])
def test_the_result_is_larger_by_the_scale(scale: int, narrow: int) -> None:
    network = UpscaleNetwork(Shape(scale, 4, 2, narrow))
    with torch.no_grad():
        assert network(torch.rand(1, 1, 5, 7)).shape == (1, 1, 5 * scale, 7 * scale)


def test_a_tail_of_the_same_scale_stays_as_it_is() -> None:
    weights = torch.rand(9, 5, 3, 3)
    assert torch.equal(resampled_tail(weights, 3), weights)


@pytest.mark.parametrize("scale", [3, 4])
def test_a_resampled_tail_lies_between_the_subpixels_of_the_old(scale: int) -> None:
    # Rows grow from 0 to 1, columns from 0 to 2.
    old = torch.tensor([0.0, 2.0, 1.0, 3.0])
    new = resampled_tail(old, scale).view(scale, scale)
    assert new[0, 0] == 0
    assert new[-1, -1] == 3
    assert new.mean() == pytest.approx(old.mean().item())
    assert (new.diff(dim=0) >= 0).all()
    assert (new.diff(dim=1) >= 0).all()
    assert torch.allclose(new, -new.flip(0, 1) + 3)
