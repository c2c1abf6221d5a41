"""The package's own sources, compiled with mono's compiler against stand-ins for the engine, run
with the real native library, real OpenGL textures and a live sidecar."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.native_builds import Native
from tests.system.processes import Sidecar
from tests.unity.mono import HOST, PACKAGE, STUBS, compile_library, need_mono, sources
from tests.unity.small_packages import crooked, inverted

WATCHDOG_S = 110
RESOURCES = PACKAGE / "Runtime" / "Resources"
VISIBLE = HOST.parent / "host_visible"


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The player loop, compiled with the package's sources."""
    need_mono()
    folder = tmp_path_factory.mktemp("host")
    visible = sources(VISIBLE)
    compile_library(folder / "UnityEngine.dll", sources(STUBS / "UnityEngine"), [])
    compile_library(folder / "UnityEditor.dll", sources(STUBS / "UnityEditor"), ["UnityEngine"])
    runtime = sources(PACKAGE / "Runtime") + visible
    compile_library(folder / "Framebridge.dll", runtime, ["UnityEngine"])
    names = ["UnityEngine", "UnityEditor", "Framebridge"]
    editor = sources(PACKAGE / "Editor") + visible
    compile_library(folder / "Framebridge.Editor.dll", editor, names)
    names.append("Framebridge.Editor")
    compile_library(folder / "host.exe", sources(HOST), names, kind="exe")
    return folder / "host.exe"


Play = Callable[..., str]


@pytest.fixture
def play(host: Path, native: Native) -> Play:
    """Run scenes of the host; returns what they say. `answers`: what is done when the host says a
    word and waits."""

    def run(*scenes: str, answers: dict[str, Callable[[], object]] | None = None) -> str:
        environment = {
            **os.environ, "LD_LIBRARY_PATH": str(native.folder), "PACKAGE_RESOURCES": str(RESOURCES)
        }  # fmt: skip
        return talk(["mono", "--debug", str(host), *scenes], environment, answers or {})

    return run


def talk(
    words: list[str], environment: dict[str, str], answers: dict[str, Callable[[], object]]
) -> str:
    """Run a program to its end, answering what it asks; it must end well."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        said = []
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode().rstrip("\n")
                said.append(line)
                if line in answers:
                    answers[line]()
                    process.stdin.write(b"done\n")
                    process.stdin.flush()
            code = process.wait(WATCHDOG_S)
        finally:
            process.kill()
            process.wait(WATCHDOG_S)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        errors.seek(0)
        text = "\n".join(said)
        assert code == 0, text + "\n" + errors.read().decode()[-4000:]
        return text


@pytest.fixture(scope="module")
def common_sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """One for all scenes that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch, runtime_folder(patch) as folder:
        sidecar = Sidecar(folder, [])
        sidecar.start()
        yield sidecar
        sidecar.end()


@contextmanager
def runtime_folder(patch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fb") as folder:
        patch.setenv("FRAMEBRIDGE_RUNTIME_DIR", folder)
        patch.setenv("FRAMEBRIDGE_LOG_DIR", f"{folder}/log")
        patch.delenv("FRAMEBRIDGE_ENDPOINT", raising=False)
        yield Path(folder)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `crooked` and `inverted`."""
    folder = tmp_path_factory.mktemp("packages")
    crooked(folder / "crooked")
    inverted(folder / "inverted")
    return folder


@pytest.mark.parametrize("carrier", ["event", "readback"])
def test_every_result_is_the_chart_of_its_own_frame_in_both_color_spaces(
    play: Play, common_sidecar: Sidecar, carrier: str
) -> None:
    play(f"Chart:gamma:{carrier}:20", f"Chart:linear:{carrier}:20")


def test_models_see_frames_upright_unswapped_and_srgb_encoded(
    play: Play, common_sidecar: Sidecar, packages: Path
) -> None:
    model = packages / "crooked"
    play(f"Crooked:linear:event:{model}", f"Crooked:gamma:readback:{model}")


@pytest.mark.parametrize("scene", ["Mix:gamma:event", "Mix:linear:readback"])
def test_half_of_a_moving_edge_has_no_second_edge(
    play: Play, common_sidecar: Sidecar, scene: str
) -> None:
    play(scene)


@pytest.mark.parametrize("space", ["gamma", "linear"])
def test_a_result_is_blended_with_the_frame_that_it_was_made_of(
    play: Play, common_sidecar: Sidecar, packages: Path, space: str
) -> None:
    play(f"MixHalf:{space}:{packages / 'inverted'}")


@pytest.mark.parametrize("carrier", ["event", "readback"])
def test_delay_shows_exactly_the_frame_that_many_before(
    play: Play, common_sidecar: Sidecar, carrier: str
) -> None:
    play(f"Delay:{carrier}:8")


def test_lockstep_shows_each_frame_its_own_result_and_waits_no_longer_than_its_limit(
    play: Play, common_sidecar: Sidecar
) -> None:
    play("Lockstep:event", "Lockstep:readback", "LockstepAlone")


def test_crossfade_fills_the_time_between_results(play: Play, common_sidecar: Sidecar) -> None:
    play("Crossfade:gamma", "Crossfade:linear")


def test_the_maximum_send_rate_is_kept_evenly(play: Play, common_sidecar: Sidecar) -> None:
    play("Rate")


def test_cameras_the_game_view_and_targets(play: Play, common_sidecar: Sidecar) -> None:
    play("OnCamera", "GameView:top", "GameView:bottom", "Targets")


def test_knobs_are_turned_by_scripts_slots_and_the_inspector(
    play: Play, common_sidecar: Sidecar, packages: Path
) -> None:
    play(f"Knobs:{packages / 'crooked'}", f"Inspector:{packages / 'crooked'}")


def test_models_are_swapped_while_frames_run(play: Play, common_sidecar: Sidecar) -> None:
    play("Swap")


@pytest.mark.parametrize("carrier", ["event", "readback"])
def test_the_size_changes_while_frames_run(
    play: Play, common_sidecar: Sidecar, carrier: str
) -> None:
    play(f"Resize:{carrier}")


def test_mishaps_are_no_exceptions_on_the_player_loop(play: Play, common_sidecar: Sidecar) -> None:
    play("Mishaps", "EditMode")


def test_play_mode_fifty_times_leaves_nothing(play: Play, common_sidecar: Sidecar) -> None:
    play("PlayMode")


def test_a_domain_reload_leaves_nothing(play: Play, common_sidecar: Sidecar) -> None:
    play("reload")


@pytest.mark.parametrize("scene", ["Killed:event", "Killed:readback", "Gone:hold", "Gone:clear"])
def test_the_sidecar_is_killed_and_comes_back(
    play: Play, start_sidecar: Callable[..., Sidecar], scene: str
) -> None:
    sidecar = start_sidecar()
    play(scene, answers={"KILL": lambda: sidecar.kill(group=True), "START": sidecar.start})


def test_a_bridge_is_started_for_this_process_and_ends_with_it(
    play: Play, short_folder: Path
) -> None:
    program = sys.executable
    play(f"OwnBridge:{program}:-m:bridge.cli.main")
    assert [path.name for path in short_folder.iterdir() if path.suffix == ".json"] == []


def test_an_application_that_ends_in_the_middle_ends_well(
    play: Play, start_sidecar: Callable[..., Sidecar]
) -> None:
    assert "ends" in play("ExitNow:absent")
    start_sidecar()
    assert "ends" in play("ExitNow:live")


def test_without_the_library_the_filter_says_so(host: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOST_WITHOUT_LIBRARY": "1", "LD_LIBRARY_PATH": str(tmp_path)}
    environment["PACKAGE_RESOURCES"] = str(RESOURCES)
    talk(["mono", "--debug", str(host), "NoLibrary"], environment, {})
