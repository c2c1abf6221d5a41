"""Seeded damage to a package: what a bad disk, a bad tool or a bad person would do to its files."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable

_INTEGERS = [
    0, 1, 2, 3, 7, 16, 127, 128, 255, 256, 4095, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
    2**53 + 1, 2**62, 2**63 - 1, 2**64 - 1, -1, -(2**31), -(2**63),
]  # fmt: skip
_TOML_WORDS = [
    *(str(number) for number in _INTEGERS), "1" + "0" * 400, "9" * 5000, "0x" + "f" * 3000,
    "1e999", "-1e999", "nan", "inf", "-inf", "1e-320", "-0.0", "true", "[]", "{}", '""', "[[[]]]",
    "[nan, inf]", "[1e308, 1e309]", '"\\u0000"', '"' + "a" * 3000 + '"', "1979-05-27T07:32:00Z",
    '"../model.onnx"', '"/etc/passwd"', '"CON"', '"model.onnx/"', '"\\ud7ff"', "'''\n'''",
]  # fmt: skip
_FLOATS = [float("nan"), float("inf"), -float("inf"), 1e308, -1e-45, 0.0, -0.0]

Damage = Callable[[bytearray, random.Random], None]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content with one to three kinds of damage that know nothing of what it means."""
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if spoilt:
            chance.choice(_DAMAGES)(spoilt, chance)
    return bytes(spoilt)


def damaged_toml(content: bytes, chance: random.Random) -> bytes:
    """A manifest with another value, another key, a line twice or not at all, or plain damage."""
    lines = content.decode().splitlines()
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind < 3 and "=" in lines[at]:
            key, _, _ = lines[at].partition("=")
            lines[at] = f"{key}= {chance.choice(_TOML_WORDS)}"
        elif kind == 3:
            lines.insert(chance.randrange(len(lines)), lines[at])
        elif kind == 4 and len(lines) > 1:
            del lines[at]
        else:
            lines[at] = re.sub(r"[0-9.]+", lambda _: chance.choice(_TOML_WORDS), lines[at], count=1)
    text = "\n".join(lines).encode()
    return damaged(text, chance) if chance.random() < 0.3 else text


def _flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def _splice(content: bytearray, chance: random.Random) -> None:
    start, end = _span(content, chance)
    at = chance.randrange(len(content))
    content[at : at + end - start] = content[start:end]


def _repeat(content: bytearray, chance: random.Random) -> None:
    start, end = _span(content, chance)
    content[end:end] = content[start:end] * chance.choice((1, 1, 2, 40))


def _delete(content: bytearray, chance: random.Random) -> None:
    start, end = _span(content, chance)
    del content[start:end]


def _number(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content))
    number = chance.choice(_INTEGERS) & (2**64 - 1)
    width = chance.choice((1, 2, 4, 8))
    content[at : at + width] = (number & (2 ** (8 * width) - 1)).to_bytes(width, "little")


def _varint(content: bytearray, chance: random.Random) -> None:
    number, written = chance.choice(_INTEGERS) & (2**64 - 1), bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    at = chance.randrange(len(content))
    content[at : at + chance.choice((0, 1, 2, len(written)))] = written


def _float(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content))
    value = chance.choice(_FLOATS)
    content[at : at + 4] = struct.pack("<f", value if abs(value) < 1e38 else float("inf"))


def _swap(content: bytearray, chance: random.Random) -> None:
    width = chance.choice((1, 2, 4, 8))
    if len(content) <= 2 * width:
        return
    a, b = (chance.randrange(len(content) - width) for _ in range(2))
    first, second = content[a : a + width], content[b : b + width]
    content[a : a + width], content[b : b + width] = second, first


def _span(content: bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content))
    return start, min(len(content), start + int(chance.paretovariate(0.7)))


_DAMAGES: list[Damage] = [
    _flip, _flip, _cut, _splice, _repeat, _delete, _number, _varint, _varint, _float, _swap,
]  # fmt: skip
