"""Zip entries are checked before they are read, and by their checksums after."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers import zip_directory
from converters.readers.zip_directory import ZipDirectory

CONTENT = {"archive/data.pkl": b"pickle", "archive/data/0": bytes(range(200)), "empty": b""}


def zipped(path: Path, method: int = zipfile.ZIP_STORED, extra: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in CONTENT.items():
            file.writestr(name, data)
    path.write_bytes(path.read_bytes() + extra)
    return path


def patched(path: Path, old: bytes, new: bytes, last: bool = False) -> Path:
    data = path.read_bytes()
    assert len(old) == len(new)
    at = data.rfind(old) if last else data.find(old)
    assert at >= 0
    path.write_bytes(data[:at] + new + data[at + len(old) :])
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_come_whole(tmp_path: Path, method: int) -> None:
    directory = ZipDirectory(zipped(tmp_path / "a.zip", method))
    directory.check()
    assert {name: directory.read(name).tobytes() for name in directory.entries} == CONTENT


def test_entries_of_64_bits_come_whole(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w") as file,
        file.open("x", "w", force_zip64=True) as x,
    ):
        x.write(b"1234")
    assert ZipDirectory(tmp_path / "a.zip").read("x").tobytes() == b"1234"


def test_a_directory_of_64_bits_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = path.read_bytes()
    end = data.rfind(b"PK\5\6")
    count, size, start = struct.unpack_from("<H2L", data, end + 10)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(data[:end] + wide + locator + last)
    assert set(ZipDirectory(path).entries) == set(CONTENT)


def test_a_byte_of_an_entry_that_is_another_is_found(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "a.zip"), b"pickle", b"pickly")
    with pytest.raises(WeightsError, match="checksum"):
        ZipDirectory(path).read("archive/data.pkl")
    with pytest.raises(WeightsError, match="checksum"):
        ZipDirectory(path).check()


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("x", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("x", b"2")
    with pytest.raises(WeightsError, match="two of one name"):
        ZipDirectory(tmp_path / "a.zip")


def test_a_small_file_that_inflates_without_measure_is_refused_before_it_does(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x", bytes(16 << 20))
    tracemalloc.start()
    with pytest.raises(UnsafeWeightsError, match="times what is stored"):
        ZipDirectory(tmp_path / "a.zip")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    # Many entries of the directory that point to one and the same compressed data.
    path = zipped(tmp_path / "a.zip")
    data = path.read_bytes()
    first = data.find(b"PK\1\2")
    second = data.find(b"PK\1\2", first + 4)
    copy = data[first:second]
    end = data.rfind(b"PK\5\6")
    count, size = struct.unpack_from("<HL", data, end + 10)
    tail = bytearray(data[end:])
    struct.pack_into("<2HL", tail, 8, count + 1, count + 1, size + len(copy))
    path.write_bytes(data[:end] + copy + bytes(tail))
    with pytest.raises(WeightsError, match="two of one name"):
        ZipDirectory(path)
    # Under a name of its own, which the header that it points to does not bear out.
    renamed = copy.replace(b"data.pkl", b"data.pkk")
    path.write_bytes(data[:end] + renamed + bytes(tail))
    with pytest.raises(WeightsError, match="header"):
        ZipDirectory(path)


def test_an_entry_that_lies_inside_another_is_refused(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip").read_bytes()
    header = inner[: inner.find(b"PK\1\2")]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("outer", header)
    path = tmp_path / "a.zip"
    data = path.read_bytes()
    inside = data.find(b"PK\3\4", 4)
    entry = bytearray(inner[inner.find(b"PK\1\2") :][: 46 + len("archive/data.pkl")])
    struct.pack_into("<L", entry, 42, inside)
    end = data.rfind(b"PK\5\6")
    tail = bytearray(data[end:])
    count, size = struct.unpack_from("<HL", tail, 10)
    struct.pack_into("<2HL", tail, 8, count + 1, count + 1, size + len(entry))
    path.write_bytes(data[:end] + bytes(entry) + bytes(tail))
    with pytest.raises(UnsafeWeightsError, match="overlapping"):
        ZipDirectory(path)


def test_more_entries_than_any_weights_have_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\5\6")
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, 2**46, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(bytes(data[:end]) + wide + locator + last)
    with pytest.raises(UnsafeWeightsError, match="entries"):
        ZipDirectory(path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="stored or deflated"):
        ZipDirectory(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_flipped_byte_gives_an_error_or_the_same_entries(tmp_path: Path, method: int) -> None:
    whole = zipped(tmp_path / "a.zip", method).read_bytes()
    random = np.random.default_rng(2)
    path = tmp_path / "b.zip"
    for place in range(0, len(whole), 2):
        data = bytearray(whole)
        data[place] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(data)
        try:
            directory = ZipDirectory(path)
            directory.check()
            read = {name: directory.read(name).tobytes() for name in directory.entries}
        except (WeightsError, UnsafeWeightsError):
            continue
        assert read == CONTENT


def test_every_file_cut_short_is_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip").read_bytes()
    path = tmp_path / "b.zip"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises((WeightsError, UnsafeWeightsError)):
            ZipDirectory(path)


def test_an_entry_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="archive/data/7"):
        ZipDirectory(zipped(tmp_path / "a.zip")).read("archive/data/7")


def test_deflated_bytes_fewer_than_promised_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2", data.find(b"PK\1\2") + 4)
    struct.pack_into("<L", data, at + 24, 201)
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="201 bytes"):
        ZipDirectory(path).read("archive/data/0")
    assert zip_directory.MOST_RATIO * 6 > 201
