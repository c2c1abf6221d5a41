"""The index of a TensorFlow checkpoint: which tensors, and where in the data each of them is.

An empty key has a BundleHeaderProto, the name of each tensor a BundleEntryProto.

Source: tensorflow/core/protobuf/tensor_bundle.proto and
tensorflow/core/util/tensor_bundle/tensor_bundle.cc.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers import sorted_table
from converters.readers.protobuf_wire import FIXED32, LENGTH, WireError, fields
from converters.readers.tf_types import NUMBERS, STRING, name_of

COPY = "Copy the files of the checkpoint again, all of them, and keep their names."
_MOST_ARRAY_BYTES = 4 << 30
_MOST_INDEX_BYTES = 64 << 20
_MOST_TENSORS = 100_000
_MOST_SHARDS = 10_000
_MOST_DIMENSIONS = 32


@dataclass(slots=True)
class Entry:
    """
    Attributes:
        shard: number of the file of data.
        offset, size: in bytes.
        checksum: masked.
    """

    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    sliced: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """
    Attributes:
        shards: how many files of data there are.
        producer: version of what wrote it.
        entries: by the tensors' names; each fits its shape and its type.
    """

    shards: int
    producer: int
    entries: dict[str, Entry]


def read_index(index: Path) -> Index:
    """What an index says, every checksum and every number in it checked.

    Raises: WeightsError, UnsafeWeightsError.
    """
    try:
        size = index.stat().st_size
        if size > _MOST_INDEX_BYTES:
            raise UnsafeWeightsError(str(index), f"at most {_MOST_INDEX_BYTES} bytes", f"{size}")
        table = sorted_table.entries(index.read_bytes())
    except WireError as error:
        raise WeightsError(str(index), error.expected, error.found, COPY) from None
    except OSError as error:
        raise WeightsError(str(index), "a file that can be read", str(error.strerror)) from None
    if not table or table[0][0] != b"":
        raise WeightsError(str(index), "a checkpoint's header", "a table of something else")
    if len(table) - 1 > _MOST_TENSORS:
        raise UnsafeWeightsError(str(index), f"at most {_MOST_TENSORS} tensors", f"{len(table)}")
    place = str(index)
    try:
        shards, producer = _header(table[0][1])
        if not 0 < shards <= _MOST_SHARDS:
            raise WireError(f"1 to {_MOST_SHARDS} files of data", f"{shards}")
        entries = {}
        for key, value in table[1:]:
            place = f"{index} {key[:80]!r}"
            if key[:1] == b"\0":
                raise WireError("whole tensors", "a slice of one")
            entry = _entry(value)
            _check(entry, shards)
            entries[key.decode("utf-8")] = entry
    except WireError as error:
        raise WeightsError(
            place, error.expected, error.found,
            "Partitioned variables are not read; save the checkpoint with whole ones."
            if "slice" in error.found
            else "",
        ) from None  # fmt: skip
    except UnicodeDecodeError:
        raise WeightsError(place, "a name in UTF-8", "other bytes") from None
    total = sum(entry.size for entry in entries.values())
    if total > _MOST_ARRAY_BYTES:
        raise UnsafeWeightsError(
            str(index), f"at most {_MOST_ARRAY_BYTES} bytes of arrays", f"{total}"
        )
    return Index(shards, producer, entries)


def _header(message: memoryview) -> tuple[int, int]:
    shards = producer = 0
    for part in fields(message):
        if part.tag == 1:
            if part.wire == LENGTH:
                raise WireError(
                    "a checkpoint of the second format (an index and its data)",
                    "one of the first format, before TensorFlow 0.12",
                )
            shards = part.signed
        elif part.tag == 2 and part.unsigned:
            raise WireError("little-endian data", "big-endian ones")
        elif part.tag == 3:
            for version in fields(part.bytes):
                if version.tag == 1:
                    producer = version.signed
                elif version.tag == 2 and version.signed > 1:
                    raise WireError("format version 1", f"{version.signed}")
    return shards, producer


def _entry(message: memoryview) -> Entry:
    entry = Entry()
    for part in fields(message):
        match part.tag:
            case 1:
                entry.dtype = part.unsigned
            case 2:
                entry.shape = _shape(part.bytes)
            case 3:
                entry.shard = part.signed
            case 4:
                entry.offset = part.signed
            case 5:
                entry.size = part.signed
            case 6:
                entry.checksum = part.expect(FIXED32).number
            case 7:
                entry.sliced = True
    return entry


def _shape(message: memoryview) -> list[int]:
    sides: list[int] = []
    for part in fields(message):
        if part.tag == 2:
            sides.append(next((d.signed for d in fields(part.bytes) if d.tag == 1), 0))
        elif part.tag == 3 and part.unsigned:
            raise WireError("a shape", "one of unknown rank")
    return sides


def _check(entry: Entry, shards: int) -> None:
    """Everything that can be told before the data are seen."""
    if entry.sliced:
        raise WireError("a whole tensor", "one in slices")
    if not 0 <= entry.shard < shards:
        raise WireError(f"a file of data below {shards}", f"number {entry.shard}")
    if entry.offset < 0 or entry.size < 0:
        raise WireError("an offset and a size", f"{entry.offset} and {entry.size}")
    sides = entry.shape
    if len(sides) > _MOST_DIMENSIONS or any(not 0 <= side < 1 << 40 for side in sides):
        raise WireError(f"a shape of at most {_MOST_DIMENSIONS} sides", f"{sides[:8]}")
    if prod(side for side in sides if side) > 1 << 40:
        raise WireError("a shape that memory can hold", f"{sides[:8]}")
    if entry.dtype == STRING:
        if prod(sides) > entry.size:
            raise WireError(f"{prod(sides)} texts", f"{entry.size} bytes")
    elif entry.dtype not in NUMBERS:
        raise WireError("numbers or texts", name_of(entry.dtype))
    elif prod(sides) * NUMBERS[entry.dtype].itemsize != entry.size:
        wanted = prod(sides) * NUMBERS[entry.dtype].itemsize
        raise WireError(f"{wanted} bytes for a shape of {sides}", f"{entry.size}")
