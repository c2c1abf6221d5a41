"""Real sidecars and real clients, each test in a runtime folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from framebridge_client import Bridge, connect

from tests.system.processes import Sidecar

FOLDER = Path(__file__).parent
ALONE = {"test_neighbour", "test_slow_model"}
"""What looks at how the machine's time is divided has it for itself; all else runs beside other
tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == FOLDER and item.path.stem in ALONE:
            item.add_marker("alone")


@pytest.fixture
def short_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder whose path leaves room for socket names."""
    folder = Path(tempfile.mkdtemp(prefix="fb"))
    logs = Path(tempfile.mkdtemp(prefix="fblog"))
    monkeypatch.setenv("FRAMEBRIDGE_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("FRAMEBRIDGE_LOG_DIR", str(logs))
    monkeypatch.delenv("FRAMEBRIDGE_ENDPOINT", raising=False)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(logs, ignore_errors=True)


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


@pytest.fixture
def bridge(sidecar: Sidecar) -> Iterator[Bridge]:
    with connect() as bridge:
        yield bridge
