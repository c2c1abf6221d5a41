"""BT.601 studio luma, as DCSCN computes it, on numpy arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RGB_TO_LUMA = (65.738 / 256, 129.057 / 256, 25.064 / 256)
"""Weights of R, G and B in Y, for R, G, B and Y on one scale (all of 1, or all of 255)."""

LUMA_OFFSET = 16.0
"""Y of black, of 255. The network sees Y without it: so black is 0, as zero padding is."""

LUMA_OF_WHITE = sum(RGB_TO_LUMA)
"""Y of white without the offset, of 1: raising R, G and B alike by d raises Y by this times d."""

FloatPicture = npt.NDArray[np.float32]


def luma(rgb: npt.NDArray[np.generic]) -> FloatPicture:
    """Y without its offset.

    Args:
        rgb: (H, W, 3), RGB, of 1 or of 255.
    Returns: float32 (H, W) on the same scale as `rgb`: 0 to 0.859 of it.
    Source: DCSCN, Y = (65.738 R + 129.057 G + 25.064 B) / 256 + 16, of 255.
    """
    weights = np.asarray(RGB_TO_LUMA, np.float64)
    return (rgb.astype(np.float64) @ weights).astype(np.float32)
