"""Godot, the extension built for it, a screen, and projects that play. Slow: `make test-engines`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.godot.engine import Engine, EngineError, engine
from tests.system.live_sidecars import *  # noqa: F403  its fixtures

# Outside the everyday run: it fetches an engine, and draws on the processor.
collect_ignore_glob = [] if os.environ.get("FRAMEBRIDGE_ENGINES") else ["test_*.py"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLUGIN = ROOT / "engine_plugin" / "godot"
WATCHDOG_S = 240.0
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


@dataclass
class Play:
    """A project that plays, and what its probe has written.

    Attributes:
        folder: of the probe's output: report.json, lines of events, pictures.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    log: Path
    _report: dict[str, Any] = field(default_factory=dict)

    def events(self) -> list[list[Any]]:
        """What the probe has said so far: [kind, frame, value]."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("]")]

    def until(self, kind: str, count: int = 1) -> list[Any]:
        """Wait until an event has come so often; it must come while Godot runs."""
        end = time.monotonic() + WATCHDOG_S
        while True:
            ended = self.process.poll() is not None
            found = [event for event in self.events() if event[0] == kind]
            if len(found) >= count:
                return found[count - 1]
            assert not ended, f"Godot ended before {kind}:\n{self.output()}"
            assert time.monotonic() < end, f"no {kind}:\n{self.output()}"
            time.sleep(0.02)

    def wait(self) -> dict[str, Any]:
        """Until it has ended by itself. Returns the probe's report."""
        assert self.process.wait(WATCHDOG_S) == 0, self.output()
        self._report = json.loads((self.folder / "report.json").read_text())
        return self._report

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def pictures(self, kind: str) -> dict[int, npt.NDArray[np.uint8]]:
        """By frame id: uint8 (H, W, 4), RGBA, top row first."""
        return {
            int(path.stem.split("-")[1]): self._picture(path)
            for path in sorted(self.folder.glob(f"{kind}-*.rgba"))
        }

    @staticmethod
    def _picture(path: Path) -> npt.NDArray[np.uint8]:
        width, height = (int(part) for part in path.stem.split("-")[2].split("x"))
        return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 4)


@pytest.fixture
def play(
    godot: Engine, addon: Path, display: str, tmp_path: Path
) -> Iterator[Callable[..., Play]]:
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
            "--resolution", f"{size[0]}x{size[1]}", *words, "--", str(folder / "plan.json"),
        ]  # fmt: skip
        home = Path(tempfile.mkdtemp(prefix="fbgodot"))
        log = folder / "log.txt"
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                env={**os.environ, "DISPLAY": display, "HOME": str(home), "XDG_DATA_HOME": str(home),
                     "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)},
            )  # fmt: skip
        started.append(Play(out, process, log))
        return started[-1]

    yield start
    for played in started:
        if played.process.poll() is None:
            played.process.kill()
            played.process.wait(WATCHDOG_S)
