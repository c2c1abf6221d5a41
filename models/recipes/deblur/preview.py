"""Pictures for people: how far a run is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

GAP = 4


def write_progress(rows: list[list[Tensor]], path: Path) -> None:
    """Write a PNG: a row for each list, its pictures side by side.

    Args:
        rows: float (3, H, W), RGB, of 1; of one size in each row.
    """
    width = max(sum(p.shape[2] + GAP for p in row) for row in rows) - GAP
    height = sum(row[0].shape[1] + GAP for row in rows) - GAP
    sheet = Image.new("RGB", (width, height), "white")
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            pixels = (255 * picture.clamp(0, 1)).round().to(torch.uint8)
            sheet.paste(Image.fromarray(np.asarray(pixels.permute(1, 2, 0))), (left, top))
            left += picture.shape[2] + GAP
        top += row[0].shape[1] + GAP
    sheet.save(path)
