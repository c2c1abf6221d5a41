"""One epoch of a stream: takes frames from its slots, runs the chain, gives results back.

Two threads. The doorbell thread answers while a model runs, so that an engine always finds a free
slot; the inference thread runs, and waits at the door itself when there is nothing to run. Slots
belong to one side at a time, by message.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge import protocol
from bridge.errors import FramebridgeError, InferenceError, NonFiniteError
from bridge.inference.chain import Chain
from bridge.transport.base import Slot
from bridge.worker.doorbell import Doorbell
from bridge.worker.tally import Tally

_WAIT_S = 0.2
_PATIENCE_S = 30.0


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
        self._lock = threading.Lock()
        self._pending: deque[_Submitted] = deque()
        self._mine = set[int]()
        """Input slots that are the worker's."""
        self._free = list(range(len(results)))
        self._lent = set[int]()
        """Result slots that are the client's."""
        self._chain = chain
        self._next_chain: Chain | None = None
        self._values: dict[str, object] = {}
        self._stopping = False
        self._idle = False
        """The inference thread waits for a frame."""
        self._threads = [
            threading.Thread(target=self._answer, name=f"doorbell-{epoch}", daemon=True),
            threading.Thread(target=self._infer, name=f"inference-{epoch}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads after the frame in hand, if that does not take for ever."""
        with self._lock:
            self._stopping = True
            self._doorbell.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_PATIENCE_S)
        with self._lock:
            self._doorbell.close()
        for slot in (*self._sources, *self._results):
            slot.close()

    def swap(self, chain: Chain) -> None:
        """Run `chain`, of the same formats, from the next frame on."""
        with self._lock:
            superseded, self._next_chain = self._next_chain, chain
            # What was set was meant for the chain that goes.
            self._values = {}
        if superseded is not None:
            superseded.close()

    def set_parameters(self, values: dict[str, object]) -> None:
        """Turn knobs before the next frame."""
        with self._lock:
            self._values.update(values)

    # The doorbell thread.

    def _answer(self) -> None:
        more = False
        while not self._stopping:
            if not more:
                self._doorbell.wait(_WAIT_S)
            with self._lock:
                more = self._listen()
                if more and self._idle:
                    self._doorbell.wake()

    def _listen(self) -> bool:
        """Handle what has arrived; whether there may be more. Under the lock, so that messages keep
        their order whichever thread reads them."""
        rings = self._doorbell.receive()
        for ring in rings:
            self._handle(ring)
        return bool(rings)

    def _handle(self, ring: tuple[int, ...]) -> None:
        kind, _, slot = ring[:3]
        if kind == protocol.SUBMIT and slot < len(self._sources) and slot not in self._mine:
            self._submitted(_Submitted(slot, ring[3], ring[4]))
        elif kind == protocol.RELEASE and slot in self._lent:
            self._lent.remove(slot)
            self._free.append(slot)
        else:
            self.tally.count("malformed")

    def _submitted(self, frame: _Submitted) -> None:
        self.tally.count("submitted")
        self._mine.add(frame.slot)
        if self._policy == "latest":
            while self._pending:
                self._give_back(self._pending.popleft(), protocol.REASON_NEWER)
        self._pending.append(frame)

    def _give_back(self, frame: _Submitted, reason: int) -> None:
        self._mine.discard(frame.slot)
        self.tally.count("dropped")
        self._doorbell.send(protocol.pack_dropped(self._epoch, frame.slot, frame.frame_id, reason))

    # The inference thread.

    def _infer(self) -> None:
        while True:
            with self._lock:
                self._listen()
                if self._stopping:
                    return
                self._idle = not (self._pending and self._free)
                if not self._idle:
                    frame, result = self._pending.popleft(), self._free.pop()
                    retired, values = self._take_changes()
            if self._idle:
                # At the door itself: handing a frame from thread to thread would take longer than
                # everything else that we do.
                self._doorbell.wait_or_wake(_WAIT_S)
                continue
            if retired is not None:
                retired.close()
            outcome = self._run(frame, result, values)
            if isinstance(outcome, FramebridgeError):
                self._on_failure(outcome)
            with self._lock:
                self._finish(frame, result, outcome)
                self._listen()

    def _take_changes(self) -> tuple[Chain | None, dict[str, object]]:
        retired = None
        if self._next_chain is not None:
            retired, self._chain, self._next_chain = self._chain, self._next_chain, None
        values, self._values = self._values, {}
        return retired, values

    def _run(
        self, frame: _Submitted, result: int, values: dict[str, object]
    ) -> int | FramebridgeError:
        """Microseconds that the run took, or why there is nothing to show."""
        start_ns = time.perf_counter_ns()
        self.tally.note("start_age_ms", (start_ns - frame.time_ns) / 1e6)
        try:
            self._chain.set_parameters(values)
            source, target = self._sources[frame.slot].pixels, self._results[result].pixels
            self._chain.run(source, target)
        except FramebridgeError as error:
            return error
        except Exception as error:
            # Whatever it is, the thread must live: a stream without it would hang in silence.
            return InferenceError("worker", "a finished run", f"{type(error).__name__}: {error}")
        took_ns = time.perf_counter_ns() - start_ns
        self.tally.note("model_ms", took_ns / 1e6)
        return took_ns // 1000

    def _finish(self, frame: _Submitted, result: int, outcome: int | FramebridgeError) -> None:
        if isinstance(outcome, FramebridgeError):
            self._free.append(result)
            withheld = isinstance(outcome, NonFiniteError)
            self.tally.count("withheld" if withheld else "failed")
            reason = protocol.REASON_WITHHELD if withheld else protocol.REASON_FAILED
            self._give_back(frame, reason)
            return
        self.tally.count("returned")
        self._mine.discard(frame.slot)
        self._lent.add(result)
        chain = int(self._chain.digest[:8], 16)
        self._doorbell.send(
            protocol.pack_done(self._epoch, frame.slot, result, frame.frame_id, outcome, chain)
        )
