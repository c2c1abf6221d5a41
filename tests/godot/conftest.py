"""Godot, the extension built for it, a screen, and projects that play: `make test-engines`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.godot.engine import ROOT, Engine, EngineError, engine
from tests.godot.plays import WATCHDOG_S, Play
from tests.system.live_sidecars import *  # noqa: F403  its fixtures

# Outside the everyday run: it fetches an engine, and draws on the processor.
collect_ignore_glob = [] if os.environ.get("FRAMEBRIDGE_ENGINES") else ["test_*.py"]

HERE = Path(__file__).parent
PLUGIN = ROOT / "engine_plugin" / "godot"
BUILD_LIMIT_S = 1800
ADDON = "res://addons/framebridge/framebridge.gdextension"


@pytest.fixture(scope="session")
def godot() -> Engine:
    try:
        return engine()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def addon(godot: Engine) -> Path:
    """The addon's folder, with the libraries built."""
    done = subprocess.run(
        [sys.executable, str(PLUGIN / "build.py"), *godot.words], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=BUILD_LIMIT_S,
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A screen of its own, such as `:5`."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Godot draws on a screen: sudo apt-get install -y xvfb")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x720x24", "-nolisten", "tcp"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        pass_fds=[write],
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(WATCHDOG_S)


@pytest.fixture
def play(godot: Engine, addon: Path, display: str, tmp_path: Path) -> Iterator[Callable[..., Play]]:
    """Play the demo project with a probe in it, which is told `plan` (see probe.gd)."""
    started: list[Play] = []

    def start(plan: dict[str, Any], *words: str) -> Play:
        folder = tmp_path / f"play{len(started)}"
        project, out = folder / "project", folder / "out"
        out.mkdir(parents=True)
        shutil.copytree(addon.parents[1], project, ignore=shutil.ignore_patterns(".godot"))
        for probe in HERE.glob("*.gd"):
            shutil.copy(probe, project)
        (project / "override.cfg").write_text('[autoload]\n\nProbe="*res://probe.gd"\n')
        # The list that the editor would make when it first opens the project.
        (project / ".godot").mkdir()
        (project / ".godot" / "extension_list.cfg").write_text(f"{ADDON}\n")
        (folder / "plan.json").write_text(json.dumps({**plan, "out": str(out)}))
        size = plan.get("window", [320, 180])
        command = [
            *godot.words, "--path", str(project), "--audio-driver", "Dummy",
            "--rendering-method", plan.get("method", "gl_compatibility"),
            "--resolution", f"{size[0]}x{size[1]}", "--max-fps", "30", *words,
            "--", str(folder / "plan.json"),
        ]  # fmt: skip
        home = str(tmp_path / "home")
        variables = {**os.environ, "DISPLAY": display, "HOME": home, "XDG_DATA_HOME": home}
        log = folder / "log.txt"
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                env={**variables, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
            )  # fmt: skip
        started.append(Play(out, process, log))
        return started[-1]

    yield start
    for played in started:
        if played.process.poll() is None:
            played.process.kill()
            played.process.wait(WATCHDOG_S)
