"""Fixtures for whoever wants a real sidecar in a runtime folder of its own; a `conftest.py` imports
them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.processes import Sidecar

__all__ = ["short_folder", "sidecar", "start_sidecar"]


@contextmanager
def own_folder(patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder whose path leaves room for socket names, as long as this lasts."""
    folder = Path(tempfile.mkdtemp(prefix="fb"))
    logs = Path(tempfile.mkdtemp(prefix="fblog"))
    patch.setenv("FRAMEBRIDGE_RUNTIME_DIR", str(folder))
    patch.setenv("FRAMEBRIDGE_LOG_DIR", str(logs))
    patch.delenv("FRAMEBRIDGE_ENDPOINT", raising=False)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(logs, ignore_errors=True)


@pytest.fixture
def short_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder for one test."""
    with own_folder(monkeypatch) as folder:
        yield folder


@pytest.fixture
def start_sidecar(short_folder: Path) -> Iterator[Callable[..., Sidecar]]:
    """Start a sidecar with more words for `serve`; it ends with the test."""
    started: list[Sidecar] = []

    def start(*arguments: str) -> Sidecar:
        sidecar = Sidecar(short_folder, list(arguments))
        sidecar.start()
        started.append(sidecar)
        return sidecar

    yield start
    for sidecar in started:
        sidecar.end()


@pytest.fixture
def sidecar(start_sidecar: Callable[..., Sidecar]) -> Sidecar:
    return start_sidecar()
