"""The control endpoint: one loop that answers clients and listens to workers, and never waits."""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import zmq

import bridge
from bridge import protocol
from bridge.errors import (
    FramebridgeError,
    LimitError,
    ProtocolError,
    TokenError,
    UnknownStreamError,
)
from bridge.supervisor.access import Doorkeeper, RemoteOptions, check_local, check_remote
from bridge.supervisor.endpoint import Delivery, Endpoint
from bridge.supervisor.library import Library
from bridge.supervisor.memory_guard import MemoryGuard
from bridge.supervisor.refusals import Refusals
from bridge.supervisor.runtime_folder import Address, Run, runtime_folder
from bridge.supervisor.stream import Stream, StreamOptions
from bridge.supervisor.worker_link import Report, WorkerLink, find_lever

MAX_CLIENTS = 64
MAX_STREAMS = 32
_TEND_MS = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    Attributes:
        endpoint: where to listen; "" takes ipc where the system has it, else a free loopback port.
        private: be found by nobody; whoever started us passes the address on.
        end_with_input: end when standard input does, which is when our parent does.
        give_way: workers lower their priority below the engine's.
        folders: of packages, before all others.
        remote: how to be reached from other machines, beside `endpoint`; None for not at all.
    """

    endpoint: str = ""
    private: bool = False
    end_with_input: bool = False
    folders: list[Path] = field(default_factory=list)
    remote: RemoteOptions | None = None
    streams: StreamOptions = field(default_factory=StreamOptions)
    give_way: bool = True


class Server:
    """A sidecar, from `__init__`, which binds it, to the end of `run`."""

    def __init__(self, options: ServeOptions) -> None:
        """
        Raises: AlreadyRunningError, TransportError, UsageError.
        """
        self._options = options
        self._library = Library(options.folders)
        self._started = time.monotonic()
        self._run = Run(runtime_folder())
        self._token = secrets.token_hex(16)
        self._clients = dict[bytes, int]()
        """Greeted clients, and the descriptor of each one's connection, which names it when that
        breaks."""
        self._streams = dict[int, Stream]()
        self._numbers = 0
        self._ending = dict[int, WorkerLink]()
        self._reports: queue.SimpleQueue[tuple[WorkerLink, Report]] = queue.SimpleQueue()
        self._refusals = Refusals()
        self._guard = MemoryGuard()
        self._guard_at = 0.0
        self._stopping = False
        self._endpoints: list[Endpoint] = []
        self._doorkeeper: Doorkeeper | None = None
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        self._lever: protocol.Lever = "none"
        if options.give_way:
            threading.Thread(target=self._find_lever, name="lever", daemon=True).start()
        try:
            if not options.private:
                self._run.become_the_one()
            self._bind()
        except BaseException:
            self._close_endpoints()
            self._run.close()
            raise

    def _bind(self) -> None:
        context: zmq.Context[Any] = zmq.Context.instance()
        wanted = self._options.endpoint or self._run.endpoint("c")
        check_local(wanted)
        self._endpoints.append(Endpoint(context, wanted))
        if self._options.remote is not None:
            self._doorkeeper = Doorkeeper(context, self._options.remote)
            remote = self._options.remote.endpoint
            self._endpoints.append(Endpoint(context, remote, self._doorkeeper))

    @property
    def endpoint(self) -> str:
        """Where programs of this machine reach it."""
        return self._endpoints[0].address

    @property
    def remote(self) -> tuple[str, str] | None:
        """Where other machines reach it, and the public key that they must know."""
        if self._doorkeeper is None:
            return None
        return self._endpoints[1].address, self._doorkeeper.public_key

    @property
    def address(self) -> Address:
        """What a client needs to find this sidecar."""
        return Address(
            endpoint=self.endpoint,
            token=self._token,
            run=self._run.name,
            pid=os.getpid(),
            protocol=protocol.PROTOCOL_VERSION,
            version=bridge.__version__,
        )

    def run(self) -> None:
        """Serve until a client or a signal stops it; then leave nothing behind."""
        try:
            if not self._options.private:
                self._run.publish(self.address)
            self._loop()
        finally:
            self._close()

    def stop(self, *_: object) -> None:
        """End the loop soon; can be called from a signal handler."""
        self._stopping = True

    def _loop(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wake_in, zmq.POLLIN)
        for source in (source for endpoint in self._endpoints for source in endpoint.sources):
            poller.register(source, zmq.POLLIN)
        if self._doorkeeper is not None:
            poller.register(self._doorkeeper.socket, zmq.POLLIN)
        if self._options.end_with_input:
            threading.Thread(target=self._end_with_input, daemon=True).start()
        while not self._stopping:
            poller.poll(_TEND_MS)
            with suppress(BlockingIOError):
                self._wake_in.recv(4096)
            if self._doorkeeper is not None:
                self._doorkeeper.answer()
            for endpoint in self._endpoints:
                self._read_clients(endpoint)
                self._hear_connections(endpoint)
            self._read_workers()
            now = time.monotonic()
            self._refusals.tend(now)
            if now >= self._guard_at:
                self._guard_at = now + _TEND_MS / 1000
                connected = [each for endpoint in self._endpoints for each in endpoint.connected]
                self._guard.check(connected, self._clients.values())
            for stream in list(self._streams.values()):
                stream.tend(now)
                if stream.state == "failed" and not stream.opened:
                    self._end_stream(stream)

    def _end_with_input(self) -> None:
        # Not through sys.stdin: a thread that holds its lock would abort the interpreter's exit.
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        self.stop()

    def _close(self) -> None:
        for stream in self._streams.values():
            if worker := stream.close():
                self._ending[worker.pid] = worker
        for worker in self._ending.values():
            if not worker.wait(1.5):
                worker.kill()
                worker.wait(5)
        self._close_endpoints()
        self._run.close()

    def _close_endpoints(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()
        if self._doorkeeper is not None:
            self._doorkeeper.close()
        self._wake_in.close()
        self._wake_out.close()

    # Clients.

    def _read_clients(self, endpoint: Endpoint) -> None:
        # Bounded, so that a client that floods us cannot keep us from the others' workers.
        for _ in range(256):
            delivery = endpoint.receive()
            if delivery is None:
                return
            # Connections first: a new one may have the descriptor of an old one.
            self._hear_connections(endpoint)
            try:
                if delivery.descriptor < 0:
                    raise ProtocolError("connection", "ZMTP 3", "an older one")
                if delivery.parts != 1:
                    raise ProtocolError("message", "one part", f"{delivery.parts} parts")
                self._obey(endpoint, delivery, protocol.decode_client(delivery.raw))
            except FramebridgeError as error:
                self._refuse(delivery, error)
            except Exception as error:
                # A fault of ours must cost its client an answer, and nobody the bridge.
                fault = FramebridgeError(
                    "bridge", "an answer", f"{type(error).__name__}: {error}", "Please report it."
                )
                self._refusals.fault(error, time.monotonic())
                self._refuse(delivery, fault)

    def _obey(
        self, endpoint: Endpoint, delivery: Delivery, message: protocol.ClientMessage
    ) -> None:
        sender = delivery.sender
        answer = self._answer_to(sender, message.request)
        if isinstance(message, protocol.Hello):
            self._greet(endpoint, delivery, message)
            answer(
                protocol.Welcome(
                    protocol=protocol.PROTOCOL_VERSION,
                    bridge=bridge.__version__,
                    run=self._run.name,
                )
            )
            return
        if sender not in self._clients:
            raise ProtocolError("message", "a hello first", f"{type(message).__name__.lower()}")
        if endpoint.remote:
            check_remote(message)
        match message:
            case protocol.Open():
                self._open(sender, message, answer)
            case protocol.Close():
                self._end_stream(self._stream(message.stream, sender))
                answer(protocol.Ok())
            case protocol.Load():
                packages = [self._library.peek(name) for name in message.chain]
                self._stream(message.stream).load(packages, message.chain, answer)
            case protocol.Set():
                self._stream(message.stream).set_parameters(message.parameters, answer)
            case protocol.Reset():
                self._stream(message.stream).reset(message.seed, answer)
            case protocol.GetStatus():
                answer(self._status())
            case protocol.Heartbeat():
                answer(protocol.Heartbeat())
            case protocol.Stop():
                answer(protocol.Ok())
                self.stop()
            case protocol.Bye():
                self._forget(sender)

    def _greet(self, endpoint: Endpoint, delivery: Delivery, message: protocol.Hello) -> None:
        protocol.check_version(message.protocol)
        # Our own ipc socket lies in a folder that is this user's alone, and a remote client has
        # shown its key.
        own = not self._options.endpoint and self.endpoint.startswith("ipc://")
        guarded = endpoint.remote or own
        if not guarded and not secrets.compare_digest(message.token.encode(), self._token.encode()):
            raise TokenError(
                "hello.token", "the token of this run's bridge.json", "another or none",
                "Let the client read bridge.json again.",
            )  # fmt: skip
        if delivery.sender not in self._clients and len(self._clients) >= MAX_CLIENTS:
            raise LimitError("bridge", f"at most {MAX_CLIENTS} clients", "one more")
        # A client may be gone before its hello is read; it must not stay for ever.
        if delivery.descriptor in endpoint.connected:
            self._clients[delivery.sender] = delivery.descriptor

    def _open(self, sender: bytes, message: protocol.Open, answer: _Answer) -> None:
        if len(self._streams) >= MAX_STREAMS:
            raise LimitError("bridge", f"at most {MAX_STREAMS} streams", "one more")
        if len(message.chain) != 1:
            raise LimitError("open.chain", "exactly one package", f"{len(message.chain)}")
        packages = [self._library.peek(name) for name in message.chain]
        self._numbers += 1
        stream = Stream(
            self._numbers,
            sender,
            message,
            packages,
            run=self._run,
            options=self._options.streams,
            lever=lambda: self._lever,
            answer=answer,
            notify=self._answer_to(sender, 0),
            on_report=self._report_from_thread,
        )
        stream.start()
        self._streams[stream.number] = stream
        log.info("stream %d opened with %s", stream.number, ", ".join(message.chain))

    def _stream(self, number: int, owner: bytes | None = None) -> Stream:
        stream = self._streams.get(number)
        if stream is None or owner not in (None, stream.owner):
            known = ", ".join(map(str, self._streams)) or "none"
            raise UnknownStreamError("stream", f"one of: {known}", str(number))
        return stream

    def _end_stream(self, stream: Stream) -> None:
        if self._streams.pop(stream.number, None) is None:
            return  # its client was found to be gone meanwhile
        if worker := stream.close():
            self._ending[worker.pid] = worker
        log.info("stream %d closed", stream.number)

    def _status(self) -> protocol.Status:
        return protocol.Status(
            bridge=bridge.__version__,
            run=self._run.name,
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._started, 1),
            endpoint=self.endpoint,
            provider=self._options.streams.provider,
            clients=len(self._clients),
            streams=[stream.report() for stream in self._streams.values()],
        )

    def _hear_connections(self, endpoint: Endpoint) -> None:
        for gone in endpoint.departed():
            for sender, descriptor in list(self._clients.items()):
                if descriptor == gone and endpoint.is_of(sender):
                    self._forget(sender)

    def _forget(self, sender: bytes) -> None:
        self._clients.pop(sender, None)
        for stream in [s for s in self._streams.values() if s.owner == sender]:
            self._end_stream(stream)

    # Answers.

    def _answer_to(self, sender: bytes, request: int) -> _Answer:
        def answer(message: protocol.Message) -> None:
            self._send(sender, msgspec.structs.replace(message, request=request))

        return answer

    def _refuse(self, delivery: Delivery, error: FramebridgeError) -> None:
        self._refusals.note(error, time.monotonic())
        request = protocol.request_of(delivery.raw)
        self._send(
            delivery.sender, protocol.Error(request=request, error=protocol.error_map(error))
        )

    def _send(self, sender: bytes, message: protocol.Message) -> None:
        # Nobody is waited for: one that has gone is heard of as a disconnection.
        for endpoint in self._endpoints:
            if endpoint.is_of(sender) and not endpoint.send(sender, message):
                self._forget(sender)

    # Workers.

    def _find_lever(self) -> None:
        self._lever = find_lever()

    def _report_from_thread(self, worker: WorkerLink, report: Report) -> None:
        self._reports.put((worker, report))
        with suppress(OSError):
            self._wake_out.send(b"w")

    def _read_workers(self) -> None:
        while True:
            try:
                worker, report = self._reports.get_nowait()
            except queue.Empty:
                return
            if report is None:
                self._ending.pop(worker.pid, None)
            for stream in list(self._streams.values()):
                stream.handle(worker, report)


_Answer = Callable[[protocol.Message], None]


def stop_on_signals(server: Server) -> None:
    """Let SIGINT and SIGTERM, and on Windows a Ctrl-Break, end a server in order."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.stop)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, server.stop)
