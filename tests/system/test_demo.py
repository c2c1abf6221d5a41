"""The demo does what its options say, and leaves what it promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.system.processes import Sidecar
from tests.system.test_wheel import SUMMARY


def demo(tmp_path: Path, *options: str) -> tuple[str, dict]:
    words = [sys.executable, "-m", "bridge.cli.main", "demo", "--output", str(tmp_path / "out")]
    done = subprocess.run([*words, *options], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), json.loads((tmp_path / "out" / "report.json").read_text())


def test_frames_of_the_engine_come_back_through_the_model(
    short_folder: Path, tmp_path: Path
) -> None:
    said, report = demo(tmp_path, "--seconds", "2", "--size", "160x90")
    assert re.fullmatch(SUMMARY, said)
    assert said == report["summary"]
    assert report["replay_equals_apply"]
    assert report["replayed"] == min(30, report["submitted"])
    assert report["submitted"] == report["returned"] + report["dropped"]
    assert report["model_db"] > report["bicubic_db"]
    with Image.open(tmp_path / "out" / "before-after.png") as picture:
        assert picture.width > 3 * 40
    assert (tmp_path / "out" / "clip.mp4").stat().st_size > 1000


def test_a_clip_plays_in_place_of_the_engine(short_folder: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for index in range(4):
        picture = np.full((48, 64, 3), 40 * index, np.uint8)
        Image.fromarray(picture).save(frames / f"{index}.png")
    said, report = demo(
        tmp_path, "--seconds", "1", "--source", str(frames), "--model", "passthrough",
        "--policy", "lockstep",
    )  # fmt: skip
    assert re.fullmatch(SUMMARY, said)
    assert report["source"] == "frames"
    assert report["size"] == [64, 48]
    assert report["policy"] == "lockstep"
    assert report["dropped"] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--model", "nothing"], "FB-E011"),
        (["--size", "wide"], "WIDTHxHEIGHT"),
        (["--size", "100000x100000"], "WIDTHxHEIGHT"),
        (["--output", __file__], "FB-E001"),
        (["--provider", "quantum"], "--provider"),
        (["--backend", "abacus"], "--backend"),
        (["--compute", "int3"], "--compute"),
        (["--policy", "slow"], "latest or lockstep"),
        (["--source", "missing.mp4"], "FB-E001"),
    ],
)
def test_a_mistake_is_one_clear_line(
    options: list[str], says: str, short_folder: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "bridge.cli.main", "demo", "--output", str(tmp_path)]
    done = subprocess.run([*words, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_serve_says_that_one_runs_and_where(sidecar: Sidecar) -> None:
    words = [sys.executable, "-m", "bridge.cli.main", "serve"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"process {sidecar.pid}" in done.stderr
    assert "ipc://" in done.stderr


def test_ctl_looks_at_the_running_sidecar_and_ends_it(sidecar: Sidecar) -> None:
    ctl = [sys.executable, "-m", "bridge.cli.main", "ctl"]
    told = subprocess.run([*ctl, "status", "--json"], capture_output=True, text=True, timeout=60)
    assert json.loads(told.stdout)["pid"] == sidecar.pid
    unknown = subprocess.run([*ctl, "load", "7", "passthrough"], capture_output=True, text=True)
    assert unknown.returncode == 2
    assert "FB-E033" in unknown.stderr
    subprocess.run([*ctl, "stop"], check=True, capture_output=True, timeout=60)
    sidecar.wait()
    assert sidecar.left_behind() == []
