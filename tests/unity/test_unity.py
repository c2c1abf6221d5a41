"""The package's own sources, compiled with mono's compiler against stand-ins for the engine, run with
the real native library, real OpenGL textures and a live sidecar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.native_builds import Native
from tests.system.processes import Sidecar
from tests.unity.mono import HOST, PACKAGE, STUBS, compile_library, need_mono, sources

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
