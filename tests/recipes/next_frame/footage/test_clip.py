"""A clip is read at the training size, in bounded memory; what teaches nothing is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import FootageError, MediaError
from models.recipes.next_frame.footage.clip import read_clip, training_size
from tests.recipes.next_frame.footage.scene import PERIOD, draw_scene, write_clip, write_gif


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", 60)


def folder_of(path: Path, pictures: list[np.ndarray]) -> Path:
    path.mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{index}.png")
    return path


def test_a_video_is_read_in_order_at_the_size_asked_for(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8)
    assert clip.frames.shape == (60, 32, 48, 3)
    assert (clip.size, clip.source, clip.found, clip.fps) == ((48, 32), (96, 64), 60, 30)
    assert clip.runs == ((0, 60),)
    assert clip.notes == ()
    for index in (0, 17, 59):
        wanted = Image.fromarray(draw_scene(index)[..., :3]).resize((48, 32), Image.LANCZOS)
        assert np.abs(np.asarray(wanted, int) - clip.frames[index]).mean() < 1


def test_folder_and_gif_are_read_too(tmp_path: Path) -> None:
    pictures = read_clip(write_clip(tmp_path / "pictures", 12), 32, 8)
    assert pictures.frames.shape == (12, 32, 48, 3)
    gif = read_clip(write_gif(tmp_path / "moving.gif", 12), 32, 8)
    assert gif.frames.shape == (12, 32, 48, 3)
    assert np.abs(gif.frames[5].astype(int) - pictures.frames[5]).mean() < 12


def test_no_frame_is_learned_from_and_held_back_and_none_across_runs(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8)
    assert clip.learned() == [(0, 54)]
    assert clip.held_back() == [(53, 60)]
    assert clip.starts(1)[-1] == 52
    assert clip.starts(1, held_back=True) == list(range(53, 59))
    assert clip.starts(3)[-1] == 50


def test_its_end_leads_on_to_what_is_most_like_it(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8)
    after = clip.following()
    assert after.tolist()[:53] == list(range(1, 54))
    # It is the same picture every PERIOD frames; frame 53 is the last that is learned from.
    assert after[53] == 53 - PERIOD + 1
    assert (after[54:] == -1).all()


def test_the_shortest_clip_leads_from_its_end_to_its_beginning(tmp_path: Path) -> None:
    two = read_clip(write_clip(tmp_path / "two", 2), 32, 8)
    assert two.following().tolist() == [1, 0]
    assert two.held_back() == []


def test_a_long_clip_becomes_evenly_spread_runs_and_says_so(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8, most_frames=20)
    assert len(clip.frames) <= 20
    assert len(clip.runs) == 10
    assert all(last - first == 2 for first, last in clip.runs)
    assert "20 of 60 frames, 10 runs" in clip.notes[0]
    whole = read_clip(sixty, 32, 8)
    assert np.array_equal(clip.frames[0], whole.frames[0])
    assert np.array_equal(clip.frames[-1], whole.frames[-1])
    assert np.array_equal(clip.frames[2], whole.frames[6])


def test_memory_limits_the_frames_as_well(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8, most_bytes=30 * 48 * 32 * 3)
    assert len(clip.frames) == 30


def test_frames_that_repeat_are_left_out(tmp_path: Path) -> None:
    twos = [draw_scene(index // 2) for index in range(24)]
    clip = read_clip(folder_of(tmp_path / "twos", twos), 32, 8)
    assert len(clip.frames) == 12
    assert clip.notes == ("12 frames that repeat the one before them are left out.",)


def test_nothing_is_learned_across_a_cut(tmp_path: Path) -> None:
    scene = [draw_scene(index) for index in range(24)]
    other = [255 - draw_scene(index) for index in range(24)]
    clip = read_clip(folder_of(tmp_path / "cut", [*scene, *other]), 32, 8)
    assert clip.runs == ((0, 24), (24, 48))
    assert 23 not in clip.starts(1) + clip.starts(1, held_back=True)
    assert clip.notes == ("It has 1 cut; nothing is learned across one.",)


def test_the_same_clip_has_the_same_digest_and_another_another(sixty: Path) -> None:
    clip = read_clip(sixty, 32, 8)
    assert clip.digest == read_clip(sixty, 32, 8).digest
    assert clip.digest != read_clip(sixty, 24, 8).digest


@pytest.mark.parametrize(
    ("source", "side", "size"),
    [
        ((1920, 1080), 96, (168, 96)),
        ((1080, 1920), 96, (96, 168)),
        ((100, 50), 96, (96, 48)),
        ((10, 10), 96, (16, 16)),
    ],
)
def test_the_shorter_side_is_the_one_asked_for(
    source: tuple[int, int], side: int, size: tuple[int, int]
) -> None:
    assert training_size(source, side, 8) == size


def test_one_frame_is_refused_whatever_it_lies_in(tmp_path: Path) -> None:
    write_clip(tmp_path / "one.mkv", 1)
    write_clip(tmp_path / "one", 1)
    Image.fromarray(draw_scene(0)).save(tmp_path / "one.png")
    Image.fromarray(draw_scene(0)).convert("RGB").save(tmp_path / "one.gif")
    for name in ("one.mkv", "one", "one.png", "one.gif"):
        with pytest.raises(FootageError, match=r"FB-E100 .* One frame says nothing"):
            read_clip(tmp_path / name, 32, 8)


def test_frames_that_are_alike_are_refused(tmp_path: Path) -> None:
    still = folder_of(tmp_path / "still", [draw_scene(3)] * 12)
    with pytest.raises(FootageError, match="12 frames that are alike"):
        read_clip(still, 32, 8)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"dear diary")
    for name in ("clip.gif", "clip.txt"):
        (tmp_path / name).write_bytes(b"GIF89a dear diary")
    for name in ("clip.mp4", "absent.mov"):
        with pytest.raises(MediaError, match="expected a video"):
            read_clip(tmp_path / name, 32, 8)
    for name in ("clip.gif", "clip.txt"):
        with pytest.raises(MediaError):
            read_clip(tmp_path / name, 32, 8)
