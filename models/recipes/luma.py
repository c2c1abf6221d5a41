"""BT.601 studio luma, as DCSCN computes it and packages are scored by."""

from __future__ import annotations

from converters.luma_psnr import LUMA_OFFSET, RGB_TO_LUMA, FloatPicture, luma

__all__ = ["LUMA_OFFSET", "LUMA_OF_WHITE", "RGB_TO_LUMA", "FloatPicture", "luma"]

# The network sees Y without its offset: so black is 0, as zero padding is.
LUMA_OF_WHITE = sum(RGB_TO_LUMA)
"""Y of white without the offset, of 1: raising R, G and B alike by d raises Y by this times d."""
