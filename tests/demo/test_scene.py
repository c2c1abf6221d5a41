"""The demo's engine and its scene, drawn by Panda3D where it and OpenGL are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import MagicMock

import numpy as np
import pytest

from bridge.demo import engine as engine_module
from bridge.demo.engine import PandaEngine
from bridge.errors import EngineError

SIZE = (160, 90)
WATCHDOG_S = 120


@pytest.fixture(scope="module")
def engine() -> Iterator[PandaEngine]:
    try:
        made = PandaEngine(*SIZE)
    except EngineError as error:
        pytest.skip(f"no engine on this machine: {error}")
    yield made
    made.close()


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=WATCHDOG_S
    )


def test_a_picture_has_the_size_that_was_asked_for(engine: PandaEngine) -> None:
    picture = engine.render(0)
    assert picture.shape == (SIZE[1], SIZE[0], 4)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert (engine.width, engine.height) == SIZE


def test_every_pixel_is_opaque(engine: PandaEngine) -> None:
    assert (engine.render(3)[..., 3] == 255).all()


def test_the_same_tick_gives_the_same_bytes_whatever_was_drawn_between(engine: PandaEngine) -> None:
    first = engine.render(40)
    engine.render(900)
    engine.render_at(7, SIZE[0] * 2, SIZE[1] * 2)
    assert np.array_equal(engine.render(40), first)


def test_an_earlier_picture_is_not_drawn_over(engine: PandaEngine) -> None:
    first = engine.render(40)
    kept = first.copy()
    engine.render(41)
    assert np.array_equal(first, kept)


def test_the_next_tick_gives_another_picture(engine: PandaEngine) -> None:
    pictures = [engine.render(tick).tobytes() for tick in (40, 41, 42)]
    assert len(set(pictures)) == 3


def test_the_sky_is_at_the_top(engine: PandaEngine) -> None:
    picture = engine.render(200).astype(int)
    sky, ground = picture[0], picture[-1]
    assert (sky[:, 2] > sky[:, 1] + 15).mean() > 0.8, "the evening sky is violet"
    assert (ground[:, 2] > ground[:, 1] + 15).mean() < 0.7


def test_blue_and_red_are_not_swapped(engine: PandaEngine) -> None:
    sign_and_lamps = engine.render(200).astype(int).reshape(-1, 4)
    assert (sign_and_lamps[:, 0] - sign_and_lamps[:, 2]).max() > 80, "the sign is amber, not blue"


def test_another_size_shows_the_same_scene(engine: PandaEngine) -> None:
    small = engine.render(40).astype(float)
    large = engine.render_at(40, SIZE[0] * 2, SIZE[1] * 2).astype(float)
    assert large.shape == (SIZE[1] * 2, SIZE[0] * 2, 4)
    halved = large.reshape(SIZE[1], 2, SIZE[0], 2, 4).mean(axis=(1, 3))
    other = engine.render(300).astype(float)
    assert np.abs(halved - small).mean() < 0.5 * np.abs(halved - other).mean()


def test_its_own_size_is_drawn_the_same_either_way(engine: PandaEngine) -> None:
    assert np.array_equal(engine.render_at(40, *SIZE), engine.render(40))


def test_a_closed_engine_says_so(engine: PandaEngine) -> None:
    with PandaEngine(32, 18) as other:
        other.render(0)
    other.close()
    with pytest.raises(EngineError, match=r"FB-E080 .*closed"):
        other.render(0)
    assert engine.render(0).any()


def test_engines_side_by_side_and_in_turn_draw_the_same(engine: PandaEngine) -> None:
    expected = engine.render(40)
    for _ in range(2):
        with PandaEngine(*SIZE) as other:
            assert np.array_equal(other.render(40), expected)
            assert np.array_equal(engine.render(40), expected)


def test_it_prints_nothing(engine: PandaEngine) -> None:
    code = (
        "from bridge.demo.engine import PandaEngine\n"
        "for _ in range(2):\n"
        "    with PandaEngine(32, 18) as engine: engine.render(0); engine.render_at(0, 64, 36)\n"
    )
    done = run_python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_panda3d_is_named_with_the_line_that_installs_it() -> None:
    code = (
        "import sys; sys.modules['panda3d'] = None\n"
        "from bridge.demo.engine import PandaEngine\n"
        "from bridge.errors import EngineError\n"
        "try: PandaEngine(32, 18)\n"
        "except EngineError as error: print(error)\n"
    )
    done = run_python(code)
    assert done.stdout.startswith("FB-E080 ")
    assert done.stdout.rstrip().endswith("Run: pip install 'framebridge[demo]'")
    assert done.stderr == ""


def test_a_missing_egl_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", absent)
    with pytest.raises(EngineError, match=r"libEGL\.so\.1.*sudo apt-get install -y libegl1"):
        engine_module._require_libraries()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are asked for on Linux")
@pytest.mark.parametrize(
    ("display", "asked"), [(":99", ["pandagl", "p3headlessgl"]), (None, ["p3headlessgl"])]
)
def test_a_display_is_tried_first_where_there_is_one_then_headless(
    monkeypatch: pytest.MonkeyPatch, display: str | None, asked: list[str]
) -> None:
    core = MagicMock()
    make_pipe = core.GraphicsPipeSelection.getGlobalPtr.return_value.makeModulePipe
    make_pipe.return_value = None
    monkeypatch.setattr(engine_module, "_pipes", {})
    monkeypatch.setattr(engine_module, "_require_libraries", lambda: None)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(EngineError, match="none that starts"):
        engine_module.open_pipe(core)
    assert [call.args for call in make_pipe.call_args_list] == [(module,) for module in asked]
