"""The built wheel, in an empty environment outside the checkout, gives a working demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.system.processes import ROOT

SUMMARY = (
    r"demo: \d+ of \d+ frames back, \d+ ticks/s, "
    r"age p50 [\d.]+ ms p99 [\d.]+ ms, model [\d.]+ ms"
)


@pytest.mark.timeout(420)
def test_the_wheel_alone_gives_a_working_demo(short_folder: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*build, "--wheel-dir", tmp_path / "dist", ROOT, ROOT / "engine_plugin" / "python")
    wheel, client = sorted((tmp_path / "dist").glob("*.whl"), key=lambda p: len(p.name))
    assert client.name.startswith("framebridge_client-")

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", client, f"{wheel}[cpu]")

    framebridge = environment / "bin" / "framebridge"
    listed = json.loads(run(framebridge, "models", "list", "--json", cwd=tmp_path))
    here = {path.parent.name for path in (ROOT / "models").glob("*/model.toml")}
    assert {row["name"] for row in listed} == here >= {"passthrough", "upscale-x2"}
    # The files are those of the checkout, where all are verified.
    facts = run(
        framebridge, "models", "verify", "passthrough", "upscale-x2", "--json", cwd=tmp_path
    )
    assert [row["ok"] for row in json.loads(facts)] == [True, True]
    said = run(framebridge, "demo", "--seconds", "2", "--size", "96x64", cwd=tmp_path)
    assert re.fullmatch(SUMMARY, said.strip())
    report = json.loads((tmp_path / "out" / "demo" / "report.json").read_text())
    assert report["replay_equals_apply"]
    assert report["returned"] > 0
    for name in ("clip.mp4", "before-after.png"):
        assert (tmp_path / "out" / "demo" / name).stat().st_size > 1000

    trained = subprocess.run(
        [framebridge, "train", "next-frame", "clip.mp4", "--name", "sea"], cwd=tmp_path,
        env=without_checkout(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert trained.returncode == 3, "the recipes are not in the wheel"
    assert "framebridge[train]" in trained.stderr


def without_checkout() -> dict[str, str]:
    # Without PYTHONPATH nothing of the checkout can be seen.
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def run(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=without_checkout(), capture_output=True,
        text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
