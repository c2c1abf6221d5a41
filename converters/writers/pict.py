"""Writes `.pict`: the layout stands in `converters.readers.pict`, which reads it back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bridge.errors import WeightsError
from converters.weights import Array

MU = 255
ENTRIES = 256
_PART_MAX_BYTES = (1 << 32) - 1


def write_pict(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by a mu-law quantiser: names sorted, one table for all of them.

    Args:
        path: written anew.
        arrays: floats of any shape but empty ones; each is asked for three times and never kept, so
            a lazy mapping keeps memory small.
    Raises: WeightsError: an array is empty, not finite, or all together are beyond the format.
        OSError.
    Guarantees: on a WeightsError nothing is written. What is read back is, in the companded scale,
        within half of one of 256 equal steps from the least to the greatest weight.
    """
    names = sorted(arrays)
    shapes = [tuple(arrays[name].shape) for name in names]
    total = sum(math.prod(shape) for shape in shapes)
    if not names or not all(math.prod(shape) for shape in shapes):
        raise WeightsError(str(path), "arrays with at least one value each", "none or empty ones")
    if total > _PART_MAX_BYTES:
        raise WeightsError(str(path), f"at most {_PART_MAX_BYTES} weights", f"{total}")
    low, high = math.inf, -math.inf
    for name in names:
        array = np.asarray(arrays[name], np.float32)
        if not np.isfinite(array).all():
            raise WeightsError(f"{path} {name}", "finite numbers", "NaN or infinity")
        low, high = min(low, float(array.min())), max(high, float(array.max()))
    scale = max(abs(low), abs(high)) or 1.0
    first, last = (float(_companded(np.asarray(end), scale)) for end in (low, high))
    step = (last - first) / ENTRIES
    centres = first + step * (np.arange(ENTRIES) + 0.5)
    table = np.sign(centres) * np.expm1(np.abs(centres) * np.log1p(MU)) / MU * scale
    listed = [{"name": n, "shape": list(s)} for n, s in zip(names, shapes, strict=True)]
    with path.open("wb") as file:
        for part in (json.dumps(listed).encode(), table.astype("<f4").tobytes()):
            file.write(len(part).to_bytes(4, "big") + part)
        file.write(total.to_bytes(4, "big"))
        for name in names:
            companded = _companded(np.asarray(arrays[name], np.float32), scale)
            codes = (companded - first) / step if step else np.zeros_like(companded)
            file.write(codes.clip(0, ENTRIES - 1).astype(np.uint8).tobytes())


def _companded(values: Array, scale: float) -> Array:
    """-1 to 1, finer about 0."""
    return np.asarray(np.sign(values) * np.log1p(MU * np.abs(values) / scale) / np.log1p(MU))
