"""Who may speak to the sidecar: this user on this machine, and from others only known keys.

CURVE alone lets in whoever knows the server's public key, so each client's key is looked up too.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from bridge import protocol
from bridge.errors import RemoteError, UsageError
from bridge.supervisor.keys import known_keys, load_secret
from bridge.supervisor.library import names_a_folder

_ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_DOMAIN = b"framebridge"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How to be reached from other machines.

    Attributes:
        endpoint: tcp://ADDRESS:PORT.
        key: file of the sidecar's own secret key.
        allow: a client's public key, or a folder of them. Read at each greeting, so that keys
            come and go while the sidecar runs.
    """

    endpoint: str
    key: Path
    allow: Path


def check_local(endpoint: str) -> None:
    """Raises: UsageError: somebody else than this user, here, could reach it."""
    local = ("ipc://", "tcp://127.0.0.1:", "tcp://localhost:")
    # An abstract socket (ipc://@NAME) has no folder that keeps others out.
    if not endpoint.startswith(local) or endpoint.startswith("ipc://@"):
        raise UsageError(
            f"endpoint {endpoint}", "ipc://PATH or tcp://127.0.0.1:PORT", "something else",
            "To be reached from other machines: --remote tcp://ADDRESS:PORT --key FILE"
            " --allow FOLDER.",
        )  # fmt: skip


def remote_options(endpoint: str, key: Path | None, allow: Path | None) -> RemoteOptions | None:
    """What the command line asks for, or None where nothing remote is asked for.

    Raises: UsageError: no address for others, or one without both keys and an allow-list.
    """
    if not endpoint:
        if key is not None or allow is not None:
            raise UsageError(
                "serve", "--remote with --key and --allow", "no --remote",
                "Say where: --remote tcp://0.0.0.0:PORT.",
            )  # fmt: skip
        return None
    if not endpoint.startswith("tcp://"):
        raise UsageError("--remote", "tcp://ADDRESS:PORT", endpoint, "Name an address of yours.")
    if key is None or allow is None:
        missing = " and ".join(
            name for name, value in (("--key", key), ("--allow", allow)) if value is None
        )
        raise UsageError(
            f"--remote {endpoint}", "--key FILE and --allow FOLDER with it", f"no {missing}",
            "`framebridge keys new NAME` makes a key; put the .key files of those who may"
            " control this sidecar into one folder.",
        )  # fmt: skip
    return RemoteOptions(endpoint, key, allow)


def check_remote(message: protocol.ClientMessage) -> None:
    """Raises: RemoteError: only a program of this machine may ask for that."""
    if isinstance(message, protocol.Open):
        raise RemoteError(
            "open", "a client on the sidecar's own machine", "one of another",
            "Frames travel through shared memory: run the engine beside the sidecar, and control"
            " it from here.",
        )  # fmt: skip
    if isinstance(message, protocol.Load):
        for name in message.chain:
            if names_a_folder(name):
                raise RemoteError(
                    "load.chain", "the name of a package in the sidecar's library", repr(name),
                    "Put the package into a folder that the sidecar serves.",
                )  # fmt: skip


class Doorkeeper:
    """Answers ZeroMQ's question, at each greeting on a guarded socket, whether a key is known.

    Our own few lines of ZAP instead of zmq.auth's thread: that one needs a further package on
    Windows, and the supervisor's loop can answer as well.

    Attributes:
        socket: to be polled; when it is readable, call `answer`.
        public_key: of the sidecar, 40 characters: what its clients must know.
    """

    def __init__(self, context: zmq.Context[Any], options: RemoteOptions) -> None:
        """
        Raises: UsageError: the key or the list cannot be used.
        """
        self._key = load_secret(options.key)
        self._allow = options.allow
        if not known_keys(options.allow):
            raise UsageError(
                f"--allow {options.allow}", "the public key of at least one client", "none",
                "Copy there the .key file that `framebridge keys new` made for the client.",
            )  # fmt: skip
        self.public_key = self._key[0].decode()
        self.socket: zmq.Socket[Any] = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(_ZAP_ENDPOINT)

    def guard(self, socket: zmq.Socket[Any]) -> None:
        """Let a socket that is about to be bound take known keys alone."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self._key[0])
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._key[1])
        socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        # Without this a socket whose doorkeeper has gone lets everybody in.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def answer(self) -> None:
        """Answer what has been asked; never waits, and lets nobody in by mistake."""
        with suppress(zmq.Again):
            while True:
                question = self.socket.recv_multipart(zmq.NOBLOCK)
                known = self._knows(question)
                verdict = (b"200", b"OK") if known else (b"400", b"Unknown key")
                request = question[1] if len(question) > 1 else b""
                self.socket.send_multipart([b"1.0", request, *verdict, b"", b""], zmq.NOBLOCK)

    def close(self) -> None:
        self.socket.close()

    def _knows(self, question: list[bytes]) -> bool:
        # RFC 27: version, request, domain, address, identity, mechanism, credentials.
        if len(question) != 7 or question[2] != _DOMAIN or question[5] != b"CURVE":
            return False
        if len(question[6]) != 32:
            return False
        try:
            return z85.encode(question[6]) in known_keys(self._allow)
        except UsageError as error:
            log.warning("nobody new is let in: %s", error)
            return False
