"""Mosaic: glass tiles in grout, each of one colour, or cut in two along a contour that crosses it.

What is found in a frame are the two colours of each tile and the straight cut between them. The
grid lies on the screen: shapes of tiles, their tilt to the light and the grout are drawn once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .painting import Easel, Painting
from .planes import Plane, Planes, blur, smooth_step
from .screen import noise

TILE = 12
PERIOD = 10 * TILE
"""Pixels after which the drawing of tiles repeats."""
ROUNDS = 3
CONTRAST = (0.07, 0.16)
"""How far the two colours of a tile are apart, of 1, from where it is cut."""
FIT = (0.72, 0.84)
"""The share of a tile's pixels that a straight cut puts on the right side, likewise."""

GROUT = (0.225, 0.210, 0.205)
SATURATION = 1.38


def layers(frame: Planes) -> Planes:
    """
    Args:
        frame: float32 (3, H, W), RGB, 0 to 1; sides are multiples of TILE.
    Returns: (9, H / TILE, W / TILE), 0 to 1: the darker colour and the lighter one, and the cut: a
        vector across it towards the lighter side, and how far it is from the tile's middle along
        that vector in tiles. The three are (1 + value) / 2, and near a half where there is no cut.
    """
    rows, columns = (side // TILE for side in frame.shape[1:])
    tiles = blur(frame, 0.6).reshape(3, rows, TILE, columns, TILE).transpose(1, 3, 0, 2, 4)
    pixels = tiles.reshape(rows, columns, 3, TILE * TILE)
    mean = pixels.mean(3, keepdims=True)
    light = _lighter(pixels - mean)
    u, v = (plane.reshape(-1) for plane in _within())
    share = light.mean(2)
    # From the middle of the dark pixels to that of the light ones.
    over = 1 / np.maximum(share * (1 - share), 0.02)
    towards = [((light - share[..., None]) * at).mean(2) * over for at in (u, v)]
    length = np.sqrt(towards[0] ** 2 + towards[1] ** 2 + np.float32(1e-6))
    across_u, across_v = towards[0] / length, towards[1] / length
    reach = across_u[..., None] * u + across_v[..., None] * v
    # As many pixels on the light side as are light.
    rank = ((1 - share) * (TILE * TILE - 1)).round().astype(int)[..., None]
    offset = np.take_along_axis(np.sort(reach, 2), rank, 2)
    beyond = (reach >= offset).astype(np.float32)
    right = (beyond == light).mean(2)
    dark_colour, light_colour = _means(pixels, 1 - beyond), _means(pixels, beyond)
    apart = np.sqrt(((light_colour - dark_colour) ** 2).mean(2))
    cut = smooth_step(apart, *CONTRAST) * smooth_step(right, *FIT)
    whole = mean[..., 0]
    dark_colour = whole + cut[..., None] * (dark_colour - whole)
    light_colour = whole + cut[..., None] * (light_colour - whole)
    line = np.stack([across_u * cut, across_v * cut, offset[..., 0] * cut], 2) * 0.5 + 0.5
    found = np.concatenate([dark_colour, light_colour, line], 2)
    return np.ascontiguousarray(found.transpose(2, 0, 1)).astype(np.float32)


def _lighter(centred: Planes) -> Planes:
    """1 for those pixels of each tile that belong to the lighter of its two colours, else 0.

    Args:
        centred: (rows, columns, 3, pixels), less the mean of each tile.
    """
    weights = np.float32([0.299, 0.587, 0.114])
    grey = np.einsum("c,rtcp->rtp", weights, centred)
    # The colours are told apart along the line on which they differ most (power iteration).
    covariance = np.einsum("rtcp,rtdp->rtcd", centred, centred)
    axis = weights + np.einsum("rtcp,rtp->rtc", centred, grey)
    for _ in range(4):
        axis = np.einsum("rtcd,rtd->rtc", covariance, axis)
        axis /= np.sqrt((axis**2).sum(2, keepdims=True)) + np.float32(1e-9)
    # Lighter is up, by luma; without any difference in it, redder is.
    up = np.where(axis @ (weights + np.float32([1e-3, 0, 0])) < 0, -1, 1).astype(np.float32)
    value = np.einsum("rtc,rtcp->rtp", axis * up[..., None], centred)
    bound = np.zeros_like(value[..., :1])
    for _ in range(ROUNDS):
        above = (value > bound).astype(np.float32)
        high = (value * above).sum(2) / np.maximum(above.sum(2), 1)
        low = (value * (1 - above)).sum(2) / np.maximum((1 - above).sum(2), 1)
        bound = ((high + low) / 2)[..., None]
    return (value > bound).astype(np.float32)


def _means(pixels: Planes, share: Planes) -> Planes:
    """(rows, columns, 3) of (rows, columns, 3, pixels), by the weights (rows, columns, pixels)."""
    total = np.maximum(share.sum(2), 1)[..., None]
    means: Planes = np.einsum("rtcp,rtp->rtc", pixels, share) / total
    return means


def _within() -> tuple[Plane, Plane]:
    """Where each pixel of a tile is, from its middle, in tiles: to the right, and down."""
    at = (np.arange(TILE, dtype=np.float32) + 0.5) / TILE - 0.5
    return np.broadcast_to(at, (TILE, TILE)), np.broadcast_to(at[:, None], (TILE, TILE))


@cache
def screen_maps() -> Planes:
    """(6, PERIOD, PERIOD): how much is tile and not grout, the light on it, the tones of its darker
    and its lighter part, and where in the tile it is, to the right and down."""
    random = np.random.default_rng(11)
    count = PERIOD // TILE
    shape, lit = np.zeros((2, PERIOD, PERIOD), np.float32)
    dark_tone, light_tone = random.normal(0, 1, (2, count, count)).clip(-2, 2)
    u, v = _within()
    for row in range(count):
        for column in range(count):
            # Broken by hand: no side quite straight up, and no two of one size.
            lean = random.normal(0, 0.040, 4)
            west, east, north, south = random.uniform(0.425, 0.475, 4)
            sides = np.stack([
                west + u - lean[0] * v, east - u - lean[1] * v,
                north + v - lean[2] * u, south - v - lean[3] * u,
            ])  # fmt: skip
            rim = sides.min(0) * TILE
            window = np.s_[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            shape[window] = (rim + 0.5).clip(0, 1)
            edge = (1 - rim / 1.8).clip(0, 1)
            facing = np.float32([0.75, -0.75, 1.0, -1.0])[sides.argmin(0)]
            tilt = random.normal(0, 0.16, 2)
            lit[window] = 0.9 * edge * facing + tilt[0] * u * 2 + tilt[1] * v * 2
    tones = [np.kron(t, np.ones((TILE, TILE))) for t in (dark_tone, light_tone)]
    rough = noise(31, 0.9, period=PERIOD)
    lit = lit + 0.10 * rough
    tones = [t + 0.25 * rough for t in tones]
    place = [np.tile(p, (count, count)) for p in (u, v)]
    return np.stack([shape, lit, *tones, *place]).astype(np.float32)


def compose(found: Any, screen: Any, easel: Easel) -> Any:
    """Tiles in grout.

    Args:
        found: (N, 9, H / TILE, W / TILE), `layers`; arrays of NumPy or PyTorch, or values of a
            graph.
        screen: (1, 6, H, W), `screen_maps` as they lie on the screen.
    Returns: (N, 3, H, W), RGB, 0 to 1.
    """
    spread = easel.enlarge(found, TILE)
    dark_colour, light_colour = spread[:, 0:3], spread[:, 3:6]
    shape, lit = screen[:, 0:1], screen[:, 1:2]
    dark_tone, light_tone = screen[:, 2:3], screen[:, 3:4]
    line = spread[:, 6:9] * 2 - 1
    across_u, across_v, offset = line[:, 0:1], line[:, 1:2], line[:, 2:3]
    past = (across_u * screen[:, 4:5] + across_v * screen[:, 5:6] - offset) * TILE
    side = (past + 0.5).clip(0, 1)
    cut = ((across_u * across_u + across_v * across_v) * 3 - 0.75).clip(0, 1)
    # How far from the cut, in pixels: half a line of grout, then a lit rim on either side.
    near = (past * past + 0.01) ** 0.5
    gap = cut * (1.35 - near).clip(0, 1)
    rim = cut * (1 - (near - 1.9) * (near - 1.9)).clip(0, 1) * (side * 2 - 1)
    light = lit - rim * (across_u * 0.75 + across_v) * 0.55
    colour = dark_colour + (light_colour - dark_colour) * side
    tone = dark_tone + (light_tone - dark_tone) * (side * cut)
    grey = np.float32([[0.299, 0.587, 0.114]] * 3)
    rich = easel.mix(colour, SATURATION * np.eye(3, dtype=np.float32) + (1 - SATURATION) * grey)
    glass = (rich.clip(0, 1) + 0.03) * (1.04 + 0.26 * light + 0.10 * tone) + 0.06 * light
    solid = shape * (1 - gap)
    grout = easel.join([(0.12 * tone + 1) * value for value in GROUT])
    return (grout + (glass - grout) * solid).clip(0, 1)


MOSAIC = Painting("mosaic", layers, 9, screen_maps, compose, cell=TILE, pictures=1600, jitters=6)
