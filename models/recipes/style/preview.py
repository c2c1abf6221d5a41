"""The picture on the card: drawn frames, and what the package makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bridge.demo.source import EngineSource, FrameSource, PatternSource
from bridge.errors import EngineError
from bridge.inference.package import ModelPackage
from converters.scores.plain_model import PlainModel

from .drawings import Rgb8

SIZE = (528, 312)
"""Width and height of a frame."""
TICKS = (120, 700)
STRIP, GAP = 26, 6


def write_preview(folder: Path) -> None:
    """Write `preview.png` into the package in `folder`: two scenes, before and after."""
    model = PlainModel(ModelPackage.open(folder))
    frames = drawn_frames()
    width, height = SIZE
    columns = 2
    sheet = Image.new(
        "RGB", (columns * (width + GAP) - GAP, len(frames) * (height + GAP) - GAP + STRIP), "white"
    )
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    for column, label in enumerate(("frame", model.package.name)):
        at = column * (width + GAP) + width / 2, STRIP / 2
        pen.text(at, label, "black", font, anchor="mm")
    for row, frame in enumerate(frames):
        result = np.rint(model.run(frame)).astype(np.uint8)
        for column, pixels in enumerate((frame, result)):
            place = column * (width + GAP), STRIP + row * (height + GAP)
            sheet.paste(Image.fromarray(pixels), place)
    # 256 colours are enough for so few, and a third of the bytes.
    sheet.quantize(256, dither=Image.Dither.NONE).save(folder / "preview.png", optimize=True)


def drawn_frames() -> list[Rgb8]:
    """Of the demo's scene; of its pattern where no engine can run."""
    source: FrameSource
    try:
        source = EngineSource(*SIZE)
    except EngineError:
        source = PatternSource(*SIZE)
    try:
        return [np.array(source.render(tick)[..., :3]) for tick in TICKS]
    finally:
        source.close()
