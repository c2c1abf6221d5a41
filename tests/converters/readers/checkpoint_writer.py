"""Writes checkpoints as TensorFlow does, and such as it never would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from converters.readers.crc32c import crc32c, masked

MAGIC = bytes.fromhex("57fb808b247547db")
DTYPES = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i8": 9, "b1": 10, "f2": 19}


def varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value % (1 << 64))


def part(tag: int, content: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(content)) + content


def fixed32(tag: int, value: int) -> bytes:
    return varint(tag << 3 | 5) + value.to_bytes(4, "little")


def header(shards: int = 1, *more: bytes) -> bytes:
    return number(1, shards) + b"".join(more) + part(3, number(1, 1))


def entry(
    dtype: int, shape: Sequence[int], offset: int, size: int, checksum: int, *more: bytes,
    shard: int = 0,
) -> bytes:  # fmt: skip
    shapes = b"".join(part(2, number(1, side)) for side in shape)
    return (
        number(1, dtype) + part(2, shapes) + number(3, shard) + number(4, offset)
        + number(5, size) + fixed32(6, masked(checksum)) + b"".join(more)
    )  # fmt: skip


def block(pairs: Sequence[tuple[bytes, bytes]], restart_every: int = 16) -> bytes:
    content, restarts, before = b"", [], b""
    for index, (key, value) in enumerate(pairs):
        shared = 0
        if index % restart_every == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        fresh = key[shared:]
        content += varint(shared) + varint(len(fresh)) + varint(len(value)) + fresh + value
        before = key
    restarts = restarts or [0]
    ends = b"".join(at.to_bytes(4, "little") for at in [*restarts, len(restarts)])
    return content + ends


def sealed(content: bytes, compression: int = 0) -> bytes:
    content += bytes([compression])
    return content + masked(crc32c(content)).to_bytes(4, "little")


def table(pairs: Sequence[tuple[bytes, bytes]], each: int = 5, snappy: bool = False) -> bytes:
    """Blocks of `each` entries."""
    file, index = b"", []
    for at in range(0, len(pairs), each):
        some = pairs[at : at + each]
        stored = snapped(block(some)) if snappy else block(some)
        index.append((some[-1][0], varint(len(file)) + varint(len(stored))))
        file += sealed(stored, int(snappy))
    handles = b""
    for stored in (block([]), block(index, 1)):
        handles += varint(len(file)) + varint(len(stored))
        file += sealed(stored)
    return file + handles.ljust(40, b"\0") + MAGIC


def snapped(data: bytes) -> bytes:
    """Snappy: a copy wherever four bytes stand in the last 2000 too, literals elsewhere."""
    found, at, plain = varint(len(data)), 0, b""

    def literal(some: bytes) -> bytes:
        if not some:
            return b""
        if len(some) <= 60:
            return bytes([len(some) - 1 << 2]) + some
        return bytes([61 << 2]) + (len(some) - 1).to_bytes(2, "little") + some

    while at < len(data):
        before = data.rfind(data[at : at + 4], max(at - 2000, 0), at + 3) if at else -1
        if at + 4 > len(data) or before < 0 or before >= at:
            plain, at = plain + data[at : at + 1], at + 1
            continue
        size = 4
        while size < 11 and at + size < len(data) and data[before + size] == data[at + size]:
            size += 1
        offset = at - before
        found += literal(plain) + bytes([1 | size - 4 << 2 | offset >> 8 << 5, offset & 0xFF])
        plain, at = b"", at + size
    return found + literal(plain)


def texts(values: Sequence[bytes]) -> tuple[bytes, int]:
    """A tensor of texts and its checksum."""
    sizes = b"".join(len(value).to_bytes(4, "little") for value in values)
    check = masked(crc32c(sizes)).to_bytes(4, "little")
    lengths = b"".join(varint(len(value)) for value in values)
    joined = b"".join(values)
    return lengths + check + joined, crc32c(joined, crc32c(check, crc32c(sizes)))


def write(
    folder: Path, arrays: Mapping[str, np.ndarray], name: str = "net", shards: int = 1,
    snappy: bool = False, extra: Sequence[tuple[bytes, bytes]] = (),
) -> Path:  # fmt: skip
    """A checkpoint. Returns: its index."""
    data = [b""] * shards
    pairs = [(b"", header(shards))]
    for count, (key, array) in enumerate(sorted(arrays.items())):
        shard = count % shards
        content = array.tobytes()
        dtype = DTYPES[array.dtype.str[1:]]
        pairs.append((
            key.encode(),
            entry(dtype, array.shape, len(data[shard]), len(content), crc32c(content), shard=shard),
        ))  # fmt: skip
        data[shard] += content
    for shard, content in enumerate(data):
        (folder / f"{name}.data-{shard:05}-of-{shards:05}").write_bytes(content)
    index = folder / f"{name}.index"
    index.write_bytes(table(sorted([*pairs, *extra]), snappy=snappy))
    return index


def write_one(folder: Path, described: bytes, data: bytes = b"", head: bytes = b"") -> Path:
    """A checkpoint of one tensor `w`, whatever is said of it. Returns: its index."""
    (folder / "net.data-00000-of-00001").write_bytes(data)
    index = folder / "net.index"
    index.write_bytes(table([(b"", head or header()), (b"w", described)]))
    return index
