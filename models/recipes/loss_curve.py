"""A loss curve as a PNG, drawn with Pillow alone."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (800, 400)
MARGIN = (60, 40, 20, 30)
"""Left, top, right, bottom, in pixels."""

INK = (40, 40, 40)
GRID = (220, 220, 220)
LINE = (30, 100, 200)


def draw_loss_curve(losses: list[float], path: Path, title: str) -> None:
    """Draw `losses` from left to right, lowest at the bottom, and write a PNG."""
    picture = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(14)
    left, top, right, bottom = MARGIN[0], MARGIN[1], SIZE[0] - MARGIN[2], SIZE[1] - MARGIN[3]
    pen.text((left, 10), title, INK, font)
    if losses:
        low, high = min(losses), max(losses)
        span = (high - low) or 1.0
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = bottom - part * (bottom - top)
            pen.line([(left, y), (right, y)], GRID)
            pen.text((8, y - 8), f"{low + part * (high - low):.3f}", INK, font)
        width = (right - left) / max(1, len(losses) - 1)
        points = [
            (left + index * width, bottom - (loss - low) / span * (bottom - top))
            for index, loss in enumerate(losses)
        ]
        pen.line(points, LINE, 2)
    picture.save(path, optimize=True)
