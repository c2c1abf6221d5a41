"""Pictures side by side on one sheet, each with its label."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Rgb8 = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), sRGB-encoded."""
Cell = tuple[str, Rgb8]
"""A label, which may be empty, and its picture."""

MOST_WIDE = 1600
MOST_HIGH = 2400
_LARGEST, _MOST_ZOOM = 512, 8
"""A small picture is enlarged to sides of at most that, by at most that factor."""
_SHARES = (1, 0.85, 0.7, 0.55, 0.4, 0.25, 0.125)
"""Of the sides, for a file that is to become smaller."""
_EDGE, _GAP, _ROW_GAP = 20, 12, 18
_LABEL, _LINE, _TITLE = 15, 19, 22
_PAPER, _INK, _SOFT, _FRAME = (250, 248, 243), (28, 30, 40), (92, 92, 100), (222, 217, 206)


def draw(rows: Sequence[Sequence[Cell]], title: str = "") -> Rgb8:
    """One sheet of pictures in rows, at most MOST_WIDE x MOST_HIGH pixels.

    What is small is enlarged by a whole number, so that its pixels stay what they are; what is
    large is made smaller with a Lanczos filter. Within a row a smaller picture, such as an
    upscaler's frame beside its result, is enlarged to the row's height as far as whole numbers go;
    one factor for the whole sheet does the rest, so that rows can be compared.

    Args:
        rows: of (label, picture), each uint8 (H, W, 3); rows may differ in length and size.
    Raises: ValueError: there is no picture.
    """
    kept = [list(row) for row in rows if row]
    if not kept:
        raise ValueError("a contact sheet needs a picture")
    shapes = [_row_shapes([picture for _, picture in row]) for row in kept]
    factor = _factor(shapes)
    images = [
        [_resized(picture, shape, factor) for (_, picture), shape in zip(row, of_row, strict=True)]
        for row, of_row in zip(kept, shapes, strict=True)
    ]
    labels = [
        [_lines(label, image.width) for (label, _), image in zip(row, shown, strict=True)]
        for row, shown in zip(kept, images, strict=True)
    ]
    tops, top = [], _EDGE + (_TITLE + 14 if title else 0)
    for shown, of_row in zip(images, labels, strict=True):
        text = _LINE * max(len(lines) for lines in of_row)
        tops.append((top, top + text + (4 if text else 0)))
        top = tops[-1][1] + max(image.height for image in shown) + _ROW_GAP
    width = max(sum(i.width for i in shown) + _GAP * (len(shown) - 1) for shown in images)
    titled = _title(title)
    least = math.ceil(titled.getlength(title)) if title else 0
    size = (min(MOST_WIDE, max(width, least) + 2 * _EDGE), top - _ROW_GAP + _EDGE)
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    if title:
        pen.text((_EDGE, _EDGE - 6), title, _INK, titled)
    for (above, below), shown, of_row in zip(tops, images, labels, strict=True):
        left = _EDGE
        for image, lines in zip(shown, of_row, strict=True):
            for index, line in enumerate(lines):
                pen.text((left, above + index * _LINE), line, _SOFT, _font())
            box = (left - 1, below - 1, left + image.width, below + image.height)
            pen.rectangle(box, outline=_FRAME)
            sheet.paste(image, (left, below))
            left += image.width + _GAP
    return np.asarray(sheet)


def small_png(image: Image.Image, most_bytes: int) -> bytes:
    """An optimised PNG: fewer colours, and then fewer pixels, until it is small enough.

    Returns: at most `most_bytes`, unless 128 colours at an eighth of the sides still take more.
    """
    data = b""
    for share in _SHARES:
        size = (max(1, int(image.width * share)), max(1, int(image.height * share)))
        shown = image if share == 1 else image.resize(size, Image.Resampling.LANCZOS)
        data = _png(shown)
        # Nothing that is far too large becomes small enough by fewer colours.
        for colours, promising in ((256, 5), (128, 2)):
            if not most_bytes < len(data) <= promising * most_bytes:
                break
            # Rounds of k-means: 1 to 3 dB better than median cut alone, and no larger.
            data = _png(shown.quantize(colours, kmeans=size[0] * size[1] // 10 + 1))
        if len(data) <= most_bytes:
            break
    return data


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _row_shapes(pictures: Sequence[Rgb8]) -> list[tuple[int, int]]:
    """Width and height of each picture, brought near to the tallest of them by whole numbers."""
    tallest = max(picture.shape[0] for picture in pictures)
    zooms = [max(1, tallest // picture.shape[0]) for picture in pictures]
    return [(p.shape[1] * z, p.shape[0] * z) for p, z in zip(pictures, zooms, strict=True)]


def _factor(shapes: Sequence[Sequence[tuple[int, int]]]) -> float:
    """By what all pictures are enlarged: a whole number, or less than 1."""
    room_high = MOST_HIGH - 2 * _EDGE - 60 - len(shapes) * (2 * _LINE + _ROW_GAP)
    factor = room_high / sum(max(height for _, height in row) for row in shapes)
    for row in shapes:
        room_wide = MOST_WIDE - 2 * _EDGE - _GAP * (len(row) - 1)
        factor = min(factor, room_wide / sum(width for width, _ in row))
    if factor < 1:
        return factor
    largest = max(max(shape) for row in shapes for shape in row)
    return float(max(1, min(int(factor), _LARGEST // largest, _MOST_ZOOM)))


def _resized(picture: Rgb8, shape: tuple[int, int], factor: float) -> Image.Image:
    image = Image.fromarray(picture)
    size = (max(1, int(shape[0] * factor)), max(1, int(shape[1] * factor)))
    if size == image.size:
        return image
    enlarges = size[0] > image.width
    whole = enlarges and size[0] % image.width == 0 == size[1] % image.height
    return image.resize(size, Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS)


def _lines(label: str, width: int) -> list[str]:
    """The label in lines no wider than its picture, as far as its words allow."""
    lines: list[str] = []
    for word in label.split():
        if lines and _font().getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_LABEL)


def _title(title: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """As large as the sheet has room for."""
    font = ImageFont.load_default(_TITLE)
    room = MOST_WIDE - 2 * _EDGE
    needed = font.getlength(title)
    return font if needed <= room else ImageFont.load_default(max(8, _TITLE * room / needed))
