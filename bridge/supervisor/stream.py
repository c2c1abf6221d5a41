"""The supervisor's half of a stream: its slots, its worker, and what happens when that dies."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import msgspec

from bridge import protocol
from bridge.errors import FramebridgeError, RunLimitError, WorkerError
from bridge.frames import FrameFormat
from bridge.inference.manifest import ParameterInput, check_parameters
from bridge.inference.package import ModelPackage
from bridge.inference.placement import result_format
from bridge.supervisor.epoch import Epoch, make_epoch, slot_set
from bridge.supervisor.health import DEATHS_ALLOWED, Deaths, Patience, Pulse
from bridge.supervisor.runtime_folder import Run
from bridge.supervisor.worker_link import Report, WorkerLink

RESTART_DELAY_S = 0.5
RESTART_AGAIN_S = 1.0
RESTARTS_TRIED = 30
START_LIMIT_S = 120.0
LOAD_LIMIT_S = 120.0
SILENCE_LIMIT_S = 10.0

Notify = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What is the same for every stream of a bridge."""

    provider: str = "auto"
    allow_fallback: bool = False
    backend: str = "auto"
    compute: str = "float32"
    run_limit_s: float = 10.0


@dataclass(slots=True)
class _Change:
    """A load that is under way; nothing of it is the stream's until it is complete."""

    ticket: int
    packages: list[ModelPackage]
    references: list[str]
    parameters: dict[str, object]
    answer: Notify
    epoch: Epoch | None = None
    """New slots, where the results have another format."""
    waited_s: float = 0.0


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
        lever: Callable[[], protocol.Lever],
        answer: Notify,
        notify: Notify,
        on_report: Callable[[WorkerLink, Report], None],
    ) -> None:
        """
        Args:
            lever: how workers give way on this machine, "none" until that is known.
            answer: takes the answer to `open`, when there is one.
            notify: takes what the owner is told without having asked.
        Raises: ParameterError, FrameFormatError, UnsupportedModelError: nothing was started.
        """
        self.number = number
        self.owner = owner
        self.state: Literal["starting", "live", "restarting", "failed"] = "starting"
        self.worker: WorkerLink | None = None
        self._source = request.source
        self._policy, self._rate, self._seed = request.policy, request.rate, request.seed
        self._label = request.label
        self._packages = packages
        self._references = list(request.chain)
        self._parameters = _checked(packages, _defaults(packages), request.parameters)
        self._result = result_format(packages[-1].manifest, request.source)
        self._run, self._options, self._lever = run, options, lever
        self.opened = False
        self._opening: Notify | None = answer
        self._notify = notify
        self._on_report = on_report
        # Begins at random, so that no two streams or runs are likely to share a number.
        self._last_epoch = secrets.randbelow(2**31) + 1
        self._epoch: Epoch | None = None
        self._facts = protocol.ChainFacts(digest="", backend="", provider="", note="")
        self._doorbell = ""
        self._change: _Change | None = None
        self._settings = dict[int, Notify]()
        """Who waits to hear that knobs have been turned, or the state been reset."""
        self._tickets = 0
        self._deaths = Deaths()
        self._restarts = 0
        self._restart_at = 0.0
        self._failed_starts = 0
        self._patience = Patience(time.monotonic())
        self._pulse: Pulse | None = None
        self._gave_way = False
        self._stats = protocol.WorkerStats(counters={}, model_ms={}, start_age_ms={})
        self._last_error = ""

    def start(self) -> None:
        """Make a new epoch: new slots, a new doorbell, a new worker.

        Raises: TransportError, WorkerError: no room for the slots, or for a process.
        Guarantees: then nothing is left of it.
        """
        self._restart_at = 0.0
        epoch = self._new_epoch(self._result)
        try:
            self.worker = WorkerLink(self._on_report)
        except FramebridgeError:
            epoch.close()
            raise
        if self._epoch is not None:
            self._epoch.close()
        self._epoch = epoch
        self._failed_starts = 0
        self._pulse = Pulse(self.worker.pid, START_LIMIT_S)
        lever = self._lever()
        self._gave_way = False
        self.worker.send(
            protocol.StartWorker(
                stream=self.number,
                source=self._source,
                policy=self._policy,
                packages=[str(package.folder) for package in self._packages],
                parameters=self._parameters,
                provider=self._options.provider,
                allow_fallback=self._options.allow_fallback,
                run_limit_s=self._options.run_limit_s,
                rate=self._rate,
                seed=self._seed,
                lever=lever,
                backend=self._options.backend,
                compute=self._options.compute,
                slots=epoch.message(),
            )
        )

    def load(self, packages: list[ModelPackage], references: list[str], answer: Notify) -> None:
        """Load another chain beside the running one, and change over between two frames.

        Raises: FrameFormatError, UnsupportedModelError, WorkerError, TransportError, LimitError.
        Guarantees: then nothing has changed.
        """
        result = result_format(packages[-1].manifest, self._source)
        if self._change is not None:
            raise WorkerError(
                f"stream {self.number}", "one load at a time", "another one under way", "Try again."
            )
        parameters = _defaults(packages)
        if self.worker is None:
            before = self._packages, self._parameters, self._result
            self._packages, self._parameters, self._result = packages, parameters, result
            try:
                self.start()
            except FramebridgeError:
                self._packages, self._parameters, self._result = before
                raise
            self._deaths.clear()
            self._references = references
            self._change = _Change(0, packages, references, parameters, answer)
            self.state = "restarting"
            return
        self._tickets += 1
        self.worker.send(
            protocol.LoadChain(
                ticket=self._tickets,
                packages=[str(package.folder) for package in packages],
                parameters=parameters,
            )
        )
        self._change = _Change(self._tickets, packages, references, parameters, answer)

    def set_parameters(self, values: protocol.ParameterValues, answer: Notify) -> None:
        """Turn knobs.

        Args:
            answer: told when every frame submitted from then on sees them.
        Raises: ParameterError, LimitError. Guarantees: then none has been turned.
        """
        parameters = _checked(self._packages, self._parameters, values)
        self._tickets += 1
        command = protocol.SetParameters(ticket=self._tickets, values=dict(values))
        self._apply(command, answer)
        self._parameters = parameters

    def reset(self, seed: int, answer: Notify) -> None:
        """Bring the models' state back to the beginning.

        Args:
            answer: told when every frame submitted from then on sees the fresh state.
        Raises: LimitError. Guarantees: then nothing has changed.
        """
        self._tickets += 1
        self._apply(protocol.ResetState(ticket=self._tickets, seed=seed), answer)
        self._seed = seed

    def _apply(self, command: protocol.SetParameters | protocol.ResetState, answer: Notify) -> None:
        if self.worker is not None:
            self.worker.send(command)
        if self.worker is None or self.state != "live":
            # The next worker starts with it.
            answer(protocol.Ok())
        else:
            self._settings[command.ticket] = answer

    def handle(self, worker: WorkerLink, report: Report) -> None:
        """What a worker of this stream has said; one that was replaced is not heard."""
        if worker is not self.worker:
            return
        if self._pulse is not None:
            self._pulse.heard()
        if report is None:
            self._worker_ended(worker)
        elif isinstance(report, protocol.WorkerReady):
            self._ready(report)
        elif isinstance(report, protocol.ChainLoaded):
            self._loaded(report)
        elif isinstance(report, protocol.Applied):
            if waiting := self._settings.pop(report.ticket, None):
                # The owner asks for the same knobs again when the bridge has to start anew.
                self._notify(self._stream_state())
                waiting(protocol.Ok())
        elif isinstance(report, protocol.LoadFailed):
            self._load_failed(report)
        elif isinstance(report, protocol.RunFailed):
            self._run_failed(report.error)
        else:
            self._stats = report

    def tend(self, now: float) -> None:
        """What is due by the clock: a restart, or the end of our patience."""
        step_s = self._patience.step(now)
        if self._restart_at and now >= self._restart_at:
            self._restart(now)
        if self.worker is None or self._pulse is None:
            return
        if self._pulse.hangs(step_s):
            self._pulse.heard()
            self.worker.give_up(f"it said nothing for {self._pulse.limit_s:.0f} s")
        self._tend_load(step_s)
        if self.state == "live" and not self._gave_way and (lever := self._lever()) != "none":
            self._gave_way = True
            self.worker.send(protocol.GiveWay(lever=lever))

    def _restart(self, now: float) -> None:
        try:
            self.start()
        except FramebridgeError as error:
            # Room for slots may come back: a client gives up those of the last epoch when it hears
            # of its end, and other streams end.
            self._last_error = str(error)
            self._failed_starts += 1
            if self._failed_starts > RESTARTS_TRIED:
                self._fail(protocol.error_map(error))
            else:
                self._restart_at = now + RESTART_AGAIN_S

    def _tend_load(self, step_s: float) -> None:
        change = self._change
        if change is None or change.ticket == 0 or self.worker is None:
            return
        change.waited_s += step_s
        if change.waited_s > LOAD_LIMIT_S:
            with suppress(FramebridgeError):
                self.worker.send(protocol.AbandonLoad(ticket=change.ticket))
            within = f"a chain that loads within {LOAD_LIMIT_S:.0f} s"
            remedy = "What ran before goes on running."
            place = f"stream {self.number}"
            self._drop_change(WorkerError(place, within, "a longer load", remedy))

    def close(self) -> WorkerLink | None:
        """End the worker and take the slots away.

        Returns: the worker, still ending.
        """
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop()
        self._drop_change(
            WorkerError(f"stream {self.number}", "an open stream", "one that was closed")
        )
        self._answer_settings()
        if self._epoch is not None:
            self._epoch.close()
            self._epoch = None
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
            seed=self._seed,
            priority=self._stats.priority,
            worker_pid=self.worker.pid if self.worker else 0,
            epoch=self._epoch.number if self._epoch else 0,
            restarts=self._restarts,
            last_error=self._last_error,
            counters=self._stats.counters,
            model_ms=self._stats.model_ms,
            start_age_ms=self._stats.start_age_ms,
        )

    # What a worker reports.

    def _ready(self, report: protocol.WorkerReady) -> None:
        change = self._change
        if report.ticket:
            # A load into new slots is complete: from here on they are the stream's.
            if change is None or change.ticket != report.ticket or change.epoch is None:
                return
            if self._epoch is not None:
                self._epoch.close()
            self._epoch, self._result = change.epoch, change.epoch.result
            self._take_over(change)
        self._facts, self._doorbell = report.chain, report.doorbell
        self.state, self.opened = "live", True
        if self._pulse is not None:
            self._pulse.limit_s = SILENCE_LIMIT_S
        opening, self._opening = self._opening, None
        (opening or self._notify)(self._stream_state())
        if change is not None and change.ticket == report.ticket:
            self._change = None
            change.answer(protocol.Ok())

    def _loaded(self, report: protocol.ChainLoaded) -> None:
        change = self._change
        if change is None or change.ticket != report.ticket or self.worker is None:
            return
        result = result_format(change.packages[-1].manifest, self._source)
        if result == self._result:
            self._change = None
            self._take_over(change)
            self._facts = report.chain
            self._notify(self._stream_state())
            change.answer(protocol.Ok())
            return
        try:
            change.epoch = self._new_epoch(result)
            self.worker.send(
                protocol.AdoptSlots(ticket=report.ticket, slots=change.epoch.message())
            )
        except FramebridgeError as error:
            self._drop_change(error)

    def _load_failed(self, report: protocol.LoadFailed) -> None:
        self._last_error = _sentence(report.error)
        if self._change is not None and self._change.ticket == report.ticket:
            self._drop_change(report.error)
        if report.ticket == 0:
            # A chain that cannot be loaded now will not load at the next try either.
            self._fail(report.error)

    def _run_failed(self, error: protocol.ErrorMap) -> None:
        self._last_error = _sentence(error)
        if error.code == RunLimitError.code:
            # It was stopped in time and its worker lives, but each such frame holds the stage up.
            now = time.monotonic()
            self._deaths.add(now)
            if self._deaths.too_many(now):
                self._fail(error)

    def _take_over(self, change: _Change) -> None:
        self._packages, self._references = change.packages, change.references
        self._parameters = change.parameters

    def _answer_settings(self) -> None:
        """The worker is gone; what was set is kept for the next."""
        waiting, self._settings = list(self._settings.values()), {}
        for answer in waiting:
            answer(protocol.Ok())

    def _drop_change(self, error: FramebridgeError | protocol.ErrorMap) -> None:
        """Answer a load that is under way with an error; what ran goes on."""
        change, self._change = self._change, None
        if change is None:
            return
        if change.epoch is not None:
            change.epoch.close()
        if isinstance(error, FramebridgeError):
            error = protocol.error_map(error)
        change.answer(protocol.Error(error=error))

    def _worker_ended(self, worker: WorkerLink) -> None:
        self.worker = self._pulse = None
        error = WorkerError(
            f"stream {self.number}", "a running worker", f"one that {worker.cause()}",
            f"It is started again, up to {DEATHS_ALLOWED} times a minute.",
        )  # fmt: skip
        self._last_error = str(error)
        self._drop_change(error)
        self._answer_settings()
        # Nobody writes them any more, and the next epoch may need the room.
        if self._epoch is not None:
            self._epoch.close()
            self._epoch = None
        now = time.monotonic()
        # A worker that ran and was killed from outside says nothing against its chain.
        if not (self.state == "live" and worker.was_killed()):
            self._deaths.add(now)
        if self._deaths.too_many(now):
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
        self._restart_at = now + (RESTART_DELAY_S if self._deaths.recent(now) else 0.0)

    def _fail(self, error: protocol.ErrorMap) -> None:
        self._restart_at = 0.0
        self.close()
        self.state = "failed"
        opening, self._opening = self._opening, None
        if opening is not None:
            opening(protocol.Error(error=error))
            return
        self._notify(protocol.StreamPaused(stream=self.number, final=True, error=error))

    def _new_epoch(self, result: FrameFormat) -> Epoch:
        """Raises: TransportError: nothing is left."""
        self._last_epoch = self._last_epoch % (2**32 - 1) + 1
        return make_epoch(self._run, self.number, self._last_epoch, self._source, result)

    def _stream_state(self) -> protocol.StreamState:
        assert self._epoch is not None
        return protocol.StreamState(
            stream=self.number,
            epoch=self._epoch.number,
            doorbell=self._doorbell,
            source=slot_set(self._source, self._epoch.sources),
            result=slot_set(self._result, self._epoch.results),
            policy=self._policy,
            packages=[package.name for package in self._packages],
            references=self._references,
            chain=self._facts.digest,
            backend=self._facts.backend,
            provider=self._facts.provider,
            note=self._facts.note,
            knobs=[msgspec.to_builtins(knob) for knob in _ports(self._packages).values()],
            parameters=self._parameters,  # type: ignore[arg-type]
            seed=self._seed,
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
