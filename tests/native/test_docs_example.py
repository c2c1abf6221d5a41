"""The example of docs/native.md, as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native_builds import Native
from tests.system.processes import Sidecar

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "native.md"
HEADER = ROOT / "engine_plugin" / "native" / "include" / "framebridge.h"
WATCHDOG_S = 200.0

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the page compiles it by cc"),
    pytest.mark.timeout(300),
]


@pytest.fixture
def example(native: Native, tmp_path: Path) -> Path:
    """Compiled with every warning an error, since people copy it."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: sudo apt-get install -y gcc")
    source = tmp_path / "example.c"
    source.write_text(blocks("c")[0])
    program = tmp_path / "example"
    compiled = subprocess.run(
        [compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror",
         f"-I{HEADER.parent}", str(source), f"-L{native.folder}", "-lframebridge",
         f"-Wl,-rpath,{native.folder}", "-o", str(program)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    return program


def blocks(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE.read_text())


def run(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(program), *words], env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=WATCHDOG_S,
    )  # fmt: skip


def said(done: subprocess.CompletedProcess[str]) -> tuple[str, dict[str, int]]:
    """The first line, and the counts of the last."""
    first, last = done.stdout.splitlines()
    counts = re.match(r"sent (\d+), returned (\d+), dropped (\d+), skipped (\d+); ", last)
    assert counts, last
    names = ("sent", "returned", "dropped", "skipped")
    return first, dict(zip(names, map(int, counts.groups()), strict=True))


def test_it_compiles_and_its_frames_come_back_from_a_live_sidecar(
    example: Path, start_sidecar: Callable[..., Sidecar]
) -> None:
    start_sidecar("--keep-priority")
    done = run(example, "passthrough")
    assert (done.returncode, done.stderr) == (0, "")
    first, counts = said(done)
    assert first.startswith("results of 320 x 180, the first of frame ")
    assert counts["returned"] >= 30
    assert counts["sent"] >= counts["returned"] + counts["dropped"]


def test_it_starts_a_bridge_of_its_own_where_none_runs(example: Path, short_folder: Path) -> None:
    done = run(example, "passthrough")
    assert (done.returncode, done.stderr) == (0, "")
    assert said(done)[1]["returned"] >= 30
    assert not (short_folder / "bridge.json").exists(), "one that others find"


def test_it_says_what_is_wrong_with_a_model_that_there_is_not(
    example: Path, start_sidecar: Callable[..., Sidecar]
) -> None:
    start_sidecar()
    done = run(example, "passthru")
    assert done.returncode == 1
    assert done.stderr.startswith("the model does not run: FB-E011 ")
    assert "Did you mean 'passthrough'?" in done.stderr


def test_the_page_names_every_function_and_nothing_that_there_is_not() -> None:
    functions = set(re.findall(r"FB_CALL (\w+)\(", HEADER.read_text()))
    constants = set(re.findall(r"\b(FB_[A-Z][A-Z_]+[A-Z0-9])\b", HEADER.read_text()))
    page = PAGE.read_text()
    assert f"{['', 'fourteen'][len(functions) == 14]}\nfunctions" in page
    assert set(re.findall(r"\b(fb_[a-z_]+)\(", page)) <= functions
    named = set(re.findall(r"\b(FB_[A-Z][A-Z_]+[A-Z0-9])\b", page))
    assert named <= constants, named - constants
