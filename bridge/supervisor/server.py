"""The control endpoint: one loop that answers clients and listens to workers, and never waits."""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import zmq
from zmq.utils.monitor import recv_monitor_message

import bridge
from bridge import protocol
from bridge.errors import (
    FramebridgeError,
    LimitError,
    ProtocolError,
    TokenError,
    TransportError,
    UnknownStreamError,
    UsageError,
)
from bridge.supervisor.library import Library
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
    """

    endpoint: str = ""
    private: bool = False
    end_with_input: bool = False
    folders: list[Path] = field(default_factory=list)
    streams: StreamOptions = field(default_factory=StreamOptions)
    give_way: bool = True


class Server:
    """A sidecar, from `__init__`, which binds it, to the end of `run`."""

    def __init__(self, options: ServeOptions) -> None:
        """
        Raises: AlreadyRunningError, TransportError.
        """
        self._options = options
        self._library = Library(options.folders)
        self._started = time.monotonic()
        self._run = Run(runtime_folder())
        self._token = secrets.token_hex(16)
        self._clients = dict[bytes, int]()
        """Routing id to the descriptor of the connection, which names it when it breaks."""
        self._connected = set[int]()
        """Descriptors of the connections there are, greeted or not."""
        self._streams = dict[int, Stream]()
        self._numbers = 0
        self._ending = dict[int, WorkerLink]()
        self._reports: queue.SimpleQueue[tuple[WorkerLink, Report]] = queue.SimpleQueue()
        self._stopping = False
        self._lever: protocol.Lever = "none"
        if options.give_way:
            threading.Thread(target=self._find_lever, name="lever", daemon=True).start()
        try:
            if not options.private:
                self._run.become_the_one()
            self._bind()
        except BaseException:
            self._run.close()
            raise

    def _bind(self) -> None:
        context: zmq.Context[Any] = zmq.Context.instance()
        self._router: zmq.Socket[Any] = context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.LINGER, 100)
        self._router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._router.setsockopt(zmq.MAXMSGSIZE, protocol.MAX_MESSAGE_BYTES)
        self._monitor = self._router.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        wanted = self._options.endpoint or self._run.endpoint("c")
        _check_local(wanted)
        try:
            self._router.bind(wanted)
        except zmq.ZMQError as error:
            raise TransportError(
                f"endpoint {wanted}", "an address that can be bound", str(error), "Name another."
            ) from None
        self.endpoint = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)

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
        for source in (self._router, self._monitor, self._wake_in):
            poller.register(source, zmq.POLLIN)
        if self._options.end_with_input:
            threading.Thread(target=self._end_with_input, daemon=True).start()
        while not self._stopping:
            poller.poll(_TEND_MS)
            with suppress(BlockingIOError):
                self._wake_in.recv(4096)
            self._read_clients()
            self._hear_connections()
            self._read_workers()
            now = time.monotonic()
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
        self._router.disable_monitor()
        self._monitor.close()
        self._router.close()
        self._run.close()

    # Clients.

    def _read_clients(self) -> None:
        # Bounded, so that a client that floods us cannot keep us from the others' workers.
        for _ in range(256):
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            # Connections first: a new one may have the descriptor of an old one.
            self._hear_connections()
            sender = bytes(frames[0].buffer)
            raw = bytes(frames[-1].buffer)
            try:
                if len(frames) != 2:
                    raise ProtocolError("message", "one part", f"{len(frames) - 1} parts")
                message = protocol.decode_client(raw)
                self._obey(sender, message, frames[-1].get(zmq.SRCFD))
            except FramebridgeError as error:
                self._send_error(sender, protocol.request_of(raw), error)
            except Exception as error:
                # A fault of ours must cost its client an answer, and nobody the bridge.
                log.exception("a fault while answering a client")
                fault = FramebridgeError(
                    "bridge", "an answer", f"{type(error).__name__}: {error}", "Please report it."
                )
                self._send_error(sender, protocol.request_of(raw), fault)

    def _obey(self, sender: bytes, message: protocol.ClientMessage, descriptor: int) -> None:
        answer = self._answer_to(sender, message.request)
        if isinstance(message, protocol.Hello):
            self._greet(sender, message, descriptor)
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

    def _greet(self, sender: bytes, message: protocol.Hello, descriptor: int) -> None:
        protocol.check_version(message.protocol)
        # Our own ipc socket lies in a folder that is this user's alone.
        guarded = not self._options.endpoint and self.endpoint.startswith("ipc://")
        if not guarded and not secrets.compare_digest(message.token.encode(), self._token.encode()):
            raise TokenError(
                "hello.token", "the token of this run's bridge.json", "another or none",
                "Let the client read bridge.json again.",
            )  # fmt: skip
        if sender not in self._clients and len(self._clients) >= MAX_CLIENTS:
            raise LimitError("bridge", f"at most {MAX_CLIENTS} clients", "one more")
        # A client may be gone before its hello is read; it must not stay for ever.
        if descriptor in self._connected:
            self._clients[sender] = descriptor

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

    def _hear_connections(self) -> None:
        while self._monitor.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # type: ignore[operator, arg-type]
            event = recv_monitor_message(self._monitor, zmq.NOBLOCK)
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._connected.add(event["value"])
                continue
            self._connected.discard(event["value"])
            for sender, descriptor in list(self._clients.items()):
                if descriptor == event["value"]:
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

    def _send_error(self, sender: bytes, request: int, error: FramebridgeError) -> None:
        log.info("refused: %s", error)
        self._send(sender, protocol.Error(request=request, error=protocol.error_map(error)))

    def _send(self, sender: bytes, message: protocol.Message) -> None:
        # Nobody is waited for: one that has gone is heard of as a disconnection, and one that
        # does not read loses messages, never our time.
        try:
            self._router.send_multipart([sender, protocol.encode(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            # Gone, whatever we have heard of it.
            if error.errno == zmq.EHOSTUNREACH:
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
    """Let SIGINT and SIGTERM end a server in order."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.stop)


def _check_local(endpoint: str) -> None:
    local = ("ipc://", "tcp://127.0.0.1:", "tcp://localhost:")
    # An abstract socket (ipc://@NAME) has no folder that keeps others out.
    if not endpoint.startswith(local) or endpoint.startswith("ipc://@"):
        raise UsageError(
            f"endpoint {endpoint}", "ipc://PATH or tcp://127.0.0.1:PORT", "something else",
            "Nothing that others could reach is served.",
        )  # fmt: skip
