"""One epoch of a stream: takes frames from its slots, runs the chain, gives results back.

Two threads. The doorbell thread answers while a model runs, so that an engine always finds a free
slot; the inference thread runs, and waits at the door itself when there is nothing to run. Slots
belong to one side at a time, by message. Under the policy `free` the inference thread ticks by the
clock, and a frame is something that a tick may take up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge import protocol
from bridge.errors import FramebridgeError, InferenceError, NonFiniteError
from bridge.inference.chain import Chain
from bridge.transport.base import Slot
from bridge.worker.doorbell import Doorbell
from bridge.worker.tally import Tally
from bridge.worker.watchdog import Watchdog

_WAIT_S = 0.2
_SPIN_S = 0.0002
"""After a frame, once."""
_LISTENER_S = 0.01
"""Between two looks for the client of a stream that ticks by itself."""
_GAP_S = 0.05
"""The longest that a load waits for the end of a run. Frames that come less often than this leave
gaps enough."""
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """When a stream runs, and on what.

    Attributes:
        rate: ticks a second at most, for the policy `free`.
        seed: of the first tick of a chain.
    """

    policy: protocol.Policy
    rate: float = 60.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Submitted:
    slot: int
    frame_id: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class _Made:
    tick: int
    took_us: int


@dataclass(slots=True)
class _Changes:
    """What is to hold from the next run on."""

    chain: Chain | None = None
    values: dict[str, object] = field(default_factory=dict)
    seed: int | None = None


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
        pace: Pace,
        tally: Tally,
        watchdog: Watchdog,
        on_failure: Callable[[FramebridgeError], None],
        on_retired: Callable[[Chain], None],
    ) -> None:
        """
        Args:
            on_failure: told why a frame could not be run, from the inference thread.
            on_retired: given each chain that was replaced, to close it elsewhere: that takes
                longer than a tick.
        """
        self.tally = tally
        self._epoch = epoch
        self._doorbell = doorbell
        self._sources, self._results = sources, results
        self._pace = pace
        self._watchdog = watchdog
        self._on_failure, self._on_retired = on_failure, on_retired
        self._lock = threading.Lock()
        self._pending: deque[_Submitted] = deque()
        self._mine = set[int]()
        """Input slots that are the worker's."""
        self._free = list(range(len(results)))
        self._lent = set[int]()
        """Result slots that are the client's."""
        self._chain = chain
        self._seed = pace.seed
        self._changes = _Changes()
        self._due = 0.0
        """When the next tick of the policy `free` begins, on the monotonic clock."""
        self._stopping = False
        self._idle = False
        """The inference thread waits for a frame."""
        self._finished = threading.Condition(self._lock)
        """A run has ended."""
        self._finished_s = 0.0
        """When the last one did, on the monotonic clock."""
        self._threads = [
            threading.Thread(target=self._answer, name=f"doorbell-{epoch}", daemon=True),
            threading.Thread(target=self._infer, name=f"inference-{epoch}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads after the frame in hand, if that does not take for ever, and retire the
        chain."""
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
        if not any(thread.is_alive() for thread in self._threads):
            self._on_retired(self._chain)

    def swap(self, chain: Chain) -> None:
        """Run `chain`, of the same formats, from the next frame on."""
        with self._lock:
            superseded = self._changes.chain
            # What was set was meant for the chain that goes; the seed is the stream's.
            self._changes = _Changes(chain, seed=self._changes.seed)
        if superseded is not None:
            self._on_retired(superseded)

    def set_parameters(self, values: dict[str, object]) -> None:
        """Turn knobs before the next frame."""
        with self._lock:
            self._changes.values.update(values)

    def reset(self, seed: int) -> None:
        """Begin anew before the next frame, at tick 0 of `seed`."""
        with self._lock:
            self._changes.seed = seed
            self._due = 0.0

    def wait_for_gap(self) -> None:
        """Return in the moment after a run, when the next is farthest away; at once if no frames
        flow, and after `_GAP_S` at the latest."""
        with self._lock:
            if time.monotonic() - self._finished_s < _GAP_S or not self._idle:
                self._finished.wait(_GAP_S)

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
        if self._pace.policy != "lockstep":
            while self._pending:
                self._give_back(self._pending.popleft(), protocol.REASON_NEWER)
        self._pending.append(frame)

    def _give_back(self, frame: _Submitted, reason: int) -> None:
        self._mine.discard(frame.slot)
        self.tally.count("taken" if reason == protocol.REASON_TAKEN else "dropped")
        self._doorbell.send(protocol.pack_dropped(self._epoch, frame.slot, frame.frame_id, reason))

    # The inference thread.

    def _infer(self) -> None:
        self._chain.reset(self._seed)
        spin_s = 0.0
        while True:
            with self._lock:
                self._listen()
                if self._stopping:
                    return
                wait_s = self._wait_s()
                self._idle = wait_s > 0
                if not self._idle:
                    frame = self._pending.popleft() if self._pending else None
                    result = self._free.pop()
                    changes, self._changes = self._changes, _Changes()
            if self._idle:
                # At the door itself: handing a frame from thread to thread would take longer than
                # everything else that we do.
                self._doorbell.wait_or_wake(wait_s, spin_s)
                spin_s = 0.0
                continue
            outcome = self._run(frame, result, changes)
            if isinstance(outcome, FramebridgeError):
                self._on_failure(outcome)
            with self._lock:
                self._finish(frame, result, outcome)
                self._finished_s = time.monotonic()
                self._finished.notify_all()
                self._listen()
            spin_s = _SPIN_S

    def _wait_s(self) -> float:
        """Seconds until there may be something to run; 0 if there is. Under the lock."""
        if not self._free:
            return _WAIT_S
        if self._pace.policy != "free":
            return 0.0 if self._pending else _WAIT_S
        if not self._doorbell.has_listener():
            return _LISTENER_S
        now = time.monotonic()
        if now < self._due:
            return self._due - now
        # One that is late is not made up for by haste.
        self._due = max(self._due + 1 / self._pace.rate, now)
        return 0.0

    def _run(
        self, frame: _Submitted | None, result: int, changes: _Changes
    ) -> _Made | FramebridgeError:
        """What came of it, or why there is nothing to show."""
        start_ns = time.perf_counter_ns()
        if frame is not None:
            self.tally.note("start_age_ms", (start_ns - frame.time_ns) / 1e6)
        try:
            self._apply(changes)
            tick = self._chain.tick
            source = None if frame is None else self._sources[frame.slot].pixels
            with self._watchdog.guard(self._chain.terminate):
                self._chain.run(source, self._results[result].pixels)
        except FramebridgeError as error:
            return error
        except Exception as error:
            # Whatever it is, the thread must live: a stream without it would hang in silence.
            return InferenceError("worker", "a finished run", f"{type(error).__name__}: {error}")
        took_ns = time.perf_counter_ns() - start_ns
        self.tally.note("model_ms", took_ns / 1e6)
        return _Made(tick, took_ns // 1000)

    def _apply(self, changes: _Changes) -> None:
        if changes.chain is not None:
            retired, self._chain = self._chain, changes.chain
            self.tally.time_anew()
            self._on_retired(retired)
        if changes.seed is not None:
            self._seed = changes.seed
        if changes.chain is not None or changes.seed is not None:
            self._chain.reset(self._seed)
        self._chain.set_parameters(changes.values)

    def _finish(
        self, frame: _Submitted | None, result: int, outcome: _Made | FramebridgeError
    ) -> None:
        if isinstance(outcome, FramebridgeError):
            self._free.append(result)
            withheld = isinstance(outcome, NonFiniteError)
            self.tally.count("withheld" if withheld else "failed")
            reason = protocol.REASON_WITHHELD if withheld else protocol.REASON_FAILED
            if frame is not None:
                self._give_back(frame, reason)
            return
        self.tally.count("returned")
        self._lent.add(result)
        slot, frame_id = protocol.NO_SLOT, outcome.tick + 1
        if self._pace.policy != "free":
            assert frame is not None  # nothing else starts a run
            slot, frame_id = frame.slot, frame.frame_id
            self._mine.discard(frame.slot)
        elif frame is not None:
            self._give_back(frame, protocol.REASON_TAKEN)
        chain = int(self._chain.digest[:8], 16)
        self._doorbell.send(
            protocol.pack_done(self._epoch, slot, result, frame_id, outcome.took_us, chain)
        )
