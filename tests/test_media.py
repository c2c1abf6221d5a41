"""Pictures, folders and videos in and out; nothing half-written is ever left."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bridge.errors import MediaError
from bridge.media import (
    DEFAULT_FPS,
    Input,
    Still,
    VideoOutput,
    open_output,
    read_picture,
    write_picture,
)

Picture = npt.NDArray[np.uint8]


def _picture(width: int = 9, height: int = 6, seed: int = 0, opaque: bool = False) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if opaque:
        pixels[..., 3] = 255
    return pixels


def _clip(count: int, width: int, height: int) -> list[Still]:
    return [
        Still(f"{i:06d}", _picture(width, height, seed=i, opaque=True), False) for i in range(count)
    ]


def _write_video(path: Path, stills: list[Still], fps: Fraction = DEFAULT_FPS) -> None:
    with VideoOutput(path, fps) as video:
        for still in stills:
            video.write(still)


def _smooth(width: int, height: int) -> Picture:
    """A slope in each channel, which a lossy codec keeps."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., 0] = np.linspace(40, 200, width)
    pixels[..., 1] = np.linspace(200, 60, height)[:, None]
    pixels[..., 2] = 120
    return pixels


# Pictures.


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".tiff", ".bmp", ".PNG"])
@pytest.mark.parametrize("size", [(9, 6), (1, 1), (7, 1)])
def test_a_lossless_picture_is_read_as_it_was_written(
    ending: str, size: tuple[int, int], tmp_path: Path
) -> None:
    pixels = _picture(*size, opaque=True)
    path = tmp_path / f"picture{ending}"
    if ending == ".webp":
        Image.fromarray(pixels).save(path, lossless=True)
    else:
        write_picture(path, pixels)
    still = read_picture(path)
    assert still.name == "picture"
    assert still.pixels.dtype == np.uint8
    assert np.array_equal(still.pixels, pixels)


def test_alpha_is_kept_and_colour_below_it_too(tmp_path: Path) -> None:
    pixels = _picture()
    pixels[0] = (10, 20, 30, 0)
    write_picture(tmp_path / "a.png", pixels)
    still = read_picture(tmp_path / "a.png")
    assert still.has_alpha
    assert np.array_equal(still.pixels, pixels)


def test_a_picture_without_alpha_has_255_and_says_so(tmp_path: Path) -> None:
    pixels = _picture()
    write_picture(tmp_path / "a.png", pixels, keep_alpha=False)
    still = read_picture(tmp_path / "a.png")
    assert not still.has_alpha
    assert np.array_equal(still.pixels[..., :3], pixels[..., :3])
    assert (still.pixels[..., 3] == 255).all()


def test_the_transparent_colour_of_a_palette_is_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=1)
    still = read_picture(tmp_path / "a.png")
    assert still.has_alpha
    assert still.pixels[0].tolist() == [[255, 0, 0, 255], [0, 255, 0, 0]]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (6, lambda p: np.rot90(p, -1)),
        (8, lambda p: np.rot90(p, 1)),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_a_picture_is_turned_as_its_exif_says(
    orientation: int, upright: Callable[[Picture], Picture], deep: bool, tmp_path: Path
) -> None:
    grey = _picture(5, 3)[..., 0]
    image = Image.fromarray(grey.astype(np.uint16) * 257) if deep else Image.fromarray(grey)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    pixels = read_picture(tmp_path / "a.png").pixels
    assert np.array_equal(pixels[..., 0], upright(grey))


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257, 32768, 65407, 65406, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    still = read_picture(tmp_path / "a.png")
    expected = np.rint(deep / 257).astype(np.uint8)
    for channel in range(3):
        assert np.array_equal(still.pixels[..., channel], expected)
    assert not still.has_alpha


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "1", "CMYK"])
def test_other_kinds_of_picture_become_rgba(mode: str, tmp_path: Path) -> None:
    ending = ".tif" if mode == "CMYK" else ".png"
    Image.fromarray(_picture(opaque=True)).convert(mode).save(tmp_path / f"a{ending}")
    still = read_picture(tmp_path / f"a{ending}")
    assert still.pixels.shape == (6, 9, 4)
    assert still.has_alpha == (mode == "LA")


def test_a_cut_png_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_picture(path, _picture(64, 64))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(MediaError, match="a whole picture") as caught:
        read_picture(path)
    assert caught.value.place == str(path)


@pytest.mark.parametrize("content", [b"", b"dear diary\n", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"])
def test_a_file_that_is_no_picture_is_a_typed_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        read_picture(path)
    assert caught.value.place == str(path)


def test_a_missing_picture_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_picture(tmp_path / "a.png")


def test_a_picture_too_large_for_a_frame_is_refused(tmp_path: Path) -> None:
    Image.new("L", (16385, 1)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="at most 16384"):
        read_picture(tmp_path / "a.png")


def test_jpeg_drops_alpha_and_is_readable(tmp_path: Path) -> None:
    pixels = _smooth(32, 24)
    write_picture(tmp_path / "a.jpg", pixels, keep_alpha=True)
    still = read_picture(tmp_path / "a.jpg")
    assert not still.has_alpha
    assert np.abs(still.pixels.astype(int) - pixels).mean() < 3


def test_a_picture_is_written_into_new_folders_and_over_old_files(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.png"
    write_picture(path, _picture(seed=1))
    write_picture(path, _picture(seed=2))
    assert np.array_equal(read_picture(path).pixels, _picture(seed=2))
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"\.png"):
        write_picture(tmp_path / "a.xyz", _picture())
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MediaError):
        write_picture(tmp_path / "file" / "a.png", _picture())


def test_a_folder_of_the_pictures_own_name_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(MediaError):
        write_picture(tmp_path / "a.png", _picture())
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left"), ValueError("bad")])
def test_a_picture_that_cannot_be_finished_leaves_the_old_one_alone(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "a.png", _picture(seed=1))

    def failing(self: Image.Image, file: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(Image.Image, "save", failing)
    with pytest.raises(MediaError):
        write_picture(tmp_path / "a.png", _picture(seed=2))
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, _picture(seed=1))


# Inputs.


def test_one_picture_is_an_input_of_one_frame(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", _picture())
    source = Input(tmp_path / "a.png")
    assert (source.kind, source.count, source.fps) == ("picture", 1, 30)
    assert [still.name for still in source] == ["a"]


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    names = ["frame1", "frame2", "frame10", "frame10a", "frame100", "x"]
    for name in reversed(names):
        write_picture(tmp_path / f"{name}.png", _picture(2, 2))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = Input(tmp_path)
    assert (source.kind, source.count) == ("folder", 6)
    assert [still.name for still in source] == names


def test_names_with_unusual_digits_are_sorted_too(tmp_path: Path) -> None:
    for name in ("5", "\u00b25", "\u0665", "\u2460"):
        write_picture(tmp_path / f"{name}.png", _picture(2, 2))
    assert Input(tmp_path).count == 4


def test_a_folder_without_pictures_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(MediaError, match="none in it"):
        Input(tmp_path)


def test_a_bad_picture_in_a_folder_is_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", _picture())
    (tmp_path / "2.png").write_text("not a picture")
    frames = iter(Input(tmp_path))
    assert next(frames).name == "1"
    with pytest.raises(MediaError) as caught:
        next(frames)
    assert caught.value.place == str(tmp_path / "2.png")


@pytest.mark.parametrize("content", [None, b"", b"dear diary\n"])
def test_a_file_that_is_no_video_is_a_typed_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        Input(path)
    assert caught.value.place == str(path)


def test_a_file_of_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(4000))
    with pytest.raises(MediaError, match="without pictures"):
        Input(path)


# Videos.


@pytest.mark.parametrize("ending", [".mkv", ".avi"])
@pytest.mark.parametrize("size", [(32, 16), (31, 17), (2, 1)])
def test_a_lossless_video_is_read_bit_for_bit(
    ending: str, size: tuple[int, int], tmp_path: Path
) -> None:
    clip = _clip(5, *size)
    path = tmp_path / f"clip{ending}"
    _write_video(path, clip, Fraction(25))
    source = Input(path)
    assert (source.kind, source.fps) == ("video", 25)
    frames = list(source)
    assert [still.name for still in frames] == [still.name for still in clip]
    for found, expected in zip(frames, clip, strict=True):
        assert not found.has_alpha
        assert np.array_equal(found.pixels, expected.pixels)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".m4v", ".webm"])
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_a_lossy_video_is_readable_and_close(
    ending: str, size: tuple[int, int], tmp_path: Path
) -> None:
    pixels = _smooth(*size)
    path = tmp_path / f"clip{ending}"
    _write_video(path, [Still(str(i), pixels, False) for i in range(4)], Fraction(30000, 1001))
    source = Input(path)
    assert source.fps == Fraction(30000, 1001)
    frames = list(source)
    assert len(frames) == 4
    for found in frames:
        assert found.pixels.shape == pixels.shape
        assert np.abs(found.pixels.astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_a_lossy_video_says_how_its_colours_are_coded(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{ending}"
    _write_video(path, [Still("0", _smooth(64, 48), False)])
    with av.open(path) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_range) == (6, 1), "BT.601, 16 to 235"


def test_the_frames_of_a_video_are_read_again_from_the_start(tmp_path: Path) -> None:
    _write_video(tmp_path / "a.mkv", _clip(3, 8, 8))
    source = Input(tmp_path / "a.mkv")
    assert len(list(source)) == len(list(source)) == 3


def test_a_cut_video_is_a_typed_error_or_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    _write_video(path, _clip(8, 32, 32))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MediaError):
        list(Input(path))


def test_a_frame_of_another_size_is_refused_and_the_file_left_out(tmp_path: Path) -> None:
    frames = [*_clip(2, 8, 8), Still("odd", _picture(10, 8), False)]
    with pytest.raises(MediaError, match=r"10x8 \(odd\)"):
        _write_video(tmp_path / "a.mkv", frames)
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_is_given_up_leaves_the_old_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    _write_video(path, _clip(2, 8, 8))
    before = path.read_bytes()
    video = VideoOutput(path, DEFAULT_FPS)
    video.write(_clip(1, 16, 16)[0])
    video.close(complete=False)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_a_video_does_not_stand_at_its_place_before_it_is_whole(tmp_path: Path) -> None:
    video = VideoOutput(tmp_path / "a.mkv", DEFAULT_FPS)
    for still in _clip(3, 8, 8):
        video.write(still)
        assert not (tmp_path / "a.mkv").exists()
    video.close(complete=True)
    assert (tmp_path / "a.mkv").exists()
    video.close(complete=True)


def test_a_video_in_a_place_that_is_no_folder_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MediaError):
        _write_video(tmp_path / "file" / "a.mkv", _clip(1, 8, 8))


def test_a_video_that_cannot_take_its_place_leaves_no_scratch(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").mkdir()
    with pytest.raises(MediaError):
        _write_video(tmp_path / "a.mkv", _clip(1, 8, 8))
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


# Outputs.


@pytest.fixture
def picture_input(tmp_path: Path) -> Input:
    write_picture(tmp_path / "in.png", _picture())
    return Input(tmp_path / "in.png")


@pytest.fixture
def folder_input(tmp_path: Path) -> Input:
    write_picture(tmp_path / "in" / "1.png", _picture())
    return Input(tmp_path / "in")


@pytest.mark.parametrize("name", ["out.mp4", "out.xyz", "out.txt"])
def test_a_picture_goes_into_no_video_and_no_unknown_ending(
    name: str, picture_input: Input, tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="a picture"):
        open_output(tmp_path / name, picture_input)


@pytest.mark.parametrize("name", ["out.png", "out.xyz"])
def test_a_folder_of_pictures_goes_into_no_single_picture(
    name: str, folder_input: Input, tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="a video"):
        open_output(tmp_path / name, folder_input)


def test_an_output_folder_gets_a_png_for_each_frame(folder_input: Input, tmp_path: Path) -> None:
    output = open_output(tmp_path / "out", folder_input)
    for name in ("a", "b"):
        output.write(Still(name, _picture(), True))
    output.close(complete=True)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]


def test_two_pictures_of_one_name_do_not_become_one(tmp_path: Path) -> None:
    for ending in (".png", ".bmp"):
        write_picture(tmp_path / "in" / f"a{ending}", _picture(opaque=True))
    with pytest.raises(MediaError, match=r"a\.(bmp|png)"):
        open_output(tmp_path / "out", Input(tmp_path / "in"))
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_a_typed_error(
    folder_input: Input, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(MediaError):
        open_output(tmp_path / "out", folder_input)


def test_a_gif_that_moves_is_a_video_and_one_that_does_not_a_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 8), (60 * index, 0, 0)) for index in range(4)]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(tmp_path / "stands.gif")
    moves, stands = Input(tmp_path / "moves.gif"), Input(tmp_path / "stands.gif")
    assert (moves.kind, moves.fps, stands.kind, stands.count) == ("video", 10, "picture", 1)
    reds = [int(still.pixels[0, 0, 0]) for still in moves]
    assert reds == pytest.approx([0, 60, 120, 180], abs=4)
    assert [still.pixels.shape for still in stands] == [(8, 16, 4)]


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_a_stretch_of_a_video_begins_where_it_is_asked_to(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"long{ending}"
    with VideoOutput(path, Fraction(25)) as video:
        for index in range(80):
            video.write(Still(str(index), np.full((16, 16, 4), 3 * index, np.uint8), False))
    source = Input(path)
    assert source.count == 80
    found = [int(still.pixels[8, 8, 1]) for still in source.stretch(57, 4)]
    assert found == pytest.approx([171, 174, 177, 180], abs=2)
    assert len(list(source.stretch(78, 10))) == 2


def test_a_stretch_of_a_folder_is_some_of_its_pictures(folder_input: Input) -> None:
    names = [still.name for still in folder_input]
    assert [still.name for still in folder_input.stretch(1, 1)] == names[1:2]
