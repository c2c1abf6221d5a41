"""Keys of the sidecar and of those who may control it from other machines.

They are ZeroMQ's certificates (`zmq.auth`): NAME.key holds the public half, NAME.key_secret both.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import zmq
import zmq.auth
from zmq.utils import z85

from bridge.errors import TransportError, UsageError

PUBLIC, SECRET = ".key", ".key_secret"
_MOST_KEYS = 1024


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a pair of keys.

    Returns: the public file, to be given away, and the secret one, mode 0600.
    Raises: UsageError: one of them is there already. TransportError: they cannot be written.
    Guarantees: on an error no file is left or changed.
    """
    if not name or Path(name).name != name:
        raise UsageError("keys new", "a plain name", repr(name), "For example: studio.")
    public, secret = folder / f"{name}{PUBLIC}", folder / f"{name}{SECRET}"
    open_key, closed_key = (key.decode() for key in zmq.curve_keypair())
    texts = {
        public: f'curve\n    public-key = "{open_key}"\n',
        secret: f'curve\n    public-key = "{open_key}"\n    secret-key = "{closed_key}"\n',
    }
    made: list[Path] = []
    try:
        for path, mode in ((public, 0o644), (secret, 0o600)):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(path)
            with os.fdopen(fd, "w") as file:
                file.write(texts[path])
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise UsageError(
                str(error.filename), "a name that is free", "a key", "Take another name."
            ) from None
        raise TransportError(
            str(folder), "a folder to write keys into", error.strerror or str(error),
            "Name another with --folder.",
        ) from None  # fmt: skip
    return public, secret


def known_keys(place: Path) -> set[bytes]:
    """The public keys in a .key file, or in all .key files of a folder.

    Raises: UsageError: the place cannot be read. A file in a folder that holds no key is passed
        over.
    """
    try:
        if not place.is_dir():
            return {_public(place)}
        files = sorted(place.glob(f"*{PUBLIC}"))[:_MOST_KEYS]
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--allow {place}", "a .key file, or a folder of them", _reason(error),
            "Correct the path.",
        ) from None  # fmt: skip
    keys = set[bytes]()
    for file in files:
        with suppress(OSError, ValueError):
            keys.add(_public(file))
    return keys


def _public(file: Path) -> bytes:
    key = zmq.auth.load_certificate(file)[0]
    z85.decode(key)
    if len(key) != 40:
        raise ValueError(f"a key of {len(key)} characters instead of 40")
    return key


def load_secret(file: Path) -> tuple[bytes, bytes]:
    """The public and the secret key in a .key_secret file.

    Raises: UsageError: it holds no pair, or others can read it.
    """
    try:
        public, secret = _public(file), zmq.auth.load_certificate(file)[1]
        if secret is None or zmq.curve_public(secret) != public:
            raise ValueError("no secret key that goes with its public one")
        open_to = file.stat().st_mode & 0o077 if sys.platform != "win32" else 0
    except (OSError, ValueError, zmq.ZMQError) as error:
        raise UsageError(
            f"--key {file}", "a .key_secret file", _reason(error),
            "`framebridge keys new NAME` makes one.",
        ) from None  # fmt: skip
    if open_to:
        raise UsageError(
            f"--key {file}", "a file that only its owner can read", f"mode {0o600 | open_to:04o}",
            f"chmod 600 {file}",
        )  # fmt: skip
    return public, secret


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
