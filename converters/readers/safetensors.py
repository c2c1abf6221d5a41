"""safetensors: a length, a JSON header of names, types, shapes and places, and the bytes.

Source: the format's description at github.com/huggingface/safetensors. Little-endian throughout;
the places follow one another without a gap, from the header's end to the end of the file.
"""

from __future__ import annotations

import json
import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.base import Reader
from converters.readers.pickled_numpy import MOST_DIMENSIONS
from converters.readers.pickled_torch import BFLOAT16, FLOAT8_E4M3, FLOAT8_E5M2, Storage, Tensor
from converters.readers.state_dict import MOST_ARRAYS, named_arrays
from converters.readers.storages import arrays_of
from converters.weights import Array, Weights

_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 100_000_000
"""As the format's own reader has it."""
_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": BFLOAT16, "F8_E4M3": FLOAT8_E4M3,
    "F8_E5M2": FLOAT8_E5M2, "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U64": "u8",
    "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "bool",
}  # fmt: skip


def _sniff(path: Path, head: bytes) -> bool:
    if len(head) < _LENGTH.size + 2 or not head[_LENGTH.size :].lstrip(b" ").startswith(b"{"):
        return False
    (length,) = _LENGTH.unpack_from(head)
    # A JSON file has text where the length stands: far more than any header's.
    return bool(2 <= length <= 1 << 40)


def _read(path: Path) -> Weights:
    size = path.stat().st_size
    if size < _LENGTH.size:
        raise _wrong(path, "", f"at least {_LENGTH.size} bytes", f"{size}")
    with path.open("rb") as file:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if length > size - _LENGTH.size:
            raise _wrong(path, "header", f"at most {size - _LENGTH.size:,} bytes", f"{length:,}")
        if length > _MOST_HEADER_BYTES:
            raise UnsafeWeightsError(
                str(path), f"a header of at most {_MOST_HEADER_BYTES:,} bytes", f"{length:,}"
            )
        header = _header(path, file.read(length))
        start = _LENGTH.size + length
        metadata = header.pop("__metadata__", {})
        tensors = {name: _tensor(path, name, entry) for name, entry in header.items()}
        _check_places(path, header, size - start)

        def raw(storage: Storage) -> Array:
            data = np.empty(storage.count * storage.element_bytes, np.uint8)
            file.seek(start + header[storage.key]["data_offsets"][0])
            if file.readinto(data.data) != len(data):
                raise _wrong(path, storage.key, f"{len(data):,} bytes", "the end of the file")
            return data

        found = named_arrays(tensors, str(path))
        arrays = arrays_of(found.arrays, raw, str(path))
    facts = {**found.facts, "metadata": metadata} if isinstance(metadata, dict) else found.facts
    evidence = f"a safetensors header of {length:,} bytes names {len(tensors)} arrays"
    return Weights(arrays, READER.name, (path,), facts, (evidence, *found.evidence))


def _wrong(path: Path, where: str, expected: str, found: str) -> WeightsError:
    return WeightsError(
        f"{path} {where[:120]}", expected, found, "The file is damaged or cut short."
    )


def _header(path: Path, data: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("one name twice")
        return found

    try:
        header = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "header", "JSON", str(error)[:200].replace("\n", " ")) from None
    if not isinstance(header, dict):
        raise _wrong(path, "header", "a JSON object", type(header).__name__)
    if len(header) > MOST_ARRAYS:
        raise UnsafeWeightsError(str(path), f"at most {MOST_ARRAYS:,} arrays", f"{len(header):,}")
    return header


def _tensor(path: Path, name: str, entry: Any) -> Tensor:
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise _wrong(path, name, "dtype, shape and data_offsets", "something else")
    dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise _wrong(path, name, f"one of {', '.join(_DTYPES)}", "another")
    shape, places = entry["shape"], entry["data_offsets"]
    if not _naturals(shape) or not _naturals(places) or len(places) != 2:
        raise _wrong(path, name, "natural numbers", "something else")
    count = prod(shape)
    storage = Storage(name, dtype, count, 0, count)
    if places[1] - places[0] != count * storage.element_bytes:
        raise _wrong(
            path, name, f"{count * storage.element_bytes:,} bytes", f"{places[1] - places[0]:,}"
        )
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return Tensor(storage, 0, tuple(shape), tuple(strides), dtype)


def _naturals(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= MOST_DIMENSIONS
        and all(type(value) is int and 0 <= value < 1 << 48 for value in values)
    )


def _check_places(path: Path, header: dict[str, Any], size: int) -> None:
    """No byte belongs to two arrays or to none."""
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, after = entry["data_offsets"]
        if begin != end:
            raise _wrong(path, name, f"bytes from {end:,}", f"from {begin:,}")
        end = after
    if end != size:
        raise _wrong(path, "", f"{end:,} bytes of arrays", f"{size:,}")


READER = Reader("safetensors", "safetensors", "*.safetensors", _sniff, _read)
