"""Between the bytes of a frame and sRGB values, for frames of either transfer.

A model works on sRGB values. The bytes of a `linear` frame hold light, so they are brought there
and its results back. Both ways were chosen by their cost (docs/architecture.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from bridge.frames import Transfer
from bridge.inference.graph_builder import GraphBuilder

# Light of an sRGB value y from 0 to 1, as a * y**3 + b * y**2 + c * y: the polynomial of this
# degree, without a constant, whose largest error on that range is least. It is 0.31 of a step of
# 255, and so an unchanged byte comes back as it was.
_LIGHT = (0.32408526, 0.65630055, 0.02083016)


def srgb_of_light(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """sRGB values, 0 to 1, of linear light, 0 to 1.

    Source: IEC 61966-2-1.
    """
    curve = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, curve)


def values_of_bytes(
    build: GraphBuilder,
    pixels: str,
    shape: Sequence[int],
    transfer: Transfer,
    *,
    factor: float,
    offset: float = 0,
) -> str:
    """float32: the sRGB value of each byte, 0 to 1, times `factor`, plus `offset`.

    Args:
        pixels: uint8 of `shape`.
    """
    if transfer == "srgb":
        return build.affine(build.dequantize(pixels, factor / 255), 1, offset)
    # A table of all 256 values, exact. GatherElements reads it with a plain loop, where Gather
    # copies a block of one element for each. One row of the table and of the indices is one piece
    # of work, and there must be several for the threads to share.
    rows = math.gcd(math.prod(shape[:-1]), 64)
    table = srgb_of_light(np.arange(256) / 255) * factor + offset
    values = build.constant(np.tile(table, (rows, 1)), np.float32)
    index = build.reshape(build.add("Cast", [pixels], to=TensorProto.INT32), [rows, -1])
    return build.reshape(build.add("GatherElements", [values, index], axis=1), shape)


def bytes_of_values(build: GraphBuilder, values: str, transfer: Transfer, *, factor: float) -> str:
    """uint8: the byte of each value, which is an sRGB value times `factor`; what lies outside
    0 to 1 is 0 or 255."""
    if transfer == "srgb":
        return build.quantize(values, factor / 255)
    a, b, c = _LIGHT
    # a * y * ((y + p)**2 + q): four passes over the values, where Horner's way takes five. The
    # polynomial is right for no value below 0, and those are black. Max and not Relu: ONNX Runtime
    # would take a Relu behind a convolution into its blocked layout, and reorder the picture twice.
    p = b / (2 * a)
    q = c / a - p**2
    y = build.add("Max", [values, build.constant(0, np.float32)])
    moved = build.affine(y, 1, p * factor)
    square = build.affine(build.add("Mul", [moved, moved]), 1, q * factor**2)
    return build.quantize(build.add("Mul", [square, y]), factor**3 / (255 * a))
