"""card.png: small, readable, and of any set of pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bridge.inference.package import ModelPackage
from bridge.supervisor.library import shipped_folder
from converters.card_picture import MOST_BYTES, Panel, draw

MANIFEST = ModelPackage.peek(shipped_folder() / "upscale-x2").manifest


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_any_number_of_pictures_fits_side_by_side(count: int) -> None:
    panels = [Panel(f"picture {index}", noise(64, 96)) for index in range(count)]
    image = opened(draw(MANIFEST, [("rate", "60 frames a second")], panels))
    assert image.width == 1200
    assert image.height < 900


def test_it_stays_small_whatever_the_pictures_are() -> None:
    panels = [Panel("before", noise(1080, 1920)), Panel("after", noise(2160, 3840))]
    assert len(draw(MANIFEST, [], panels)) < MOST_BYTES


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1)])
def test_odd_shapes_are_drawn(shape: tuple[int, int]) -> None:
    assert opened(draw(MANIFEST, [], [Panel("odd", noise(*shape))])).width == 1200


def test_long_sentences_are_broken_into_lines() -> None:
    short = opened(draw(MANIFEST, [("note", "short")], []))
    long = opened(draw(MANIFEST, [("note", "word " * 100)], []))
    assert long.height > short.height
