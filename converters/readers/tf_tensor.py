"""TensorFlow's messages for shapes, tensors and attributes of nodes.

Source: tensorflow/core/framework/{tensor_shape,tensor,attr_value}.proto.
"""

from __future__ import annotations

import struct
from math import prod
from typing import Any

import numpy as np

from converters.readers.protobuf_wire import (
    FIXED32,
    FIXED64,
    LENGTH,
    VARINT,
    Field,
    WireError,
    fields,
    packed,
)  # fmt: skip
from converters.readers.tf_types import BFLOAT16, NUMBERS, name_of, widened
from converters.weights import Array

_MOST_DIMENSIONS = 32
_MOST_ELEMENTS = 1 << 40
_LONGEST_LIST_BYTES = 1 << 20
_CONTENT = 4
# Of each type, the field that has single values.
_VALUES = {
    1: 5, 2: 6, 3: 7, 4: 7, 5: 7, 6: 7, 8: 9, 9: 10, 10: 11, 14: 13, 17: 7, 18: 12, 19: 13,
    22: 16, 23: 17,
}  # fmt: skip
# And how they stand there: struct's letter of a fixed width, or a varint.
_FIXED = {5: "<f", 6: "<d", 9: "<f", 12: "<d"}


def shape_of(message: memoryview) -> list[int] | None:
    """Sides, -1 where one is free; None where even their number is.

    Raises: WireError: absurd ones.
    """
    sides: list[int] = []
    known = True
    for part in fields(message):
        if part.tag == 2:
            sides.append(next((d.signed for d in fields(part.bytes) if d.tag == 1), 0))
            if len(sides) > _MOST_DIMENSIONS:
                raise WireError(f"at most {_MOST_DIMENSIONS} dimensions", "more")
        elif part.tag == 3 and part.unsigned:
            known = False
    if any(not -1 <= side < _MOST_ELEMENTS for side in sides) or (
        prod(side for side in sides if side > 0) > _MOST_ELEMENTS
    ):
        raise WireError("a shape that memory can hold", f"{sides[:8]}")
    return sides if known else None


def tensor_of(message: memoryview, most_filled: int) -> Array | str:
    """The array of a TensorProto; a text that names its type where that is no number.

    Args:
        most_filled: bytes that may be made of values that stand there only once.
    Raises: WireError: the shape and what is there do not belong together.
    """
    dtype, shape = 0, []
    content: memoryview | None = None
    values: list[Field] = []
    for part in fields(message):
        if part.tag == 1:
            dtype = part.unsigned
        elif part.tag == 2:
            sides = shape_of(part.bytes)
            if sides is None or -1 in sides:
                raise WireError("the shape of a tensor", "one that is open")
            shape = sides
        elif part.tag == _CONTENT:
            content = part.bytes
        else:
            values.append(part)
    if dtype not in NUMBERS:
        return name_of(dtype)
    stored, count = NUMBERS[dtype], prod(shape)
    if content is not None and (len(content) or not count):
        if len(content) != count * stored.itemsize:
            raise WireError(f"{count * stored.itemsize} bytes for {shape}", f"{len(content)}")
        array = np.frombuffer(content, stored).reshape(shape).copy()
    else:
        given = _numbers([part for part in values if part.tag == _VALUES[dtype]], dtype)
        if len(given) > count:
            raise WireError(f"at most {count} values for {shape}", f"{len(given)}")
        if (count - len(given)) * stored.itemsize > most_filled:
            raise WireError(f"{count} values for {shape}", f"{len(given)}")
        # What is missing is as the last one.
        last = given[-1:] if len(given) else np.zeros(1, stored)
        array = np.concatenate([given, np.repeat(last, count - len(given))]).reshape(shape)
    return widened(array) if dtype == BFLOAT16 else array


def _numbers(parts: list[Field], dtype: int) -> Array:
    stored = NUMBERS[dtype]
    letter = _FIXED.get(_VALUES[dtype])
    if letter:
        kind = np.dtype(letter)
        joined = b"".join(
            bytes(part.content) if part.wire == LENGTH
            else part.expect(FIXED32 if kind.itemsize == 4 else FIXED64)
            .number.to_bytes(kind.itemsize, "little")
            for part in parts
        )  # fmt: skip
        if len(joined) % stored.itemsize:
            raise WireError(f"whole values of {stored.itemsize} bytes", f"{len(joined)} bytes")
        return np.frombuffer(joined, stored)
    several = [
        np.array([part.number], np.uint64) if part.wire == VARINT else packed(part.bytes)
        for part in parts
    ]
    bits = np.concatenate([np.zeros(0, np.uint64), *several])
    if dtype in (19, BFLOAT16):  # the bits of a half
        return bits.astype("<u2").view(stored)
    return bits.astype(stored)


def attribute_of(message: memoryview) -> Any:
    """A JSON-like value of an AttrValue: a text, a number, a shape, the name of a type or of a
    function, or a list of such. Tensors become {"dtype": ..., "shape": ...}."""
    value: Any = None
    for part in fields(message):
        if part.tag == 1:
            value = _list(part.bytes)
        else:
            found = _single(part, function=10)
            value = value if found is None else found[0]
    return value


def _list(message: memoryview) -> list[Any]:
    values: list[Any] = []
    for part in fields(message):
        together = part.wire == LENGTH and part.tag in (3, 4, 5, 6)
        if len(part.content) > _LONGEST_LIST_BYTES:
            raise WireError(f"at most {_LONGEST_LIST_BYTES} bytes in a list", "more")
        if not together:
            values += _single(part, function=9) or []
        elif part.tag == 4:
            if len(part.content) % 4:
                raise WireError("whole numbers of 4 bytes", f"{len(part.content)} bytes")
            values += [number for (number,) in struct.iter_unpack("<f", part.content)]
        else:
            for number in packed(part.content).tolist():
                values += _single(Field(part.tag, VARINT, number, part.content[:0]), 9) or []
    return values


def _single(part: Field, function: int) -> list[Any] | None:
    match part.tag:
        case 2:
            return [bytes(part.bytes).decode("utf-8", "backslashreplace")]
        case 3:
            return [part.signed]
        case 4:
            number = part.expect(FIXED32).number
            return [struct.unpack("<f", number.to_bytes(4, "little"))[0]]
        case 5:
            return [bool(part.unsigned)]
        case 6:
            return [name_of(part.unsigned)]
        case 7:
            return [shape_of(part.bytes)]
        case 8:
            return [_described(part.bytes)]
        case tag if tag == function:
            return [next((f.text for f in fields(part.bytes) if f.tag == 1), "")]
        case _:
            return None


def _described(message: memoryview) -> dict[str, Any]:
    dtype, shape = 0, None
    for part in fields(message):
        if part.tag == 1:
            dtype = part.unsigned
        elif part.tag == 2:
            shape = shape_of(part.bytes)
    return {"dtype": name_of(dtype), "shape": shape}
