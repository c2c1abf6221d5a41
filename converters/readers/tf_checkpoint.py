"""TensorFlow checkpoints of versions 1 and 2: an index, and one or more files of data.

The index (`NAME.index`) is a sorted table of the tensors; the data (`NAME.data-00000-of-00001`)
are the tensors one after the other. Everything has a CRC-32C, and every one of them is verified.

Source: tensorflow/core/util/tensor_bundle/tensor_bundle.{h,cc}.
"""

from __future__ import annotations

import re
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from bridge.errors import WeightsError
from converters.readers import sorted_table
from converters.readers.base import Reader
from converters.readers.crc32c import crc32c, unmasked
from converters.readers.protobuf_wire import WireError, varint
from converters.readers.tf_bundle import COPY, Entry, read_index
from converters.readers.tf_types import BFLOAT16, NUMBERS, STRING, name_of, widened
from converters.weights import Array, Weights

_DATA = re.compile(r"(.+)\.data-\d{5}-of-\d{5}")


def _sniff(path: Path, head: bytes) -> bool:
    try:
        index = _index_of(path, head)
        if index is None:
            return False
        # Data without their index are told by their name: they have nothing else of their own.
        return _is_index(index) or (not index.exists() and _says_data(path, head))
    except (OSError, ValueError):
        return False  # a name that no file can have


def _says_data(path: Path, head: bytes) -> bool:
    marked = head.startswith((b"PK\x03\x04", b"\x80", b"\x89HDF"))
    return _DATA.fullmatch(path.name) is not None and path.is_file() and not marked


def _index_of(path: Path, head: bytes) -> Path | None:
    """The index that belongs to any part of a checkpoint, whether it is there or not."""
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return None  # The graph has the names; another reader takes it.
        return _named_in(path / "checkpoint") or _only_index(path)
    if _is_index(path):
        return path
    if head.startswith(b"model_checkpoint_path:"):
        return _named_in(path)
    if data := _DATA.fullmatch(path.name):
        return path.with_name(f"{data[1]}.index")
    # A MetaGraphDef begins with one of its first two fields.
    if path.name.endswith(".meta") and head[:1] in (b"\x0a", b"\x12"):
        return path.with_name(f"{path.name.removesuffix('.meta')}.index")
    prefix = path.name and not path.exists()
    return path.with_name(f"{path.name}.index") if prefix else None


def _named_in(listing: Path) -> Path | None:
    """The newest checkpoint that a file `checkpoint` names: in its own folder, wherever it was
    when it was written."""
    try:
        with listing.open("rb") as file:
            first = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return None
    named = re.match(r'\s*model_checkpoint_path:\s*"([^"\n]*)"', first)
    name = re.split(r"[/\\]", named[1])[-1] if named else ""
    return listing.with_name(f"{name}.index") if name.strip(".") else None


def _only_index(folder: Path) -> Path | None:
    try:
        found = sorted(folder.glob("*.index"))
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def _is_index(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - sorted_table.FOOTER_BYTES, 0))
            return sorted_table.is_table(file.read())
    except OSError:
        return False


def _read(path: Path) -> Weights:
    try:
        index = _index_of(path, _first_bytes(path))
        there = index is not None and index.is_file()
    except (OSError, ValueError):
        index, there = None, False
    if index is None or not there:
        raise WeightsError(
            str(path), f"its index{f' {index.name}' if index else ''} beside it", "none", COPY
        )
    bundle = read_index(index)
    entries = bundle.entries
    arrays: dict[str, Array] = {}
    skipped: dict[str, str] = {}
    prefix = index.name.removesuffix(".index")
    used = []
    for shard in sorted({entry.shard for entry in entries.values()}):
        data = index.with_name(f"{prefix}.data-{shard:05}-of-{bundle.shards:05}")
        used.append(data)
        try:
            with data.open("rb") as file:
                size = file.seek(0, 2)
                for name, entry in entries.items():
                    if entry.shard == shard:
                        place = f"{data} {name!r}"
                        if entry.dtype == STRING:
                            _check_texts(_bytes_of(file, size, entry, place), entry, place)
                            skipped[name] = name_of(entry.dtype)
                        else:
                            arrays[name] = _array(file, size, entry, place)
        except OSError as error:
            raise WeightsError(
                str(data), f"the data that {index.name} tells of",
                error.strerror or "nothing that can be read", COPY,
            ) from None  # fmt: skip
    facts = {"shards": bundle.shards, "producer": bundle.producer, "skipped": skipped}
    evidence = f"{index.name} is a sorted table with a TensorFlow checkpoint's header"
    checked = f"the checksums of all {len(entries)} tensors are right"
    ordered = {name: arrays[name] for name in entries if name in arrays}
    return Weights(ordered, READER.name, (index, *used), facts, (evidence, checked))


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _bytes_of(file: BufferedReader, size: int, entry: Entry, place: str) -> bytearray:
    if entry.offset > size or entry.size > size - entry.offset:
        raise WeightsError(
            place, f"{entry.size} bytes at {entry.offset}", f"{size} bytes in all",
            f"The file is cut short, or of another checkpoint. {COPY}",
        )  # fmt: skip
    data = bytearray(entry.size)
    file.seek(entry.offset)
    if file.readinto(data) != entry.size:
        raise WeightsError(place, f"{entry.size} bytes", "fewer: the file has changed")
    return data


def _array(file: BufferedReader, size: int, entry: Entry, place: str) -> Array:
    data = _bytes_of(file, size, entry, place)
    if crc32c(data) != unmasked(entry.checksum):
        _damaged(place)
    stored: npt.DTypeLike = NUMBERS[entry.dtype]
    array = np.frombuffer(data, stored).reshape(entry.shape)
    return widened(array) if entry.dtype == BFLOAT16 else array


def _check_texts(data: bytearray, entry: Entry, place: str) -> None:
    """Lengths as varints, a checksum of the lengths, then the texts; one checksum over all."""
    view, at, lengths = memoryview(data), 0, []
    try:
        for _ in range(prod(entry.shape)):
            length, at = varint(view, at)
            lengths.append(length)
    except WireError as error:
        raise WeightsError(place, error.expected, error.found, COPY) from None
    sizes = b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths)
    stored = view[at : at + 4]
    if sum(lengths) != len(data) - at - 4 or crc32c(sizes) != unmasked(
        int.from_bytes(stored, "little")
    ):
        _damaged(place)
    if crc32c(view[at + 4 :], crc32c(stored, crc32c(sizes))) != unmasked(entry.checksum):
        _damaged(place)


def _damaged(place: str) -> NoReturn:
    raise WeightsError(
        place, "the checksum that the index has of it", "another",
        f"The file is damaged, or of another checkpoint. {COPY}",
    )  # fmt: skip


READER = Reader(
    "tf-checkpoint",
    "TensorFlow checkpoint (index and data)",
    "*.index, *.data-00000-of-00001, *.meta, checkpoint",
    _sniff,
    _read,
)
