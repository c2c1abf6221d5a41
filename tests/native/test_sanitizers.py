"""The native client under AddressSanitizer with UBSan, and under ThreadSanitizer, libzmq too.

Every day a part of it; with FRAMEBRIDGE_SANITIZERS=whole all tests of the client.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.native.player import Player
from tests.native.sanitizers import SUPPRESSIONS, environment, reports
from tests.native_builds import KIND_VARIABLE, Native
from tests.system.processes import Sidecar

WHOLE = os.environ.get("FRAMEBRIDGE_SANITIZERS") == "whole"
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(params=("address", "thread"))
def sanitized(
    request: pytest.FixtureRequest, native_address: Native, native_thread: Native
) -> Native:
    return native_address if request.param == "address" else native_thread


@pytest.fixture
def watched(
    sanitized: Native, short_folder: Path, tmp_path: Path
) -> Iterator[Callable[[], Player]]:
    """Start an engine under the sanitizer; when the test is over nothing has been reported."""
    started: list[Player] = []

    def start() -> Player:
        started.append(Player(sanitized.program("player"), tmp_path, **environment()))
        return started[-1]

    yield start
    codes = [player.end() for player in started]
    assert not reports("".join(player.complaints for player in started[:1]))
    assert codes == [0] * len(started)


def test_bad_input_reports_nothing(sanitized: Native, short_folder: Path) -> None:
    done = subprocess.run(
        [str(sanitized.program("bad_input")), "40" if WHOLE else "6"], capture_output=True,
        text=True, stdin=subprocess.DEVNULL, timeout=500, env={**os.environ, **environment()},
    )  # fmt: skip
    assert not reports(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_day_in_the_life_of_a_client_reports_nothing(
    start_sidecar: Callable[..., Sidecar], watched: Callable[[], Player]
) -> None:
    player = watched()
    player.create(check=0)
    player.play("passed", 3)
    sidecar = start_sidecar()
    player.play("results", 30)
    player.command(type="status")
    player.say("set no-such-knob float 1")
    player.command(type="load", chain=["upscale-x2"])
    player.play("results", 5)
    player.say("size 40 24")
    player.play("results", 5)
    player.command(type="load", chain=["no-such-model"])
    sidecar.kill()
    player.play("passed", 3)
    sidecar.start()
    player.play("results", 5)
    player.say("churn 1")
    assert player.say("farewell") == "destroyed"


@pytest.mark.skipif(not WHOLE, reason="some minutes: FRAMEBRIDGE_SANITIZERS=whole")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["address", "thread"])
def test_all_tests_of_the_client_report_nothing(kind: str) -> None:
    names = ("test_client.py", "test_bad_input.py", "test_vectors.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"tests/native/{name}" for name in names)], cwd=ROOT,
        env={**os.environ, **environment(), KIND_VARIABLE: kind}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=3500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_each_suppression_has_its_reason_above_it() -> None:
    for path in SUPPRESSIONS.glob("*.txt"):
        before = ""
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                assert before.startswith("#"), f"{path.name}: {line}"
                assert "framebridge" not in line
            before = line
