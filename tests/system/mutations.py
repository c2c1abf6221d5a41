"""Control and doorbell messages that no honest client sends: mutated by seed, and made by hand."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

import msgpack

NOWHERE = "no-such-package"
"""The only package that a mutated message names: what is opened and loaded is found missing."""

SOURCE = {"width": 16, "height": 16}
FULL_SOURCE = {
    **SOURCE, "pixel_format": "bgra8", "rows": "bottom_first", "transfer": "srgb",
    "alpha": "opaque",
}  # fmt: skip


def valid_messages(stream: int) -> list[dict[str, Any]]:
    """Every message of a client, in short and in full; `stop` is always among them."""
    knobs = {"strength": 0.5, "on": True, "count": 3, "name": "x" * 256, "colour": [0.0, 1.0, 0.5]}
    return [
        {"type": "hello", "request": 1, "protocol": 1},
        {"type": "hello", "request": 2, "protocol": 1, "client": "ä" * 256, "token": "0" * 256},
        {"type": "open", "request": 3, "source": SOURCE, "chain": [NOWHERE]},
        {"type": "open", "request": 4, "source": FULL_SOURCE, "chain": [NOWHERE] * 8,
         "policy": "lockstep", "parameters": knobs, "label": "a label"},
        {"type": "close", "request": 5, "stream": 2**31 - 1},
        {"type": "load", "request": 6, "stream": stream, "chain": [NOWHERE]},
        {"type": "set", "request": 7, "stream": stream, "parameters": knobs},
        {"type": "set", "request": 2**32 - 1, "stream": stream, "parameters": {}},
        {"type": "status", "request": 8},
        {"type": "heartbeat", "request": 9},
        {"type": "stop", "request": 10},
        {"type": "bye", "request": 11},
    ]  # fmt: skip


BOMBS = (
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xdc\xff\xff", b"\xde\xff\xff",
    b"\x91" * 3000, b"\x81\xa0" * 3000, b"\xdd\x00\x00\x00\x01" * 3000,
)  # fmt: skip


def mutated(rng: random.Random, originals: list[bytes]) -> bytes:
    """One of the originals with one to four wounds, at most 64 KiB."""
    raw = bytearray(rng.choice(originals))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        _wound(rng, raw, originals)
    return bytes(raw[: 1 << 16])


def _wound(rng: random.Random, raw: bytearray, originals: list[bytes]) -> None:
    at = rng.randrange(len(raw) + 1)
    kind = rng.randrange(100)
    if kind < 30 and raw:
        raw[at % len(raw)] ^= 1 << rng.randrange(8)
    elif kind < 45 and raw:
        raw[at % len(raw)] = rng.randrange(256)
    elif kind < 58:
        del raw[at:]
    elif kind < 68:
        del raw[at : at + rng.randrange(1, 9)]
    elif kind < 78:
        raw[at:at] = rng.randbytes(rng.randrange(1, 9))
    elif kind < 88:
        other = rng.choice(originals)
        raw[at:] = other[rng.randrange(len(other) + 1) :]
    elif kind < 94:
        piece = raw[at : at + rng.randrange(1, 40)]
        raw[at:at] = piece * rng.randrange(1, 20)
    elif kind < 99:
        raw[at:at] = rng.choice(BOMBS)
    else:
        raw += bytes(rng.choice((1 << 10, max(0, (1 << 16) - len(raw)), 1 << 14)))


def made_by_hand() -> Iterator[tuple[str, bytes]]:
    """Names and messages, each of which must be refused by its content."""
    for bomb in BOMBS:
        yield f"bare bomb {bomb[:6].hex()}", bomb
        for head in (b"\x82\xa4type", b"\x82\xa4type\xa6status\xa7request"):
            yield f"bomb {bomb[:6].hex()} after {head[1:].hex()}", head + bomb
    for size in (1, 2, 4):
        depth = 60_000 // size
        yield f"depth {depth}", {1: b"\x91", 2: b"\x81\x90", 4: b"\x81\xa1a\x91"}[size] * depth
    wrong: dict[str, Any] = {
        "nothing": None, "a float": 1.5, "nan": float("nan"), "infinity": float("inf"),
        "a huge integer": 2**64 - 1, "a negative": -(2**63), "bytes": b"x", "an array": [[]],
        "a map": {"a": {}}, "a time": msgpack.Timestamp(0, 0),
        "an extension": msgpack.ExtType(5, b""),
        "a long text": "x" * 60_000,
    }  # fmt: skip
    fields = {
        "hello": {"protocol": 1, "client": "", "token": ""},
        "open": {"source": SOURCE, "chain": ["a"], "policy": "latest", "parameters": {},
                 "label": ""},
        "close": {"stream": 1}, "load": {"stream": 1, "chain": ["a"]},
        "set": {"stream": 1, "parameters": {}},
    }  # fmt: skip
    for type, good in fields.items():
        for field in (*good, "request"):
            for what, value in wrong.items():
                message = {"type": type, **good, field: value}
                yield f"{type}.{field}: {what}", msgpack.packb(message)
    for key in FULL_SOURCE:
        for what, value in wrong.items():
            source = {**FULL_SOURCE, key: value}
            message = {"type": "open", "chain": ["a"], "source": source}
            yield f"source.{key}: {what}", msgpack.packb(message)
    for what, value in wrong.items():
        yield f"type: {what}", msgpack.packb({"type": value})
        message = {"type": "open", "source": SOURCE, "chain": ["a"], "parameters": {"x": [value]}}
        yield f"a knob's number: {what}", msgpack.packb(message)
    yield from _odd_encodings()


def _odd_encodings() -> Iterator[tuple[str, bytes]]:
    status = msgpack.packb({"type": "status"})
    yield "nothing", b""
    yield "an empty map", b"\x80"
    yield "an empty array", b"\x90"
    yield "a reserved byte", b"\xc1"
    yield "something behind the end", status + b"\x00"
    yield "two messages in one", status * 2
    yield "a key twice, the second wrong", b"\x82\xa4type\xa6status\xa4type\xc0"
    yield "keys that are numbers", b"\x81\x01\x02"
    yield "keys that are maps", b"\x81\x80\x01"
    yield "keys that are bytes", b"\x81\xc4\x04type\xa6status"
    yield "a type in bytes", b"\x81\xa4type\xc4\x06status"
    yield "text that is no text", b"\x82\xa4type\xa5hello\xa6client\xa2\xff\xfe"
    yield "text that ends in half a character", b"\x82\xa4type\xa5hello\xa6client\xa1\xc3"
    yield "a surrogate", b"\x82\xa4type\xa5hello\xa6client\xa3\xed\xa0\x80"
    yield "a time of 96 bits", b"\x81\xa4type\xc7\x0c\xff" + bytes(12)
    yield "a time far too late", b"\x81\xa4type\xc7\x0c\xff" + b"\xff" * 12
    yield "json", b'{"type": "status"}'
    yield "64 KiB of zeros", bytes(1 << 16)
    yield "64 KiB of noise", random.Random(0).randbytes(1 << 16)
    yield "20,000 empty keys", b"\xde\x4e\x20" + b"\xa0\xc0" * 20_000
    yield "a request of 2**32", msgpack.packb({"type": "status", "request": 2**32})
    yield "a negative request", msgpack.packb({"type": "status", "request": -1})
    yield (
        "65 knobs",
        msgpack.packb({"type": "set", "stream": 1, "parameters": {str(n): 0 for n in range(65)}}),
    )
    yield (
        "30,000 links in a chain",
        msgpack.packb({"type": "load", "stream": 1, "chain": ["a"] * 30_000}),
    )


def mutated_ring(rng: random.Random, originals: list[bytes]) -> bytes:
    """A doorbell message with one to three wounds, at most 512 bytes."""
    raw = bytearray(rng.choice(originals))
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind, at = rng.randrange(6), rng.randrange(len(raw) + 1)
        if kind < 3 and raw:
            raw[at % len(raw)] ^= 1 << rng.randrange(8)
        elif kind == 3:
            del raw[at:]
        elif kind == 4:
            raw[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            raw[at : at + 4] = struct.pack(">I", rng.choice((0, 1, 2**31, 2**32 - 1)))
    return bytes(raw[:512])
