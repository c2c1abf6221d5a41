"""Child processes end with us, however we end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bridge import children

WATCHDOG_S = 60.0
PARENT = """
import subprocess, sys, time
from bridge import children
child = subprocess.Popen(
    [sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(600)"],
    stdin=subprocess.DEVNULL, creationflags=children.CREATION_FLAGS,
)
children.end_with_us(child.pid)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere a child asks for it by itself")
def test_a_child_that_reads_nothing_ends_with_a_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline().split() == [b"runs"]
    parent.kill()
    parent.wait(WATCHDOG_S)
    # The child has the other end of this pipe: it ends with the last who holds it.
    assert parent.stdout.read() == b""
    parent.stdout.close()


def test_a_child_that_has_ended_is_no_trouble() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(WATCHDOG_S)
    children.end_with_us(child.pid)
