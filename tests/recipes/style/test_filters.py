"""What the painterly filters find and paint."""

from __future__ import annotations

import numpy as np
import pytest

from models.recipes.style import mosaic
from models.recipes.style.drawings import draw
from models.recipes.style.ink import INK
from models.recipes.style.mosaic import MOSAIC, TILE
from models.recipes.style.oil import OIL
from models.recipes.style.painting import ArrayEasel, Painting
from models.recipes.style.planes import Planes
from models.recipes.style.screen import spread

PAINTINGS = pytest.mark.parametrize("painting", [INK, OIL, MOSAIC], ids=lambda p: p.name)


def drawing(side: int = 96, seed: int = 3) -> Planes:
    """float32 (3, side, side), 0 to 1."""
    pixels = draw(np.random.default_rng(seed), side)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(255)


def disc(side: int = 96) -> Planes:
    """A dark disc on white."""
    y, x = np.mgrid[0:side, 0:side] - side / 2 + 0.5
    inside = np.clip(side / 3 - np.hypot(x, y) + 0.5, 0, 1)
    return np.stack([1 - 0.8 * inside] * 3).astype(np.float32)


@PAINTINGS
def test_layers_are_between_0_and_1_and_of_the_stated_shape(painting: Painting) -> None:
    for frame in (drawing(), disc(), np.zeros((3, 96, 96), np.float32)):
        layers = painting.layers(frame)
        side = 96 // painting.cell
        assert layers.shape == (painting.count, side, side)
        assert layers.dtype == np.float32
        assert layers.min() >= -1e-5
        assert layers.max() <= 1 + 1e-5


@PAINTINGS
def test_what_is_found_moves_with_the_picture(painting: Painting) -> None:
    whole = drawing(144)
    step = 12
    layers = [painting.layers(whole[:, t : t + 120, t : t + 120]) for t in (0, step)]
    cells, far = step // painting.cell, 36 // painting.cell
    first, second = layers[0][:, cells:, cells:], layers[1][:, :-cells, :-cells]
    inner = np.s_[:, far:-far, far:-far]
    assert np.abs(first - second)[inner].max() < 2e-3


@PAINTINGS
def test_maps_of_the_screen_join_themselves(painting: Painting) -> None:
    maps = painting.screen_maps()
    assert np.array_equal(maps, painting.screen_maps())
    period = maps.shape[1]
    screen = spread(maps, 3, 5, period + 20, 30)
    assert np.array_equal(screen[0, :, :20], screen[0, :, period:])
    assert np.array_equal(screen[0, :, 0, 0], maps[:, 3, 5])
    # Over the joint a map changes no more than elsewhere.
    for plane in maps[:1]:
        steps = np.abs(np.diff(plane, axis=1)).max()
        assert np.abs(plane[:, 0] - plane[:, -1]).max() <= steps * 1.2 + 1e-6


@PAINTINGS
def test_a_picture_is_painted_at_any_size(painting: Painting) -> None:
    painted = painting.render(drawing(96)[:, :61, :50])
    assert painted.shape == (3, 61, 50)
    assert painted.std() > 0.05


def test_ink_draws_a_line_along_a_contour_and_hatches_what_is_dark() -> None:
    line, shade, _, spot = INK.layers(disc())
    y, x = np.mgrid[0:96, 0:96] - 47.5
    radius = np.hypot(x, y)
    assert line[np.abs(radius - 31) < 1].mean() > 0.5
    assert line[radius < 24].max() < 0.05
    assert line[radius > 40].max() < 0.05
    assert shade[radius < 20].mean() > 0.7
    assert shade[radius > 40].mean() < 0.1
    assert spot.max() == 0


def test_ink_washes_vermilion_over_warm_colours_alone() -> None:
    frame = np.zeros((3, 32, 64), np.float32)
    frame[0, :, :32], frame[2, :, 32:] = 0.8, 0.8
    spot = INK.layers(frame)[3]
    assert spot[:, :20].min() > 0.9
    assert spot[:, 44:].max() == 0


def test_oil_keeps_contours_and_takes_the_noise_off_areas() -> None:
    clean = disc()
    noisy = clean + 0.03 * np.random.default_rng(0).standard_normal(clean.shape)
    colour = OIL.layers(noisy.clip(0, 1).astype(np.float32))[:3]
    assert colour[:, 40:56, 40:56].std() < 0.008
    # Across the border of the disc, from white to dark, within four pixels.
    row = colour[0, 48]
    assert row[83] > 0.88
    assert row[76] < 0.35


def test_oil_finds_the_direction_along_bars() -> None:
    bars = np.zeros((3, 64, 64), np.float32)
    bars[:, :, ::8] = bars[:, :, 1::8] = bars[:, :, 2::8] = bars[:, :, 3::8] = 1
    # Upright is an angle of 90 degrees: the cosine of twice that is -1.
    upright = OIL.layers(bars)[3:, 20:44, 20:44]
    level = OIL.layers(bars.transpose(0, 2, 1))[3:, 20:44, 20:44]
    assert upright[0].max() < 0.15
    assert level[0].min() > 0.85
    assert np.abs(upright[1] - 0.5).max() < 0.15


def test_a_tile_that_a_contour_crosses_is_cut_along_it() -> None:
    frame = np.zeros((3, TILE, 3 * TILE), np.float32)
    frame[:, :, TILE + 4 :] = 0.8
    found = mosaic.layers(frame)
    dark, light, line = found[:3], found[3:6], 2 * found[6:] - 1
    assert np.abs(dark[:, 0, 1]).max() < 0.1
    assert np.abs(light[:, 0, 1] - 0.8).max() < 0.1
    # To the right, a third of a tile less a half from the middle.
    assert line[0, 0, 1] > 0.9
    assert abs(line[1, 0, 1]) < 0.1
    assert abs(line[2, 0, 1] - (4 / TILE - 0.5)) < 0.06
    assert np.abs(line[:, 0, [0, 2]]).max() < 1e-3


def test_a_tile_is_of_one_colour_but_for_light_and_tone() -> None:
    frame = np.full((3, 48, 48), 0.5, np.float32) + 0.1 * drawing(48)
    painted = MOSAIC.render(frame)
    middle = painted.reshape(3, 4, TILE, 4, TILE)[:, :, 4:8, :, 4:8]
    assert middle.std(axis=(2, 4)).max() < 0.06


def test_the_way_a_picture_is_painted_takes_a_batch() -> None:
    frames = np.stack([INK.layers(drawing(64, seed)) for seed in (1, 2)])
    screen = spread(INK.screen_maps(), 0, 0, 64, 64)
    both = INK.compose(frames, screen, ArrayEasel())
    assert both.shape == (2, 3, 64, 64)
    assert np.array_equal(both[1], INK.compose(frames[1:], screen, ArrayEasel())[0])
