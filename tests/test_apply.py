"""Packages on pictures, folders and videos, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bridge.apply import Applier, apply
from bridge.errors import FrameFormatError, MediaError, ParameterError, ProviderError
from bridge.frames import FrameFormat
from bridge.inference.backends.onnxruntime import available_providers
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.media import DEFAULT_FPS, Input, Still, VideoOutput, read_picture, write_picture
from bridge.supervisor.library import shipped_folder

Picture = npt.NDArray[np.uint8]
CPU = RunOptions(provider="cpu")


def _picture(width: int, height: int, seed: int = 0, opaque: bool = False) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if opaque:
        pixels[..., 3] = 255
    return pixels


def _applier(name: str) -> Applier:
    return Applier(ModelPackage.open(shipped_folder() / name), CPU)


def _write_video(path: Path, count: int, width: int, height: int) -> None:
    with VideoOutput(path, DEFAULT_FPS) as video:
        for i in range(count):
            video.write(Still(str(i), _picture(width, height, i, opaque=True), False))


@pytest.mark.parametrize("size", [(24, 16), (23, 17), (1, 1)])
def test_passthrough_returns_every_byte_and_alpha_too(size: tuple[int, int]) -> None:
    pixels = _picture(*size)
    result = _applier("passthrough").run(pixels)
    assert result is not pixels
    assert np.array_equal(result, pixels)


def test_without_alpha_the_result_is_opaque() -> None:
    pixels = _picture(9, 7)
    result = _applier("passthrough").run(pixels, has_alpha=False)
    assert np.array_equal(result[..., :3], pixels[..., :3])
    assert (result[..., 3] == 255).all()


def test_the_result_is_the_one_of_a_chain() -> None:
    pixels = _picture(24, 18)
    chain = Chain(
        [ModelPackage.open(shipped_folder() / "upscale-x2")], FrameFormat(width=24, height=18), CPU
    )
    expected = np.zeros((36, 48, 4), np.uint8)
    chain.run(pixels, expected)
    assert np.array_equal(_applier("upscale-x2").run(pixels), expected)


def test_upscaling_keeps_what_is_flat_and_doubles_the_size() -> None:
    flat = np.full((20, 30, 4), (90, 160, 40, 200), np.uint8)
    result = _applier("upscale-x2").run(flat)
    assert result.shape == (40, 60, 4)
    assert (result[..., 3] == 200).all()
    inside = result[14:-14, 14:-14, :3].astype(int)
    assert np.abs(inside - (90, 160, 40)).max() <= 2


def test_sizes_may_change_from_frame_to_frame() -> None:
    applier = _applier("passthrough")
    for size in ((8, 6), (6, 8), (8, 6), (5, 5)):
        pixels = _picture(*size)
        assert np.array_equal(applier.run(pixels), pixels)


def test_a_graph_is_compiled_once_for_frames_of_one_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    class Counting(Chain):
        def __init__(self, *arguments: object) -> None:
            made.append(arguments[1])
            super().__init__(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("bridge.apply.Chain", Counting)
    applier = _applier("passthrough")
    for _ in range(3):
        applier.run(_picture(8, 6))
    assert len(made) == 1
    applier.run(_picture(8, 6), has_alpha=False)
    assert len(made) == 2


def test_pixels_that_are_not_contiguous_are_taken() -> None:
    pixels = _picture(8, 12)[::-2]
    assert np.array_equal(_applier("passthrough").run(pixels), pixels)


# Pictures, folders and videos.


@pytest.mark.parametrize(("name", "scale"), [("passthrough", 1), ("upscale-x2", 2)])
@pytest.mark.parametrize("has_alpha", [True, False])
def test_a_picture_goes_through(name: str, scale: int, has_alpha: bool, tmp_path: Path) -> None:
    write_picture(tmp_path / "in.png", _picture(24, 17), keep_alpha=has_alpha)
    source = read_picture(tmp_path / "in.png")
    names = list(apply(_applier(name), Input(tmp_path / "in.png"), tmp_path / "out.png"))
    assert names == ["in"]
    result = read_picture(tmp_path / "out.png")
    assert result.has_alpha == has_alpha
    assert result.pixels.shape == (17 * scale, 24 * scale, 4)
    expected = _applier(name).run(source.pixels, has_alpha=has_alpha)
    assert np.array_equal(result.pixels, expected)
    if scale == 1:
        assert np.array_equal(result.pixels, source.pixels)


@pytest.mark.parametrize(("name", "scale"), [("passthrough", 1), ("upscale-x2", 2)])
def test_a_folder_of_pictures_of_several_sizes_goes_through(
    name: str, scale: int, tmp_path: Path
) -> None:
    sizes = {"1": (24, 16), "2": (17, 31), "10": (24, 16)}
    for stem, size in sizes.items():
        write_picture(tmp_path / "in" / f"{stem}.png", _picture(*size), keep_alpha=stem != "2")
    names = list(apply(_applier(name), Input(tmp_path / "in"), tmp_path / "out"))
    assert names == ["1", "2", "10"]
    for stem, (width, height) in sizes.items():
        result = read_picture(tmp_path / "out" / f"{stem}.png")
        assert result.pixels.shape == (height * scale, width * scale, 4)
        assert result.has_alpha == (stem != "2")
        if scale == 1:
            source = read_picture(tmp_path / "in" / f"{stem}.png")
            assert np.array_equal(result.pixels, source.pixels)


@pytest.mark.parametrize(("name", "scale"), [("passthrough", 1), ("upscale-x2", 2)])
def test_a_video_goes_through(name: str, scale: int, tmp_path: Path) -> None:
    _write_video(tmp_path / "in.mkv", 4, 25, 17)
    source = Input(tmp_path / "in.mkv")
    names = list(apply(_applier(name), source, tmp_path / "out.mkv"))
    assert names == [f"{i:06d}" for i in range(4)]
    result = Input(tmp_path / "out.mkv")
    assert result.fps == source.fps
    applier = _applier(name)
    for found, original in zip(result, source, strict=True):
        assert found.pixels.shape == (17 * scale, 25 * scale, 4)
        assert np.array_equal(found.pixels, applier.run(original.pixels, has_alpha=False))


def test_the_frames_of_a_video_can_go_into_a_folder(tmp_path: Path) -> None:
    _write_video(tmp_path / "in.mkv", 3, 16, 16)
    list(apply(_applier("passthrough"), Input(tmp_path / "in.mkv"), tmp_path / "out"))
    written = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert written == ["000000.png", "000001.png", "000002.png"]
    assert np.array_equal(
        read_picture(tmp_path / "out" / "000002.png").pixels, _picture(16, 16, 2, opaque=True)
    )


def test_a_folder_of_pictures_can_become_a_video(tmp_path: Path) -> None:
    for i in range(3):
        write_picture(tmp_path / "in" / f"{i}.png", _picture(16, 16, i), keep_alpha=False)
    list(apply(_applier("passthrough"), Input(tmp_path / "in"), tmp_path / "out.mkv"))
    assert len(list(Input(tmp_path / "out.mkv"))) == 3


# Errors.


def test_sizes_that_differ_do_not_go_into_a_video_and_leave_none(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "1.png", _picture(16, 16))
    write_picture(tmp_path / "in" / "2.png", _picture(16, 18))
    with pytest.raises(MediaError, match="Write to a folder instead"):
        list(apply(_applier("passthrough"), Input(tmp_path / "in"), tmp_path / "out.mkv"))
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_bad_picture_half_way_leaves_no_video(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "1.png", _picture(16, 16))
    (tmp_path / "in" / "2.png").write_text("not a picture")
    with pytest.raises(MediaError) as caught:
        list(apply(_applier("passthrough"), Input(tmp_path / "in"), tmp_path / "out.mkv"))
    assert caught.value.place.endswith("2.png")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_who_stops_half_way_gets_no_video(tmp_path: Path) -> None:
    _write_video(tmp_path / "in.mkv", 4, 16, 16)
    steps = apply(_applier("passthrough"), Input(tmp_path / "in.mkv"), tmp_path / "out.mkv")
    assert next(iter(steps)) == "000000"
    steps.close()  # type: ignore[attr-defined]
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def test_an_ending_that_does_not_suit_is_refused_before_anything_runs(tmp_path: Path) -> None:
    write_picture(tmp_path / "in.png", _picture(16, 16))
    with pytest.raises(MediaError):
        list(apply(_applier("passthrough"), Input(tmp_path / "in.png"), tmp_path / "out.mkv"))


def test_a_picture_outside_the_limits_of_the_package_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "in.png", _picture(4, 4))
    with pytest.raises(FrameFormatError):
        list(apply(_applier("upscale-x2"), Input(tmp_path / "in.png"), tmp_path / "out.png"))
    assert not (tmp_path / "out.png").exists()


def test_a_parameter_that_the_package_has_not_is_refused() -> None:
    package = ModelPackage.open(shipped_folder() / "passthrough")
    with pytest.raises(ParameterError):
        Applier(package, CPU, {"strength": 1}).run(_picture(8, 8))


def test_a_provider_that_is_not_obtained_is_refused() -> None:
    if "cuda" in available_providers():
        pytest.skip("this runtime offers CUDA")
    package = ModelPackage.open(shipped_folder() / "passthrough")
    with pytest.raises(ProviderError):
        Applier(package, RunOptions(provider="cuda")).run(_picture(8, 8))


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    write_picture(picture, _picture(20, 20))
    before = picture.read_bytes()
    for place in (picture, tmp_path):
        applier = Applier(ModelPackage.open(shipped_folder() / "passthrough"))
        with pytest.raises(MediaError, match="not overwritten"):
            list(apply(applier, Input(place), place))
    assert picture.read_bytes() == before
