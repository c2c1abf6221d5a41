"""What the shipped upscalers do, without the framework that trained them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.frames import FrameFormat
from bridge.inference.package import ModelPackage
from bridge.inference.pixels import compose
from bridge.inference.runner import Runner, RunOptions
from converters.cost import count_cost
from converters.luma_psnr import FloatPicture, Rgb8, bicubic, luma, psnr
from converters.scores.plain_model import PlainModel
from models.recipes.upscale.preview import draw_detail

MODELS = Path(__file__).parents[3] / "models"
MOST_MACS = {
    "upscale-x2": 48_000, "upscale-x2-fast": 26_889, "upscale-x3": 48_500, "upscale-x4": 53_000
}  # fmt: skip
"""For each pixel of the frame; the fast one has to stay below c-DCSCN's 26,890."""


@pytest.fixture(params=sorted(MOST_MACS))
def package(request: pytest.FixtureRequest) -> ModelPackage:
    return ModelPackage.open(MODELS / request.param)


def scale_of(package: ModelPackage) -> int:
    port = package.manifest.frame_output
    assert port is not None
    return port.scale


def drawing(scale: int) -> tuple[Rgb8, Rgb8]:
    """Of both resolutions."""
    high = draw_detail((60 * scale, 68 * scale))
    return np.asarray(high.resize((60, 68), Image.Resampling.BICUBIC)), np.asarray(high)


def enlarged(low: Rgb8, scale: int) -> FloatPicture:
    """Bicubic in float, not clamped, (H, W, 3) of 255."""
    planes = [bicubic(plane.astype(np.float32), scale) for plane in low.transpose(2, 0, 1)]
    return np.stack(planes, 2)


def test_a_drawing_comes_out_better_than_by_bicubic(package: ModelPackage) -> None:
    scale = scale_of(package)
    low, high = drawing(scale)
    found = PlainModel(package, threads=1).run(low)
    gain = psnr(luma(high), luma(found), scale) - psnr(
        luma(high), luma(enlarged(low, scale)), scale
    )
    assert gain > 1.0


def test_colour_differences_are_those_of_bicubic(package: ModelPackage) -> None:
    scale = scale_of(package)
    low = (drawing(scale)[0] // 2 + 64).astype(np.uint8)  # so that nothing is clamped
    found = PlainModel(package, threads=1).run(low)
    wanted = enlarged(low, scale)
    inner = (slice(3 * scale, -3 * scale),) * 2
    for one, other in ((0, 1), (1, 2)):
        change = (found[..., one] - found[..., other]) - (wanted[..., one] - wanted[..., other])
        assert np.abs(change)[inner].max() < 0.01


def test_what_is_flat_stays_flat_and_black_black(package: ModelPackage) -> None:
    model = PlainModel(package, threads=1)
    reach = package.manifest.tiling.overlap * model.scale
    for colour in ((0, 0, 0), (255, 255, 255), (90, 160, 40), (20, 20, 20)):
        flat = model.run(np.full((40, 44, 3), colour, np.uint8))
        inside = flat[reach:-reach, reach:-reach]
        assert np.abs(inside - np.array(colour)).max() <= 1.5
        # No grid of sub-pixels.
        assert inside.std(axis=(0, 1)).max() < 0.4


def test_it_costs_what_it_may_and_says_so(package: ModelPackage) -> None:
    cost = count_cost(package.load_graph())
    assert cost == package.manifest.cost
    assert cost.macs_per_input_pixel <= MOST_MACS[package.name]


def test_the_bridge_moves_its_subpixels_behind_the_rounding(package: ModelPackage) -> None:
    source = FrameFormat(width=31, height=17, alpha="opaque")
    assert compose(package.load_graph(), package.manifest, source).form == "bytes"
    scale = scale_of(package)
    frame = np.random.default_rng(0).integers(0, 256, (17, 31, 4), np.uint8)
    result = np.zeros((17 * scale, 31 * scale, 4), np.uint8)
    Runner(package, source, RunOptions(provider="cpu")).run(frame, result)
    wanted = PlainModel(package, threads=1).run(np.ascontiguousarray(frame[..., :3]))
    assert np.abs(result[..., :3] - wanted).max() <= 0.502


def test_every_figure_is_above_bicubics(package: ModelPackage) -> None:
    assert {q.dataset for q in package.manifest.quality} == {"Set5", "Set14"}
    for figure in package.manifest.quality:
        assert figure.value > figure.baseline["bicubic"]
        assert figure.command.startswith(f"framebridge models score models/{package.name} ")
