"""`card.png`: what a converted network is and does, on one picture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bridge.contact_sheet import small_png
from bridge.inference.manifest import Manifest

MOST_BYTES = 1_000_000
_WIDTH, _EDGE, _GAP = 1200, 36, 16
_PAPER, _INK, _SOFT, _LINE = (250, 248, 243), (28, 30, 40), (104, 104, 112), (214, 208, 196)
_TALLEST = 520


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture on the card.

    Attributes:
        pixels: uint8 (H, W, 3), RGB.
    """

    label: str
    pixels: npt.NDArray[np.uint8]


def draw(manifest: Manifest, facts: Sequence[tuple[str, str]], panels: Sequence[Panel]) -> bytes:
    """The card as PNG of at most `MOST_BYTES`.

    Args:
        facts: what stands below the pictures: a word or two, and a sentence.
        panels: one to four pictures, side by side, each scaled to the same height.
    """
    lines = [
        (word, line if index else f"{line}", index == 0)
        for word, sentence in facts
        for index, line in enumerate(textwrap.wrap(sentence, 104) or [""])
    ]
    shown = _scaled(panels)
    tall = max((image.height for image in shown), default=0)
    height = 128 + (tall + 44 if shown else 0) + 25 * len(lines) + _EDGE
    sheet = Image.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_EDGE, 26), manifest.title or manifest.name, _INK, ImageFont.load_default(34))
    family = f"{manifest.architecture or 'network'}  ·  {manifest.task}  ·  {manifest.name}"
    pen.text((_EDGE, 76), family, _SOFT, ImageFont.load_default(18))
    top = 120
    left = _EDGE
    for panel, image in zip(panels, shown, strict=True):
        pen.text((left, top), panel.label, _SOFT, ImageFont.load_default(16))
        sheet.paste(image, (left, top + 26))
        left += image.width + _GAP
    top += tall + 44 if shown else 0
    pen.line((_EDGE, top - 4, _WIDTH - _EDGE, top - 4), _LINE)
    for index, (word, line, first) in enumerate(lines):
        y = top + 8 + 25 * index
        if first:
            pen.text((_EDGE, y), word, _SOFT, ImageFont.load_default(16))
        pen.text((_EDGE + 170, y), line, _INK, ImageFont.load_default(16))
    return small_png(sheet, MOST_BYTES)


def _scaled(panels: Sequence[Panel]) -> list[Image.Image]:
    """All of one height, as wide together as the card."""
    if not panels:
        return []
    images = [Image.fromarray(panel.pixels) for panel in panels]
    room = _WIDTH - 2 * _EDGE - _GAP * (len(images) - 1)
    height = min(_TALLEST, room / sum(image.width / image.height for image in images))
    return [
        image.resize(
            (max(1, round(height * image.width / image.height)), max(1, round(height))),
            # What is enlarged shows its pixels as they are.
            Image.Resampling.NEAREST if image.height * 2 <= height else Image.Resampling.LANCZOS,
        )
        for image in images
    ]
