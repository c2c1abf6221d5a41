"""The numbers of PyTorch's tensors, from the bytes of their storages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.pickled_torch import (
    BFLOAT16,
    FLOAT8_E4M3,
    FLOAT8_E5M2,
    RAW,
    Storage,
    Tensor,
)
from converters.weights import Array

MOST_ARRAY_BYTES = 4 << 30
_MOST_ELEMENTS = 1 << 56


def arrays_of(
    found: Mapping[str, Tensor | Array], raw: Callable[[Storage], Array], place: str,
    big_endian: bool = False,
) -> dict[str, Array]:  # fmt: skip
    """The numbers of tensors.

    Args:
        found: tensors by name; arrays among them stay as they are.
        raw: bytes of a whole storage, uint8 (N,).
    Returns: read-only arrays in this machine's byte order; shared storages stay shared.
    Raises: WeightsError, UnsafeWeightsError: larger in all than `MOST_ARRAY_BYTES`.
    """
    total = 0
    for name, value in found.items():
        size = value.nbytes if isinstance(value, np.ndarray) else _checked_bytes(name, value, place)
        total += size
        if total > MOST_ARRAY_BYTES:
            raise UnsafeWeightsError(
                f"{place} {name[:120]}", f"at most {MOST_ARRAY_BYTES:,} bytes of arrays", "more"
            )
    storages: dict[tuple[str, str, int, str], Array] = {}
    arrays: dict[str, Array] = {}
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
            continue
        # What a tensor says of its storage is believed only after `raw` has found it so.
        key = (value.storage.key, value.storage.dtype, value.storage.count, value.dtype)
        if key not in storages:
            storages[key] = _numbers(raw(value.storage), value.dtype, big_endian)
        arrays[name] = _view(storages[key], value)
    return arrays


def _checked_bytes(name: str, tensor: Tensor, place: str) -> int:
    storage, count = tensor.storage, prod(tensor.shape)
    size = np.dtype(RAW.get(tensor.dtype, tensor.dtype)).itemsize
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if prod(filter(None, tensor.shape)) >= _MOST_ELEMENTS:
        raise UnsafeWeightsError(f"{place} {name[:120]}", "an array that any memory holds", "more")
    if count and (last + 1) * size > storage.length * storage.element_bytes:
        raise WeightsError(
            f"{place} {name[:120]}",
            f"a tensor inside its storage of {storage.length:,} elements",
            f"one that reaches element {last:,}", "The file is damaged.",
        )  # fmt: skip
    return count * (4 if tensor.dtype in (BFLOAT16, FLOAT8_E4M3, FLOAT8_E5M2) else size)


def _numbers(data: Array, dtype: str, big_endian: bool) -> Array:
    plain = np.dtype(RAW.get(dtype, dtype)).newbyteorder(">" if big_endian else "<")
    values: Array = data[: len(data) // plain.itemsize * plain.itemsize].view(plain)
    values = values.astype(plain.newbyteorder("="), copy=False)
    if dtype == BFLOAT16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    elif dtype == FLOAT8_E5M2:
        values = (values.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    elif dtype == FLOAT8_E4M3:
        values = _float8_e4m3(values)
    elif dtype == "bool":
        values = values != 0
    values.flags.writeable = False
    return values


def _float8_e4m3(codes: Array) -> Array:
    """Source: Micikevicius et al., "FP8 Formats for Deep Learning", 2022."""
    code = np.arange(256)
    exponent, fraction = (code >> 3) & 15, code & 7
    size = np.where(
        exponent == 0, fraction / 8 * 2.0**-6, (1 + fraction / 8) * 2.0 ** (exponent - 7.0)
    )
    size[(code & 127) == 127] = np.nan
    table = np.where(code & 128, -size, size).astype(np.float32)
    return table[codes]


def _view(values: Array, tensor: Tensor) -> Array:
    scale = tensor.storage.element_bytes
    size = np.dtype(RAW.get(tensor.dtype, tensor.dtype)).itemsize
    start = tensor.storage.start * scale // size + tensor.offset
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, values.dtype)
    last = sum((side - 1) * s for side, s in zip(tensor.shape, tensor.strides, strict=True))
    assert start + last < len(values), "a tensor outside of its storage was let through"
    return np.lib.stride_tricks.as_strided(
        values[start:], tensor.shape,
        [stride * values.itemsize for stride in tensor.strides], writeable=False,
    )  # fmt: skip
