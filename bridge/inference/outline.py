"""A graph without the values of its weights, read from its file in little memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

KEPT_BYTES = 4096
"""Values of up to this size stay: they may be the shapes of others."""
# Numbers of fields in onnx.proto; of TensorProto all that values may stand in.
_GRAPH, _INITIALIZER = 7, 5
_VALUES = frozenset({4, 5, 6, 7, 9, 10, 11})
Change = Callable[[BinaryIO, int, int, int], bytes | None]
"""Of the field of this number, whose content lies from here to there: what it is to become, or None
to leave it."""
_VARINT, _FIXED64, _MESSAGE, _FIXED32 = 0, 1, 2, 5


def outline_of(path: Path) -> bytes:
    """A serialized ONNX model, but large values of its initializers.

    Raises: ValueError: the file is no serialized message. OSError.
    """
    with path.open("rb") as file:
        return _kept(file, 0, os.fstat(file.fileno()).st_size, _model_field)


def _model_field(file: BinaryIO, field: int, start: int, end: int) -> bytes | None:
    return _kept(file, start, end, _graph_field) if field == _GRAPH else None


def _graph_field(file: BinaryIO, field: int, start: int, end: int) -> bytes | None:
    return _kept(file, start, end, _tensor_field) if field == _INITIALIZER else None


def _tensor_field(file: BinaryIO, field: int, start: int, end: int) -> bytes | None:
    return b"" if field in _VALUES and end - start > KEPT_BYTES else None


def _kept(file: BinaryIO, start: int, end: int, change: Change) -> bytes:
    """The fields of one message, each as it is or as `change` gives it; left out where that is
    empty."""
    parts = []
    for field, first, content, last in _fields(file, start, end):
        changed = None
        if content >= 0:
            changed = change(file, field, content, last)
        if changed is None:
            file.seek(first)
            parts.append(file.read(last - first))
        elif changed:
            parts.append(_varint(field << 3 | _MESSAGE) + _varint(len(changed)) + changed)
    return b"".join(parts)


def _fields(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, first byte, first byte of the content (-1 where it has no length) and end of each."""
    while at < end:
        file.seek(at)
        mark = _number(file)
        kind, content = mark & 7, -1
        if kind == _VARINT:
            _number(file)
            last = file.tell()
        elif kind == _MESSAGE:
            length = _number(file)
            content = file.tell()
            last = content + length
        elif kind in (_FIXED32, _FIXED64):
            last = file.tell() + (4 if kind == _FIXED32 else 8)
        else:
            raise ValueError(f"a field of kind {kind}")
        if last > end:
            raise ValueError("a field that ends beyond its message")
        yield mark >> 3, at, content, last
        at = last


def _number(file: BinaryIO) -> int:
    found = 0
    for index, byte in enumerate(_bytes(file)):
        found |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return found
    raise ValueError("a number without an end")


def _bytes(file: BinaryIO) -> Iterator[int]:
    for _ in range(10):
        byte = file.read(1)
        if not byte:
            return
        yield byte[0]


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
