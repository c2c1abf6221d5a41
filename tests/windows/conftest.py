"""The sidecar, its Python client and the native library on an emulated Windows.

Not among the everyday tests: `make test-windows` sets up Wine and a Windows CPython and runs these.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.windows.installation import Missing, install
from tests.windows.wine import WATCHDOG_S, Wine, lock_file

WANTED = "FRAMEBRIDGE_TEST_WINDOWS"

if not os.environ.get(WANTED):
    collect_ignore_glob = ["test_*"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker("alone")
            item.add_marker(pytest.mark.timeout(4 * WATCHDOG_S))


@pytest.fixture(scope="session")
def wine() -> Iterator[Wine]:
    """Wine with a Windows CPython, to this session alone."""
    with lock_file().open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            installation = install()
        except Missing as missing:
            pytest.exit(str(missing), returncode=3)
        # Short, since Windows counts the letters of a path.
        folder = Path(tempfile.mkdtemp(prefix="fbw"))
        wine = Wine(installation, folder)
        wine.end_all()
        yield wine
        wine.end_all()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def runtime(wine: Wine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new runtime folder; nothing of it may be left behind."""
    folder = wine.folder / "runtime"
    shutil.rmtree(folder, ignore_errors=True)
    return folder
