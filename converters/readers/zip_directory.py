"""The entries of a zip, checked before anything is read, and their bytes, checked by their CRC."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.weights import Array

MOST_ENTRIES = 200_000
MOST_BYTES = 8 << 30
"""Of all entries together, inflated."""
MOST_RATIO = 200
_MOST_DIRECTORY_BYTES = 64 << 20
_STORED, _DEFLATED = 0, 8
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_ZIP64_EXTRA = 1
_ENCRYPTED = 1
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Attributes:
        start: of its data in the file, in bytes.
        stored_bytes, size: as it stands in the file, and inflated.
    """

    name: str
    start: int
    stored_bytes: int
    size: int
    crc: int
    deflated: bool


class ZipDirectory:
    """The entries of a zip file.

    Guarantees: no two have one name or share bytes, none is encrypted, each lies inside the file,
        and together they are no larger than `MOST_BYTES`.
    Raises: WeightsError, UnsafeWeightsError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._size = path.stat().st_size
            with path.open("rb") as file:
                self.entries: Mapping[str, Entry] = self._read(file)
        except (struct.error, OSError) as error:
            raise self._wrong("a whole zip", str(error)) from None

    def _wrong(self, expected: str, found: str, where: str = "") -> WeightsError:
        place = f"{self.path} {where[:120]}".rstrip()
        return WeightsError(place, expected, found, "The file is damaged or cut short.")

    def _too_much(self, expected: str, found: str, where: str = "") -> UnsafeWeightsError:
        return UnsafeWeightsError(f"{self.path} {where[:120]}".rstrip(), expected, found)

    def _read(self, file: BinaryIO) -> dict[str, Entry]:
        start, size, count = self._directory(file)
        if count > MOST_ENTRIES or size > _MOST_DIRECTORY_BYTES:
            raise self._too_much(f"at most {MOST_ENTRIES:,} entries", f"{count:,}")
        if start + size > self._size:
            raise self._wrong("a directory inside the file", f"one at {start:,}")
        file.seek(start)
        directory = file.read(size)
        entries: dict[str, Entry] = {}
        spans: list[tuple[int, int, str]] = []
        total = position = 0
        for _ in range(count):
            entry, header, position = self._entry(file, directory, position)
            if entry.name in entries:
                raise self._wrong("entries of different names", "two of one name", entry.name)
            total += entry.size
            if total > MOST_BYTES:
                raise self._too_much(f"at most {MOST_BYTES:,} bytes", f"{total:,}", entry.name)
            entries[entry.name] = entry
            spans.append((header, entry.start + entry.stored_bytes, entry.name))
        if position != size:
            raise self._wrong(f"{size:,} bytes of directory", f"{position:,}")
        spans.sort()
        for (_, end, _), (begin, _, name) in pairwise(spans):
            if begin < end:
                raise self._too_much("entries that share no bytes", "overlapping ones", name)
        if spans and spans[-1][1] > start:
            raise self._too_much("entries before the directory", "one inside it", spans[-1][2])
        return entries

    def _directory(self, file: BinaryIO) -> tuple[int, int, int]:
        """Where the directory begins, its bytes, and how many entries it has."""
        tail = min(self._size, _END.size + 0xFFFF)
        file.seek(self._size - tail)
        data = file.read(tail)
        found = data.rfind(b"PK\5\6")
        if found < 0 or found + _END.size > len(data):
            raise self._wrong("the directory at the end of a zip", "none")
        _, _, _, here, count, size, start, _ = _END.unpack_from(data, found)
        if here != count:
            raise self._wrong(f"{count:,} entries", f"{here:,}")
        end = self._size - tail + found
        if 0xFFFF not in (count,) and 0xFFFFFFFF not in (size, start):
            return start, size, count
        if end < _LOCATOR_64.size:
            raise self._wrong("a zip64 directory", "none")
        file.seek(end - _LOCATOR_64.size)
        mark, _, at, _ = _LOCATOR_64.unpack(file.read(_LOCATOR_64.size))
        if mark != b"PK\6\7" or at > self._size:
            raise self._wrong("a zip64 directory", "none")
        file.seek(at)
        mark, *_, count, size, start = _END_64.unpack(file.read(_END_64.size))
        if mark != b"PK\6\6":
            raise self._wrong("a zip64 directory", "none")
        return start, size, count

    def _entry(self, file: BinaryIO, directory: bytes, position: int) -> tuple[Entry, int, int]:
        """One entry, where its header is, and where the directory goes on."""
        (
            mark, _, _, _, _, flags, method, _, _, crc, stored, size, name_bytes, extra_bytes,
            comment_bytes, _, _, _, header,
        ) = _CENTRAL.unpack_from(directory, position)  # fmt: skip
        at = position + _CENTRAL.size
        raw_name = directory[at : at + name_bytes]
        extra = directory[at + name_bytes : at + name_bytes + extra_bytes]
        position = at + name_bytes + extra_bytes + comment_bytes
        if mark != b"PK\1\2" or position > len(directory):
            raise self._wrong("an entry of the directory", "none")
        name = raw_name.decode("utf-8", "backslashreplace")
        size, stored, header = _widened(extra, size, stored, header)
        if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
            raise self._wrong("an entry stored or deflated", f"method {method}", name)
        if method == _STORED and size != stored:
            raise self._wrong(f"{stored:,} bytes", f"{size:,}", name)
        if size > MOST_RATIO * stored + _CHUNK:
            raise self._too_much(
                f"at most {MOST_RATIO} times what is stored", f"{size:,} from {stored:,}", name
            )
        if header + _LOCAL.size > self._size:
            raise self._wrong("an entry inside the file", f"one at {header:,}", name)
        file.seek(header)
        local = _LOCAL.unpack(file.read(_LOCAL.size))
        start = header + _LOCAL.size + local[-2] + local[-1]
        if local[0] != b"PK\3\4" or file.read(local[-2]) != raw_name or local[4] != method:
            raise self._wrong("the header that the directory promises", "another", name)
        if start + stored > self._size:
            raise self._wrong("an entry inside the file", f"{stored:,} bytes at {start:,}", name)
        return Entry(name, start, stored, size, crc, method == _DEFLATED), header, position

    def read(self, name: str) -> Array:
        """Bytes of one entry, uint8 (N,).

        Raises: WeightsError: there is none, or its CRC is another.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise self._wrong("an entry of this name", "none", name)
        data = np.empty(entry.size, np.uint8)
        with self.path.open("rb") as file:
            file.seek(entry.start)
            if entry.deflated:
                self._inflate(file, entry, data.data)
            elif file.readinto(data.data) != entry.size:
                raise self._wrong("a whole entry", "one cut short", name)
        if zlib.crc32(data.data) != entry.crc:
            raise self._wrong(f"the checksum {entry.crc:08x}", "another", name)
        return data

    def check(self) -> None:
        """Raises: WeightsError: an entry's CRC is not that of its bytes."""
        with self.path.open("rb") as file:
            for entry in self.entries.values():
                if entry.deflated:
                    self.read(entry.name)
                    continue
                crc, left = 0, entry.size
                file.seek(entry.start)
                while left:
                    chunk = file.read(min(left, _CHUNK))
                    if not chunk:
                        raise self._wrong("a whole entry", "one cut short", entry.name)
                    crc, left = zlib.crc32(chunk, crc), left - len(chunk)
                if crc != entry.crc:
                    raise self._wrong(f"the checksum {entry.crc:08x}", "another", entry.name)

    def _inflate(self, file: BinaryIO, entry: Entry, target: memoryview) -> None:
        machine = zlib.decompressobj(-15)
        left, filled = entry.stored_bytes, 0
        try:
            while filled < entry.size:
                chunk = machine.unconsumed_tail or file.read(min(left, 1 << 16))
                left -= 0 if machine.unconsumed_tail else len(chunk)
                part = machine.decompress(chunk, min(entry.size - filled, _CHUNK))
                target[filled : filled + len(part)] = part
                filled += len(part)
                if not part and not chunk:
                    break
        except zlib.error as error:
            raise self._wrong("deflated bytes", str(error), entry.name) from None
        if filled != entry.size:
            raise self._wrong(f"{entry.size:,} bytes", f"{filled:,}", entry.name)


def _widened(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """The three numbers, of which those that are all ones stand in the zip64 field."""
    position, wide = 0, b""
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == _ZIP64_EXTRA:
            wide = extra[position + 4 : position + 4 + length]
        position += 4 + length
    values = []
    for value in (size, stored, header):
        if value == 0xFFFFFFFF:
            if len(wide) < 8:
                raise struct.error("a zip64 entry without its numbers")
            value, wide = struct.unpack_from("<Q", wide)[0], wide[8:]
        values.append(value)
    return values[0], values[1], values[2]
