"""Every message between client, supervisor and worker, with its limits and its version.

`engine_plugin/PROTOCOL.md` specifies the two sides that a client sees: the control channel
(MessagePack maps, the field `type` says which) and the doorbell (fixed MessagePack arrays). The
link between supervisor and worker is private to one version of the bridge.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from bridge.errors import FramebridgeError, ProtocolError, VersionError, readable
from bridge.frames import FrameFormat

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 1 << 20
"""What every client reads; nothing that the bridge says may be longer."""
SLOTS_EACH_WAY = 3

RequestId = Annotated[int, Meta(ge=0, le=2**32 - 1)]
StreamId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Epoch = Annotated[int, Meta(ge=1, le=2**32 - 1)]
ShortText = Annotated[str, Meta(max_length=256)]
PackageRef = Annotated[str, Meta(min_length=1, max_length=1024)]
ChainRef = Annotated[list[PackageRef], Meta(min_length=1, max_length=8)]
ParameterValue = bool | int | float | ShortText | Annotated[list[float], Meta(max_length=16)]
ParameterValues = Annotated[dict[ShortText, ParameterValue], Meta(max_length=64)]
Policy = Literal["latest", "lockstep", "free"]
Rate = Annotated[float, Meta(ge=0.1, le=1000)]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Lever = Literal["autogroup", "idle", "class", "threads", "none"]
"""How a worker gives way to the engine: see `bridge.worker.priority`."""


class Message(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """A control message. `request` is chosen by the client and repeated in the answer."""

    request: RequestId = 0


# From a client.


class Hello(Message, tag="hello", kw_only=True):
    """The first message of a connection."""

    protocol: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    client: ShortText = ""
    token: ShortText = ""


class Open(Message, tag="open", kw_only=True):
    """Ask for a stream."""

    source: FrameFormat
    chain: ChainRef
    policy: Policy = "latest"
    parameters: ParameterValues = msgspec.field(default_factory=dict)
    label: ShortText = ""
    rate: Rate = 60.0
    """Ticks a second at most, for the policy `free`."""
    seed: Seed = 0
    """Of all that a model draws at random; with the tick it decides the picture."""


class Close(Message, tag="close", kw_only=True):
    """End a stream of one's own."""

    stream: StreamId


class Load(Message, tag="load", kw_only=True):
    """Change the chain of a stream."""

    stream: StreamId
    chain: ChainRef


class Set(Message, tag="set", kw_only=True):
    """Turn knobs of a stream; none is turned if one is refused."""

    stream: StreamId
    parameters: ParameterValues


class Reset(Message, tag="reset", kw_only=True):
    """Bring the state of a stream's models back to what `seed` makes of it, and its tick to 0."""

    stream: StreamId
    seed: Seed = 0


class GetStatus(Message, tag="status", kw_only=True):
    """Ask for the state of the bridge and of every stream."""


class GetPackages(Message, tag="packages", kw_only=True):
    """Ask what the library holds."""


class Heartbeat(Message, tag="heartbeat", kw_only=True):
    """Answered with the same, at once."""


class Stop(Message, tag="stop", kw_only=True):
    """End the bridge."""


class Bye(Message, tag="bye", kw_only=True):
    """End the connection and its streams. Not answered."""


ClientMessage = (
    Hello | Open | Close | Load | Set | Reset | GetStatus | GetPackages | Heartbeat | Stop | Bye
)

# To a client.


class ErrorMap(msgspec.Struct):
    """A FramebridgeError as a map."""

    code: str
    kind: str
    place: str
    expected: str
    found: str
    remedy: str


class Welcome(Message, tag="welcome", kw_only=True):
    protocol: int
    bridge: str
    """Version of the bridge."""
    run: str
    """Names this run of the bridge; another run answers with another name."""


class SlotSet(msgspec.Struct, kw_only=True):
    """The shared textures of one direction."""

    format: FrameFormat
    stride: int
    size_bytes: int
    transport: Literal["shared_memory"] = "shared_memory"
    names: list[str]


class StreamState(Message, tag="stream", kw_only=True):
    """All that a client needs to use a stream; answers `open`, and comes by itself
    (request 0) when the stream has a new epoch or another chain."""

    stream: StreamId
    epoch: Epoch
    doorbell: str
    source: SlotSet
    result: SlotSet
    policy: Policy
    packages: list[str]
    references: list[str]
    """The same as `open` or `load` named them: what to ask for to get this chain again."""
    chain: str
    """sha256 in hex of everything that decides the pixels."""
    backend: str
    provider: str
    note: str = ""
    knobs: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """The parameter inputs of the packages, as in `model.toml`."""
    parameters: ParameterValues = msgspec.field(default_factory=dict)
    seed: Seed = 0


class StreamPaused(Message, tag="paused", kw_only=True):
    """The stream has no worker for now, or (`final`) never again; all slots are the client's."""

    stream: StreamId
    final: bool
    error: ErrorMap


class Ok(Message, tag="ok", kw_only=True):
    """Done as asked."""


class StreamReport(msgspec.Struct, kw_only=True):
    """One stream in a status."""

    stream: int
    label: str
    state: Literal["starting", "live", "restarting", "failed"]
    packages: list[str]
    chain: str
    policy: str
    source: FrameFormat
    result: FrameFormat
    backend: str
    provider: str
    note: str
    parameters: dict[str, Any]
    seed: int
    priority: Literal["normal", "low"]
    """Of the worker's process: "low" gives way to the engine."""
    worker_pid: int
    epoch: int
    restarts: int
    last_error: str
    counters: dict[str, int]
    model_ms: dict[str, float]
    start_age_ms: dict[str, float]


class Status(Message, tag="state", kw_only=True):
    bridge: str
    run: str
    pid: int
    uptime_s: float
    endpoint: str
    provider: str
    clients: int
    streams: list[StreamReport]


class PackageFacts(msgspec.Struct, kw_only=True):
    """What its `model.toml` says of a package, as far as somebody who chooses one asks for it."""

    name: str
    """What `open` and `load` take."""
    title: str = ""
    task: str = ""
    description: str = ""
    version: str = ""
    generator: bool = False
    """It takes no frame; results are of `width` by `height`, whatever is submitted."""
    stateful: bool = False
    """It goes on from its own last picture."""
    scale: int = 1
    """A result's sides over the frame's."""
    width: int = 0
    height: int = 0
    knobs: list[dict[str, Any]] = msgspec.field(default_factory=list)
    problem: str = ""
    """Why it cannot be opened; then nothing but the name need be true."""


class Packages(Message, tag="packages", kw_only=True):
    packages: list[PackageFacts]
    left_out: int = 0
    """How many more there are, for which the answer has no room."""


class Error(Message, tag="error", kw_only=True):
    error: ErrorMap


BridgeMessage = Welcome | StreamState | StreamPaused | Ok | Status | Packages | Error | Heartbeat

# Between supervisor and worker: length-prefixed MessagePack on the worker's pipes.


class LinkMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag=True):
    """Base of the messages on a worker's pipes."""


class Slots(LinkMessage):
    """One epoch of a stream: its doorbell and its shared textures."""

    epoch: int
    doorbell: str
    source_names: list[str]
    result_names: list[str]
    result: FrameFormat


class StartWorker(LinkMessage):
    stream: int
    source: FrameFormat
    policy: Policy
    packages: list[str]
    parameters: dict[str, Any]
    provider: str
    allow_fallback: bool
    run_limit_s: float
    rate: float
    seed: int
    lever: Lever
    """As in `GiveWay`, or "none" while it is not known yet."""
    backend: str
    compute: str
    slots: Slots


class LoadChain(LinkMessage):
    """Load beside the running chain. Takes over at once if the result format stays, else waits
    for `AdoptSlots`."""

    ticket: int
    packages: list[str]
    parameters: dict[str, Any]


class AdoptSlots(LinkMessage):
    """Change over to the chain loaded with this ticket, and to new slots."""

    ticket: int
    slots: Slots


class AbandonLoad(LinkMessage):
    """What is being loaded with this ticket is not wanted any more."""

    ticket: int


class SetParameters(LinkMessage):
    """Answered by `Applied`; frames taken up after that see the values."""

    ticket: int
    values: dict[str, Any]


class ResetState(LinkMessage):
    """Answered by `Applied`; frames taken up after that see the fresh state."""

    ticket: int
    seed: int


class GiveWay(LinkMessage):
    """Give way to the engine by this lever, which was seen to work on this machine."""

    lever: Lever


ToWorker = StartWorker | LoadChain | AdoptSlots | AbandonLoad | SetParameters | ResetState | GiveWay


class ChainFacts(msgspec.Struct, kw_only=True):
    """What a loaded chain turned out to be."""

    digest: str
    backend: str
    provider: str
    note: str


class WorkerReady(LinkMessage):
    """The epoch is served; `doorbell` is the address to connect to."""

    ticket: int
    """Of the load that this completes, or 0 for a start."""
    epoch: int
    doorbell: str
    chain: ChainFacts


class ChainLoaded(LinkMessage):
    ticket: int
    chain: ChainFacts


class Applied(LinkMessage):
    ticket: int


class LoadFailed(LinkMessage):
    """A start (ticket 0) or a load did not succeed; what ran goes on running."""

    ticket: int
    error: ErrorMap


class RunFailed(LinkMessage):
    """A frame could not be run and was given back."""

    error: ErrorMap


class WorkerStats(LinkMessage):
    counters: dict[str, int]
    model_ms: dict[str, float]
    start_age_ms: dict[str, float]
    priority: Literal["normal", "low"] = "normal"


FromWorker = WorkerReady | ChainLoaded | Applied | LoadFailed | RunFailed | WorkerStats

# Coding and decoding.

_Decoded = TypeVar("_Decoded")
_encoder = msgspec.msgpack.Encoder()
_client_decoder = msgspec.msgpack.Decoder(ClientMessage)
_bridge_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(BridgeMessage)
_to_worker_decoder = msgspec.msgpack.Decoder(ToWorker)
_from_worker_decoder = msgspec.msgpack.Decoder(FromWorker)


def encode(message: msgspec.Struct) -> bytes:
    return _encoder.encode(message)


def decode_client(raw: bytes) -> ClientMessage:
    """A control message from a client.

    Raises: ProtocolError: too long, no MessagePack, of unknown type, or with a wrong field.
        VersionError: a hello in another version of the protocol, whatever else it holds.
    """
    message: ClientMessage = _decode(_client_decoder, raw)
    return message


def decode_bridge(raw: bytes) -> Any:
    """A control message to a client, as the bridge itself would read it back."""
    return _decode(_bridge_decoder, raw, MAX_ANSWER_BYTES)


def request_of(raw: bytes) -> int:
    """The request number of a message that could not be decoded, or 0."""
    fields = _loose_fields(raw)
    number = fields.get("request", 0)
    return number if type(number) is int and 0 <= number < 2**32 else 0


def check_version(protocol: int) -> None:
    """Raises: VersionError: this bridge does not speak that version."""
    if protocol != PROTOCOL_VERSION:
        older = "bridge" if protocol > PROTOCOL_VERSION else "client"
        raise VersionError(
            "hello.protocol",
            f"version {PROTOCOL_VERSION}",
            f"version {protocol}",
            f"Update the {older}.",
        )


def error_map(error: FramebridgeError) -> ErrorMap:
    return ErrorMap(**error.as_map())


def _decode(
    decoder: msgspec.msgpack.Decoder[_Decoded], raw: bytes, limit: int = MAX_MESSAGE_BYTES
) -> _Decoded:
    if len(raw) > limit:
        raise ProtocolError("message", f"at most {limit} bytes", f"{len(raw)} bytes")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fields = _loose_fields(raw)
        if fields.get("type") == "hello" and type(fields.get("protocol")) is int:
            check_version(fields["protocol"])
        problem, field = readable(str(error))
        raise ProtocolError(
            f"message {field}".rstrip(), "a message as PROTOCOL.md lays it out", problem
        ) from None


def _loose_fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.msgpack.decode(raw[:MAX_MESSAGE_BYTES])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        return {}
    return fields if isinstance(fields, dict) else {}


_LENGTH = struct.Struct(">I")


def to_pipe(message: LinkMessage) -> bytes:
    """A link message with its length in front."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def commands_of(pipe: Any) -> Iterator[ToWorker]:
    """What the supervisor sends, until its end of the pipe closes."""
    return _from_pipe(pipe, _to_worker_decoder)


def reports_of(pipe: Any) -> Iterator[FromWorker]:
    """What a worker sends, until it ends.

    Raises: ProtocolError: something else wrote to the pipe.
    """
    return _from_pipe(pipe, _from_worker_decoder)


def _from_pipe(pipe: Any, decoder: msgspec.msgpack.Decoder[_Decoded]) -> Iterator[_Decoded]:
    while len(head := pipe.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        if length > MAX_MESSAGE_BYTES:
            raise ProtocolError("link", f"at most {MAX_MESSAGE_BYTES} bytes", f"{length} bytes")
        body = pipe.read(length)
        if len(body) < length:
            return
        try:
            yield decoder.decode(body)
        except msgspec.DecodeError as error:
            raise ProtocolError("link", "a message of this version", str(error)) from None


# The doorbell. Each message is one MessagePack array whose integers always take their full width,
# so that it can be written in place and read by offset. 29 bytes is what libzmq keeps inline.

SUBMIT, DONE, DROPPED, RELEASE = 1, 2, 3, 4
REASON_NEWER, REASON_FAILED, REASON_WITHHELD, REASON_TAKEN = 0, 1, 2, 3
"""`TAKEN`: of the policy `free`, where a frame is not answered but taken up by the next tick."""
NO_SLOT = 0x7F
"""In a `done` of the policy `free`: no input slot goes with it."""
DOORBELL_MAX_BYTES = 29

_SUBMIT = struct.Struct(">BBBIBBQBQ")
_DONE = struct.Struct(">BBBIBBBQBIBI")
_DROPPED = struct.Struct(">BBBIBBQB")
_RELEASE = struct.Struct(">BBBIB")
_U32, _U64 = 0xCE, 0xCF


def pack_submit(epoch: int, slot: int, frame_id: int, time_ns: int) -> bytes:
    """The client gives an input slot to the worker."""
    return _SUBMIT.pack(0x95, SUBMIT, _U32, epoch, slot, _U64, frame_id, _U64, time_ns)


def pack_done(
    epoch: int, source_slot: int, result_slot: int, frame_id: int, model_us: int, chain: int
) -> bytes:
    """The worker gives an input slot back and a result slot with it.

    Args:
        chain: the first eight hex digits of the chain's digest, as a number.
    """
    return _DONE.pack(
        0x97, DONE, _U32, epoch, source_slot, result_slot, _U64, frame_id, _U32,
        min(model_us, 2**32 - 1), _U32, chain,
    )  # fmt: skip


def pack_dropped(epoch: int, slot: int, frame_id: int, reason: int) -> bytes:
    """The worker gives an input slot back without a result."""
    return _DROPPED.pack(0x95, DROPPED, _U32, epoch, slot, _U64, frame_id, reason)


def pack_release(epoch: int, slot: int) -> bytes:
    """The client gives a result slot back."""
    return _RELEASE.pack(0x93, RELEASE, _U32, epoch, slot)


def unpack_doorbell(raw: bytes) -> tuple[int, ...] | None:
    """(kind, epoch, ...) in the order of the pack functions, or None for anything malformed."""
    layout = _LAYOUTS.get(raw[:2])
    if layout is None or len(raw) != layout[0].size:
        return None
    values = layout[0].unpack(raw)
    if any(values[at] != tag for at, tag in layout[1]):
        return None
    return tuple(values[at] for at in layout[2])


# First two bytes: layout, where its width tags stand, where its values stand.
_LAYOUTS: dict[bytes, tuple[struct.Struct, list[tuple[int, int]], list[int]]] = {
    bytes([0x95, SUBMIT]): (_SUBMIT, [(2, _U32), (5, _U64), (7, _U64)], [1, 3, 4, 6, 8]),
    bytes([0x97, DONE]): (
        _DONE,
        [(2, _U32), (6, _U64), (8, _U32), (10, _U32)],
        [1, 3, 4, 5, 7, 9, 11],
    ),
    bytes([0x95, DROPPED]): (_DROPPED, [(2, _U32), (5, _U64)], [1, 3, 4, 6, 7]),
    bytes([0x93, RELEASE]): (_RELEASE, [(2, _U32)], [1, 3, 4]),
}
