"""The OpenGL way of the native client, in a host that plays Unity's part: what comes back is what
`framebridge apply` makes of the frame whose id it carries, and nothing waits for the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bridge.apply import Applier
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.supervisor.library import shipped_folder
from tests.native.chart import Picture, chart, read_id, to_encoded, to_linear, wrongs
from tests.native.egl_host import Played, play, run
from tests.native_builds import Native
from tests.system.processes import Sidecar

pytestmark = pytest.mark.timeout(330)

MODEL = "upscale-x2-fast"
"""Its result turns with the picture and depends on which channel is red, unlike a copy's."""

LAYOUTS = [
    pytest.param({"es": es, "bgra": bgra, "bottom_first": bottom_first, "srgb": srgb}, id=name)
    for es, bgra, bottom_first, srgb, name in [
        (0, 0, 0, 0, "rgba, top first"),
        (0, 0, 1, 1, "rgba, bottom first, sRGB texture"),
        (0, 1, 0, 1, "bgra, top first, sRGB texture"),
        (0, 1, 1, 0, "bgra, bottom first"),
        (1, 0, 0, 1, "OpenGL ES, top first, sRGB texture"),
        (1, 0, 1, 0, "OpenGL ES, bottom first"),
    ]
]


@pytest.fixture
def sidecar(start_sidecar: Callable[..., Sidecar]) -> Sidecar:
    """One that does not give way to whatever else the machine does: here the host waits for it."""
    return start_sidecar("--keep-priority")


@cache
def _applier() -> Applier:
    package = ModelPackage.open(shipped_folder() / MODEL)
    return Applier(package, RunOptions(provider="cpu", backend="onnxruntime"))


def applied(frame_id: int) -> Picture:
    return _applier().run(chart(frame_id))


def nothing_waited(played: Played) -> None:
    said = played.said
    assert said["asked"], "the host has not come between library and driver"
    assert said["waits"] == 0
    assert said["reads"]
    assert said["writes"]


@pytest.mark.parametrize(
    ("frames", "graphics_card"), [(1000, 0), (200, 1)], ids=["1000", "200, as on a graphics card"]
)
def test_frames_come_back_with_their_ids_as_apply_makes_them(
    frames: int, graphics_card: int, native: Native, sidecar: Sidecar, tmp_path: Path
) -> None:
    played = play(
        native, tmp_path, MODEL, frames=frames, lockstep=1, graphics_card=graphics_card
    )  # fmt: skip
    assert list(played.results) == list(range(1, frames + 1))
    for frame_id, picture in played.results.items():
        assert read_id(picture) == frame_id
        assert np.array_equal(picture, applied(frame_id))
    nothing_waited(played)


def test_with_the_newest_frame_winning_each_result_is_its_own_frames(
    native: Native, sidecar: Sidecar, tmp_path: Path
) -> None:
    played = play(native, tmp_path, MODEL, frames=300, pause_us=2000)
    assert len(played.results) > 10
    assert max(played.results) >= 300
    for frame_id, picture in played.results.items():
        assert np.array_equal(picture, applied(frame_id))
    nothing_waited(played)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_chart_comes_through_upright_and_unswapped(
    layout: dict[str, int], native: Native, sidecar: Sidecar, tmp_path: Path
) -> None:
    played = play(native, tmp_path, MODEL, frames=20, lockstep=1, **layout)
    assert len(played.results) == 20
    for frame_id, picture in played.results.items():
        assert wrongs(picture, applied(frame_id)) == []
    nothing_waited(played)


def test_linear_textures_come_back_linear(native: Native, sidecar: Sidecar, tmp_path: Path) -> None:
    """The chart's bytes taken for linear light: the model sees them encoded."""
    played = play(native, tmp_path, MODEL, frames=5, lockstep=1, linear=1)
    assert len(played.results) == 5
    for frame_id, picture in played.results.items():
        encoded = _applier().run(to_encoded(chart(frame_id)))
        assert wrongs(picture, to_linear(encoded), tolerance=3) == []
        assert wrongs(picture, applied(frame_id), tolerance=3) != []


def test_without_unity_the_current_context_is_used(
    native: Native, sidecar: Sidecar, tmp_path: Path
) -> None:
    played = play(native, tmp_path, "passthrough", frames=30, lockstep=1, unity=0)
    for frame_id, picture in played.results.items():
        assert wrongs(picture, chart(frame_id)) == []
    nothing_waited(played)


def test_what_an_engine_does_wrong_ends_in_a_status_and_words(
    native: Native, short_folder: Path
) -> None:
    done = run(native, "egl_bad_input").splitlines()
    assert len(done) == 20
