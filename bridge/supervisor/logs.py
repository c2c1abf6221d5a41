"""Logs of the sidecar: where `framebridge doctor` says, at most 50 MB in all."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FILES, _FILE_BYTES = 5, 10_000_000


def log_folder() -> Path:
    """The folder of this user's logs; not made here."""
    if named := os.environ.get("FRAMEBRIDGE_LOG_DIR"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "framebridge" / "logs"
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "framebridge" / "logs"


def log_to_files() -> None:
    """Send this process's log to rotated files; a place that cannot be written to costs the log,
    never the service."""
    folder = log_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "bridge.log", maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8"
        )
    except OSError as error:
        print(f"No log is written: {folder}: {error.strerror}", file=sys.stderr)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
