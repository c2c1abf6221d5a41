"""Sorted tables, block by block."""

from __future__ import annotations

import pytest

from converters.readers.protobuf_wire import WireError
from converters.readers.sorted_table import FOOTER_BYTES, entries, is_table
from tests.converters.readers.checkpoint_writer import (
    MAGIC,
    block,
    masked,
    sealed,
    snapped,
    table,
    varint,
)  # fmt: skip

PAIRS = [(f"layer{n:03}/kernel".encode(), bytes([n]) * (n % 7)) for n in range(100)]


def of(content: bytes, compression: int = 0, key: bytes = b"z", before: bytes = b"") -> bytes:
    """A table of one block."""
    file, handles = before + sealed(content, compression), b""
    index = block([(key, varint(len(before)) + varint(len(content)))], 1)
    for stored in (block([]), index):
        handles += varint(len(file)) + varint(len(stored))
        file += sealed(stored)
    return file + handles.ljust(40, b"\0") + MAGIC


@pytest.mark.parametrize("each", [1, 5, 100])
@pytest.mark.parametrize("snappy", [False, True])
def test_every_entry_is_read_in_its_order(each: int, snappy: bool) -> None:
    made = table(PAIRS, each, snappy)
    assert is_table(made[-FOOTER_BYTES:])
    assert [(key, bytes(value)) for key, value in entries(made)] == PAIRS


def test_snappy_in_every_form() -> None:
    plain = block([(b"a", b"x" * 70 + b"abcd" * 50 + bytes(range(256)))])
    size = varint(len(plain))
    head, tail = plain[:75], plain[275:]
    literal = bytes([60 << 2, len(head) - 1]) + head
    four = bytes([3 << 2]) + b"abcd"
    rest = bytes([61 << 2]) + (len(tail) - 1).to_bytes(2, "little") + tail
    copies = {
        "a copy of itself, two bytes of offset": bytes([63 << 2 | 2, 4, 0]) * 3
        + bytes([3 << 2 | 2, 4, 0]),
        "four bytes of offset": bytes([48 << 2 | 3, 4, 0, 0, 0]) * 4,
        "one byte of offset": bytes([3 << 2 | 1, 4]) * 28,
    }
    assert plain[75:275] == b"abcd" * 50
    for name, copy in copies.items():
        [(key, value)] = entries(of(size + literal + four + copy + rest, 1))
        assert (key, value) == (b"a", plain[5 : 5 + 526]), name
    whole = bytes([62 << 2]) + (len(plain) - 1).to_bytes(3, "little") + plain
    assert entries(of(size + whole, 1))[0][1] == plain[5 : 5 + 526]
    assert entries(of(snapped(plain), 1)) == entries(of(plain))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80", b"\x05", b"\x05\x00", b"\x05\x10abcde", b"\x04\x0cabc", b"\x03\x0cabcd",
        b"\x08\x0cabcd\x01\x05", b"\x08\x0cabcd\x01\x00", b"\x06\x0cabcd\x01\x04",
        b"\x08\x0cabcd\x02\x04", b"\x08\x0cabcd\x03\x04\x00\x00", b"\x04\xf0",
        b"\xff\xff\xff\xff\x0f\x0cabcd",
    ],
)  # fmt: skip
def test_snappy_that_leads_out_of_its_block(content: bytes) -> None:
    with pytest.raises(WireError):
        entries(of(content, 1))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0\0\0", bytes(4), b"\1\0\0\0", b"\xff\xff\xff\xff",
        bytes(4) + b"\2\0\0\0",
        b"\1\1\0a" + block([])[-8:],  # shares with a key that is not there
        b"\0\xff\xff\x03\0a" + block([])[-8:],
        b"\0\1\xff\xff\x03a" + block([])[-8:],
        b"\0\1" + block([])[-8:],
        block([(b"a", b""), (b"a", b"")]), block([(b"b", b""), (b"a", b"")]),
    ],
)  # fmt: skip
def test_blocks_that_are_none(content: bytes) -> None:
    with pytest.raises(WireError):
        entries(of(content))


def test_an_unknown_compression() -> None:
    with pytest.raises(WireError, match="compression 4"):
        entries(of(block(PAIRS[:3]), 4))


def test_bytes_that_belong_to_no_block() -> None:
    assert len(entries(of(block(PAIRS[:3])))) == 3
    with pytest.raises(WireError, match="7 others"):
        entries(of(block(PAIRS[:3]), before=b"strange"))


def test_blocks_that_are_named_twice() -> None:
    content = block(PAIRS[:1])
    file = sealed(content)
    handle = varint(0) + varint(len(content))
    index, handles = block([(b"a", handle), (b"b", handle), (b"c", handle)], 1), b""
    for stored in (block([]), index):
        handles += varint(len(file)) + varint(len(stored))
        file += sealed(stored)
    with pytest.raises(WireError):
        entries(file + handles.ljust(40, b"\0") + MAGIC)


@pytest.mark.parametrize("at", range(1, FOOTER_BYTES + 1))
def test_every_byte_of_the_footer_matters(at: int) -> None:
    made = bytearray(table(PAIRS))
    made[-at] ^= 0x10
    with pytest.raises(WireError):
        entries(bytes(made))


def test_what_is_too_short_is_no_table() -> None:
    made = table(PAIRS)
    for length in (0, 7, 8, 47):
        assert not is_table(made[len(made) - length :])
        with pytest.raises(WireError):
            entries(made[len(made) - length :])
    assert masked(0) == 0xA282EAD8
