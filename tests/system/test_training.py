"""`framebridge train next-frame` as its user meets it: killed, stopped, on a full disk, live."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.frames import FrameFormat
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from tests.recipes.next_frame.footage.scene import write_clip
from tests.system.processes import ROOT, WATCHDOG_S

pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(600)
STEPS = 40
Start = Callable[..., subprocess.Popen[str]]
IN_LITTLE_ROOM = "mount -t tmpfs -o size={kib}k tmpfs {folder} && exec {command}"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", 60, 48, 32)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEBRIDGE_")}
    python_path = os.pathsep.join(map(str, (ROOT, ROOT / "engine_plugin" / "python")))
    return {
        **kept, "XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": python_path,
        "FRAMEBRIDGE_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip


@pytest.fixture
def start(clip: Path, environment: dict[str, str], tmp_path: Path) -> Start:
    def begin(*more: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command(clip), *map(str, more)], env=environment, cwd=tmp_path, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return begin


def command(clip: Path, steps: int = STEPS) -> list[str]:
    return [
        sys.executable, "-m", "bridge.cli.main", "train", "next-frame", str(clip), "--name",
        "boat", "--steps", str(steps), "--size", "16", "--device", "cpu", "--json",
    ]  # fmt: skip


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def wait_for_checkpoint(process: subprocess.Popen[str], folder: Path) -> None:
    end = time.monotonic() + 10 * WATCHDOG_S
    while not (folder / "checkpoint.pt").is_file():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no checkpoint"
        time.sleep(0.02)


def test_killed_and_started_again_it_goes_on_and_leaves_a_package_that_plays(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    first = start()
    wait_for_checkpoint(first, tmp_path / "out" / "train" / "boat")
    first.kill()
    first.communicate()
    second = start()
    said, wrong = second.communicate(timeout=500)
    assert second.returncode == 0, wrong
    told = events(said)
    assert next(e for e in told if e["event"] == "plan")["from_step"] > 0
    done = told[-1]
    assert (done["event"], done["finished"], done["steps"]) == ("done", True, STEPS)
    # The kill left nothing half-written behind.
    names = {path.name for path in (tmp_path / "out" / "train" / "boat").iterdir()}
    assert names == {"checkpoint.pt", "diary.html", "diary.json", "preview.png"}

    package = ModelPackage.open(Path(done["package"]))
    assert package.folder == tmp_path / "data" / "framebridge" / "models" / "boat"
    chain = Chain([package], FrameFormat(width=24, height=16))
    result = np.zeros(chain.result.shape, np.uint8)
    for _ in range(300):
        chain.run(None, result)
    chain.close()
    assert result[..., :3].std() > 5
    words = [sys.executable, "-m", "bridge.cli.main", "models", "verify", "boat"]
    assert subprocess.run(words, env=environment, timeout=10 * WATCHDOG_S).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_ctrl_c_ends_after_a_step_and_says_how_to_go_on(start: Start, tmp_path: Path) -> None:
    process = start()
    wait_for_checkpoint(process, tmp_path / "out" / "train" / "boat")
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=10 * WATCHDOG_S)
    assert process.returncode == 130, wrong
    assert "Traceback" not in wrong
    done = events(said)[-1]
    assert (done["event"], done["finished"]) == ("stopped", False)
    assert 0 < done["steps"] < STEPS
    # No more than the step that was under way: it goes on from there.
    again = start()
    said, _ = again.communicate(timeout=500)
    assert next(e for e in events(said) if e["event"] == "plan")["from_step"] == done["steps"]


@pytest.mark.skipif(
    shutil.which("unshare") is None or not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root may make a small file system",
)
def test_a_disk_that_is_full_keeps_the_last_checkpoint_and_package(
    clip: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """In a file system of 12 MB the checkpoint fits until the run has kept some networks."""
    small, kept = tmp_path / "small", tmp_path / "kept"
    for folder in (small, kept):
        folder.mkdir()
    run = " ".join([*command(clip), "--output", str(small / "run")])
    script = IN_LITTLE_ROOM.format(kib=12_000, folder=small, command="sh -c '{}'")
    # What the small file system holds is gone with the namespace: so it is copied out.
    script = script.format(f"{run}; status=$?; cp -a {small}/run/. {kept}; exit $status")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("FB-E103 ")
    assert "No space left on device" in line
    assert "Make room and give the same command again" in line
    assert not list(kept.glob(".*"))
    again = subprocess.run(
        [*command(clip), "--output", str(kept)], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    told = events(again.stdout)
    assert next(e for e in told if e["event"] == "plan")["from_step"] > 0
    assert told[-1]["finished"]
