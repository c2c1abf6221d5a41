"""Before and after on one labelled picture, for a package's card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bridge.contact_sheet import Cell, draw, small_png
from bridge.errors import MediaError

MOST_BYTES = 400_000


def write_contact_sheet(
    path: Path, rows: Sequence[Sequence[Cell]], title: str = "", most_bytes: int = MOST_BYTES
) -> None:
    """Write a PNG of pictures in rows, each below its label.

    Args:
        rows: of (label, picture), each uint8 (H, W, 3), sRGB-encoded; rows may differ in length
            and in size. A sheet is at most 1600 pixels wide and 2400 high: what is small is
            enlarged by a whole number, what is large reduced.
        most_bytes: the file takes no more: it gets fewer colours, and then fewer pixels.
    Raises: ValueError: there is no picture. MediaError: the place is no good.
    """
    data = small_png(Image.fromarray(draw(rows, title)), most_bytes)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise MediaError(str(path), "a place to write to", error.strerror or str(error)) from None
