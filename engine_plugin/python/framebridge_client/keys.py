"""The keys that a client needs to control a sidecar on another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import zmq
import zmq.auth
from zmq.utils import z85

from framebridge_client.errors import BridgeError


class Keys(NamedTuple):
    """CURVE keys, each 40 characters of Z85."""

    server: bytes
    public: bytes
    secret: bytes

    def arm(self, socket: zmq.Socket[Any]) -> None:
        """Let a socket that is about to connect encrypt, and show who it is."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)


def load_keys(server_key: str, client_key_file: str | os.PathLike[str] | None) -> Keys | None:
    """Keys as `framebridge keys new` makes them, or None where neither is given.

    Args:
        server_key: the sidecar's public key, 40 characters, or the .key file that holds it.
        client_key_file: one's own .key_secret file.
    Raises: BridgeError: one is missing, or is no key.
    """
    if not server_key and client_key_file is None:
        return None
    if not server_key or client_key_file is None:
        missing = "the client's own" if server_key else "the sidecar's"
        raise _unusable("keys", "both keys", f"{missing} missing")
    public, secret = _read(client_key_file)
    if secret is None:
        expected = "a .key_secret file"
        raise _unusable(str(client_key_file), expected, "a public key alone")
    return Keys(_server(server_key), public, secret)


def _server(key: str) -> bytes:
    try:
        if len(key) == 40 and len(z85.decode(key.encode())) == 32:
            return key.encode()
    except (ValueError, KeyError, UnicodeError):
        pass  # perhaps it is a file
    return _read(key)[0]


def _read(file: str | os.PathLike[str]) -> tuple[bytes, bytes | None]:
    try:
        public, secret = zmq.auth.load_certificate(Path(file))
        for key in (public, secret):
            if key is not None and len(z85.decode(key)) != 32:
                raise ValueError("a key of another length")
    except (OSError, ValueError, KeyError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise _unusable(str(file), "a key of `framebridge keys new`", found) from None
    return public, secret


def _unusable(place: str, expected: str, found: str) -> BridgeError:
    remedy = "Name the sidecar's public key, and your own .key_secret file."
    return BridgeError("FB-E002", "UsageError", place, expected, found, remedy)
