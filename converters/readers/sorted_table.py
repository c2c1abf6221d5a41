"""LevelDB's sorted tables, which TensorFlow keeps the index of a checkpoint in.

A table is data blocks, a block of meta entries, a block that tells where the data blocks are, and
a footer of 48 bytes. Each block has its own CRC-32C; within one, a key repeats only what differs
from the one before it.

Source: LevelDB, doc/table_format.md; Snappy, format_description.txt.
"""

from __future__ import annotations

from collections.abc import Iterator

from converters.readers.crc32c import crc32c, unmasked
from converters.readers.protobuf_wire import WireError, varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_MOST_INFLATED = 64 << 20
_MOST_KEY_BYTES = 64 << 20
_MOST_ENTRIES = 200_000
_Handle = tuple[int, int]


def is_table(tail: bytes) -> bool:
    """Whether a file that ends with `tail` (its last `FOOTER_BYTES`) is a sorted table."""
    return len(tail) >= FOOTER_BYTES and tail[-8:] == MAGIC


def entries(data: bytes) -> list[tuple[bytes, memoryview]]:
    """Keys and values of a whole table, in the order of their keys.

    Raises: WireError: a checksum is wrong, a length reaches past the end, keys are not in order or
        stand twice, or bytes belong to nothing.
    """
    view = memoryview(data)
    if not is_table(data[-FOOTER_BYTES:]):
        raise WireError("the 8 bytes that end a sorted table", "others")
    footer = view[-FOOTER_BYTES:-8]
    meta, at = _handle(footer, 0)
    index, at = _handle(footer, at)
    if any(footer[at:]):
        raise WireError("zeros before the end of the footer", "others")
    used = FOOTER_BYTES + sum(size + _TRAILER_BYTES for _, size in (meta, index))
    budget = [_MOST_INFLATED]
    for _ in _block(view, meta, budget):
        pass  # Its checksum and its form are what matters.
    found: list[tuple[bytes, memoryview]] = []
    in_keys = 0
    for _, place in _block(view, index, budget):
        handle, end = _handle(place, 0)
        if end != len(place):
            raise WireError("an offset and a size of a block", f"{len(place)} bytes")
        used += handle[1] + _TRAILER_BYTES
        if used > len(data):
            raise WireError("blocks that do not overlap", "more bytes in blocks than in the file")
        for key, value in _block(view, handle, budget):
            if found and key <= found[-1][0]:
                twice = key == found[-1][0]
                raise WireError(
                    "keys in order, each once", f"{key[:80]!r} {'twice' if twice else 'too late'}"
                )
            in_keys += len(key)
            if in_keys > _MOST_KEY_BYTES or len(found) >= _MOST_ENTRIES:
                raise WireError(
                    f"at most {_MOST_ENTRIES} keys of {_MOST_KEY_BYTES} bytes together", "more"
                )
            found.append((key, value))
    if used != len(data):
        raise WireError("blocks from the first byte to the footer", f"{len(data) - used} others")
    return found


def _handle(data: memoryview, at: int) -> tuple[_Handle, int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(
    data: memoryview, handle: _Handle, budget: list[int]
) -> Iterator[tuple[bytes, memoryview]]:
    block = _contents(data, handle, budget)
    restarts = int.from_bytes(block[-4:], "little") if len(block) >= 4 else 0
    if not 0 < restarts <= (len(block) - 4) // 4:
        raise WireError("a block with its restart points", f"{len(block)} bytes")
    block = block[: len(block) - 4 - 4 * restarts]
    at, key = 0, b""
    while at < len(block):
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or fresh + size > len(block) - at:
            raise WireError(
                f"an entry within the {len(block) - at} bytes that are left of its block",
                f"one that shares {shared} bytes of its key and has {fresh} and {size} of its own",
            )
        key = key[:shared] + bytes(block[at : at + fresh])
        at += fresh
        yield key, block[at : at + size]
        at += size


def _contents(data: memoryview, handle: _Handle, budget: list[int]) -> memoryview:
    offset, size = handle
    room = len(data) - FOOTER_BYTES - _TRAILER_BYTES
    if offset > room or size > room - offset:
        raise WireError(f"a block within {len(data)} bytes", f"{size} bytes at {offset}")
    end = offset + size
    stored = int.from_bytes(data[end + 1 : end + _TRAILER_BYTES], "little")
    if crc32c(data[offset : end + 1]) != unmasked(stored):
        raise WireError(f"the checksum of the block at {offset}", "another: it is damaged")
    if data[end] == 0:
        return data[offset:end]
    if data[end] == 1:
        return memoryview(_unsnappied(data[offset:end], budget))
    raise WireError("a block as it is or by Snappy", f"compression {data[end]}")


def _unsnappied(data: memoryview, budget: list[int]) -> bytes:
    length, at = varint(data, 0)
    budget[0] -= length
    if budget[0] < 0:
        raise WireError(f"at most {_MOST_INFLATED} bytes in blocks", "more")
    result = bytearray()
    while at < len(data):
        tag, at = data[at], at + 1
        kind = tag & 3
        if kind == 0:
            size = (tag >> 2) + 1
            if size > 60:
                wide = size - 60
                size, at = int.from_bytes(data[at : at + wide], "little") + 1, at + wide
            if size > len(data) - at or size > length - len(result):
                raise WireError("a Snappy literal within its block", f"{size} bytes")
            result += data[at : at + size]
            at += size
            continue
        wide = (1, 2, 4)[kind - 1]
        if wide > len(data) - at:
            raise WireError("a whole Snappy copy", "the end of the block")
        offset = int.from_bytes(data[at : at + wide], "little")
        at += wide
        size = (tag >> 2) + 1
        if kind == 1:
            size, offset = (tag >> 2 & 7) + 4, offset | (tag >> 5) << 8
        if not 0 < offset <= len(result) or size > length - len(result):
            raise WireError("a Snappy copy of what came before", f"{size} bytes from -{offset}")
        start = len(result) - offset
        piece = result[start : start + size]
        result += (piece * (size // offset + 1))[:size]
    if len(result) != length:
        raise WireError(f"{length} bytes in a Snappy block", f"{len(result)}")
    return bytes(result)
