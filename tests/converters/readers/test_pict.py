"""Good .pict files are read, and bad ones refused in one clear error."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import WeightsError
from converters.readers.base import head_of
from converters.readers.pict import READER

TABLE = np.linspace(-1, 1, 256).astype("<f4").tobytes()
LISTED = [{"name": "b", "shape": [2, 3]}, {"name": "a", "shape": [4]}]
CODES = bytes(range(100, 110))


def part(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def pict(listed: Any = LISTED, table: bytes = TABLE, codes: bytes = CODES) -> bytes:
    text = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
    return part(text) + part(table) + part(codes)


def read(tmp_path: Path, raw: bytes) -> Any:
    path = tmp_path / "weights"
    path.write_bytes(raw)
    return READER.read(path)


def test_arrays_are_told_by_name_in_the_order_of_the_file(tmp_path: Path) -> None:
    weights = read(tmp_path, pict())
    assert list(weights.arrays) == ["b", "a"]
    table = np.linspace(-1, 1, 256).astype(np.float32)
    assert np.array_equal(weights.arrays["b"], table[100:106].reshape(2, 3))
    assert np.array_equal(weights.arrays["a"], table[106:110])
    assert weights.arrays["a"].dtype == np.float32
    assert weights.arrays.get("c") is None


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(pict())
    assert READER.sniff(path, head_of(path))


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\x00", b"\x00\x00\x00\x10", b"PK\x03\x04[{", b"\x80\x02}q", b"\x89PNG\r\n\x1a\n",
        b"\x00\x00\x00\x20[[[[[[[[", b"\x00\x00\x00\x20[1, 2, 3]" + bytes(20),
        b'\xff\xff\xff\xff[{"name": "a", "shape": [1]}]',
        b"[{" + b'"name": "a", "shape": [1]}]',
    ],
)  # fmt: skip
def test_other_files_are_not_taken_for_one(head: bytes) -> None:
    assert not READER.sniff(Path("weights.pict"), head)


def test_a_small_table_is_taken(tmp_path: Path) -> None:
    table = np.float32([0.5, -0.5]).astype("<f4").tobytes()
    weights = read(tmp_path, pict([{"name": "a", "shape": [3]}], table, b"\0\1\0"))
    assert weights.arrays["a"].tolist() == [0.5, -0.5, 0.5]


def test_arrays_are_made_when_they_are_asked_for(tmp_path: Path) -> None:
    weights = read(tmp_path, pict())
    first = weights.arrays["a"]
    first[:] = 7
    assert weights.arrays["a"].max() < 1


@pytest.mark.parametrize("left", [0, 1100])
def test_a_file_that_changes_after_it_was_opened_is_refused(tmp_path: Path, left: int) -> None:
    weights = read(tmp_path, pict())
    (tmp_path / "weights").write_bytes(pict()[:left])
    with pytest.raises(WeightsError, match="changed since"):
        weights.arrays["a"]
    (tmp_path / "weights").unlink()
    with pytest.raises(WeightsError, match="readable"):
        weights.arrays["a"]


BAD: Sequence[tuple[str, bytes, str]] = [
    ("an empty file", b"", "0 bytes"),
    ("a list beyond the end", struct.pack(">I", 1 << 31) + b"[]", "has left"),
    ("a table beyond the end", part(b"[]") + struct.pack(">I", 1024) + b"1", "has left"),
    ("weights beyond the end", pict()[:-1], "has left"),
    ("bytes after the last part", pict() + b"\0", "1 bytes more"),
    ("fewer weights than shapes", pict(codes=CODES[:-1]), "one for each weight"),
    ("more weights than shapes", pict(codes=CODES + b"\0"), "one for each weight"),
    ("a name twice", pict([{"name": "a", "shape": [5]}] * 2), "twice"),
    ("no name", pict([{"shape": [10]}]), "name"),
    ("no shape", pict([{"name": "a"}]), "shape"),
    ("a name that is a number", pict([{"name": 3, "shape": [10]}]), "str"),
    ("a shape of texts", pict([{"name": "a", "shape": ["10"]}]), "int"),
    ("a shape of fractions", pict([{"name": "a", "shape": [2.5, 4]}]), "int"),
    ("no list", pict({"name": "a", "shape": [10]}), "array"),
    ("an empty list", pict([], codes=b""), "1 to 100000 arrays"),
    ("no JSON", pict(b'[{"name": '), "JSON"),
    ("no UTF-8", pict(b'[{"name": "\xff", "shape": [10]}]'), "UTF-8"),
    ("half a surrogate", pict(b'[{"name": "\\ud800", "shape": [10]}]'), "JSON"),
    ("depth", pict(b"[" * 100_000), "JSON"),
    ("depth of a field", pict(b'[{"x": ' + b"[" * 100_000), "JSON"),
    ("a huge shape", pict([{"name": "a", "shape": [1 << 40]}]), "<= 4294967295"),
    ("a large shape", pict([{"name": "a", "shape": [1 << 31]}]), "one for each weight"),
    ("large shapes", pict([{"name": "a", "shape": [1 << 31] * 8}]), "one for each weight"),
    ("a shape beyond 64 bits", pict([{"name": "a", "shape": [10**30]}]), "<= 4294967295"),
    ("endless digits", pict(b'[{"name": "a", "shape": [' + b"9" * 5000 + b"]}]"), "JSON"),
    ("a negative side", pict([{"name": "a", "shape": [-2, -5]}]), ">= 1"),
    ("a side of 0", pict([{"name": "c", "shape": [0]}, *LISTED]), ">= 1"),
    ("many axes", pict([{"name": "a", "shape": [1] * 40 + [10]}]), "length <= 8"),
    ("too many arrays", pict([{"name": str(i), "shape": [1]} for i in range(100_001)]), "100000"),
    ("NaN in the table", pict(table=TABLE[:-4] + struct.pack("<f", np.nan)), "finite"),
    ("infinity in the table", pict(table=TABLE[:-4] + struct.pack("<f", np.inf)), "finite"),
    ("a table of 0 entries", pict(table=b""), "1 to 256 values"),
    ("a table of 257 entries", pict(table=TABLE + b"\0\0\0\0"), "at most 1024"),
    ("a table of odd length", pict(table=TABLE[:-1]), "1 to 256 values"),
    ("indices beyond the table", pict(table=TABLE[: 4 * 109]), "indices below 109"),
]


@pytest.mark.parametrize(("raw", "said"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_file_is_one_clear_error(tmp_path: Path, raw: bytes, said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        read(tmp_path, raw)
    assert caught.value.place.startswith(str(tmp_path / "weights"))
    assert len(str(caught.value)) < 600


def test_a_file_cut_at_any_tenth_is_refused(tmp_path: Path) -> None:
    raw = pict()
    for tenth in range(10):
        with pytest.raises(WeightsError):
            read(tmp_path, raw[: len(raw) * tenth // 10])


def test_a_flipped_byte_is_an_error_or_finite_arrays(tmp_path: Path) -> None:
    raw = pict(table=TABLE[-40:], codes=bytes(10))
    for place in range(len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytes([*raw[:place], raw[place] ^ flip, *raw[place + 1 :]])
            try:
                arrays = read(tmp_path, damaged).arrays
            except WeightsError:
                continue
            assert all(np.isfinite(arrays[name]).all() for name in arrays)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert not READER.sniff(tmp_path, head_of(tmp_path))
    with pytest.raises(WeightsError):
        READER.read(tmp_path)
