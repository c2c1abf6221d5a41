"""The types that TensorFlow's files number.

Source: tensorflow/core/framework/types.proto.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from converters.weights import Array

STRING = 7
BFLOAT16 = 14

NUMBERS: dict[int, np.dtype[np.generic]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    4: np.dtype("u1"),
    5: np.dtype("<i2"),
    6: np.dtype("i1"),
    8: np.dtype("<c8"),
    9: np.dtype("<i8"),
    10: np.dtype("?"),
    BFLOAT16: np.dtype("<u2"),
    17: np.dtype("<u2"),
    18: np.dtype("<c16"),
    19: np.dtype("<f2"),
    22: np.dtype("<u4"),
    23: np.dtype("<u8"),
}
"""As stored; bfloat16 as its bits."""

_NAMES = {
    1: "float", 2: "double", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string",
    8: "complex64", 9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32",
    14: "bfloat16", 15: "qint16", 16: "quint16", 17: "uint16", 18: "complex128", 19: "half",
    20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
}  # fmt: skip


def name_of(dtype: int) -> str:
    """For people: "float", "string"."""
    return _NAMES.get(dtype, f"type {dtype}")


def widened(bits: npt.NDArray[np.generic]) -> Array:
    """bfloat16, which numpy has not, as the float32 of the same value."""
    wide: Array = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide
