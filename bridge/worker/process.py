"""The worker process: keeps one stream's chain and frame service as the supervisor asks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NoReturn

from bridge import protocol
from bridge.errors import FramebridgeError, WorkerError
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.pauses import pausing
from bridge.inference.runner import RunOptions
from bridge.inference.verification import verify_in_turn
from bridge.transport.shared_memory import SharedMemorySlot
from bridge.worker.doorbell import Doorbell
from bridge.worker.neighbour import Neighbour
from bridge.worker.service import FrameService, Pace
from bridge.worker.tally import Tally
from bridge.worker.watchdog import Watchdog

_REPORT_S = 0.5
_LOADER_NICE = 19
_SWITCH_INTERVAL_S = 0.0005
_GIVEN_UP_STATUS = 70


@dataclass(frozen=True, slots=True)
class _Waiting:
    ticket: int
    chain: Chain


class WorkerProcess:
    """Reads commands until the pipe ends, which is when the supervisor does."""

    def __init__(self, commands: BinaryIO, reports: BinaryIO) -> None:
        self._commands = commands
        self._reports = reports
        self._report_lock = threading.Lock()
        self._tally = Tally()
        self._service: FrameService | None = None
        self._loading = threading.Lock()
        """Of what follows: a load is in a thread of its own while commands are obeyed."""
        self._wanted = 0
        """Ticket of the load whose chain is wanted."""
        self._waiting: _Waiting | None = None
        """A chain of another result format, loaded and waiting for its slots."""
        self._last_failure = ("", 0.0)

    def run(self) -> None:
        """Serve until the supervisor stops this process, or ends."""
        # A loader's Python must not keep the threads that serve frames from theirs for 5 ms.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        for command in protocol.commands_of(self._commands):
            ticket = getattr(command, "ticket", 0)
            with self._reporting_failure(ticket):
                self._obey(command)
        if self._service is not None:
            self._service.stop()

    def _obey(self, command: protocol.ToWorker) -> None:
        match command:
            case protocol.StartWorker():
                self._start(command)
            case protocol.LoadChain():
                with self._loading:
                    self._wanted, self._waiting = command.ticket, None
                threading.Thread(target=self._load, args=(command,), name="loader").start()
            case protocol.AbandonLoad():
                with self._loading:
                    self._wanted, self._waiting = 0, None
            case protocol.AdoptSlots():
                self._adopt(command)
            case protocol.GiveWay():
                self._give_way(command.lever)
            case protocol.SetParameters() if self._service is not None:
                self._service.set_parameters(command.values)
                self._send(protocol.Applied(ticket=command.ticket))
            case protocol.ResetState() if self._service is not None:
                self._service.reset(command.seed)
                self._send(protocol.Applied(ticket=command.ticket))

    @contextmanager
    def _reporting_failure(self, ticket: int) -> Iterator[None]:
        try:
            yield
        except FramebridgeError as error:
            self._send(protocol.LoadFailed(ticket=ticket, error=protocol.error_map(error)))
        except Exception as error:
            # A fault of our own must not look like a fault of the package.
            fault = WorkerError("worker", "a loaded chain", f"{type(error).__name__}: {error}")
            self._send(protocol.LoadFailed(ticket=ticket, error=protocol.error_map(fault)))

    def _start(self, command: protocol.StartWorker) -> None:
        self._source = command.source
        self._pace = Pace(command.policy, command.rate, command.seed)
        self._options = RunOptions(
            command.provider,
            command.allow_fallback,
            backend=command.backend,
            compute=command.compute,
            repeats=command.policy == "free",
        )
        self._lever: protocol.Lever = "none"
        self._give_way(command.lever)
        self._watchdog = Watchdog(command.run_limit_s, _give_up)
        self._neighbour = Neighbour(self._tally, self._watchdog)
        chain = self._chain(command.packages, command.parameters)
        self._neighbour.expect(chain.warm_ms)
        self._serve(0, command.slots, chain)
        threading.Thread(target=self._report_for_ever, name="reports", daemon=True).start()

    def _give_way(self, lever: protocol.Lever) -> None:
        """By `lever` as soon as a chain is loaded and warm."""
        self._lever = lever
        if lever == "threads":
            self._options = replace(self._options, threads=max(1, (os.cpu_count() or 1) - 1))

    def _load(self, command: protocol.LoadChain) -> None:
        """In a thread of its own, of lower priority than those that serve frames."""
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOADER_NICE)
        with self._reporting_failure(command.ticket):
            with pausing(self._wait_for_gap):
                chain = self._chain(command.packages, command.parameters)
            with self._loading:
                if self._wanted != command.ticket:
                    chain.close()
                    return
                if chain.result == self._result and self._service is not None:
                    self._service.swap(chain)
                else:
                    self._waiting = _Waiting(command.ticket, chain)
            self._send(protocol.ChainLoaded(ticket=command.ticket, chain=_facts(chain)))

    def _adopt(self, command: protocol.AdoptSlots) -> None:
        with self._loading:
            waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.ticket != command.ticket:
            raise WorkerError("worker", f"a chain loaded as {command.ticket}", "none")
        self._serve(command.ticket, command.slots, waiting.chain)

    def _serve(self, ticket: int, slots: protocol.Slots, chain: Chain) -> None:
        """Serve a new epoch in place of the present one, which stays if anything goes wrong."""
        if chain.result != slots.result:
            raise WorkerError(
                "worker", f"results of {slots.result.width}x{slots.result.height}",
                f"{chain.result.width}x{chain.result.height}",
                "The package was changed while it was being loaded: load it again.",
            )  # fmt: skip
        service = FrameService(
            epoch=slots.epoch,
            doorbell=(doorbell := Doorbell(slots.doorbell, slots.epoch, self._tally)),
            sources=[SharedMemorySlot.attach(n, self._source) for n in slots.source_names],
            results=[SharedMemorySlot.attach(n, slots.result) for n in slots.result_names],
            chain=chain,
            pace=self._pace,
            tally=self._tally,
            watchdog=self._watchdog,
            on_failure=self._report_failure,
            on_retired=self._retire,
        )
        old, self._service, self._result = self._service, service, chain.result
        if old is not None:
            old.stop()
        service.start()
        self._send(
            protocol.WorkerReady(
                ticket=ticket,
                epoch=slots.epoch,
                doorbell=doorbell.address,
                chain=_facts(chain),
            )
        )

    def _chain(self, folders: list[str], parameters: dict[str, object]) -> Chain:
        packages = [ModelPackage.open(Path(folder)) for folder in folders]
        verify_in_turn(packages, self._source, self._options)
        chain = Chain(packages, self._source, self._options)
        chain.set_parameters(parameters)
        self._warm_ms = chain.warm_ms
        return chain

    def _retire(self, chain: Chain) -> None:
        # To give back a large session takes longer than a tick.
        threading.Thread(target=self._close, args=(chain,), name="retire").start()
        self._neighbour.expect(self._warm_ms)

    def _close(self, chain: Chain) -> None:
        self._wait_for_gap()
        chain.close()

    def _wait_for_gap(self) -> None:
        if self._service is not None:
            self._service.wait_for_gap()

    def _report_failure(self, error: FramebridgeError) -> None:
        # One that fails on every frame is worth telling now and then.
        text, now = str(error), time.monotonic()
        if text != self._last_failure[0] or now - self._last_failure[1] > _REPORT_S:
            self._last_failure = text, now
            self._send(protocol.RunFailed(error=protocol.error_map(error)))

    def _report_for_ever(self) -> None:
        while True:
            time.sleep(_REPORT_S)
            if self._lever != self._neighbour.lever:
                self._neighbour.give_way(self._lever)
            self._neighbour.tend(time.monotonic())
            self._send(
                protocol.WorkerStats(
                    counters=self._tally.counters(),
                    model_ms=self._tally.spread("model_ms"),
                    start_age_ms=self._tally.spread("start_age_ms"),
                    priority=self._neighbour.priority,
                )
            )

    def _send(self, message: protocol.FromWorker) -> None:
        try:
            with self._report_lock:
                self._reports.write(protocol.to_pipe(message))
                self._reports.flush()
        except OSError:
            return  # the supervisor has gone; the end of our input follows


def _give_up(why: str) -> NoReturn:
    """End the process at once: no thread of it can stop a run that does not listen."""
    print(why, file=sys.stderr, flush=True)
    os._exit(_GIVEN_UP_STATUS)


def _facts(chain: Chain) -> protocol.ChainFacts:
    execution = chain.execution
    notes = [execution.note, *chain.notes]
    return protocol.ChainFacts(
        digest=chain.digest,
        backend=execution.runtime,
        provider=execution.provider,
        note=" ".join(note for note in notes if note),
    )
