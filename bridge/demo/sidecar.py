"""A sidecar of one's own: found by nobody else, and gone with its parent."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

from bridge.errors import WorkerError


class PrivateSidecar:
    """A `framebridge serve --private` process; a context manager.

    Attributes:
        endpoint, token: what `framebridge_client.connect` wants.
    """

    def __init__(self, arguments: list[str]) -> None:
        """
        Args:
            arguments: further words for `serve`.
        Raises: WorkerError: it did not come up; what it said stands on standard error.
        """
        words = ["serve", "--private", "--end-with-input", "--json", *arguments]
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli.main", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self.close()
            raise WorkerError(
                "sidecar", "one that starts", f"one that ended with status {status}",
                "Run `framebridge serve` to see why, and `framebridge doctor`.",
            )  # fmt: skip
        address: dict[str, Any] = json.loads(line)
        self.endpoint: str = address["endpoint"]
        self.token: str = address["token"]

    def __enter__(self) -> PrivateSidecar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """End it, and wait until it has cleared up."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
