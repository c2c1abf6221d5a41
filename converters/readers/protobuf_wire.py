"""Protocol Buffers' wire format, without a schema: fields by number, lengths checked first.

Source: protobuf.dev, "Encoding". Groups, which are deprecated, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_MOST_FIELDS = 1_000_000
_PIECE_BYTES = 1 << 20


class WireError(Exception):
    """The bytes are not what they should be; who knows the file makes a WeightsError of it."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


class Field(NamedTuple):
    """
    Attributes:
        wire: one of VARINT, FIXED64, LENGTH, FIXED32.
        number: of a VARINT (unsigned, below 2^64), FIXED64 or FIXED32; of LENGTH, 0.
        content: of LENGTH; else empty. No copy.
    """

    tag: int
    wire: int
    number: int
    content: memoryview

    def expect(self, wire: int) -> Field:
        """Raises: WireError: the field is of another kind."""
        if self.wire != wire:
            raise WireError(f"field {self.tag} of wire type {wire}", f"wire type {self.wire}")
        return self

    @property
    def unsigned(self) -> int:
        return self.expect(VARINT).number

    @property
    def signed(self) -> int:
        """int32 and int64, which stand in two's complement."""
        number = self.unsigned
        return number - (1 << 64) if number >> 63 else number

    @property
    def bytes(self) -> memoryview:
        return self.expect(LENGTH).content

    @property
    def text(self) -> str:
        """Raises: WireError: it is no UTF-8."""
        try:
            return str(self.bytes, "utf-8")
        except UnicodeDecodeError:
            raise WireError(f"UTF-8 text in field {self.tag}", "other bytes") from None


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing begins.

    Raises: WireError: the data end within it, or it is over 64 bits.
    """
    number = shift = 0
    while True:
        if at >= len(data):
            raise WireError("a whole number", "the end of the data")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >> 64:
                raise WireError("a number of 64 bits", "a longer one")
            return number, at
        shift += 7
        if shift > 63:
            raise WireError("a number of 64 bits", "a longer one")


def packed(content: memoryview) -> npt.NDArray[np.uint64]:
    """The numbers of a repeated field that stand one after the other.

    Raises: WireError: the last one is cut, or one is over 64 bits.
    """
    found, at = [np.zeros(0, np.uint64)], 0
    while at < len(content):
        end = min(at + _PIECE_BYTES, len(content))
        while end < len(content) and content[end - 1] & 0x80:
            end += 1
        found.append(_unpacked(np.frombuffer(content[at:end], np.uint8)))
        at = end
    return np.concatenate(found)


def _unpacked(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    ends = np.flatnonzero(data < 0x80)
    if not len(ends) or ends[-1] != len(data) - 1:
        raise WireError("whole numbers", "the end of the data")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10 or data[ends[lengths == 10]].max(initial=0) > 1:
        raise WireError("numbers of at most 64 bits", "longer ones")
    numbers = np.zeros(len(starts), np.uint64)
    for place in range(int(lengths.max())):
        longer = lengths > place
        bits = (data[starts[longer] + place] & 0x7F).astype(np.uint64)
        numbers[longer] |= bits << np.uint64(7 * place)
    return numbers


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message in their order.

    Raises: WireError: a length reaches past the end, or a kind of field is unknown.
    """
    at = count = 0
    nothing = message[:0]
    while at < len(message):
        count += 1
        if count > _MOST_FIELDS:
            raise WireError(f"at most {_MOST_FIELDS} fields", "more")
        key, at = varint(message, at)
        tag, wire = key >> 3, key & 7
        if not 0 < tag < 1 << 29:
            raise WireError("a field number", f"{tag}")
        if wire == VARINT:
            number, at = varint(message, at)
            yield Field(tag, wire, number, nothing)
        elif wire == LENGTH:
            length, at = varint(message, at)
            if length > len(message) - at:
                raise WireError(
                    f"at most {len(message) - at} bytes in field {tag}", f"a length of {length}"
                )
            yield Field(tag, wire, 0, message[at : at + length])
            at += length
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
            if length > len(message) - at:
                raise WireError(f"{length} bytes in field {tag}", f"{len(message) - at}")
            number = int.from_bytes(message[at : at + length], "little")
            yield Field(tag, wire, number, nothing)
            at += length
        else:
            raise WireError("a wire type of 0, 1, 2 or 5", f"{wire}")
