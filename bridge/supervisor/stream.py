"""The supervisor's half of a stream: its slots, its worker, and what happens when that dies."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from bridge import protocol
from bridge.errors import FramebridgeError, WorkerError
from bridge.frames import FrameFormat
from bridge.inference.manifest import ParameterInput, check_parameters
from bridge.inference.package import ModelPackage
from bridge.inference.placement import result_format
from bridge.supervisor.runtime_folder import Run
from bridge.supervisor.worker_link import Report, WorkerLink
from bridge.transport.shared_memory import SharedMemorySlot

DEATHS_ALLOWED = 3
DEATHS_WINDOW_S = 60.0
RESTART_DELAY_S = 0.5
START_LIMIT_S = 120.0

Notify = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What is the same for every stream of a bridge."""

    provider: str = "auto"
    allow_fallback: bool = False


@dataclass(slots=True)
class _Change:
    """A load that is under way."""

    ticket: int
    packages: list[ModelPackage]
    parameters: dict[str, object]
    answer: Notify


class Stream:
    """One stream, from `open` to `close`. Every method is called from the supervisor's loop.

    Attributes:
        owner: routing id of the client that opened it.
        state: "failed" means that it has no worker and will get none until a load succeeds.
        opened: it has been live once; one that fails before is of no use to anybody.
    """

    def __init__(
        self,
        number: int,
        owner: bytes,
        request: protocol.Open,
        packages: list[ModelPackage],
        *,
        run: Run,
        options: StreamOptions,
        answer: Notify,
        notify: Notify,
        on_report: Callable[[WorkerLink, Report], None],
    ) -> None:
        """
        Args:
            answer: takes the answer to `open`, when there is one.
            notify: takes what the owner is told without having asked.
        Raises: ParameterError, FrameFormatError, UnsupportedModelError: nothing was started.
        """
        self.number = number
        self.owner = owner
        self.state: Literal["starting", "live", "restarting", "failed"] = "starting"
        self.worker: WorkerLink | None = None
        self._source = request.source
        self._policy = request.policy
        self._label = request.label
        self._packages = packages
        self._parameters = _checked(packages, _defaults(packages), request.parameters)
        self._result = result_format(packages[-1].manifest, request.source)
        self._run, self._options = run, options
        self.opened = False
        self._opening: Notify | None = answer
        self._notify = notify
        self._on_report = on_report
        # Begins at random: over TCP an epoch that nobody can guess keeps strangers out.
        self._epoch = secrets.randbelow(2**31) + 1
        self._slots: list[SharedMemorySlot] = []
        self._retired: list[SharedMemorySlot] = []
        self._facts = protocol.ChainFacts(digest="", backend="", provider="", note="")
        self._doorbell = ""
        self._change: _Change | None = None
        self._tickets = 0
        self._deaths: deque[float] = deque(maxlen=DEATHS_ALLOWED)
        self._restarts = 0
        self._restart_at = 0.0
        self._deadline = 0.0
        self._stats = protocol.WorkerStats(counters={}, model_ms={}, start_age_ms={})
        self._last_error = ""

    def start(self) -> None:
        """Make a new epoch: new slots, a new doorbell, a new worker.

        Raises: TransportError: no room for the slots. Guarantees: then nothing is left of it.
        """
        slots = self._new_epoch(self._result)
        self._restart_at = 0.0
        self._deadline = time.monotonic() + START_LIMIT_S
        self.worker = WorkerLink(self._on_report)
        self.worker.send(
            protocol.StartWorker(
                stream=self.number,
                source=self._source,
                policy=self._policy,
                packages=[str(package.folder) for package in self._packages],
                parameters=self._parameters,
                provider=self._options.provider,
                allow_fallback=self._options.allow_fallback,
                slots=slots,
            )
        )

    def load(self, packages: list[ModelPackage], answer: Notify) -> None:
        """Load another chain beside the running one, and change over between two frames.

        Raises: FrameFormatError, UnsupportedModelError, WorkerError: nothing has changed.
        """
        result = result_format(packages[-1].manifest, self._source)
        if self._change is not None:
            raise WorkerError(
                f"stream {self.number}", "one load at a time", "another one under way", "Try again."
            )
        parameters = _defaults(packages)
        if self.worker is None:
            self._packages, self._parameters, self._result = packages, parameters, result
            self._deaths.clear()
            self._change = _Change(0, packages, parameters, answer)
            self.state = "restarting"
            self.start()
            return
        self._tickets += 1
        self._change = _Change(self._tickets, packages, parameters, answer)
        self.worker.send(
            protocol.LoadChain(
                ticket=self._tickets,
                packages=[str(package.folder) for package in packages],
                parameters=parameters,
            )
        )

    def set_parameters(self, values: protocol.ParameterValues) -> None:
        """Turn knobs.

        Raises: ParameterError. Guarantees: then none has been turned.
        """
        self._parameters = _checked(self._packages, self._parameters, values)
        if self.worker is not None:
            self.worker.send(protocol.SetParameters(values=dict(values)))

    def handle(self, worker: WorkerLink, report: Report) -> None:
        """What a worker of this stream has said; one that was replaced is not listened to."""
        if worker is not self.worker:
            return
        if report is None:
            self._worker_ended(worker)
        elif isinstance(report, protocol.WorkerReady):
            self._ready(report)
        elif isinstance(report, protocol.ChainLoaded):
            self._loaded(report)
        elif isinstance(report, protocol.LoadFailed):
            self._load_failed(report)
        elif isinstance(report, protocol.RunFailed):
            self._last_error = _sentence(report.error)
        else:
            self._stats = report

    def tend(self, now: float) -> None:
        """What is due by the clock: a restart, or the end of our patience with a start."""
        if self._restart_at and now >= self._restart_at:
            try:
                self.start()
            except FramebridgeError as error:
                self._fail(protocol.error_map(error))
        elif self.state in ("starting", "restarting") and self.worker and now > self._deadline:
            self.worker.last_words.append(f"not ready within {START_LIMIT_S:.0f} s")
            self.worker.kill()
            self._deadline = now + START_LIMIT_S

    def close(self) -> WorkerLink | None:
        """End the worker and take the slots away.

        Returns: the worker, still ending.
        """
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop()
        for slot in (*self._slots, *self._retired):
            slot.close()
        self._slots, self._retired = [], []
        return worker

    def report(self) -> protocol.StreamReport:
        """The stream in a status."""
        return protocol.StreamReport(
            stream=self.number,
            label=self._label,
            state=self.state,
            packages=[package.name for package in self._packages],
            chain=self._facts.digest,
            policy=self._policy,
            source=self._source,
            result=self._result,
            backend=self._facts.backend,
            provider=self._facts.provider,
            note=self._facts.note,
            parameters=self._parameters,
            worker_pid=self.worker.pid if self.worker else 0,
            epoch=self._epoch,
            restarts=self._restarts,
            last_error=self._last_error,
            counters=self._stats.counters,
            model_ms=self._stats.model_ms,
            start_age_ms=self._stats.start_age_ms,
        )

    # What a worker reports.

    def _ready(self, report: protocol.WorkerReady) -> None:
        self._facts, self._doorbell = report.chain, report.doorbell
        self._settle()
        self.state, self.opened = "live", True
        opening, self._opening = self._opening, None
        if opening is not None:
            opening(self._stream_state())
            return
        self._notify(self._stream_state())
        change, self._change = self._change, None
        if change is not None:
            change.answer(protocol.Ok())

    def _loaded(self, report: protocol.ChainLoaded) -> None:
        change = self._change
        if change is None or change.ticket != report.ticket:
            return
        result = result_format(change.packages[-1].manifest, self._source)
        if result == self._result:
            self._change = None
            self._packages, self._parameters = change.packages, change.parameters
            self._facts = report.chain
            self._notify(self._stream_state())
            change.answer(protocol.Ok())
            return
        try:
            slots = self._new_epoch(result)
        except FramebridgeError as error:
            self._change = None
            change.answer(protocol.Error(error=protocol.error_map(error)))
            return
        self._packages, self._parameters = change.packages, change.parameters
        self._result = result
        assert self.worker is not None
        self.worker.send(protocol.AdoptSlots(ticket=report.ticket, slots=slots))

    def _load_failed(self, report: protocol.LoadFailed) -> None:
        self._last_error = _sentence(report.error)
        change = self._change
        if change is not None and change.ticket == report.ticket:
            self._change = None
            change.answer(protocol.Error(error=report.error))
        if self.state != "live":
            # A chain that cannot be loaded now will not load at the next try either.
            self._fail(report.error)

    def _worker_ended(self, worker: WorkerLink) -> None:
        self.worker = None
        error = WorkerError(
            f"stream {self.number}", "a running worker", f"one that {worker.cause()}",
            f"It is started again, up to {DEATHS_ALLOWED} times a minute.",
        )  # fmt: skip
        self._last_error = str(error)
        change, self._change = self._change, None
        if change is not None:
            change.answer(protocol.Error(error=protocol.error_map(error)))
        now = time.monotonic()
        # A worker that ran and was killed from outside says nothing against its chain.
        if not (self.state == "live" and worker.was_killed()):
            self._deaths.append(now)
        recent = [death for death in self._deaths if now - death < DEATHS_WINDOW_S]
        if len(recent) >= DEATHS_ALLOWED:
            self._fail(protocol.error_map(error))
            return
        self._restarts += 1
        if self.state == "live":
            self.state = "restarting"
            self._notify(
                protocol.StreamPaused(
                    stream=self.number, final=False, error=protocol.error_map(error)
                )
            )
        self._restart_at = now + (RESTART_DELAY_S if recent else 0.0)

    def _fail(self, error: protocol.ErrorMap) -> None:
        self._restart_at = 0.0
        self.close()
        self.state = "failed"
        opening, self._opening = self._opening, None
        if opening is not None:
            opening(protocol.Error(error=error))
            return
        self._notify(protocol.StreamPaused(stream=self.number, final=True, error=error))

    # Epochs.

    def _new_epoch(self, result: FrameFormat) -> protocol.Slots:
        """Make the slots of a new epoch; those of the last stay until `_settle`."""
        epoch = self._epoch % (2**32 - 1) + 1
        made: list[SharedMemorySlot] = []
        try:
            for way, format in (("i", self._source), ("o", result)):
                for index in range(protocol.SLOTS_EACH_WAY):
                    name = self._run.segment_name(self.number, epoch, f"{way}{index}")
                    made.append(SharedMemorySlot.create(name, format))
        except FramebridgeError:
            for slot in made:
                slot.close()
            raise
        self._retired += self._slots
        self._slots, self._epoch = made, epoch
        return protocol.Slots(
            epoch=epoch,
            doorbell=self._run.endpoint(f"{self.number}-{epoch:x}"),
            source_names=[slot.name for slot in made[: protocol.SLOTS_EACH_WAY]],
            result_names=[slot.name for slot in made[protocol.SLOTS_EACH_WAY :]],
            result=result,
        )

    def _settle(self) -> None:
        for slot in self._retired:
            slot.close()
        self._retired = []

    def _stream_state(self) -> protocol.StreamState:
        each = protocol.SLOTS_EACH_WAY
        return protocol.StreamState(
            stream=self.number,
            epoch=self._epoch,
            doorbell=self._doorbell,
            source=_slot_set(self._source, self._slots[:each]),
            result=_slot_set(self._result, self._slots[each:]),
            policy=self._policy,
            packages=[package.name for package in self._packages],
            chain=self._facts.digest,
            backend=self._facts.backend,
            provider=self._facts.provider,
            note=self._facts.note,
            knobs=[msgspec.to_builtins(knob) for knob in _ports(self._packages).values()],
            parameters=self._parameters,  # type: ignore[arg-type]
        )


def _slot_set(format: FrameFormat, slots: list[SharedMemorySlot]) -> protocol.SlotSet:
    return protocol.SlotSet(
        format=format,
        stride=format.stride,
        size_bytes=format.size_bytes,
        names=[slot.name for slot in slots],
    )


def _ports(packages: list[ModelPackage]) -> dict[str, ParameterInput]:
    return {k: p for package in packages for k, p in package.manifest.parameters.items()}


def _defaults(packages: list[ModelPackage]) -> dict[str, object]:
    return {name: port.default for name, port in _ports(packages).items()}


def _checked(
    packages: list[ModelPackage], now: dict[str, object], values: protocol.ParameterValues
) -> dict[str, object]:
    """`now` with `values` in it. Raises: ParameterError."""
    check_parameters(_ports(packages), values)
    return {**now, **values}


def _sentence(error: protocol.ErrorMap) -> str:
    return f"{error.code} {error.place}: expected {error.expected}, got {error.found}."
