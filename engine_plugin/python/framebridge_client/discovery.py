"""Finds the running sidecar of this user."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from framebridge_client.keys import Keys, load_keys

ENDPOINT_VARIABLE = "FRAMEBRIDGE_ENDPOINT"
TOKEN_VARIABLE = "FRAMEBRIDGE_TOKEN"
SERVER_KEY_VARIABLE = "FRAMEBRIDGE_SERVER_KEY"
KEY_VARIABLE = "FRAMEBRIDGE_KEY"
FOLDER_VARIABLE = "FRAMEBRIDGE_RUNTIME_DIR"
ADDRESS_FILE = "bridge.json"


class Address(NamedTuple):
    """Where a sidecar listens, and what proves that we may speak to it.

    Attributes:
        keys: for a sidecar on another machine.
    """

    endpoint: str
    token: str
    keys: Keys | None = None


def find() -> Address | None:
    """The address in FRAMEBRIDGE_ENDPOINT, else the one in the sidecar's `bridge.json`.

    Raises: BridgeError: the keys that go with FRAMEBRIDGE_ENDPOINT cannot be used.
    """
    if endpoint := os.environ.get(ENDPOINT_VARIABLE):
        keys = load_keys(
            os.environ.get(SERVER_KEY_VARIABLE, ""), os.environ.get(KEY_VARIABLE) or None
        )
        return Address(endpoint, os.environ.get(TOKEN_VARIABLE, ""), keys)
    folder = runtime_folder()
    try:
        if sys.platform != "win32" and folder.lstat().st_uid != os.getuid():
            return None  # somebody else's, in a place where anybody can make folders
        fields = json.loads((folder / ADDRESS_FILE).read_text())
        return Address(str(fields["endpoint"]), str(fields["token"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def runtime_folder() -> Path:
    """Where a sidecar of this user publishes its address."""
    # bridge.supervisor.runtime_folder makes the same folder by the same rules.
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "framebridge"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "framebridge"
    return Path(tempfile.gettempdir()) / f"framebridge-{os.getuid()}"


def may_answer(endpoint: str) -> bool:
    """False where it is certain that nobody listens: a socket that a dead sidecar left behind.

    A TCP port cannot be asked without waiting; there the greeting decides.
    """
    if not endpoint.startswith("ipc://") or sys.platform == "win32":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(endpoint.removeprefix("ipc://"))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True
