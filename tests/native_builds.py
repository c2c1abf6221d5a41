"""Fixtures that give a built native client; a `conftest.py` imports them.

What the tests that are to run want is built once, when they have been collected: so that no test's
watchdog runs meanwhile. Where it cannot be built, these tests are skipped and say what is lacking.
FRAMEBRIDGE_NATIVE=LIBRARY names one that is built already, with its test programs beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = [
    "native", "native_address", "native_thread", "native_windows", "pytest_collection_finish",
]  # fmt: skip

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "engine_plugin" / "native" / "build.py"
BUILD_LIMIT_S = 3600
LIBRARY_VARIABLE = "FRAMEBRIDGE_NATIVE"
KIND_VARIABLE = "FRAMEBRIDGE_NATIVE_KIND"
"""`address` or `thread`: what tests have as `native` is built so."""
KINDS = {
    "native": os.environ.get(KIND_VARIABLE, "plain"),
    "native_address": "address",
    "native_thread": "thread",
    "native_windows": "windows",
}
"""What `build.py` calls it, by the fixture's name."""


@dataclass(frozen=True)
class Native:
    """A built native client.

    Attributes:
        library: the shared library.
    """

    library: Path

    @property
    def folder(self) -> Path:
        return self.library.parent

    def program(self, name: str) -> Path:
        """A test program, by the name of its source without the ending."""
        suffix = ".exe" if self.library.suffix == ".dll" else ""
        path = self.folder / "tests" / f"{name}{suffix}"
        if not path.is_file():
            pytest.skip(f"{path.name} is not built here: the machine lacks what it needs")
        return path


@dataclass(frozen=True)
class _Outcome:
    library: Path | None
    lacking: bool
    text: str


_outcomes = dict[str, _Outcome]()


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly or _hands_out(session.config):
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for fixture in sorted(wanted & KINDS.keys()):
        named = os.environ.get(LIBRARY_VARIABLE) if fixture == "native" else None
        _outcomes[fixture] = (
            _Outcome(Path(named).absolute(), False, "") if named else _build(KINDS[fixture])
        )


def _hands_out(config: pytest.Config) -> bool:
    """It runs no tests itself: the workers of pytest-xdist do."""
    return bool(getattr(config.option, "dist", "no") != "no") and not hasattr(config, "workerinput")


def _build(kind: str) -> _Outcome:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), kind], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=BUILD_LIMIT_S,
    )  # fmt: skip
    if done.returncode:
        return _Outcome(None, done.returncode == 3, done.stderr.strip() or done.stdout.strip())
    return _Outcome(Path(done.stdout.splitlines()[-1]), False, "")


def _native(fixture: str) -> Native:
    outcome = _outcomes[fixture]
    if outcome.library is not None:
        return Native(outcome.library)
    if outcome.lacking:
        pytest.skip(outcome.text)
    pytest.fail(outcome.text, pytrace=False)


@pytest.fixture(scope="session")
def native() -> Native:
    """The library of this system, and its test programs."""
    return _native("native")


@pytest.fixture(scope="session")
def native_address() -> Native:
    """The same under AddressSanitizer and UndefinedBehaviorSanitizer."""
    return _native("native_address")


@pytest.fixture(scope="session")
def native_thread() -> Native:
    """The same under ThreadSanitizer, libzmq too."""
    return _native("native_thread")


@pytest.fixture(scope="session")
def native_windows() -> Native:
    """framebridge.dll, cross-built by mingw-w64."""
    return _native("native_windows")
