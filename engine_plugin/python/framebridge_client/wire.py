"""The wire as PROTOCOL.md lays it out: control messages, and the doorbell's fixed arrays.

`bridge/protocol.py` is the other side; `engine_plugin/vectors/` holds both to the same bytes.
"""

from __future__ import annotations

import struct
from typing import Any

import msgpack

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 1 << 20
"""Of a message to the client; the bridge takes 64 KiB."""

SUBMIT, DONE, DROPPED, RELEASE = 1, 2, 3, 4
REASON_NEWER, REASON_FAILED, REASON_WITHHELD, REASON_TAKEN = 0, 1, 2, 3
NO_SLOT = 0x7F
"""In a `done` that gives no input slot back."""

# array header, kind, u32 epoch, ...; every integer has its full width, so offsets are fixed.
_SUBMIT = struct.Struct(">3sIBBQBQ")
_RELEASE = struct.Struct(">3sIB")
_DONE = struct.Struct(">3sIBBBQBIBI")
_DROPPED = struct.Struct(">3sIBBQB")
_SUBMIT_HEAD = b"\x95\x01\xce"
_DONE_HEAD = b"\x97\x02\xce"
_DROPPED_HEAD = b"\x95\x03\xce"
_RELEASE_HEAD = b"\x93\x04\xce"
_U32, _U64 = 0xCE, 0xCF


def submit(epoch: int, slot: int, frame_id: int, time_ns: int) -> bytes:
    """Give an input slot to the worker."""
    return _SUBMIT.pack(_SUBMIT_HEAD, epoch, slot, _U64, frame_id, _U64, time_ns)


def release(epoch: int, slot: int) -> bytes:
    """Give a result slot back to the worker."""
    return _RELEASE.pack(_RELEASE_HEAD, epoch, slot)


def done(
    epoch: int, source_slot: int, result_slot: int, frame_id: int, model_us: int, chain: int
) -> bytes:
    """What the worker sends with a result."""
    return _DONE.pack(
        _DONE_HEAD, epoch, source_slot, result_slot, _U64, frame_id, _U32, model_us, _U32, chain
    )


def dropped(epoch: int, slot: int, frame_id: int, reason: int) -> bytes:
    """What the worker sends when it gives an input slot back without a result."""
    return _DROPPED.pack(_DROPPED_HEAD, epoch, slot, _U64, frame_id, reason)


def read(raw: bytes) -> tuple[int, ...] | None:
    """A doorbell message of the worker as (kind, epoch, fields ...), or None if it is none."""
    if len(raw) == _DONE.size and raw.startswith(_DONE_HEAD):
        _, epoch, source, result, t1, frame_id, t2, model_us, t3, chain = _DONE.unpack(raw)
        if (t1, t2, t3) == (_U64, _U32, _U32):
            return (DONE, epoch, source, result, frame_id, model_us, chain)
    elif len(raw) == _DROPPED.size and raw.startswith(_DROPPED_HEAD):
        _, epoch, slot, t1, frame_id, reason = _DROPPED.unpack(raw)
        if t1 == _U64:
            return (DROPPED, epoch, slot, frame_id, reason)
    return None


def encode(type: str, request: int, **fields: Any) -> bytes:
    """A control message."""
    packed: bytes = msgpack.packb({"type": type, "request": request, **fields})
    return packed


def decode(raw: bytes) -> dict[str, Any]:
    """A control message of the bridge; an empty one for anything else."""
    try:
        message = msgpack.unpackb(raw)
    except (ValueError, msgpack.exceptions.UnpackException):
        return {}
    return message if isinstance(message, dict) else {}
