"""Compiles the package's sources with mono's compiler, and runs programs on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "engine_plugin" / "unity"
STUBS = Path(__file__).parent / "stubs"
HOST = Path(__file__).parent / "host"
COMPILE_LIMIT_S = 120


def need_mono() -> None:
    """Skip the test where the package's sources cannot be compiled and run."""
    for program in ("mcs", "mono"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install mono-mcs mono-runtime")


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.cs"))


def compile_library(
    out: Path, files: list[Path], references: list[str], defines: str = "", kind: str = "library"
) -> None:
    """An assembly, in the C# that Unity takes; warnings are errors, but for fields that only
    Unity's serializer sets (0649), and those that only a stub leaves alone."""
    words = [
        "mcs", "-unsafe", "-langversion:latest", "-debug", "-warnaserror", "-nowarn:0649,0414,0067",
        f"-target:{kind}", f"-out:{out}", f"-lib:{out.parent}",
    ]  # fmt: skip
    words += [f"-r:{name}.dll" for name in references]
    if defines:
        words.append(f"-define:{defines}")
    done = subprocess.run(
        words + [str(file) for file in files], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=COMPILE_LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def run_mono(
    program: Path, words: list[str], limit_s: float, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["mono", "--debug", str(program), *words], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=limit_s, env={**os.environ, **(environment or {})},
    )  # fmt: skip
