"""PyTorch's legacy format: a few pickles back to back and the raw storages after them, as
torch.save wrote it up to version 1.5.

Source: torch/serialization.py of PyTorch 1.0 and 2. Parts in their order: the magic number, the
protocol, facts on the machine, the object itself, the keys of its storages; then for each key an
8-byte count of elements and the elements, both little-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.base import Reader
from converters.readers.pickle_names import Name
from converters.readers.pickled_torch import TORCH_REBUILDERS, Storage, storage_of
from converters.readers.pickles import Machine
from converters.readers.state_dict import named_arrays
from converters.readers.storages import arrays_of
from converters.weights import Array, Weights

_MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_BYTES = _MAGIC.to_bytes(10, "little")
_PROTOCOL = 1001
_COUNT = struct.Struct("<Q")
_MOST_STORAGES = 200_000
_OLDEST_PARTS = (b"sys_info", b"pickle", b"tensors", b"storages")


def _sniff(path: Path, head: bytes) -> bool:
    return (head[:1] == b"\x80" and _MAGIC_BYTES in head[:32]) or _is_oldest(head)


def _is_oldest(head: bytes) -> bool:
    """Whether this is the tar of before version 0.1.10."""
    name = head[:100].rstrip(b"\0").removeprefix(b"./")
    return name in _OLDEST_PARTS and head[100:107].strip(b" \0").isdigit()


class _File:
    """The parts of a legacy file in their order."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = path.stat().st_size
        self._storages: dict[str, Storage] = {}
        self._starts: dict[str, int] = {}

    def value(self) -> Any:
        magic, protocol = self._pickle("magic number"), self._pickle("protocol")
        if magic != _MAGIC or type(protocol) is not int or protocol != _PROTOCOL:
            raise WeightsError(
                str(self._path), f"PyTorch's magic number and protocol {_PROTOCOL}", "others",
                "The file is damaged, or no file of PyTorch.",
            )  # fmt: skip
        self._pickle("facts on the machine")
        value = self._pickle("object")
        self._index(self._pickle("keys of storages"))
        return value

    def _pickle(self, part: str) -> Any:
        place = f"{self._path} {part}"
        return Machine(self._file, self._size, place, TORCH_REBUILDERS, self._persistent).load()

    def _persistent(self, persistent_id: Any) -> Storage | Name:
        found = storage_of(persistent_id)
        if isinstance(found, Storage):
            known = self._storages.setdefault(found.key, found)
            if (known.dtype, known.count) != (found.dtype, found.count):
                raise ValueError(f"a storage of two kinds, {found.key[:60]}")
            if len(self._storages) > _MOST_STORAGES:
                raise UnsafeWeightsError(
                    str(self._path), f"at most {_MOST_STORAGES:,} storages", "more"
                )
        return found

    def _index(self, keys: Any) -> None:
        """Where each storage's elements begin."""
        if (
            not isinstance(keys, list)
            or not all(isinstance(key, str | int) for key in keys)
            or len(set(map(str, keys))) != len(keys)
        ):
            raise WeightsError(f"{self._path} keys", "a list of different keys", "something else")
        for key in map(str, keys):
            storage = self._storages.get(key)
            if storage is None:
                raise self._wrong(key, "a key that the object names", "one that it does not")
            head = self._file.read(_COUNT.size)
            if len(head) != _COUNT.size:
                raise self._wrong(key, "a count of elements", "the end of the file")
            (count,) = _COUNT.unpack(head)
            if count != storage.count:
                raise self._wrong(key, f"{storage.count:,} elements", f"{count:,}")
            start = self._file.tell()
            if count * storage.element_bytes > self._size - start:
                raise self._wrong(key, f"{count:,} elements", "the end of the file")
            self._starts[key] = start
            self._file.seek(start + count * storage.element_bytes)
        missing = self._storages.keys() - self._starts.keys()
        if missing:
            raise self._wrong(min(missing), "its elements in the file", "none")

    def _wrong(self, key: str, expected: str, found: str) -> WeightsError:
        return WeightsError(
            f"{self._path} storage {key[:60]}", expected, found,
            "The file is damaged or cut short.",
        )  # fmt: skip

    def raw(self, storage: Storage) -> Array:
        data = np.empty(storage.count * storage.element_bytes, np.uint8)
        self._file.seek(self._starts[storage.key])
        if self._file.readinto(data.data) != len(data):  # type: ignore[attr-defined]
            raise self._wrong(storage.key, f"{storage.count:,} elements", "the end of the file")
        return data


def _read(path: Path) -> Weights:
    with path.open("rb") as file:
        if _is_oldest(file.read(512)):
            raise WeightsError(
                str(path), "a file of PyTorch 0.1.10 or newer", "the tar that older versions wrote",
                "Load it once with PyTorch and save its state dict again.",
            )  # fmt: skip
        file.seek(0)
        parts = _File(path, file)
        found = named_arrays(parts.value(), str(path))
        arrays = arrays_of(found.arrays, parts.raw, str(path))
    evidence = "begins with the magic number of PyTorch's legacy format"
    return Weights(arrays, READER.name, (path,), found.facts, (evidence, *found.evidence))


READER = Reader(
    "torch-legacy", "PyTorch state dict, checkpoint or module (legacy)", "*.pth, *.model, *.ckpt",
    _sniff, _read,
)  # fmt: skip
