"""Shared memory that is too small, as in many containers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.processes import ROOT

IN_LITTLE_ROOM = "mount -t tmpfs -o size={mib}m tmpfs /dev/shm && exec {python} -c '{script}'"

REFUSED = """
import numpy as np
from framebridge_client import BridgeError, connect
from bridge.demo.sidecar import PrivateSidecar
with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
    small = np.full((64, 64, 4), 9, np.uint8)
    with bridge.open("passthrough", 64, 64, policy="lockstep") as stream:
        for _ in range(3):
            try:
                bridge.open("passthrough", 1920, 1080)
            except BridgeError as error:
                print(error.code, "shared memory" in str(error))
            assert (stream.process(small, 10).pixels == 9).all()
        import os
        print(len(os.listdir("/dev/shm")), bridge.status()["streams"][0]["restarts"])
"""

RESTARTED = """
import os, signal, time
import numpy as np
from framebridge_client import connect
from bridge.demo.sidecar import PrivateSidecar
with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
    frame = np.full((1080, 1920, 4), 9, np.uint8)
    with bridge.open("passthrough", 1920, 1080) as stream:
        for _ in range(3):
            end = time.monotonic() + 60
            while True:
                assert time.monotonic() < end, stream.error
                stream.submit(frame)
                result = stream.poll()
                if result is not None and result.origin == "bridge":
                    break
            os.kill(bridge.status()["streams"][0]["worker_pid"], signal.SIGKILL)
            while stream.poll() is None or stream.state == "live":
                assert time.monotonic() < end
                stream.submit(frame)
        print("came back")
"""


def in_little_room(mib: int, script: str) -> str:
    """What a script prints that runs where /dev/shm has no more room than that."""
    shell = IN_LITTLE_ROOM.format(mib=mib, python=sys.executable, script=script)
    done = subprocess.run(
        ["unshare", "--mount", *own_user(), "sh", "-c", shell], cwd=ROOT, capture_output=True,
        text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def own_user() -> list[str]:
    return [] if os.geteuid() == 0 else ["--user", "--map-root-user"]


def can_mount() -> bool:
    if not shutil.which("unshare") or not Path("/dev/shm").is_dir():
        return False
    shell = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    words = ["unshare", "--mount", *own_user(), "sh", "-c", shell]
    return subprocess.run(words, capture_output=True, timeout=30).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="a /dev/shm of its own is not to be had")


def test_a_stream_for_which_there_is_no_room_is_refused_and_nobody_dies(short_folder: Path) -> None:
    printed = in_little_room(32, REFUSED).split("\n")
    assert printed[:3] == ["FB-E050 True"] * 3
    # The slots of the small stream, and no other.
    assert printed[3] == "6 0"


def test_a_stream_comes_back_where_there_is_room_for_one_epoch_only(short_folder: Path) -> None:
    assert in_little_room(64, RESTARTED) == "came back\n"
