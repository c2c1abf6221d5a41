"""A graph tried in several ranges: a network that restores or enlarges pictures gives back what it
is given, and does so in its own range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime

from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.ranges import Range
from converters.weights import Array

ALIKE = 0.06
"""Of the range. What a network makes sharper is apart from what it was given by less."""
Pair = tuple[Range, Range]
"""Of what goes in and of what comes out."""


def tried(
    model: bytes, size: tuple[int, int], channels: int, scale: int, pairs: Sequence[Pair]
) -> dict[Pair, float]:
    """How far the result is from what was given, in parts of the range, for each pair of ranges.

    Args:
        model: takes "frame".
        size: width and height of what it is given.
    Raises: Untranslatable: the graph cannot be run.
    """
    picture = soft_picture(channels, size)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    found: dict[Pair, float] = {}
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        for low, high in dict.fromkeys(taken for taken, _ in pairs):
            (result,) = session.run(None, {"frame": low + np.float32(high - low) * picture})
            _, _, height, width = picture.shape
            blocks = result.reshape(1, channels, height, scale, width, scale)
            small = blocks.mean((3, 5), dtype=np.float64)
            for pair in pairs:
                if pair[0] == (low, high):
                    dark, light = pair[1]
                    apart = np.abs((small - dark) / (light - dark) - picture)
                    found[pair] = float(np.nan_to_num(apart, nan=np.inf).mean())
    except Exception as error:  # the runtime has no class of its own for what it refuses
        raise Untranslatable(f"ONNX Runtime refuses it: {str(error)[:200]}") from None
    return found


def soft_picture(channels: int, size: tuple[int, int]) -> Array:
    """float32 (1, C, H, W), 0.1 to 0.9: waves, and an edge for each colour."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [
        0.5
        + 0.2 * np.sin(rows / (5 + c)) * np.cos(columns / (7 - c))
        + 0.2 * np.sign(columns - width / (2 + c))
        for c in range(channels)
    ]
    return np.stack(planes)[None].astype(np.float32)
