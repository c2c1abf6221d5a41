"""What a running sidecar says it can load, through the client and the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from framebridge_client import BridgeError, connect

from bridge.supervisor.library import shipped_folder
from tests.system.processes import WATCHDOG_S, Sidecar


def ctl_packages(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "ctl", "packages", *words],
        capture_output=True, text=True, timeout=WATCHDOG_S, check=True,
    )  # fmt: skip


def test_a_package_that_is_put_there_is_listed_and_one_that_is_broken_says_why(
    start_sidecar: Callable[..., Sidecar], tmp_path: Path
) -> None:
    start_sidecar("--models", str(tmp_path))
    with connect() as bridge:
        before = [facts["name"] for facts in bridge.packages()]
        assert "upscale-x2" in before
        shutil.copytree(shipped_folder() / "passthrough", tmp_path / "mine")
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "model.toml").write_text("noise")
        found = {facts["name"]: facts for facts in bridge.packages()}
        assert sorted(found) == sorted([*before, "mine", "broken"])
        assert found["mine"]["problem"] == ""
        with pytest.raises(BridgeError) as refused:
            bridge.open("broken", 32, 32)
        assert str(refused.value) == found["broken"]["problem"]
        with bridge.open("mine", 32, 32) as stream:
            assert list(stream.packages) == ["passthrough"]
    told = json.loads(ctl_packages("--json").stdout)
    assert told == {"packages": [found[name] for name in sorted(found)], "left_out": 0}
    shown = ctl_packages()
    (row,) = [line for line in shown.stdout.splitlines() if line.startswith("upscale-x2 ")]
    assert row.split()[1:3] == ["upscale", "x2"]
    assert shown.stderr.startswith("FB-E010")
