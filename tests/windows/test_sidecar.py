"""The sidecar and the Python client, both on a Windows CPython."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.system.knobbed import looping
from tests.system.turning import turned, turning
from tests.windows.wine import WATCHDOG_S, Wine, until

KILLS = 4
"""More than the deaths in a minute that make a stream final: these do not count."""
COUNT, SIZE = 8, (96, 64)


def frames() -> npt.NDArray[np.uint8]:
    """Noise upon slopes, opaque, and dark enough to be lifted by 20."""
    width, height = SIZE
    y, x, n = np.ogrid[:height, :width, :COUNT]
    slopes = 110 + 60 * np.sin(x / 9 + n) * np.cos(y / 7)
    noise = np.random.default_rng(1).normal(0, 12, (3, height, width, COUNT))
    made = np.full((COUNT, height, width, 4), 255, np.uint8)
    made[..., :3] = np.clip(slopes + noise, 0, 200).astype(np.uint8).transpose(3, 1, 2, 0)
    return made


@pytest.fixture(scope="module")
def results(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What the sidecar on Windows made of the frames, and what was found out beside that."""
    folder = tmp_path_factory.mktemp("frame_path")
    np.save(folder / "frames.npy", frames())
    package = turning(folder / "left", [1, 2, 0])
    found = wine.findings(
        "frame_path", wine.path(folder), wine.path(Path(package)), str(KILLS),
    )  # fmt: skip
    return folder, found


Results = tuple[Path, dict[str, Any]]


def test_frames_go_through_unchanged(results: Results) -> None:
    assert np.array_equal(np.load(results[0] / "passthrough.npy"), frames())


def test_a_model_swapped_in_makes_what_apply_makes_on_linux(results: Results) -> None:
    made = np.load(results[0] / "upscale-x2.npy")
    expected = applied(results[0], frames())
    assert made.shape == expected.shape == (COUNT, 2 * SIZE[1], 2 * SIZE[0], 4)
    off = np.abs(made.astype(np.int16) - expected.astype(np.int16))
    print(f"upscale-x2: {np.mean(off > 0):.2e} of the bytes differ, by {off.max()} at most")
    assert off.max() <= 1


def applied(folder: Path, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Frames through `framebridge apply` on this machine's own system."""
    source, target = folder / "in", folder / "out"
    source.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame[:, :, :3]).save(source / f"{index:05d}.png")
    command = [sys.executable, "-m", "bridge.cli.main", "apply", "upscale-x2"]
    words = ["--backend", "onnxruntime", str(source), str(target)]
    subprocess.run([*command, *words], check=True, timeout=WATCHDOG_S)
    return np.stack(
        [np.asarray(Image.open(path).convert("RGBA")) for path in sorted(target.iterdir())]
    )


def test_a_knob_that_is_turned_is_seen_in_the_bytes(results: Results) -> None:
    expected = turned(frames(), [1, 2, 0], 20)
    assert np.array_equal(np.load(results[0] / "lifted.npy"), expected)


def test_a_killed_worker_is_replaced_with_its_model_and_knob(results: Results) -> None:
    folder, found = results
    for turn in range(KILLS):
        expected = turned(frames()[turn : turn + 1], [1, 2, 0], 20)
        assert np.array_equal(np.load(folder / f"after-kill-{turn}.npy"), expected)
    (stream,) = found["status"]["streams"]
    assert (stream["restarts"], stream["state"]) == (KILLS, "live")
    assert min(found["passed_through"]) > 0


def test_workers_give_way_by_a_priority_class(results: Results) -> None:
    assert results[1]["status"]["streams"][0]["priority"] == "low"


def test_its_address_is_a_port_of_this_machine_alone_and_its_end_leaves_nothing(
    results: Results,
) -> None:
    found = results[1]
    assert found["endpoint"].startswith("tcp://127.0.0.1:")
    assert "bridge.json" in found["files_while_it_ran"]
    assert found["ended"] == 0
    assert found["files_after"] in ([], ["bridge.lock"])
    assert found["running"] == []


def test_input_and_kills_end_what_they_should_and_the_next_run_clears_up(
    wine: Wine, tmp_path: Path
) -> None:
    package = looping(tmp_path / "looping")
    found = wine.findings("endings", wine.path(Path(package)))
    assert (found["clients_after_a_kill"], found["streams_after_a_kill"]) == (1, 0)
    assert found["status_at_the_end_of_input"] == 0
    assert not found["worker_after_the_end_of_input"]
    assert [name for name in found["files_after_the_end_of_input"] if name != "bridge.lock"] == []
    killed = [name for name in found["files_after_a_kill"] if name != "bridge.lock"]
    assert len(killed) == 1
    assert killed[0].startswith("run-")
    assert killed[0] not in found["files_of_the_next"]
    assert f"run-{found['run_of_the_next']}.lock" in found["files_of_the_next"]
    assert [name for name in found["files_at_the_end"] if name != "bridge.lock"] == []
    until(lambda: not wine.running(), "nothing runs any more")
