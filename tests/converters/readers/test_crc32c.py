"""CRC-32C in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from converters.readers.crc32c import crc32c, masked, unmasked

LENGTHS = [*range(140), 65_535, 65_536, 65_540, 131_071, 131_073, 262_149]


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_examples_of_the_standard(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_every_short_length_is_as_bit_by_bit() -> None:
    data = np.random.default_rng(0).bytes(200)
    for length in range(200):
        assert crc32c(data[:length]) == bit_by_bit(data[:length])


@pytest.mark.parametrize("length", [65_535, 65_536, 65_541, 131_072])
def test_long_data_are_as_bit_by_bit(length: int) -> None:
    data = np.random.default_rng(1).bytes(length)
    assert crc32c(data) == bit_by_bit(data)


def test_two_pieces_are_as_one() -> None:
    data = np.random.default_rng(2).bytes(200_003)
    for cut in (0, 1, 63, 64, 100_001, 200_003):
        assert crc32c(memoryview(data)[cut:], crc32c(data[:cut])) == crc32c(data)


def test_every_length_is_as_the_other_implementation_has_it() -> None:
    google = pytest.importorskip("google_crc32c")
    random = np.random.default_rng(3)
    for length in LENGTHS:
        data = random.bytes(length)
        assert crc32c(data) == google.value(data), length


def test_a_mask_is_taken_off_again() -> None:
    for checksum in (0, 1, 0xE3069283, 0xFFFFFFFF):
        assert unmasked(masked(checksum)) == checksum
        assert masked(checksum) != checksum
