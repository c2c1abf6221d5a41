"""The worker process: keeps one stream's chain and frame service as the supervisor asks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bridge import protocol
from bridge.errors import FramebridgeError, WorkerError
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.inference.verification import verify_in_turn
from bridge.transport.shared_memory import SharedMemorySlot
from bridge.worker.doorbell import Doorbell
from bridge.worker.service import FrameService
from bridge.worker.tally import Tally

_REPORT_S = 0.5


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
        self._waiting: _Waiting | None = None
        """A chain of another result format, loaded and waiting for its slots."""

    def run(self) -> None:
        """Serve until the supervisor stops this process, or ends."""
        threading.Thread(target=self._report_for_ever, name="reports", daemon=True).start()
        for command in protocol.commands_of(self._commands):
            ticket = getattr(command, "ticket", 0)
            try:
                self._obey(command)
            except FramebridgeError as error:
                self._send(protocol.LoadFailed(ticket=ticket, error=protocol.error_map(error)))
            except Exception as error:
                # A fault of our own must not look like a fault of the package.
                fault = WorkerError("worker", "a loaded chain", f"{type(error).__name__}: {error}")
                self._send(protocol.LoadFailed(ticket=ticket, error=protocol.error_map(fault)))
        if self._service is not None:
            self._service.stop()

    def _obey(self, command: protocol.ToWorker) -> None:
        if isinstance(command, protocol.StartWorker):
            self._start(command)
        elif isinstance(command, protocol.LoadChain):
            self._load(command)
        elif isinstance(command, protocol.AdoptSlots):
            self._adopt(command)
        elif isinstance(command, protocol.SetParameters) and self._service is not None:
            self._service.set_parameters(command.values)
            self._send(protocol.ParametersSet(ticket=command.ticket))

    def _start(self, command: protocol.StartWorker) -> None:
        self._source = command.source
        self._policy = command.policy
        self._options = RunOptions(command.provider, command.allow_fallback)
        chain = self._chain(command.packages, command.parameters)
        self._serve(0, command.slots, chain)

    def _load(self, command: protocol.LoadChain) -> None:
        chain = self._chain(command.packages, command.parameters)
        self._waiting = None
        if chain.result == self._result and self._service is not None:
            self._service.swap(chain)
        else:
            self._waiting = _Waiting(command.ticket, chain)
        self._send(protocol.ChainLoaded(ticket=command.ticket, chain=_facts(chain)))

    def _adopt(self, command: protocol.AdoptSlots) -> None:
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
            policy=self._policy,
            tally=self._tally,
            on_failure=self._report_failure,
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
        return chain

    def _report_failure(self, error: FramebridgeError) -> None:
        self._send(protocol.RunFailed(error=protocol.error_map(error)))

    def _report_for_ever(self) -> None:
        while True:
            time.sleep(_REPORT_S)
            self._send(
                protocol.WorkerStats(
                    counters=self._tally.counters(),
                    model_ms=self._tally.spread("model_ms"),
                    start_age_ms=self._tally.spread("start_age_ms"),
                )
            )

    def _send(self, message: protocol.FromWorker) -> None:
        try:
            with self._report_lock:
                self._reports.write(protocol.to_pipe(message))
                self._reports.flush()
        except OSError:
            return  # the supervisor has gone; the end of our input follows


def _facts(chain: Chain) -> protocol.ChainFacts:
    execution = chain.execution
    return protocol.ChainFacts(
        digest=chain.digest,
        backend=execution.backend,
        provider=execution.provider,
        note=execution.note,
    )
