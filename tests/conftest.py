"""What tests share: a runtime folder of their own, and a sidecar that runs in it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from bridge.demo.sidecar import PrivateSidecar
from bridge.supervisor.runtime_folder import clean_up
from tests.native_builds import *  # noqa: F403  its fixtures and hook

VECTORS = Path(__file__).parent.parent / "engine_plugin" / "vectors"

# The same examples in every run, no limit on their time, and nothing written beside the code.
hypothesis.settings.register_profile(
    "framebridge", deadline=None, derandomize=True, database=None, max_examples=100
)
hypothesis.settings.load_profile("framebridge")


def load_vectors(file: str) -> list[dict[str, Any]]:
    """The entries of a file in `engine_plugin/vectors`."""
    entries: list[dict[str, Any]] = json.loads((VECTORS / file).read_text())
    return entries


@pytest.fixture(scope="session")
def vectors() -> dict[str, list[dict[str, Any]]]:
    """All vectors by the file's name without `.json`."""
    return {path.stem: load_vectors(path.name) for path in VECTORS.glob("*.json")}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for the whole run of tests, so that the user's stays as it is."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRAMEBRIDGE_CACHE_DIR", str(folder))
        yield folder


def _own_folder(patch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: a socket's path may have 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="fb"))
    patch.setenv("FRAMEBRIDGE_RUNTIME_DIR", str(folder))
    patch.setenv("FRAMEBRIDGE_LOG_DIR", str(folder / "log"))
    patch.setenv("XDG_DATA_HOME", str(folder / "data"))
    for name in ("FRAMEBRIDGE_ENDPOINT", "FRAMEBRIDGE_TOKEN", "FRAMEBRIDGE_MODELS"):
        patch.delenv(name, raising=False)
    yield folder
    clean_up(folder)  # what a sidecar left that was killed
    shutil.rmtree(folder)


@pytest.fixture
def runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short, private runtime folder, named in the environment, removed afterwards."""
    yield from _own_folder(monkeypatch)


@pytest.fixture
def sidecar(runtime_dir: Path) -> Iterator[PrivateSidecar]:
    """A sidecar in `runtime_dir`, for this test alone."""
    with PrivateSidecar([]) as running:
        yield running


@pytest.fixture(scope="module")
def module_sidecar() -> Iterator[PrivateSidecar]:
    """A sidecar in a runtime folder of its own, for all tests of a file that do not end it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextmanager(_own_folder)(patch),
        PrivateSidecar([]) as running,
    ):
        yield running
