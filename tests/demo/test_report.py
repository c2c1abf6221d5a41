"""What the demo leaves behind shows what was seen."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bridge.demo import show as show_module
from bridge.demo.report import (
    live_line,
    psnr,
    summary_line,
    write_before_after,
    write_clip,
    write_ticks,
)
from bridge.demo.show import Showing, _record


def frame(height: int, width: int, value: int) -> np.ndarray:
    made = np.full((height, width, 4), value, np.uint8)
    made[..., 3] = 255
    return made


def seen_of(pictures: int, side: int = 28) -> Showing:
    seen = Showing(seconds=pictures / 30, ticks=2 * pictures, shown=2 * pictures)
    seen.clip = [(2 * i + 1, frame(side, side, i)[..., :3]) for i in range(pictures)]
    return seen


def test_a_small_clip_is_enlarged_to_be_seen(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", seen_of(12))
    with av.open(tmp_path / "clip.mp4") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 12
    assert (frames[0].width, frames[0].height) == (364, 364)


def test_nothing_seen_is_no_clip(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", Showing())
    write_ticks(tmp_path / "ticks.png", Showing(), "nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 5, 8, 100])
def test_ticks_are_shown_from_the_first_to_the_last(tmp_path: Path, count: int) -> None:
    write_ticks(tmp_path / "ticks.png", seen_of(count), "growth")
    with Image.open(tmp_path / "ticks.png") as picture:
        values = {int(v) for v in np.unique(np.asarray(picture)[..., 0])}
    assert {0, count - 1} <= values


def test_decibels_are_told_where_the_truth_is_known(tmp_path: Path) -> None:
    small, result, truth = frame(24, 32, 100), frame(48, 64, 110), frame(48, 64, 112)
    path = tmp_path / "picture.png"
    assert write_before_after(path, small, result, truth, "name") == {
        "bicubic_db": psnr(small[..., :3] + 0, truth[:24, :32, :3]),
        "model_db": psnr(result[..., :3], truth[..., :3]),
    }
    same = write_before_after(path, truth, result, truth, "name")
    assert same["before_db"] == float("inf")
    assert write_before_after(path, small, result, None, "name") == {}
    assert path.stat().st_size > 200


def test_a_stream_that_ticks_by_itself_is_told_in_its_own_words() -> None:
    seen = seen_of(30)
    assert summary_line(seen, free=True) == "demo: 60 ticks of its own, 60 ticks/s, model 0.0 ms"
    assert "60 ticks   model" in live_line(seen, 10, free=True)
    assert "frames back" in summary_line(seen)


def test_a_long_drawing_is_kept_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, "_CLIP_BYTES", 40 * 8 * 16 * 3)
    seen = Showing()
    for tick in range(1000):
        seen.shown += 1
        _record(seen, tick, frame(8, 8, 0), frame(8, 8, 255))
    assert len(seen.clip) <= 41
    assert seen.clip[0][0] == 0
    assert seen.clip[-1][0] > 950
    assert seen.clip_every > 2


def test_of_a_scene_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, "_CLIP_BYTES", 40 * 8 * 8 * 3)
    seen = Showing()
    for tick in range(1000):
        seen.shown += 1
        _record(seen, tick, frame(8, 8, 0), None)
    assert [tick for tick, _ in seen.clip] == list(range(0, 80, 2))
