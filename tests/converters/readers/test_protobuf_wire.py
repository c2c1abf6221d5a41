"""Messages without a schema."""

from __future__ import annotations

import numpy as np
import pytest

from converters.readers.protobuf_wire import WireError, fields, packed, varint
from tests.converters.readers.checkpoint_writer import fixed32, number, part
from tests.converters.readers.checkpoint_writer import varint as written

NUMBERS = [0, 1, 127, 128, 300, (1 << 21) - 1, 1 << 21, (1 << 63) - 1, (1 << 64) - 1]


def test_fields_are_read_as_they_were_written() -> None:
    message = number(1, -5) + part(2, "ä".encode()) + fixed32(3, 7) + b"\x21" + bytes(7) + b"\x01"
    one, two, three, four = fields(memoryview(message))
    assert (one.tag, one.signed, one.unsigned) == (1, -5, (1 << 64) - 5)
    assert (two.tag, two.text) == (2, "ä")
    assert (three.tag, three.number) == (3, 7)
    assert (four.tag, four.number) == (4, 1 << 56)
    for field, read in ((one, "bytes"), (two, "unsigned"), (three, "text"), (four, "signed")):
        with pytest.raises(WireError):
            getattr(field, read)


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_of_any_length(value: int) -> None:
    assert varint(memoryview(b"\0" + written(value)), 1) == (value, 1 + len(written(value)))


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 10 + b"\1", b"\xff" * 9 + b"\2"]
)
def test_numbers_that_are_none(data: bytes) -> None:
    with pytest.raises(WireError):
        varint(memoryview(data), 0)
    if data:
        with pytest.raises(WireError):
            packed(memoryview(data))


def test_numbers_one_after_the_other_are_as_one_by_one() -> None:
    random = np.random.default_rng(0)
    many = [*NUMBERS, *(int(n) >> int(s) for n, s in random.integers(0, [1 << 62, 62], (200, 2)))]
    content = memoryview(b"".join(written(value) for value in many))
    assert packed(content).tolist() == many
    assert packed(memoryview(b"")).tolist() == []


def test_more_than_one_piece_of_them() -> None:
    content = written(1 << 40) * 200_000
    assert len(content) > 1 << 20
    found = packed(memoryview(content))
    assert len(found) == 200_000
    assert (found == 1 << 40).all()


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x05abc", b"\x0a", b"\x0d\0\0\0", b"\x09\0\0\0\0\0\0\0", b"\x00\x00", b"\x0b",
        b"\x0c", b"\x0e\0", b"\x0f", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
)  # fmt: skip
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(WireError):
        list(fields(memoryview(data)))
