"""CRC-32C (Castagnoli), the checksum of TensorFlow's files, in numpy.

A CRC is linear: the register after two pieces is the register of the first, moved on by the length
of the second, plus the register of the second. So many words are moved on at once, row by row, by
the same distance, and what is left is folded in halves.

Source: RFC 3720, appendix B.4 (polynomial, examples); the mask as TensorFlow's and LevelDB's
`crc32c.h` have it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78  # reflected
_ONES = 0xFFFFFFFF
_MASK_DELTA = 0xA282EAD8
_LANES = 1 << 14
_Words = npt.NDArray[np.uint32]


def crc32c(data: bytes | bytearray | memoryview, before: int = 0) -> int:
    """The checksum of `data`, or of what gave `before` and then `data`.

    About 1 GB a second; the memory it takes does not grow with `data`.
    """
    view = memoryview(data).cast("B")
    register = before ^ _ONES
    whole = len(view) // 4 * 4
    if whole >= 64:
        words = np.frombuffer(view[:whole], "<u4")
        register = _moved(register, whole // 4) ^ _register_of(words)
        view = view[whole:]
    table = _byte_table()
    for byte in view:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ _ONES


def unmasked(stored: int) -> int:
    """The checksum that was masked, so that it can stand in data that is checksummed itself."""
    rotated = (stored - _MASK_DELTA) & _ONES
    return ((rotated >> 17) | (rotated << 15)) & _ONES


def masked(checksum: int) -> int:
    """What `unmasked` takes back."""
    return (((checksum >> 15) | (checksum << 17)) + _MASK_DELTA) & _ONES


def _register_of(words: _Words) -> int:
    """The register after all words, from zero; zeros in front of them change nothing."""
    first, rows = len(words) % _LANES, len(words) // _LANES
    folded = _folded(words[:first])
    if rows:
        low, high = _wide_tables(_LANES)
        lanes = words[first : first + _LANES].copy()
        for row in words[first + _LANES :].reshape(rows - 1, _LANES):
            halves = lanes.view("<u2")
            lanes = low.take(halves[0::2]) ^ high.take(halves[1::2])
            lanes ^= row
        folded = _moved(folded, rows * _LANES) ^ _folded(lanes)
    return folded


def _folded(words: _Words) -> int:
    """The register after fewer than `2 * _LANES` words."""
    size = 1 << max(len(words) - 1, 0).bit_length()
    left = np.zeros(size, np.uint32)
    left[size - len(words) :] = words
    while len(left) > 1:
        half = len(left) // 2
        left = _apply(_tables(half), left[:half]) ^ left[half:]
    # A word stands for itself until the register has moved over it.
    return _moved(int(left[0]), 1) if len(words) else 0


def _moved(register: int, words: int) -> int:
    """The register after so many zero words."""
    step = 0
    while words >> step:
        if words >> step & 1:
            register = int(_apply(_tables(1 << step), np.array([register], np.uint32))[0])
        step += 1
    return register


def _apply(tables: _Words, words: _Words) -> _Words:
    parts = np.ascontiguousarray(words, "<u4").view(np.uint8).reshape(-1, 4)
    found: Any = tables[0][parts[:, 0]]
    for index in range(1, 4):
        found ^= tables[index][parts[:, index]]
    return np.asarray(found, np.uint32)


@cache
def _tables(words: int) -> _Words:
    """What each value of each byte of a register becomes over `words` (a power of 2) zero words."""
    bits = _basis(words)
    return np.stack([_spanned(bits[8 * byte : 8 * byte + 8]) for byte in range(4)])


@cache
def _wide_tables(words: int) -> tuple[_Words, _Words]:
    """The same of each half of a register."""
    bits = _basis(words)
    return _spanned(bits[:16]), _spanned(bits[16:])


def _spanned(bits: _Words) -> _Words:
    values = np.zeros(1, np.uint32)
    for bit in bits:
        values = np.concatenate([values, values ^ bit])
    return values


@cache
def _basis(words: int) -> _Words:
    """What each single bit of a register becomes over `words` (a power of 2) zero words."""
    if words > 1:
        return _apply(_tables(words // 2), _basis(words // 2))
    table, found = _byte_table(), []
    for bit in range(32):
        register = 1 << bit
        for _ in range(4):
            register = table[register & 0xFF] ^ (register >> 8)
        found.append(register)
    return np.array(found, np.uint32)


@cache
def _byte_table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)
