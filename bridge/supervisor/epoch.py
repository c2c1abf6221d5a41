"""One epoch of a stream: the slots and the doorbell that belong to one number."""

from __future__ import annotations

from dataclasses import dataclass

from bridge import protocol
from bridge.errors import FramebridgeError, LimitError
from bridge.frames import FrameFormat
from bridge.supervisor.runtime_folder import Run
from bridge.transport.shared_memory import SharedMemorySlot

MOST_BYTES = 2 << 30
"""Of one epoch: 8K frames enlarged twice fit. To reserve more would hold up all other streams."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Slots of one epoch, until `close` takes them away."""

    number: int
    doorbell: str
    sources: list[SharedMemorySlot]
    results: list[SharedMemorySlot]
    result: FrameFormat

    def message(self) -> protocol.Slots:
        """What the worker is told of it."""
        return protocol.Slots(
            epoch=self.number,
            doorbell=self.doorbell,
            source_names=[slot.name for slot in self.sources],
            result_names=[slot.name for slot in self.results],
            result=self.result,
        )

    def close(self) -> None:
        for slot in (*self.sources, *self.results):
            slot.close()


def make_epoch(
    run: Run, stream: int, number: int, source: FrameFormat, result: FrameFormat
) -> Epoch:
    """Make the slots of an epoch, with names that no other has.

    Raises: TransportError: no room for them. LimitError: more than any stream may have.
    Guarantees: then nothing of them is left.
    """
    each = protocol.SLOTS_EACH_WAY
    needed = each * (source.size_bytes + result.size_bytes)
    if needed > MOST_BYTES:
        raise LimitError(
            f"stream {stream}: slots", f"at most {MOST_BYTES >> 20} MiB", f"{needed >> 20} MiB",
            "Send smaller frames.",
        )  # fmt: skip
    made: list[SharedMemorySlot] = []
    try:
        doorbell = run.endpoint(f"{stream}-{number:x}")
        for way, format in (("i", source), ("o", result)):
            for index in range(each):
                name = run.segment_name(stream, number, f"{way}{index}")
                made.append(SharedMemorySlot.create(name, format))
    except FramebridgeError:
        for slot in made:
            slot.close()
        raise
    return Epoch(number, doorbell, made[:each], made[each:], result)


def slot_set(format: FrameFormat, slots: list[SharedMemorySlot]) -> protocol.SlotSet:
    """One direction's slots as a client is told of them."""
    return protocol.SlotSet(
        format=format,
        stride=format.stride,
        size_bytes=format.size_bytes,
        names=[slot.name for slot in slots],
    )
