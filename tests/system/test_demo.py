"""The demo does what its options say, and leaves what it promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from bridge.inference.manifest import Size
from tests.inference.small_models import generator, identity, knobs, network, recurrent
from tests.system.processes import Sidecar
from tests.system.test_wheel import SUMMARY

ITSELF = r"demo: \d+ ticks of its own, \d+ ticks/s, model [\d.]+ ms"


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
    assert 1 <= report["replayed"] <= min(30, report["submitted"])
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


def test_a_generator_plays_by_itself_and_repeats_itself(short_folder: Path, tmp_path: Path) -> None:
    package = generator().stating(name="dreamer", task="generate").write(tmp_path / "dreamer")
    said, report = demo(tmp_path, "--seconds", "1", "--model", str(package.folder), "--seed", "7")
    assert re.fullmatch(ITSELF, said)
    assert (report["policy"], report["seed"], report["submitted"]) == ("free", 7, 0)
    assert report["repeats_exactly"]
    assert report["repeated"] == min(60, report["shown"])
    assert not (tmp_path / "out" / "before-after.png").exists()
    with Image.open(tmp_path / "out" / "ticks.png") as picture:
        assert picture.width > 4 * 12
    assert (tmp_path / "out" / "clip.mp4").stat().st_size > 500


def test_the_seed_decides_what_a_generator_shows(short_folder: Path, tmp_path: Path) -> None:
    package = generator().stating(name="dreamer").write(tmp_path / "dreamer")
    seen = []
    for seed in ("1", "2"):
        words = ("--seconds", "0.5", "--model", str(package.folder), "--seed", seed)
        demo(tmp_path, *words)
        with Image.open(tmp_path / "out" / "ticks.png") as picture:
            # The first tick stands in the upper left; how many follow is a matter of time.
            seen.append(np.asarray(picture.crop((20, 70, 60, 90))).tobytes())
    assert seen[0] != seen[1]


def test_a_next_frame_model_plays_by_itself_or_takes_up_a_clip(
    short_folder: Path, tmp_path: Path
) -> None:
    package = recurrent().stating(name="next", task="predict").write(tmp_path / "next")
    model = ("--seconds", "1", "--model", str(package.folder), "--size", "32x24")
    said, report = demo(tmp_path, *model)
    assert re.fullmatch(ITSELF, said)
    assert (report["submitted"], report["source"], report["size"]) == (0, "", [32, 24])
    assert report["repeats_exactly"]
    picture = tmp_path / "picture.png"
    Image.fromarray(np.full((24, 32, 3), 200, np.uint8)).save(picture)
    _, report = demo(tmp_path, *model, "--source", str(picture))
    assert (report["policy"], report["source"]) == ("free", "picture.png")
    assert report["submitted"] > 0
    assert report["repeats_exactly"]


def test_a_sketch_draws_itself_for_a_model_of_lines(
    short_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    small = network(size=Size(fixed=[64, 64]))
    port = msgspec.structs.replace(small.manifest.inputs[0], content="lines")
    package = small.stating(name="lines", inputs=[port]).write(tmp_path / "lines")
    said, report = demo(tmp_path, "--seconds", "2", "--model", str(package.folder))
    assert re.fullmatch(SUMMARY, said)
    assert report["source"] == "a sketch that draws itself"
    assert report["size"] == [64, 64]
    assert report["replay_equals_apply"]
    for name in ("before-after.png", "ticks.png", "clip.mp4"):
        assert (tmp_path / "out" / name).stat().st_size > 500


def test_a_drawing_with_nothing_around_it_lies_on_white_paper(
    short_folder: Path, tmp_path: Path
) -> None:
    small = identity(size=Size(fixed=[64, 64]))
    port = msgspec.structs.replace(small.manifest.inputs[0], content="lines")
    package = small.stating(name="lines", inputs=[port]).write(tmp_path / "lines")
    drawing = np.zeros((64, 64, 4), np.uint8)
    drawing[30:33, 8:56, 3] = 255
    Image.fromarray(drawing).save(tmp_path / "drawing.png")
    source = ("--source", str(tmp_path / "drawing.png"))
    demo(tmp_path, "--seconds", "1", "--model", str(package.folder), *source)
    with Image.open(tmp_path / "out" / "before-after.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert (pixels == 255).sum() > 64 * 64


def test_knobs_are_turned_and_motion_is_blurred(short_folder: Path, tmp_path: Path) -> None:
    package = knobs().stating(name="knobs", task="deblur").write(tmp_path / "knobs")
    words = ("--seconds", "1", "--size", "96x64", "--model", str(package.folder))
    _, report = demo(tmp_path, *words)
    assert report["model_db"] == report["before_db"], "the model changes nothing"
    assert "exposed for" in report["source"]
    _, report = demo(tmp_path, *words, "--set", "invert=true", "--set", "strength=0.5")
    assert report["parameters"] == {"invert": True, "strength": 0.5}
    assert report["model_db"] < report["before_db"]
    assert report["replay_equals_apply"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--model", "nothing"], "FB-E011 model 'nothing': expected one of: "),
        (["--size", "wide"], "WIDTHxHEIGHT"),
        (["--size", "100000x100000"], "WIDTHxHEIGHT"),
        (["--output", __file__], "FB-E001"),
        (["--provider", "quantum"], "--provider"),
        (["--backend", "abacus"], "--backend"),
        (["--compute", "int3"], "--compute"),
        (["--policy", "slow"], "latest, lockstep or free"),
        (["--set", "loudness=11"], "FB-E021 parameter 'loudness'"),
        (["--set", "loudness"], "name=value"),
        (["--inject"], "a model that plays by itself"),
        (["--seed", "-1"], "--seed"),
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
