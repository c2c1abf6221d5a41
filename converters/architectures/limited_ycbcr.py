"""RGB around networks that learnt from Y, Cb and Cr in studio limits.

Nhat-Thanh's training limits Y to 16 to 235 and Cb and Cr to 16 to 240, of 255, but in the
coefficients of full range. Beyond these limits such a network guesses: its black is green. His
demo.py limits each picture likewise, which turns black into dark grey. Here the network sees what
it learnt, and what was beyond the limits is enlarged by bicubic and added to its result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converters.graph import NetworkGraph
from converters.luma import (
    FULL,
    bicubic,
    bicubic_reference,
    to_rgb,
    to_rgb_reference,
    to_ycbcr,
    to_ycbcr_reference,
)
from converters.weights import Array

_LOWEST = np.array([16, 16, 16]) / 255
_HIGHEST = np.array([235, 240, 240]) / 255


def around(graph: NetworkGraph, rgb: str, scale: int, network: Callable[[str], str]) -> str:
    """RGB of 1 to RGB of 1, `scale` times as wide and high.

    Args:
        network: adds its nodes; Y, Cb, Cr of 1 to Y, Cb, Cr of 1, which are clipped here.
    """
    ycbcr = to_ycbcr(graph, rgb, FULL)
    raised = graph.add("Max", [ycbcr, _constant(graph, _LOWEST)])
    limited = graph.add("Min", [raised, _constant(graph, _HIGHEST)])
    beyond = bicubic(graph, graph.add("Sub", [ycbcr, limited]), 3, scale)
    result = graph.clip(network(limited), 0, 1)
    return to_rgb(graph, graph.add("Add", [result, beyond]), FULL)


def around_reference(rgb: Array, scale: int, network: Callable[[Array], Array]) -> Array:
    """The same of arrays."""
    ycbcr = to_ycbcr_reference(rgb, FULL)
    limited = ycbcr.copy()
    for channel in range(3):
        limited[:, channel] = limited[:, channel].clip(_LOWEST[channel], _HIGHEST[channel])
    result = np.clip(network(limited), 0, 1) + bicubic_reference(ycbcr - limited, scale)
    return to_rgb_reference(result, FULL)


def _constant(graph: NetworkGraph, limits: Array) -> str:
    return graph.constant(limits.reshape(1, 3, 1, 1), np.float32)
