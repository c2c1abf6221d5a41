"""A stream: frames go out, results come in, and no call waits unless it is asked to."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from framebridge_client import wire
from framebridge_client.control import Fields, has_input
from framebridge_client.errors import BridgeError, FrameError, NotRunning, Timeout
from framebridge_client.result import Counters, Pixels, Result, nearest
from framebridge_client.shared_memory import attach

if TYPE_CHECKING:
    from framebridge_client.bridge import Bridge

REOPEN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Ready:
    slot: int
    frame_id: int
    since_ns: int
    """When its frame was submitted; for a free stream, when it arrived."""
    model_us: int
    chain: int


class Stream:
    """Opened by `Bridge.open`.

    Attributes:
        number: of this stream in the sidecar; another after a reconnection.
        width, height: of the frames to submit.
        result_shape: (H, W, 4) of the results; may change when another chain is loaded.
        chain: hash of what makes the results now, 64 hex digits.
        packages: names of the packages in the chain.
        provider: execution provider that runs them.
        note: what a person should know of how they run; often empty.
        knobs: parameters by name, as the packages describe them.
        counters: what became of the frames.
        error: what went wrong last, since the stream came to life; or None.
    """

    def __init__(self, bridge: Bridge, when_gone: str, every: bool, wanted: Fields) -> None:
        self.number = 0
        self.width: int = wanted["source"]["width"]
        self.height: int = wanted["source"]["height"]
        self.result_shape = (0, 0, 0)
        self.chain = ""
        self.packages: list[str] = []
        self.provider = self.note = ""
        self.knobs = dict[str, Fields]()
        self.counters = Counters()
        self.error: BridgeError | None = None
        self._bridge = bridge
        self._wanted = wanted
        self._when_gone, self._every = when_gone, every
        self._ticks_itself = wanted["policy"] == "free"
        self._shape = (self.height, self.width, 4)
        self._epoch = 0
        self._live = False
        self._doorbell: zmq.Socket[Any] | None = None
        self._sources: list[Pixels] = []
        self._results: list[Pixels] = []
        self._spare = np.zeros(self._shape, np.uint8)
        self._free: deque[int] = deque()
        self._times = dict[int, int]()
        """Submit times of the frames under way, by frame id."""
        self._ready: deque[_Ready] = deque()
        self._held: int | None = None
        """The result slot that the engine is looking at."""
        self._last_id = 0
        self._shown_id = 0
        self._last_source: Pixels | None = None
        self._last_ns = 0
        self._reopen_at = 0.0

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    @property
    def state(self) -> str:
        """ "live", "paused" (the bridge is there, the worker is not) or "gone"."""
        if self._live:
            return "live"
        return "paused" if self._bridge.connected else "gone"

    def submit(self, pixels: Any) -> int | None:
        """Copy a frame into a slot and send it; never waits.

        Args:
            pixels: uint8 (height, width, 4), or bytes of height rows of width * 4.
        Returns: the frame's id; None when no slot is free, or no bridge is there.
        Raises: FrameError: it is no frame of this stream. Guarantees: then nothing was sent.
        """
        frame = self._checked(pixels)
        self._pump()
        return self._copy_out(frame)

    def frame(self) -> Draft:
        """A slot to draw into, so that nothing is copied: `with stream.frame() as view: ...`.

        The view holds whatever was drawn there before. When no slot is free it is a scratch
        picture, and the frame is skipped. Leaving the block by an exception sends nothing.
        """
        self._pump()
        return Draft(self, self._take_slot())

    def poll(self) -> Result | None:
        """The newest result, if there is one that has not been given yet; never waits."""
        self._pump()
        if not self._ready:
            return None if self._live else self._substitute()
        ready = self._ready.popleft()
        if self._held is not None:
            self._release(self._held)
        self._held = ready.slot
        return self._result(ready)

    def process(self, pixels: Any, timeout_s: float = 1.0) -> Result:
        """Send a frame and wait for its own result.

        Raises: Timeout. NotRunning: the bridge or its worker has gone. FrameError. BridgeError:
            the frame could not be run.
        """
        if self._ticks_itself:
            raise FrameError(
                "a stream of policy latest or lockstep", "one of policy free",
                "Its results belong to no frame: submit and poll.",
            )  # fmt: skip
        until = time.monotonic() + timeout_s
        frame = self._checked(pixels)
        while (frame_id := self._copy_out_if_free(frame)) is None:
            self._wait(until, timeout_s)
        while True:
            result = self.poll()
            if result is not None and result.frame_id == frame_id:
                return result
            if frame_id not in self._times and result is None:
                raise self.error or NotRunning("frame", "one that came back without a result")
            self._wait(until, timeout_s)

    def set(self, *, timeout_s: float = 0.0, **values: Any) -> None:
        """Turn knobs, by their names.

        Args:
            timeout_s: 0 never waits, and what the bridge refuses is found in `error` soon after;
                more waits until every frame submitted from then on sees the new values.
        Raises: BridgeError: no knob of that name, or, when it waits, as the bridge answers.
            Timeout.
        """
        for name in values:
            if name not in self.knobs:
                known = ", ".join(self.knobs) or "none"
                raise BridgeError(
                    "FB-E021", "ParameterError", f"parameter {name!r}", f"one of: {known}",
                    "no such parameter",
                )  # fmt: skip
        if timeout_s:
            self._bridge.set(self.number, values, timeout_s)
        else:
            self._bridge._ask("set", self._note_error, stream=self.number, parameters=values)

    def load(self, chain: str | Sequence[str], timeout_s: float = 60.0) -> None:
        """Change the chain; the old one runs until the new one can.

        Args:
            timeout_s: 0 never waits: the change shows in `chain` and `packages`, and what cannot be
                loaded in `error`.
        Raises: BridgeError: it cannot be loaded, and the old one stays. Timeout.
        """
        if timeout_s:
            self._bridge.load(self.number, chain, timeout_s)
        else:
            names = located(chain)
            self._bridge._ask("load", self._note_error, stream=self.number, chain=names)

    def reset(self, seed: int = 0, *, timeout_s: float = 0.0) -> None:
        """Bring the models back to the beginning: their state to what `seed` makes of it, their
        tick to 0.

        Args:
            timeout_s: 0 never waits; more waits until every frame submitted from then on, or every
                tick, sees the fresh state.
        Raises: BridgeError, Timeout.
        """
        if timeout_s:
            self._bridge.reset(self.number, seed, timeout_s)
        else:
            self._bridge._ask("reset", self._note_error, stream=self.number, seed=seed)

    def close(self) -> None:
        """End the stream. A second time does nothing."""
        self._bridge._forget(self)
        self._drop_epoch()
        self._bridge._ask("close", lambda _: None, stream=self.number)

    # What the bridge tells us.

    def _adopt(self, message: Fields) -> None:
        """Use the slots and the doorbell of a StreamState. Raises: BridgeError."""
        if message["epoch"] != self._epoch or message["stream"] != self.number or not self._live:
            source, result = message["source"], message["result"]
            shape = (result["format"]["height"], result["format"]["width"], 4)
            sources = [attach(name, self._shape) for name in source["names"]]
            results = [attach(name, shape) for name in result["names"]]
            self._drop_epoch()
            for array in results:
                array.flags.writeable = False
            self._sources, self._results, self.result_shape = sources, results, shape
            self._free = deque(range(len(sources)))
            self._doorbell = self._bridge._context.socket(zmq.DEALER)
            self._doorbell.setsockopt(zmq.LINGER, 0)
            self._doorbell.setsockopt(zmq.MAXMSGSIZE, 512)
            self._doorbell.connect(message["doorbell"])
            self._live = True
            self.error = None
        self.number, self._epoch = message["stream"], message["epoch"]
        self.chain, self.packages = message["chain"], message["packages"]
        self.provider, self.note = message["provider"], message["note"]
        # Whoever changed it: this is what to open again after the bridge was gone.
        chain = message.get("references") or self._wanted["chain"]
        self._wanted = {
            **self._wanted,
            "chain": chain,
            "parameters": message["parameters"],
            "seed": message.get("seed", self._wanted["seed"]),
        }
        self.knobs = {knob["name"]: knob for knob in message["knobs"]}

    def _told(self, message: Fields) -> None:
        try:
            if message["type"] == "stream":
                self._adopt(message)
            elif message["type"] == "paused":
                self.error = BridgeError.from_map(message["error"])
                self._drop_epoch()
        except BridgeError as error:
            # The slots of this epoch are gone already: the next epoch is on its way.
            self.error = error
            self._drop_epoch()

    def _lost(self) -> None:
        self.error = NotRunning("stream", "a sidecar that has gone")
        self._drop_epoch()
        self._reopen_at = 0.0

    def _reopen(self) -> None:
        self._reopen_at = 0.0
        self._bridge._ask("open", self._reopened, **self._wanted)

    def _reopened(self, message: Fields) -> None:
        if message.get("type") == "stream":
            self._told(message)
        else:
            self._note_error(message)
            self._reopen_at = time.monotonic() + REOPEN_S

    def _note_error(self, message: Fields) -> None:
        if message.get("type") == "error":
            self.error = BridgeError.from_map(message["error"])

    def _drop_epoch(self) -> None:
        """All slots are ours again, and given up; what the engine looks at stays readable."""
        self._live = False
        if any(self._last_source is slot for slot in self._sources):
            # To pass it through later; a slot kept for that would take room from the next epoch.
            assert self._last_source is not None
            np.copyto(self._spare, self._last_source)
            self._last_source = self._spare
        self._sources, self._results = [], []
        self._held = None
        self._ready.clear()
        self._times.clear()
        self._free.clear()
        if self._doorbell is not None:
            self._doorbell.close()
            self._doorbell = None

    # Frames out.

    def _checked(self, pixels: Any) -> Pixels:
        if not isinstance(pixels, np.ndarray):
            pixels = self._from_buffer(pixels)
        if pixels.dtype != np.uint8 or pixels.shape != self._shape:
            raise FrameError(
                f"uint8 of shape {self._shape} (height, width, 4)",
                f"{pixels.dtype} of shape {pixels.shape}",
                "Open a stream of the frame's own size, and send four channels.",
            )
        frame: Pixels = pixels
        return frame

    def _from_buffer(self, data: Any) -> Pixels:
        try:
            flat = np.frombuffer(data, np.uint8)
        except (TypeError, ValueError, BufferError):
            raise FrameError("a numpy array or bytes", type(data).__name__) from None
        height, width, channels = self._shape
        if flat.size != height * width * channels:
            stride = flat.size / height
            found = f"{flat.size} bytes, or {stride:g} a row"
            raise FrameError(
                f"{height} rows of {width * channels} bytes", found, "Send rows without padding."
            )
        frame: Pixels = flat.reshape(self._shape)
        return frame

    def _copy_out(self, frame: Pixels) -> int | None:
        slot = self._take_slot()
        # A frame that finds no free slot is kept all the same, to be passed through if it turns
        # out that the bridge has gone.
        place = self._spare if slot is None else self._sources[slot]
        np.copyto(place, frame)
        return self._send(slot, place)

    def _copy_out_if_free(self, frame: Pixels) -> int | None:
        """Without a free slot nothing is done, and no frame is skipped. Raises: NotRunning."""
        self._pump()
        if not self._live:
            raise self.error or NotRunning("stream", f"a bridge that is {self.state}")
        return self._copy_out(frame) if self._free else None

    def _take_slot(self) -> int | None:
        return self._free.popleft() if self._live and self._free else None

    def _send(self, slot: int | None, place: Pixels) -> int | None:
        now = time.perf_counter_ns()
        self._last_id += 1
        self._last_ns = now
        self._last_source = place
        if slot is None or self._doorbell is None:
            self.counters.skipped += 1
            return None
        message = wire.submit(self._epoch, slot, self._last_id, now)
        try:
            self._doorbell.send(message, zmq.NOBLOCK)
        except zmq.Again:
            self._free.append(slot)
            self.counters.skipped += 1
            return None
        self._times[self._last_id] = now
        self.counters.sent += 1
        return self._last_id

    # Results in.

    def _pump(self) -> None:
        self._bridge._pump()
        if self._reopen_at and self._bridge.connected and time.monotonic() > self._reopen_at:
            self._reopen()
        while self._doorbell is not None and has_input(self._doorbell):
            ring = wire.read(self._doorbell.recv(zmq.NOBLOCK))
            if ring is not None and ring[1] == self._epoch:
                self._take(ring)

    def _take(self, ring: tuple[int, ...]) -> None:
        if ring[0] == wire.DROPPED:
            _, _, slot, frame_id, reason = ring
            if reason in (wire.REASON_FAILED, wire.REASON_WITHHELD):
                self.error = _not_shown(frame_id, reason)
            self.counters.taken += reason == wire.REASON_TAKEN
            self.counters.dropped += reason != wire.REASON_TAKEN
            self.counters.withheld += reason == wire.REASON_WITHHELD
            self._times.pop(frame_id, None)
            self._free.append(slot)
            return
        _, _, source, result, frame_id, model_us, chain = ring
        self.counters.returned += 1
        if source != wire.NO_SLOT:
            self._free.append(source)
        since_ns = time.perf_counter_ns() if self._ticks_itself else self._times.pop(frame_id, 0)
        if self._ready and not self._every:
            self.counters.late += 1
            self._release(self._ready.popleft().slot)
        self._ready.append(_Ready(result, frame_id, since_ns, model_us, chain))

    def _release(self, slot: int) -> None:
        if self._doorbell is not None:
            self._doorbell.send(wire.release(self._epoch, slot), zmq.NOBLOCK)

    def _result(self, ready: _Ready) -> Result:
        self._shown_id = ready.frame_id
        return Result(
            frame_id=ready.frame_id,
            pixels=self._results[ready.slot],
            age_ms=(time.perf_counter_ns() - ready.since_ns) / 1e6,
            model_ms=ready.model_us / 1000,
            chain=f"{ready.chain:08x}",
            origin="bridge",
        )

    def _substitute(self) -> Result | None:
        """What to show while there is no bridge."""
        source = self._last_source
        if self._when_gone == "hold" or source is None or self._last_id <= self._shown_id:
            return None
        self._shown_id = self._last_id
        if self._when_gone == "clear":
            pixels = np.zeros(self.result_shape, np.uint8)
        else:
            pixels = nearest(source, self.result_shape)
        age_ms = (time.perf_counter_ns() - self._last_ns) / 1e6
        return Result(self._last_id, pixels, age_ms, 0.0, "", self._when_gone)

    def _wait(self, until: float, timeout_s: float) -> None:
        """Until something arrives. Raises: Timeout, NotRunning."""
        left = until - time.monotonic()
        if left <= 0:
            raise Timeout(f"stream {self.number}", "a result", timeout_s)
        control, doorbell = self._bridge._control, self._doorbell
        if control is None or doorbell is None:
            raise self.error or NotRunning("stream", f"a bridge that is {self.state}")
        control.wait([doorbell], left)


class Draft:
    """A frame that is being drawn; a context manager that gives uint8 (height, width, 4).

    Attributes:
        frame_id: of the frame, once it is sent; None when it was skipped.
    """

    def __init__(self, stream: Stream, slot: int | None) -> None:
        self.frame_id: int | None = None
        self._stream = stream
        self._slot = slot
        self._epoch = stream._epoch
        self._view = (
            stream._sources[slot] if slot is not None else np.empty(stream._shape, np.uint8)
        )

    def __enter__(self) -> Pixels:
        return self._view

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        stream = self._stream
        current = stream._live and stream._epoch == self._epoch
        slot = self._slot if current else None
        if kind is None:
            self.frame_id = stream._send(slot, self._view)
        elif slot is not None:
            stream._free.appendleft(slot)


def located(chain: str | Sequence[str]) -> list[str]:
    """The packages of a chain, paths made absolute: the sidecar has another working folder."""
    names = [chain] if isinstance(chain, str) else list(chain)
    paths = [name.startswith(".") or "/" in name or os.sep in name for name in names]
    return [os.path.abspath(n) if path else n for n, path in zip(names, paths, strict=True)]


def _not_shown(frame_id: int, reason: int) -> BridgeError:
    if reason == wire.REASON_WITHHELD:
        facts = "FB-E043", "NonFiniteError", f"frame {frame_id}", "finite numbers"
        return BridgeError(*facts, "NaN or infinity", "Turn the last knob back.")
    facts = "FB-E042", "InferenceError", f"frame {frame_id}", "a finished run"
    return BridgeError(*facts, "a failed one", "`framebridge ctl status` says why.")
