"""The demo project in a real Godot with a live sidecar, picture by picture."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bridge.apply import Applier
from bridge.inference.package import ModelPackage
from tests.godot.engine import ROOT
from tests.godot.plays import WATCHDOG_S, Play
from tests.system.processes import Sidecar, until

pytestmark = pytest.mark.timeout(3 * WATCHDOG_S)

Picture = npt.NDArray[np.uint8]
Paint = Callable[[Picture], Picture]
AUTO, PROCESSOR = 0, 1
"""NeuralFilter.Path."""
LATEST, LOCKSTEP = 0, 1
"""NeuralFilter.Policy."""
LIVE, OFF = 3, 6
"""NeuralFilter.State."""
SIZE = (160, 96)
BITS = 24
BAR_ROW = 4


@pytest.fixture(scope="module")
def paint() -> Iterator[Paint]:
    """What `framebridge apply` makes of a frame with the demo's model. It also verifies the model,
    so that no stream has to wait for that."""
    applier = Applier(ModelPackage.open(ROOT / "models" / "style-ink"))
    applier.run(np.zeros((SIZE[1], SIZE[0], 4), np.uint8), has_alpha=False)
    yield lambda frame: applier.run(frame, has_alpha=False)
    applier.close()


@pytest.fixture
def bridge(paint: Paint, start_sidecar: Callable[..., Sidecar]) -> Sidecar:
    # Godot draws on the processor here, and would leave nothing to a worker that gives way.
    return start_sidecar("--keep-priority")


def a_plan(more: dict[str, Any] | None = None, **set_: object) -> dict[str, Any]:
    return {"size": SIZE, "set": {"auto_start": False, **set_}, **(more or {})}


def painted_id(frame: Picture) -> int:
    """The number that the squares at the upper edge show."""
    side = frame.shape[1] / BITS
    return sum(1 << bit for bit in range(BITS) if frame[BAR_ROW, int((bit + 0.5) * side), 0] > 127)


def check_pictures(played: Play, paint: Paint, count: int) -> list[int]:
    """Each result was made of the frame whose id it carries. Returns the ids."""
    sent, results = played.pictures("sent"), played.pictures("result")
    assert len(results) in (count, count + 1), "one may come while Godot ends"
    for frame_id, result in results.items():
        assert painted_id(sent[frame_id]) == frame_id
        wanted = paint(sent[frame_id])
        wrong = int((wanted != result).any(axis=2).sum())
        assert not wrong, f"frame {frame_id}: {wrong} pixels are not what apply makes of it"
    return sorted(results)


def test_300_frames_through_opengl_are_what_the_model_makes_of_them(
    bridge: Sidecar, play: Callable[..., Play], paint: Paint
) -> None:
    played = play(a_plan({"frames": 300, "keep": True}))
    report = played.wait()
    ids = check_pictures(played, paint, 300)
    assert report["status"] == "Live, frames are read by OpenGL."
    assert report["errors"] == []
    assert len({painted_id(frame) for frame in played.pictures("sent").values()}) > 300
    assert [event[2] for event in played.events() if event[0] == "frame"] == ids


def test_in_lockstep_every_frame_is_answered_in_order(
    bridge: Sidecar, play: Callable[..., Play], paint: Paint
) -> None:
    played = play(a_plan({"frames": 60, "keep": True}, policy=LOCKSTEP))
    report = played.wait()
    ids = check_pictures(played, paint, 60)
    assert ids == list(range(ids[0], ids[-1] + 1))
    assert report["status"] == "Live, frames are read by the processor."
    assert (report["dropped"], report["skipped"], report["errors"]) == (0, 0, [])


@pytest.mark.parametrize("path", [AUTO, PROCESSOR])
def test_the_window_shows_the_result(path: int, bridge: Sidecar, play: Callable[..., Play]) -> None:
    plan = a_plan({"frames": 20, "keep": True, "bare": True, "window": SIZE}, path=path)
    played = play(plan)
    played.wait()
    results, screens = played.pictures("result"), played.pictures("screen")
    compared = sorted(results.keys() & screens.keys())
    assert len(compared) >= 10
    for frame_id in compared:
        difference = np.abs(results[frame_id].astype(int) - screens[frame_id])[:, :, :3]
        assert difference.max() <= 1, f"frame {frame_id}"


def test_the_demo_as_a_user_sees_it(
    bridge: Sidecar, play: Callable[..., Play], tmp_path: Path
) -> None:
    shot = tmp_path / "godot.png"
    more = {"window": [1280, 720], "size": [640, 360], "frames": 12, "bars": False}
    play(a_plan({**more, "screenshot": str(shot)})).wait()
    with Image.open(shot) as picture:
        seen = np.asarray(picture.convert("RGB")).astype(float)
    assert seen.shape == (720, 1280, 3)
    left, right = seen[:500, :600], seen[:500, 680:]
    # Ink is on paper: pale, and with less colour than the scene has.
    assert np.ptp(right, axis=2).mean() < np.ptp(left, axis=2).mean()
    if os.environ.get("FRAMEBRIDGE_KEEP_PICTURES"):
        shutil.copy(shot, ROOT / "docs" / "images" / "godot.png")


def test_a_mix_is_made_with_the_frame_of_the_result(
    bridge: Sidecar, play: Callable[..., Play], paint: Paint
) -> None:
    played = play(a_plan({"frames": 20, "keep": True}, mix=0.5))
    played.wait()
    sent, results = played.pictures("sent"), played.pictures("result")
    for frame_id, result in results.items():
        wanted = (paint(sent[frame_id]).astype(int) + sent[frame_id]) / 2
        assert np.abs(wanted - result)[:, :, :3].max() <= 1, f"frame {frame_id}"


def test_a_scene_can_be_left_and_entered_again(bridge: Sidecar, play: Callable[..., Play]) -> None:
    played = play(a_plan({"frames": 5, "turns": 6}))
    report = played.wait()
    kinds = [event[0] for event in played.events()]
    assert (kinds.count("connected"), kinds.count("lost")) == (6, 0)
    threads = [event[2] for event in played.events() if event[0] == "threads"]
    assert len(threads) == 6
    assert max(threads) <= threads[0], "threads are left behind"
    assert report["errors"] == []
    until(lambda: not slots_of(bridge), "segments of streams that have ended")


def slots_of(bridge: Sidecar) -> list[str]:
    return [path.name for path in Path("/dev/shm").glob(f"fb-{bridge.runs[-1]}*")]


def test_a_killed_sidecar_is_waited_for_while_the_frame_itself_is_shown(
    bridge: Sidecar, play: Callable[..., Play], tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    played = play(a_plan({"stop_file": str(stop)}))
    played.until("frame", 5)
    bridge.kill(group=True)
    played.until("lost")
    played.until("passed", 5)
    bridge.start()
    played.until("connected", 2)
    before = len([event for event in played.events() if event[0] == "frame"])
    played.until("frame", before + 5)
    stop.touch()
    assert played.wait()["state"] == LIVE


def test_godot_starts_a_sidecar_of_its_own_and_ends_it(
    paint: Paint, short_folder: Path, play: Callable[..., Play]
) -> None:
    words = [sys.executable, "-m", "bridge.cli.main"]
    played = play(a_plan({"frames": 3}, auto_start=True, sidecar_command=words))
    report = played.wait()
    assert report["errors"] == []
    assert not (short_folder / "bridge.json").exists(), "a private sidecar is found by nobody"
    until(lambda: not children_with(short_folder), "the sidecar has ended with Godot")


def children_with(folder: Path) -> list[str]:
    """Processes that were given this runtime folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"FRAMEBRIDGE_RUNTIME_DIR={folder}".encode() in variables and b"bridge" in words:
            found.append(words.replace(b"\0", b" ").decode())
    return found


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"model": "no-such-model"}, "no-such-model"),
        ({"source": "../Nowhere"}, "no node at ../Nowhere"),
        ({"target": "../Nowhere"}, "no node at ../Nowhere"),
        ({"target_property": "modulate"}, "takes no texture"),
        ({"source": "", "source_texture": None}, ""),
        ({"knobs": {"no-such-knob": 1.0}}, "no-such-knob"),
        ({"knobs": {"strength": [1, 2]}}, ""),
        ({"rate": -5.0, "mix": 7.0, "policy": 9, "when_gone": -3, "seed": -1}, ""),
        ({"sidecar_command": ["/no/such/program"], "auto_start": True}, ""),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_is_set_wrongly_is_said_and_harms_nobody(
    properties: dict[str, object], said: str, bridge: Sidecar, play: Callable[..., Play]
) -> None:
    played = play(a_plan({"ticks": 120}, **properties))
    report = played.wait()
    everything = played.output() + report["status"] + "".join(report["errors"])
    assert said in everything


def test_without_a_screen_nothing_is_sent_and_the_reason_is_given(
    bridge: Sidecar, play: Callable[..., Play]
) -> None:
    report = play(a_plan({"ticks": 60}), "--headless").wait()
    assert report["sent"] == 0
    assert "--headless" in report["status"]


def test_the_editor_opens_the_project_without_a_complaint(
    play: Callable[..., Play], short_folder: Path
) -> None:
    played = play(a_plan(), "--headless", "--editor", "--quit-after", "20")
    assert played.process.wait(WATCHDOG_S) == 0
    complaints = [line for line in played.output().splitlines() if "ERROR" in line]
    assert complaints == []


def test_the_suggested_models_are_those_that_are_shipped(godot: object) -> None:
    source = ROOT / "engine_plugin" / "godot" / "src" / "neural_filter_properties.cpp"
    shipped = [path.parent.name for path in (ROOT / "models").glob("*/model.toml")]
    text = source.read_text()
    assert [name for name in shipped if name not in text] == []
