"""The bridge's side of the wire, on the vectors and on everything else that may arrive."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import errors, protocol
from bridge.errors import ProtocolError, VersionError
from bridge.frames import FrameFormat

Vectors = dict[str, list[dict[str, Any]]]

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
epochs = st.integers(1, 2**32 - 1)
slots = st.integers(0, 127)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
names = st.sampled_from(
    ["type", "request", "protocol", "client", "token", "stream", "chain", "source", "parameters"]
)
types = st.sampled_from(
    [
        "hello", "open", "close", "load", "set", "reset", "status", "packages", "heartbeat", "stop",
        "bye",
    ]
)  # fmt: skip

PACK = {
    "submit": protocol.pack_submit,
    "done": protocol.pack_done,
    "dropped": protocol.pack_dropped,
    "release": protocol.pack_release,
}
KIND = {
    "submit": protocol.SUBMIT,
    "done": protocol.DONE,
    "dropped": protocol.DROPPED,
    "release": protocol.RELEASE,
}


def client_message(**fields: Any) -> protocol.ClientMessage:
    return protocol.decode_client(msgpack.packb(fields))


def open_message(**fields: Any) -> protocol.ClientMessage:
    source = {"width": 16, "height": 16}
    return client_message(**{"type": "open", "source": source, "chain": ["passthrough"], **fields})


# The vectors.


def test_a_doorbell_message_is_packed_as_its_vector(vectors: Vectors) -> None:
    for entry in vectors["doorbell"]:
        fields = dict(entry["fields"])
        packed = PACK[fields.pop("kind")](**fields)
        assert packed.hex() == entry["hex"], entry["name"]


def test_a_doorbell_vector_is_read_as_its_fields(vectors: Vectors) -> None:
    for entry in vectors["doorbell"]:
        kind, *values = entry["fields"].values()
        read = protocol.unpack_doorbell(bytes.fromhex(entry["hex"]))
        assert read == (KIND[kind], *values), entry["name"]


def test_a_clients_vector_is_read_as_its_fields(vectors: Vectors) -> None:
    for entry in vectors["control"]:
        if entry["direction"] == "to bridge":
            read = protocol.decode_client(bytes.fromhex(entry["hex"]))
            meant = entry.get("means", entry["fields"])
            assert msgspec.to_builtins(read) == meant, entry["name"]


def test_a_clients_vector_is_written_byte_for_byte(vectors: Vectors) -> None:
    for entry in vectors["control"]:
        if entry["direction"] == "to bridge" and "means" not in entry:
            raw = bytes.fromhex(entry["hex"])
            assert protocol.encode(protocol.decode_client(raw)) == raw, entry["name"]


def test_a_vector_of_the_bridge_is_read_and_written_byte_for_byte(vectors: Vectors) -> None:
    for entry in vectors["control"]:
        if entry["direction"] == "to client":
            raw = bytes.fromhex(entry["hex"])
            read = protocol.decode_bridge(raw)
            assert msgspec.to_builtins(read) == entry["fields"], entry["name"]
            assert protocol.encode(read) == raw, entry["name"]


def test_every_message_has_a_vector(vectors: Vectors) -> None:
    for union, direction in (
        (protocol.ClientMessage, "to bridge"),
        (protocol.BridgeMessage, "to client"),
    ):
        tags = {kind.__struct_config__.tag for kind in union.__args__}
        shown = {e["fields"]["type"] for e in vectors["control"] if e["direction"] == direction}
        assert shown == tags


def test_a_malformed_doorbell_vector_is_no_message(vectors: Vectors) -> None:
    for entry in vectors["malformed"]:
        if entry["channel"] == "doorbell":
            raw = bytes.fromhex(entry["hex"])
            assert protocol.unpack_doorbell(raw) is None, entry["name"]


def test_a_malformed_control_vector_is_a_typed_error_or_left_to_the_server(
    vectors: Vectors,
) -> None:
    refused = {"FB-E030": ProtocolError, "FB-E031": VersionError}
    for entry in vectors["malformed"]:
        if entry["channel"] != "control":
            continue
        raw = bytes.fromhex(entry["hex"])
        assert protocol.request_of(raw) == entry["request"], entry["name"]
        if entry["code"] in refused and entry["after_hello"]:
            with pytest.raises(refused[entry["code"]]):  # noqa: PT012
                message = protocol.decode_client(raw)
                assert isinstance(message, protocol.Hello), entry["name"]
                protocol.check_version(message.protocol)
        else:
            protocol.decode_client(raw)


# The doorbell.


@given(epochs, slots, u64, u64)
def test_submit_comes_back_as_it_was(epoch: int, slot: int, frame: int, time_ns: int) -> None:
    raw = protocol.pack_submit(epoch, slot, frame, time_ns)
    values = (protocol.SUBMIT, epoch, slot, frame, time_ns)
    assert protocol.unpack_doorbell(raw) == values
    assert msgpack.unpackb(raw) == list(values)
    assert len(raw) == 26 <= protocol.DOORBELL_MAX_BYTES


@given(epochs, slots, slots, u64, u32, u32)
def test_done_comes_back_as_it_was(
    epoch: int, source: int, result: int, frame: int, model_us: int, chain: int
) -> None:
    raw = protocol.pack_done(epoch, source, result, frame, model_us, chain)
    values = (protocol.DONE, epoch, source, result, frame, model_us, chain)
    assert protocol.unpack_doorbell(raw) == values
    assert msgpack.unpackb(raw) == list(values)
    assert len(raw) == 28 <= protocol.DOORBELL_MAX_BYTES


@given(epochs, slots, u64, st.sampled_from([protocol.REASON_NEWER, protocol.REASON_FAILED]))
def test_dropped_comes_back_as_it_was(epoch: int, slot: int, frame: int, reason: int) -> None:
    raw = protocol.pack_dropped(epoch, slot, frame, reason)
    values = (protocol.DROPPED, epoch, slot, frame, reason)
    assert protocol.unpack_doorbell(raw) == values
    assert msgpack.unpackb(raw) == list(values)
    assert len(raw) == 18 <= protocol.DOORBELL_MAX_BYTES


@given(epochs, slots)
def test_release_comes_back_as_it_was(epoch: int, slot: int) -> None:
    raw = protocol.pack_release(epoch, slot)
    values = (protocol.RELEASE, epoch, slot)
    assert protocol.unpack_doorbell(raw) == values
    assert msgpack.unpackb(raw) == list(values)
    assert len(raw) == 8 <= protocol.DOORBELL_MAX_BYTES


def test_a_model_time_beyond_32_bits_is_the_greatest_that_fits() -> None:
    read = protocol.unpack_doorbell(protocol.pack_done(1, 0, 0, 1, 2**40, 0))
    assert read is not None
    assert read[5] == 2**32 - 1


@given(st.binary(max_size=40))
def test_random_bytes_at_the_doorbell_raise_nothing(raw: bytes) -> None:
    read = protocol.unpack_doorbell(raw)
    assert read is None or read[0] in KIND.values()


@given(st.sampled_from([0x93, 0x95, 0x97]), st.integers(0, 5), st.binary(max_size=30))
def test_near_misses_at_the_doorbell_raise_nothing(head: int, kind: int, rest: bytes) -> None:
    raw = bytes([head, kind]) + rest
    read = protocol.unpack_doorbell(raw)
    if read is not None and all(slot < 128 for slot in _slot_bytes(raw)):
        assert msgpack.unpackb(raw) == list(read)


def _slot_bytes(raw: bytes) -> bytes:
    """Slots and reason: one byte each, which MessagePack reads as a number below 128."""
    return {protocol.DONE: raw[7:9], protocol.DROPPED: raw[7:8] + raw[17:]}.get(raw[1], raw[7:8])


# Control messages.


@given(st.binary(max_size=200))
def test_random_bytes_are_a_protocol_error(raw: bytes) -> None:
    try:
        protocol.decode_client(raw)
    except (ProtocolError, VersionError):
        assert 0 <= protocol.request_of(raw) < 2**32


@given(anything)
def test_random_messages_are_a_protocol_error(value: object) -> None:
    with pytest.raises((ProtocolError, VersionError)):
        protocol.decode_client(msgpack.packb(value))


@given(types, st.dictionaries(names, anything, max_size=6))
def test_known_types_with_random_fields_raise_nothing_else(type: str, fields: Any) -> None:
    raw = msgpack.packb({**fields, "type": type})
    try:
        message = protocol.decode_client(raw)
    except (ProtocolError, VersionError):
        assert 0 <= protocol.request_of(raw) < 2**32
    else:
        assert protocol.decode_client(protocol.encode(message)) == message


@given(st.integers(2, 2**64 - 1), st.dictionaries(st.text(), anything, max_size=5))
def test_a_hello_from_the_future_is_a_version_error_whatever_else_it_holds(
    version: int, fields: dict[str, Any]
) -> None:
    raw = msgpack.packb({**fields, "type": "hello", "protocol": version})
    with pytest.raises(VersionError, match=r"version 1\b.*version \d+.*Update the bridge"):  # noqa: PT012
        message = protocol.decode_client(raw)
        assert isinstance(message, protocol.Hello)
        protocol.check_version(message.protocol)


def test_a_hello_from_the_past_is_told_to_update_the_client() -> None:
    with pytest.raises(VersionError, match="Update the client"):
        protocol.check_version(0)


def test_a_message_is_at_most_64_kib_long() -> None:
    with pytest.raises(ProtocolError, match="65537 bytes"):
        protocol.decode_client(b"\x00" * 65537)


def test_an_error_names_the_field() -> None:
    with pytest.raises(ProtocolError) as caught:
        open_message(source={"width": 16, "height": 0})
    assert caught.value.place == "message source"
    assert "height must be 1 to 16384, got 0" in caught.value.found


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1])
def test_any_32_bit_request_number_is_taken(number: int) -> None:
    assert client_message(type="status", request=number).request == number


@pytest.mark.parametrize("number", [-1, 2**32, 1.5, "1", None, True])
def test_any_other_request_number_is_refused(number: object) -> None:
    with pytest.raises(ProtocolError):
        client_message(type="status", request=number)


@pytest.mark.parametrize("stream", [0, -1, 2**31, "1", None])
@pytest.mark.parametrize("type", ["close", "load", "set"])
def test_a_stream_number_outside_its_bounds_is_refused(type: str, stream: object) -> None:
    rest = {"load": {"chain": ["a"]}, "set": {"parameters": {}}}.get(type, {})
    assert client_message(type=type, stream=2**31 - 1, **rest)
    with pytest.raises(ProtocolError, match="stream"):
        client_message(type=type, stream=stream, **rest)


LARGEST = {
    "chain": ["x" * 1024] * 8,
    "label": "ä" * 256,
    "parameters": {f"{i:03}" + "x" * 253: [0.5] * 16 for i in range(64)},
    "source": {"width": 16384, "height": 16384},
}
TOO_LARGE = {
    "chain of nine": {"chain": ["x"] * 9},
    "empty chain": {"chain": []},
    "package of 1025 characters": {"chain": ["x" * 1025]},
    "nameless package": {"chain": [""]},
    "label": {"label": "x" * 257},
    "65 parameters": {"parameters": {str(i): 0 for i in range(65)}},
    "name of a parameter": {"parameters": {"x" * 257: 0}},
    "text of a parameter": {"parameters": {"x": "x" * 257}},
    "numbers of a parameter": {"parameters": {"x": [0.0] * 17}},
    "texts in a parameter": {"parameters": {"x": ["a"]}},
    "map in a parameter": {"parameters": {"x": {}}},
    "width": {"source": {"width": 16385, "height": 1}},
    "height": {"source": {"width": 1, "height": 16385}},
    "no width": {"source": {"width": 0, "height": 1}},
    "no such policy": {"policy": "fastest"},
    "no such rows": {"source": {"width": 1, "height": 1, "rows": "sideways"}},
    "no such transfer": {"source": {"width": 1, "height": 1, "transfer": "gamma"}},
    "no such alpha": {"source": {"width": 1, "height": 1, "alpha": "premultiplied"}},
    "no such pixel format": {"source": {"width": 1, "height": 1, "pixel_format": "rgba16f"}},
}


@pytest.mark.parametrize("field", LARGEST)
def test_a_field_of_open_at_its_limit_is_taken(field: str) -> None:
    assert open_message(**{field: LARGEST[field]})


@pytest.mark.parametrize("case", TOO_LARGE)
def test_a_field_of_open_beyond_its_limit_is_refused(case: str) -> None:
    (field,) = TOO_LARGE[case]
    with pytest.raises(ProtocolError, match=field):
        open_message(**TOO_LARGE[case])


@pytest.mark.parametrize("field", ["client", "token"])
def test_a_text_of_hello_beyond_its_limit_is_refused(field: str) -> None:
    assert client_message(type="hello", protocol=1, **{field: "x" * 256})
    with pytest.raises(ProtocolError, match=f"message {field}"):
        client_message(type="hello", protocol=1, **{field: "x" * 257})


@pytest.mark.parametrize(
    "type", ["hello", "open", "close", "load", "set", "status", "heartbeat", "stop", "bye"]
)
def test_an_unknown_field_is_refused_in_every_message(type: str) -> None:
    fields = {
        "protocol": 1, "source": {"width": 1, "height": 1}, "chain": ["a"], "stream": 1,
        "parameters": {},
    }  # fmt: skip
    needed = {
        "hello": ["protocol"], "open": ["source", "chain"], "close": ["stream"],
        "load": ["stream", "chain"], "set": ["stream", "parameters"],
    }.get(type, [])  # fmt: skip
    message = {"type": type, **{name: fields[name] for name in needed}}
    assert client_message(**message)
    with pytest.raises(ProtocolError, match="unknown field `mood`"):
        client_message(**message, mood=1)


# The pipes of a worker.


def test_link_messages_come_back_in_order() -> None:
    commands = [
        protocol.SetParameters(ticket=2, values={"strength": 0.5}),
        protocol.LoadChain(ticket=3, packages=["a"], parameters={}),
    ]
    pipe = io.BytesIO(b"".join(protocol.to_pipe(command) for command in commands))
    assert list(protocol.commands_of(pipe)) == commands


def test_a_pipe_that_ends_inside_a_message_just_ends() -> None:
    raw = protocol.to_pipe(protocol.SetParameters(ticket=1, values={}))
    for length in range(len(raw)):
        assert list(protocol.commands_of(io.BytesIO(raw[:length]))) == []


def test_what_a_library_prints_into_the_pipe_is_a_protocol_error() -> None:
    for raw in (b"Loading model...", b"\x00\x00\x00\x02\xff\xff"):
        with pytest.raises(ProtocolError, match="link"):
            list(protocol.reports_of(io.BytesIO(raw)))


# The page.

PAGE = Path(__file__).parent.parent / "engine_plugin" / "PROTOCOL.md"


def test_the_page_names_every_message_field_and_error() -> None:
    page = PAGE.read_text(encoding="utf-8")
    kinds = [*protocol.ClientMessage.__args__, *protocol.BridgeMessage.__args__]
    words = {kind.__struct_config__.tag for kind in kinds}
    for kind in (*kinds, protocol.ErrorMap, protocol.SlotSet, protocol.StreamReport, FrameFormat):
        words |= set(kind.__struct_fields__)
    words |= {kind.code for kind in errors.FramebridgeError.__subclasses__()}
    assert {word for word in words if f"`{word}`" not in page} == set()


def test_the_pages_worked_example_is_made_of_vectors(vectors: Vectors) -> None:
    blocks = PAGE.read_text(encoding="utf-8").partition("## Worked example")[2].split("```")[1::2]
    shown = []
    for block in blocks:
        # Bytes stand on the left, and what they mean from column 36 on.
        shown.append(re.sub(r"\s", "", "".join(line[:36] for line in block.splitlines())))
    known = {entry["hex"] for file in ("control", "doorbell") for entry in vectors[file]}
    assert len(shown) == 6
    assert [raw for raw in shown if raw not in known] == []
