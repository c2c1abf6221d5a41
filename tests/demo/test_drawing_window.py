"""What a hand does with mouse and keys reaches the sheet, on a display of the test's own."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ctypes.util import find_library

import pytest

WATCHDOG_S = 60


@pytest.fixture
def display() -> Iterator[str]:
    server = shutil.which("Xvfb")
    if server is None or find_library("Xtst") is None:
        pytest.skip("a display without a screen needs Xvfb and libXtst")
    read, write = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        ready, _, _ = select.select([read], [], [], WATCHDOG_S)
        number = os.read(read, 16).decode().strip() if ready else ""
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}"
    finally:
        os.close(read)
        process.terminate()
        process.wait(WATCHDOG_S)


def test_a_stroke_of_the_mouse_reaches_the_sheet(display: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo.drawn_by_mouse"],
        env={**os.environ, "DISPLAY": display}, capture_output=True, text=True, timeout=WATCHDOG_S,
    )  # fmt: skip
    if "EngineError" in done.stderr:
        pytest.skip(f"no engine on this machine: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["begins_with"] > 500, "a sketch lies there already"
    assert seen["cleared"] == 0, "C clears the sheet"
    top, bottom, left, right = seen["line"]
    assert bottom - top <= 3, "the left button draws a thin line"
    assert 97 <= top <= 101
    assert (abs(left - 60) <= 2, abs(right - 180) <= 2) == (True, True)
    assert seen["moved_only"] == 0, "a mouse that moves draws nothing"
    assert seen["erased"] == 0, "the right button erases"
    assert seen["sketch"] > 500, "a number loads a sketch"
    assert not seen["ended"]
    assert seen["ended_by_escape"]
