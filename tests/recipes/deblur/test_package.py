"""The shipped package `deblur-motion`, as it is run; no PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from bridge.inference.package import ModelPackage
from converters.scores.grid import flat_places, grid_of, spectra
from converters.scores.pairs import psnr_rgb
from converters.scores.plain_model import PlainModel

FOLDER = Path(__file__).parents[3] / "models" / "deblur-motion"
SIZE = (200, 136)

Rgb8 = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def model() -> PlainModel:
    return PlainModel(ModelPackage.open(FOLDER))


def drawing() -> Rgb8:
    """Letters, discs and bars before a wall of bricks."""
    picture = Image.new("RGB", (3 * SIZE[0], 3 * SIZE[1]), (168, 120, 96))
    pen = ImageDraw.Draw(picture)
    for row in range(9):
        for column in range(-1, 9):
            x, y = 75 * column + 37 * (row % 2), 46 * row
            pen.rectangle((x, y, x + 68, y + 39), (150 + 9 * (row % 3), 84, 62))
    pen.text((40, 60), "NEXT FRAME", (250, 244, 226), ImageFont.load_default(80))
    for index in range(6):
        x = 60 + 90 * index
        pen.ellipse((x, 230, x + 60, 290), (30, 60 + 30 * index, 120))
        pen.line((x, 310, x + 40, 400), (20, 20, 24), 8)
    return np.asarray(picture.resize(SIZE, Image.Resampling.BOX))


def swept(picture: Rgb8, pixels: int) -> Rgb8:
    """The mean light of a picture that moves sideways by so many pixels, an odd number."""
    light = (picture / 255.0) ** 2.2
    half = pixels // 2
    mean = np.mean([np.roll(light, step, axis=1) for step in range(-half, half + 1)], axis=0)
    return np.rint(255 * mean ** (1 / 2.2)).astype(np.uint8)


def run(model: PlainModel, frame: Rgb8) -> Rgb8:
    model.reset()
    return np.rint(model.run(frame)).astype(np.uint8)


@pytest.mark.parametrize(("pixels", "least_db"), [(3, 0.5), (5, 0.15), (7, 0.0)])
def test_a_swept_frame_comes_nearer_to_the_sharp_one(
    model: PlainModel, pixels: int, least_db: float
) -> None:
    sharp = drawing()
    blurred = swept(sharp, pixels)
    before = psnr_rgb(sharp, blurred, unbiased=True)
    assert psnr_rgb(sharp, run(model, blurred), unbiased=True) > before + least_db


def test_the_direction_of_the_blur_does_not_matter(model: PlainModel) -> None:
    sharp = np.ascontiguousarray(drawing().transpose(1, 0, 2))
    blurred = np.ascontiguousarray(swept(drawing(), 5).transpose(1, 0, 2))
    before = psnr_rgb(sharp, blurred, unbiased=True)
    assert psnr_rgb(sharp, run(model, blurred), unbiased=True) > before + 0.15


def test_what_is_sharp_stays_nearly_as_it_is(model: PlainModel) -> None:
    sharp = drawing()
    assert psnr_rgb(sharp, run(model, sharp)) > 30


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 60, 30)])
def test_a_flat_frame_stays_flat(model: PlainModel, colour: tuple[int, int, int]) -> None:
    model.reset()
    frame = np.empty((136, 200, 3), np.uint8)
    frame[:] = colour
    found = model.run(frame)
    assert np.abs(found - frame).max() < 6
    places = [place for place in flat_places(frame) if 32 <= place[0] < 72 and 32 <= place[1] < 136]
    assert grid_of(spectra(found, places)).levels < 0.25


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (90, 53)])
def test_frames_of_any_size_come_back_at_their_size(
    model: PlainModel, size: tuple[int, int]
) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    model.reset()
    found = model.run(frame)
    assert found.shape == (*size, 3)
    assert np.isfinite(found).all()


def test_without_strength_nothing_changes() -> None:
    frame = drawing()
    still = PlainModel(ModelPackage.open(FOLDER), {"strength": 0.0})
    assert np.array_equal(run(still, frame), frame)


def test_its_manifest_says_what_it_is() -> None:
    manifest = ModelPackage.open(FOLDER).manifest
    assert manifest.task == "deblur"
    assert manifest.cost.macs_per_input_pixel <= 60_000
    metrics = {quality.metric: quality for quality in manifest.quality}
    unbiased = metrics["psnr_unbiased_db"]
    assert unbiased.value >= unbiased.baseline["input"] + 0.3
    assert metrics["pairs_worse_than_input"].value == 0
    assert {"psnr_db", "pairs_worse_than_input", "grid_levels"} <= metrics.keys()
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4_000_000
