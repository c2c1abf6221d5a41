"""One epoch of a stream: takes frames from its slots, runs the chain, gives results back.

Two threads. The doorbell thread answers while a model runs, so that an engine always finds a free
slot; the inference thread does nothing but run. Slots belong to one side at a time, by message.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge import protocol
from bridge.errors import FramebridgeError
from bridge.inference.chain import Chain
from bridge.transport.base import Slot
from bridge.worker.doorbell import Doorbell, Rings
from bridge.worker.tally import Tally

_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class _Submitted:
    slot: int
    frame_id: int
    time_ns: int


class FrameService:
    """Serves one epoch until `stop`.

    Attributes:
        tally: what is counted and timed; shared by the epochs of a stream.
    """

    def __init__(
        self,
        *,
        epoch: int,
        doorbell: Doorbell,
        sources: Sequence[Slot],
        results: Sequence[Slot],
        chain: Chain,
        policy: protocol.Policy,
        tally: Tally,
        on_failure: Callable[[FramebridgeError], None],
    ) -> None:
        self.tally = tally
        self._epoch = epoch
        self._doorbell = doorbell
        self._sources, self._results = sources, results
        self._policy = policy
        self._on_failure = on_failure
        self._condition = threading.Condition()
        self._pending: deque[_Submitted] = deque()
        self._mine = set[int]()
        """Input slots that are the worker's."""
        self._free = list(range(len(results)))
        self._chain = chain
        self._next_chain: Chain | None = None
        self._values: dict[str, object] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._answer, name=f"doorbell-{epoch}", daemon=True),
            threading.Thread(target=self._infer, name=f"inference-{epoch}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads after the frame in hand; the chain stays open."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()
        self._doorbell.close()
        for slot in (*self._sources, *self._results):
            slot.close()

    def swap(self, chain: Chain) -> None:
        """Run `chain`, of the same formats, from the next frame on."""
        with self._condition:
            superseded, self._next_chain = self._next_chain, chain
        if superseded is not None:
            superseded.close()

    def set_parameters(self, values: dict[str, object]) -> None:
        """Turn knobs before the next frame."""
        with self._condition:
            self._values.update(values)

    # The doorbell thread.

    def _answer(self) -> None:
        while not self._stopping:
            self._doorbell.wait(_WAIT_S)
            self._handle(self._doorbell.receive())

    def _handle(self, rings: Rings) -> None:
        # A send may bring more to handle, so this goes on until nothing is left.
        while rings:
            answers: list[bytes] = []
            with self._condition:
                for ring in rings:
                    answers += self._handle_one(ring)
                self._condition.notify_all()
            rings = [ring for answer in answers for ring in self._doorbell.send(answer)]

    def _handle_one(self, ring: tuple[int, ...]) -> list[bytes]:
        kind, _, slot = ring[:3]
        if kind == protocol.SUBMIT and slot < len(self._sources) and slot not in self._mine:
            return self._submitted(_Submitted(slot, ring[3], ring[4]))
        if kind == protocol.RELEASE and slot < len(self._results) and slot not in self._free:
            self._free.append(slot)
        else:
            self.tally.count("malformed")
        return []

    def _submitted(self, frame: _Submitted) -> list[bytes]:
        self.tally.count("submitted")
        self._mine.add(frame.slot)
        superseded = []
        if self._policy == "latest":
            superseded, self._pending = list(self._pending), deque()
        self._pending.append(frame)
        return [self._give_back(old, protocol.REASON_NEWER) for old in superseded]

    def _give_back(self, frame: _Submitted, reason: int) -> bytes:
        self._mine.discard(frame.slot)
        self.tally.count("dropped")
        return protocol.pack_dropped(self._epoch, frame.slot, frame.frame_id, reason)

    # The inference thread.

    def _infer(self) -> None:
        while True:
            with self._condition:
                while not self._stopping and not (self._pending and self._free):
                    self._condition.wait(_WAIT_S)
                if self._stopping:
                    return
                frame, result = self._pending.popleft(), self._free.pop()
                retired, values = self._take_changes()
            if retired is not None:
                retired.close()
            if values:
                self._chain.set_parameters(values)
            self._handle(self._doorbell.send(self._run(frame, result)))

    def _take_changes(self) -> tuple[Chain | None, dict[str, object]]:
        retired = None
        if self._next_chain is not None:
            retired, self._chain, self._next_chain = self._chain, self._next_chain, None
        values, self._values = self._values, {}
        return retired, values

    def _run(self, frame: _Submitted, result: int) -> bytes:
        """Run one frame, and say so to the client: the message to send."""
        start_ns = time.perf_counter_ns()
        self.tally.note("start_age_ms", (start_ns - frame.time_ns) / 1e6)
        try:
            self._chain.run(self._sources[frame.slot].pixels, self._results[result].pixels)
        except FramebridgeError as error:
            self._on_failure(error)
            with self._condition:
                self._free.append(result)
                return self._give_back(frame, protocol.REASON_FAILED)
        took_ns = time.perf_counter_ns() - start_ns
        self.tally.note("model_ms", took_ns / 1e6)
        self.tally.count("returned")
        with self._condition:
            self._mine.discard(frame.slot)
        return protocol.pack_done(
            self._epoch, frame.slot, result, frame.frame_id, took_ns // 1000,
            int(self._chain.digest[:8], 16),
        )  # fmt: skip
