"""The client's side of the wire, on the same vectors as the bridge's."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from framebridge_client import wire
from hypothesis import given
from hypothesis import strategies as st

from bridge import protocol

Vectors = dict[str, list[dict[str, Any]]]

PACK = {
    "submit": wire.submit,
    "done": wire.done,
    "dropped": wire.dropped,
    "release": wire.release,
}
KIND = {"done": wire.DONE, "dropped": wire.DROPPED}


def test_a_doorbell_message_is_packed_as_its_vector(vectors: Vectors) -> None:
    for entry in vectors["doorbell"]:
        fields = dict(entry["fields"])
        packed = PACK[fields.pop("kind")](**fields)
        assert packed.hex() == entry["hex"], entry["name"]


def test_what_a_worker_sends_is_read_as_its_fields(vectors: Vectors) -> None:
    for entry in vectors["doorbell"]:
        if entry["direction"] == "to client":
            kind, *values = entry["fields"].values()
            assert wire.read(bytes.fromhex(entry["hex"])) == (KIND[kind], *values), entry["name"]


def test_what_a_client_sends_is_nothing_that_it_reads(vectors: Vectors) -> None:
    for entry in vectors["doorbell"]:
        if entry["direction"] == "to worker":
            assert wire.read(bytes.fromhex(entry["hex"])) is None, entry["name"]


def test_malformed_doorbell_messages_are_read_as_none(vectors: Vectors) -> None:
    for entry in vectors["malformed"]:
        if entry["channel"] == "doorbell":
            assert wire.read(bytes.fromhex(entry["hex"])) is None, entry["name"]


def test_a_control_message_is_written_as_its_vector(vectors: Vectors) -> None:
    for entry in vectors["control"]:
        fields = dict(entry["fields"])
        if entry["direction"] == "to bridge" and "request" in fields:
            written = wire.encode(fields.pop("type"), fields.pop("request"), **fields)
            assert written.hex() == entry["hex"], entry["name"]


def test_a_control_message_of_the_bridge_is_read_as_its_fields(vectors: Vectors) -> None:
    for entry in vectors["control"]:
        assert wire.decode(bytes.fromhex(entry["hex"])) == entry["fields"], entry["name"]


@given(st.binary(max_size=40))
def test_random_bytes_at_the_doorbell_raise_nothing(raw: bytes) -> None:
    read = wire.read(raw)
    assert read is None or read[0] in KIND.values()


@given(st.sampled_from([b"\x97\x02\xce", b"\x95\x03\xce"]), st.binary(max_size=26))
def test_near_misses_are_read_as_the_bridge_would_read_them(head: bytes, rest: bytes) -> None:
    assert wire.read(head + rest) == protocol.unpack_doorbell(head + rest)


@given(st.binary(max_size=100))
def test_random_bytes_on_the_control_channel_raise_nothing(raw: bytes) -> None:
    assert isinstance(wire.decode(raw), dict)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\xc1", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
        b"\x81\x01\x02", b"\x81\x90\x01", b"\x81\xa1a", b"\x81\xa1a\x01\x00",
        b"\x81\xa1a\xa1\xff", b"\xc7\x05\xff\x00\x00\x00\x00\x00", b"\x93\x01\x02\x03",
        b"\x81\xa1a\xd7\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)  # fmt: skip
def test_what_is_no_map_is_read_as_an_empty_one(raw: bytes) -> None:
    assert wire.decode(raw) == {}


def test_both_sides_agree_on_version_and_size() -> None:
    assert wire.PROTOCOL_VERSION == protocol.PROTOCOL_VERSION
    assert wire.MAX_MESSAGE_BYTES >= protocol.MAX_MESSAGE_BYTES


def test_the_largest_message_of_a_client_is_read_by_the_bridge() -> None:
    raw = wire.encode("set", 1, stream=1, parameters={"k" * 256: "v" * 256})
    message = protocol.decode_client(raw)
    assert isinstance(message, protocol.Set)
    assert message.parameters == msgpack.unpackb(raw)["parameters"]
