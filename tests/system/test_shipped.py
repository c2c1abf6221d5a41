"""Every shipped package plays in the demo; what ticks by itself repeats itself byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from framebridge_client import Bridge

from bridge.demo.plan import plan
from bridge.inference.package import ModelPackage
from bridge.supervisor.library import shipped_folder
from tests.system.processes import WATCHDOG_S

PACKAGES = {
    package.name: package
    for path in sorted(shipped_folder().glob("*/model.toml"))
    for package in [ModelPackage.peek(path.parent)]
}
FREE = [name for name, package in PACKAGES.items() if plan(package.manifest).policy == "free"]
SIZE, TICKS = (128, 96), 600
OF_EACH_KIND = ("upscale-x3", "deblur-motion", "style-mosaic", "next-growth", "edges-to-shoes")
SHOWN = list(PACKAGES) if "FRAMEBRIDGE_ALL_PACKAGES" in os.environ else OF_EACH_KIND
"""`make models-check` plays every one."""


@pytest.mark.parametrize("name", SHOWN)
def test_a_shipped_package_plays_in_the_demo(name: str, short_folder: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bridge.cli.main", "demo", "--model", name, "--seconds", "1"]
    words += ["--output", str(tmp_path), "--json"]
    port = PACKAGES[name].manifest.frame_input
    if port is not None and not port.size.fixed:
        words += ["--size", f"{SIZE[0]}x{SIZE[1]}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["exact"]
    assert said["compared"] >= 1
    assert said["shown"] >= 1
    assert said["pictures"]
    for picture in (*said["pictures"], "clip.mp4"):
        assert (tmp_path / picture).stat().st_size > 500


@pytest.mark.parametrize("name", FREE)
def test_600_ticks_of_one_seed_are_the_same_bytes_every_time(name: str, bridge: Bridge) -> None:
    wanted = plan(PACKAGES[name].manifest, size=SIZE).size or SIZE

    def ticks(seed: int, count: int = TICKS) -> list[str]:
        digests: list[str] = []
        end = time.monotonic() + 2 * WATCHDOG_S
        with bridge.open(name, *wanted, policy="free", rate=1000, seed=seed, every=True) as stream:
            while len(digests) < count:
                assert time.monotonic() < end, f"{len(digests)} ticks of {count}"
                result = stream.poll()
                if result is None:
                    time.sleep(0.0005)
                    continue
                assert result.frame_id == len(digests) + 1
                digests.append(hashlib.sha256(result.pixels.tobytes()).hexdigest())
        return digests

    first = ticks(7)
    assert ticks(7) == first
    assert len(set(first)) > TICKS * 0.9, "it stands still"
    assert not set(ticks(8, 20)) & set(first)
