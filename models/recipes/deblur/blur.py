"""Sharp pictures into pairs of a blurred and a sharp one, as an open shutter makes them.

A frame of an open shutter is the mean of what stood before it, in linear light: that is why a
blurred frame is not only softer but also brighter. Pictures are moved at twice the size of the
result and reduced at the end, so that moving itself blurs nothing.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .motion import LONGEST, Motion, draw_motion, smooth_noise

COLOURS = 3
FINE = 2
"""Pixels of the moved picture for each of the result, in each direction."""
STILL_SHARE = 0.06
"""Pairs of which nothing moves: what is sharp must stay as it is."""
FOREGROUND_SHARE = 0.35
NOISE_SHARE, JPEG_SHARE, GLARE_SHARE = 0.5, 0.25, 0.3
BORDER = 6
"""Pixels cut off: what moves in from outside is only a mirror image there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """uint8 (3, H, W), RGB, sRGB-encoded; the sharp one is of the middle of the exposure."""

    blurred: Tensor
    sharp: Tensor


@dataclass(frozen=True, slots=True)
class Layer:
    """Something that moves as one.

    Attributes:
        light: float (3, H, W), linear, or (4, H, W): last, where it hides what is behind it.
    """

    light: Tensor
    motion: Motion


def make_pair(
    sharp: Image.Image, other: Image.Image, size: tuple[int, int], random: torch.Generator
) -> Pair:
    """Blur a picture by a random movement.

    Args:
        sharp: RGB.
        other: RGB; a piece of it may move before the first.
        size: width and height of the result, borders not yet cut off.
    """
    # A camera's response is steeper than the standard's curve or less so.
    gamma = _uniform(random, 1.8, 2.8)
    tone = _draw_tone(random)
    glare = _uniform(random, 0.5, 3) if _chance(random, GLARE_SHARE) else 0.0
    longest = FINE * LONGEST * _uniform(random, 0, 1) ** 0.8
    if _chance(random, STILL_SHARE):
        longest = 0.0
    fine = (size[0] * FINE, size[1] * FINE)
    light = _light(sharp, fine, tone, gamma, glare)
    layers = [Layer(light, draw_motion(fine[1], fine[0], longest, random))]
    if _chance(random, FOREGROUND_SHARE):
        motion = draw_motion(fine[1], fine[0], longest, random)
        near = _light(other, fine, tone, gamma, glare)
        layers.append(Layer(torch.cat([near, _draw_matte(fine, random)]), motion))
    steps = 2 * math.ceil(longest / 3) + 1
    times = [2 * i / (steps - 1) - 1 for i in range(steps)] if steps > 1 else [0.0]
    open_shutter = torch.stack([_seen(layers, t) for t in times]).mean(0)
    kernel = Image.Resampling.BICUBIC if _chance(random, 0.5) else Image.Resampling.BOX
    blurred, still = (
        _encoded(lit, size, gamma, kernel) for lit in (open_shutter, _seen(layers, 0.0))
    )
    if _chance(random, NOISE_SHARE):
        noise = torch.randn(blurred.shape, generator=random) * _uniform(random, 0.2, 1.5)
        blurred = (blurred + noise).round().clamp(0, 255)
    if _chance(random, JPEG_SHARE):
        blurred = _as_jpeg(blurred, int(_uniform(random, 75, 97)))
    inner = (slice(None), slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return Pair(blurred[inner].to(torch.uint8), still[inner].to(torch.uint8))


def _seen(layers: list[Layer], time: float) -> Tensor:
    """The light of all layers at one time, clipped as a sensor does not: the mean is."""
    result = torch.zeros(())
    for layer in layers:
        seen = layer.motion.moved(layer.light, time)
        light = seen[:COLOURS]
        result = light if len(seen) == COLOURS else result + seen[COLOURS:] * (light - result)
    return result


def _light(
    picture: Image.Image, fine: tuple[int, int], tone: Tensor, gamma: float, glare: float
) -> Tensor:
    """Linear light, (3, H, W); white may be brighter than 1, as lamps and skies are."""
    resized = picture.resize(fine, Image.Resampling.BICUBIC)
    encoded = torch.from_numpy(np.array(resized, np.float32)).permute(2, 0, 1) / 255
    exponent, gain, lift = tone[0], tone[1:4, None, None], tone[4]
    encoded = (encoded.clamp(0, 1) ** exponent * gain + lift).clamp(0, 1)
    light = encoded**gamma
    over = ((encoded.amin(0) - 0.92) / 0.08).clamp(0, 1)
    return light * (1 + glare * over)


def _encoded(
    light: Tensor, size: tuple[int, int], gamma: float, kernel: Image.Resampling
) -> Tensor:
    """Of 255, whole numbers, (3, H, W): encoded first and reduced then, as videos are."""
    encoded = (255 * light.clamp(0, 1) ** (1 / gamma)).round().to(torch.uint8)
    reduced = Image.fromarray(encoded.permute(1, 2, 0).numpy()).resize(size, kernel)
    return torch.from_numpy(np.array(reduced, np.float32)).permute(2, 0, 1)


def _as_jpeg(picture: Tensor, quality: int) -> Tensor:
    file = io.BytesIO()
    rows = picture.to(torch.uint8).permute(1, 2, 0).numpy()
    Image.fromarray(rows).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file), np.float32)).permute(2, 0, 1)


def _draw_tone(random: torch.Generator) -> Tensor:
    """Exponent, a gain for each colour, and what is added."""
    exponent = _uniform(random, 0.75, 1.3)
    lift = _uniform(random, -0.03, 0.05)
    gain = _uniform(random, 0.85, 1.1)
    colours = [gain * _uniform(random, 0.95, 1.05) for _ in range(3)]
    return torch.tensor([exponent, *colours, lift])


def _draw_matte(fine: tuple[int, int], random: torch.Generator) -> Tensor:
    """Blots with edges of about two fine pixels."""
    width, height = fine
    cells = int(_uniform(random, 2, 7))
    noise = smooth_noise(height, width, cells, random) - _uniform(random, 0.2, 1.0)
    slope = functional.pad(noise[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = (slope[1:-1, 2:] - slope[1:-1, :-2]).abs() + (slope[2:, 1:-1] - slope[:-2, 1:-1]).abs()
    return (0.5 + noise / (across + 1e-3)).clamp(0, 1)[None]


def _chance(random: torch.Generator, share: float) -> bool:
    return float(torch.rand((), generator=random)) < share


def _uniform(random: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))
