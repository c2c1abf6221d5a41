"""What comes back through sidecar and client is what `framebridge apply` makes, byte for byte."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from framebridge_client import Bridge, BridgeError, FrameError, connect
from PIL import Image

from bridge.inference.backends import openvino
from tests.system.processes import DATA, numbered, until

TENNIS = DATA / "video" / "tennis"


@pytest.mark.timeout(300)
@pytest.mark.skipif(not TENNIS.is_dir(), reason="the tennis clip is not beside this checkout")
@pytest.mark.parametrize("size", [(426, 240), (854, 480)])
def test_frames_of_a_clip_in_lockstep_equal_apply(
    size: tuple[int, int], bridge: Bridge, tmp_path: Path
) -> None:
    pictures = [rgba(path) for path in sorted(TENNIS.glob("*.jpg"))]
    assert len(pictures) == 40
    if size[0] > 500:
        # The way of the large frames differs in nothing but their size.
        pictures = pictures[::4]
    frames = [np.asarray(p if p.size == size else p.resize(size)) for p in pictures]
    expected = applied(frames, tmp_path)
    layouts = [("top_first", "bgra8"), ("bottom_first", "rgba8")]
    for rows, pixel_format in layouts:
        with bridge.open(
            "upscale-x2", *size, policy="lockstep", rows=rows, pixel_format=pixel_format
        ) as stream:
            for frame, wanted in zip(frames, expected, strict=True):
                result = stream.process(laid_out(frame, rows, pixel_format), timeout_s=60)
                assert np.array_equal(result.pixels, laid_out(wanted, rows, pixel_format))
            counters = stream.counters
            count = len(frames)
            assert (counters.sent, counters.returned, counters.dropped) == (count, count, 0)


def applied(frames: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    """The frames through the command `framebridge apply`, as RGBA."""
    source, target = folder / "in", folder / "out"
    source.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame[:, :, :3]).save(source / f"{index:05d}.png", compress_level=1)
    command = [sys.executable, "-m", "bridge.cli.main", "apply", "upscale-x2"]
    subprocess.run([*command, str(source), str(target)], check=True, timeout=200)
    return [np.asarray(rgba(path)) for path in sorted(target.iterdir())]


def rgba(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGBA")


def laid_out(frame: np.ndarray, rows: str, pixel_format: str) -> np.ndarray:
    if rows == "bottom_first":
        frame = frame[::-1]
    if pixel_format == "bgra8":
        frame = frame[:, :, [2, 1, 0, 3]]
    return np.ascontiguousarray(frame)


def test_every_frame_is_returned_dropped_or_skipped_and_results_are_their_own(
    bridge: Bridge,
) -> None:
    with bridge.open("passthrough", 32, 32) as stream:
        sent = {}
        for number in range(500):
            frame_id = stream.submit(numbered(number))
            if frame_id is not None:
                sent[frame_id] = number
            result = stream.poll()
            if result is not None:
                assert np.array_equal(result.pixels, numbered(sent[result.frame_id]))
                assert result.age_ms >= 0
                assert stream.chain.startswith(result.chain)

        def settled() -> bool:
            stream.poll()
            return stream.counters.returned + stream.counters.dropped == stream.counters.sent

        until(settled, "all frames are accounted for")
        assert stream.counters.sent + stream.counters.skipped == 500


def test_a_result_stays_readable_until_the_next_one_is_taken(bridge: Bridge) -> None:
    with bridge.open("passthrough", 32, 32) as stream:
        held = stream.process(numbered(1), 10)
        for number in range(2, 30):
            stream.submit(numbered(number))
            time.sleep(0.002)
            stream._pump()
        assert np.array_equal(held.pixels, numbered(1))
        with pytest.raises(ValueError, match="read-only"):
            held.pixels[0, 0] = 0


def test_a_frame_drawn_into_the_slot_itself_comes_back(bridge: Bridge) -> None:
    with bridge.open("passthrough", 32, 32, policy="lockstep") as stream:
        draft = stream.frame()
        with draft as view:
            view[:] = numbered(77)
        until(lambda: stream.counters.returned or stream._ready or not stream._pump(), "a result")
        results = []
        until(lambda: results.append(r) or True if (r := stream.poll()) else False, "a result")
        assert results[0].frame_id == draft.frame_id
        assert np.array_equal(results[0].pixels, numbered(77))


def test_an_exception_while_drawing_sends_nothing_and_keeps_the_slot(bridge: Bridge) -> None:
    with bridge.open("passthrough", 32, 32) as stream:
        for _ in range(10):
            with pytest.raises(ZeroDivisionError), stream.frame() as view:
                view[:] = 1 // 0
        assert stream.counters.sent == 0
        assert number(stream, 5) == 5


def number(stream, value: int) -> int:
    from tests.system.processes import number_of

    return number_of(stream.process(numbered(value), 10).pixels)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (np.zeros((16, 32, 4), np.uint8), r"shape \(32, 32, 4\)"),
        (np.zeros((32, 32, 3), np.uint8), r"shape \(32, 32, 3\)"),
        (np.zeros((32, 32, 4), np.float32), "float32"),
        (bytes(32 * 136), "136 a row"),
        ("a string", "str"),
    ],
)
def test_a_frame_of_the_wrong_size_or_stride_is_an_error_and_nothing_is_sent(
    frame: object, says: str, bridge: Bridge
) -> None:
    with bridge.open("passthrough", 32, 32) as stream:
        with pytest.raises(FrameError, match=says):
            stream.submit(frame)
        with pytest.raises(FrameError, match=says):
            stream.process(frame)
        assert stream.counters.sent == 0
        assert number(stream, 9) == 9


def test_an_unknown_model_is_an_error_with_a_suggestion(bridge: Bridge) -> None:
    with pytest.raises(BridgeError, match=r"FB-E011 .*upscale-x22.*Did you mean 'upscale-x2'"):
        bridge.open("upscale-x22", 32, 32)
    assert bridge.status()["streams"] == []


def test_a_frame_too_small_for_the_model_is_an_error(bridge: Bridge) -> None:
    with pytest.raises(BridgeError, match=r"FB-E020 .*at least 16x16, got 8x8"):
        bridge.open("upscale-x2", 8, 8)
    assert bridge.status()["streams"] == []


@pytest.mark.parametrize("broken", ["hash", "graph", "manifest", "ports"])
def test_a_broken_package_is_a_typed_error_and_leaves_the_running_chain(
    broken: str, bridge: Bridge, tmp_path: Path
) -> None:
    folder, code = broken_package(broken, tmp_path)
    with bridge.open("passthrough", 32, 32) as stream:
        with pytest.raises(BridgeError) as opened:
            bridge.open(str(folder), 32, 32)
        with pytest.raises(BridgeError) as loaded:
            stream.load(str(folder))
        assert (opened.value.code, loaded.value.code) == (code, code)
        assert number(stream, 3) == 3
        assert len(bridge.status()["streams"]) == 1


def broken_package(how: str, tmp_path: Path) -> tuple[Path, str]:
    import shutil

    from bridge.supervisor.library import shipped_folder

    folder = tmp_path / "broken"
    shutil.copytree(shipped_folder() / "passthrough", folder)
    graph, manifest = folder / "model.onnx", folder / "model.toml"
    text = manifest.read_text()
    if how == "hash":
        graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
        return folder, "FB-E012"
    if how == "graph":
        graph.unlink()
        return folder, "FB-E013"
    if how == "manifest":
        manifest.write_text(text.replace("format = 1", "format = 9"))
        return folder, "FB-E010"
    manifest.write_text(text.replace('name = "frame"', 'name = "picture"'))
    return folder, "FB-E014"


def test_a_load_changes_over_between_two_frames_even_to_another_size(bridge: Bridge) -> None:
    with bridge.open("passthrough", 32, 32) as stream:
        first, epoch = stream.chain, stream._epoch
        stream.load("upscale-x2")
        until(lambda: stream.poll() or stream.result_shape == (64, 64, 4), "the new slots")
        assert stream._epoch != epoch
        assert stream.chain != first
        assert stream.process(numbered(1), 10).pixels.shape == (64, 64, 4)
        stream.load("passthrough")
        assert number(stream, 4) == 4


def test_a_provider_that_is_not_there_is_an_error_that_names_both(start_sidecar) -> None:

    start_sidecar("--provider", "cuda")
    with connect() as bridge, pytest.raises(BridgeError, match=r"FB-E040 .*cuda, got cpu"):
        bridge.open("passthrough", 32, 32)


@pytest.mark.skipif(openvino.installed_version() is None, reason="OpenVINO is not installed")
def test_a_backend_that_is_named_runs_every_stream_and_is_said(start_sidecar) -> None:

    start_sidecar("--backend", "openvino")
    with connect() as bridge, bridge.open("passthrough", 32, 32) as stream:
        assert number(stream, 8) == 8
        assert bridge.status()["streams"][0]["backend"].startswith("openvino ")


def test_a_fallback_that_was_allowed_runs_and_says_so(start_sidecar) -> None:

    start_sidecar("--provider", "cuda", "--allow-fallback")
    with connect() as bridge, bridge.open("passthrough", 32, 32) as stream:
        assert stream.provider == "cpu"
        assert "cuda was asked for" in bridge.status()["streams"][0]["note"]
        assert number(stream, 8) == 8


def test_linear_frames_come_back_linear_and_their_price_is_told(bridge: Bridge) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 4), np.uint8)
    with bridge.open("passthrough", 64, 48, policy="lockstep", transfer="linear") as stream:
        assert np.array_equal(stream.process(frame, 10).pixels, frame)
        assert "linear light" in stream.note
        told = subprocess.run(
            [sys.executable, "-m", "bridge.cli.main", "ctl", "status"],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        assert stream.note in told.stdout


def test_frames_larger_than_any_stream_may_hold_are_refused_at_once(bridge: Bridge) -> None:
    with pytest.raises(BridgeError, match=r"FB-E034 .*at most 2048 MiB, got 6144 MiB"):
        bridge.open("passthrough", 16384, 16384)
    assert bridge.status()["streams"] == []
