"""`.pict`: one byte a weight and one table of their values, as affinelayer's demo, keijiro's
Pix2Pix and Ngx, and ml5 take them.

Three parts, each an unsigned 32-bit big-endian length and as many bytes: a JSON list of names and
shapes, the table of up to 256 float32, and the indices into it of all arrays in the list's order.
Source: tools/export-checkpoint.py of affinelayer/pix2pix-tensorflow; Importer of keijiro/Pix2Pix.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import msgspec
import numpy as np
from msgspec import Meta

from bridge.errors import WeightsError
from converters.readers.base import Reader
from converters.weights import Array, Weights

LENGTH_BYTES = 4
TABLE_ENTRIES_MAX = 256
SIDE_MAX = (1 << 32) - 1
"""Of the weights, in bytes, as their length has four: no side of an array can be more."""
_LIST_MAX_BYTES = 16 << 20
_TENSORS_MAX = 100_000
_AT_ONCE_BYTES = 1 << 20
_REMEDY = "The file is damaged, cut short or no .pict: fetch or export it again."


class Entry(msgspec.Struct):
    """What the list says of one array."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=1, le=SIDE_MAX)]], Meta(max_length=8)]


class _Decoded(Mapping[str, Array]):
    """Arrays read and made each time that they are asked for, float32, as shaped: between two of
    them nothing stands in memory.

    Raises: WeightsError: of an array, where the file has changed since.
    """

    def __init__(self, path: Path, start: int, table: Array, entries: list[Entry]) -> None:
        self._path, self._table = path, table
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        for entry in entries:
            self._places[entry.name] = start, tuple(entry.shape)
            start += math.prod(entry.shape)

    def __getitem__(self, name: str) -> Array:
        start, shape = self._places[name]
        size = math.prod(shape)
        try:
            codes = np.fromfile(self._path, np.uint8, size, offset=start)
        except OSError as error:
            _refuse(
                f"{self._path} {name}", "a readable file", error.strerror or "an unreadable one"
            )
        if len(codes) < size or int(codes.max()) >= len(self._table):
            _refuse(
                f"{self._path} {name}", "the file that was opened", "one that has changed since"
            )
        return np.asarray(np.take(self._table, codes)).reshape(shape)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def sniff(path: Path, head: bytes) -> bool:
    """The format has no mark: a list of names and shapes must begin after four bytes."""
    text = head[LENGTH_BYTES:].lstrip()
    length = int.from_bytes(head[:LENGTH_BYTES], "big")
    return (
        2 < length <= _LIST_MAX_BYTES
        and text.startswith(b"[")
        and text[1:].lstrip().startswith(b"{")
        and b'"name"' in text
        and b'"shape"' in text
    )


def read(path: Path) -> Weights:
    """The arrays, each read from the file when it is asked for.

    Raises: WeightsError.
    """
    try:
        left = path.stat().st_size
        with path.open("rb") as file:
            listed, left = _part(file, left, f"{path} list", _LIST_MAX_BYTES)
            raw_table, left = _part(file, left, f"{path} table", 4 * TABLE_ENTRIES_MAX)
            total, left = _length(file, left, f"{path} weights", left)
            start = file.tell()
            if left > total:
                _refuse(
                    f"{path} weights", "the end of the file after its third part",
                    f"{left - total} bytes more",
                )  # fmt: skip
            entries = _entries(listed, f"{path} list")
            table = _table(raw_table, f"{path} table")
            _check_codes(file, total, entries, len(table), f"{path} weights")
    except OSError as error:
        _refuse(str(path), "a readable file", error.strerror or "an unreadable one")
    return Weights(
        _Decoded(path, start, table, entries), READER.name, (path,), {"table_entries": len(table)},
        (
            f"a list of {len(entries)} names and shapes, a table of {len(table)} values and "
            f"{total} indices, each part with its length before it",
        ),
    )  # fmt: skip


def _length(file: BinaryIO, left: int, place: str, most: int) -> tuple[int, int]:
    """Of the part that begins here, and what is left of the file from its first byte on."""
    prefix = file.read(LENGTH_BYTES)
    left -= LENGTH_BYTES
    if len(prefix) < LENGTH_BYTES:
        _refuse(place, f"a length of {LENGTH_BYTES} bytes", f"{len(prefix)} bytes, then the end")
    length = int.from_bytes(prefix, "big")
    if length > left:
        _refuse(place, f"a length of at most {left} bytes, which the file has left", f"{length}")
    if length > most:
        _refuse(place, f"at most {most} bytes", f"{length}")
    return length, left


def _part(file: BinaryIO, left: int, place: str, most: int) -> tuple[bytes, int]:
    """A part, and what is left of the file after it; nothing is reserved before it is known to be
    there."""
    length, left = _length(file, left, place, most)
    part = file.read(length)
    if len(part) < length:
        _refuse(place, f"{length} bytes", f"{len(part)}, then the end")
    return part, left - length


def _check_codes(file: BinaryIO, total: int, entries: list[Entry], table: int, place: str) -> None:
    wanted = sum(math.prod(entry.shape) for entry in entries)
    if wanted != total:
        _refuse(place, f"{wanted} bytes, one for each weight of the list", f"{total}")
    while part := file.read(_AT_ONCE_BYTES):
        greatest = int(np.frombuffer(part, np.uint8).max())
        if greatest >= table:
            _refuse(place, f"indices below {table}, which the table has entries for", f"{greatest}")


def _entries(raw: bytes, place: str) -> list[Entry]:
    try:
        raw.decode("utf-8")
        entries = msgspec.json.decode(raw, type=list[Entry])
    except UnicodeDecodeError as error:
        _refuse(place, "UTF-8", f"the byte {raw[error.start]:#04x} at {error.start}")
    except (msgspec.MsgspecError, RecursionError) as error:
        _refuse(place, 'a JSON list of {"name": text, "shape": [numbers]}', f"{error}")
    if not 0 < len(entries) <= _TENSORS_MAX:
        _refuse(place, f"1 to {_TENSORS_MAX} arrays", f"{len(entries)}")
    seen = set()
    for index, entry in enumerate(entries):
        where = f"{place}[{index}]"
        if entry.name in seen:
            _refuse(f"{where}.name", "each name once", f"{entry.name[:80]!r} twice")
        seen.add(entry.name)
    return entries


def _table(raw: bytes, place: str) -> Array:
    if not len(raw) or len(raw) % 4:
        _refuse(place, f"1 to {TABLE_ENTRIES_MAX} values of 4 bytes", f"{len(raw)} bytes")
    table = np.frombuffer(raw, "<f4").astype(np.float32)
    if not np.isfinite(table).all():
        _refuse(place, "finite numbers", "NaN or infinity")
    return table


def _refuse(place: str, expected: str, found: str) -> NoReturn:
    raise WeightsError(place, expected, found, _REMEDY) from None


READER = Reader("pict", ".pict of pix2pix", "*.pict", sniff, read)
