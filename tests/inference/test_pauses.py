"""A load waits between its steps, in the thread that was told to and in no other."""

from __future__ import annotations

import threading
from pathlib import Path

from bridge.frames import FrameFormat
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.pauses import pause, pausing
from tests.inference.small_models import network


def test_a_load_comes_in_several_steps(tmp_path: Path) -> None:
    network().write(tmp_path / "package")
    steps = []
    with pausing(lambda: steps.append(1)):
        Chain([ModelPackage.open(tmp_path / "package")], FrameFormat(width=32, height=32)).close()
    assert len(steps) >= 3


def test_no_other_thread_waits() -> None:
    waits: list[str] = []
    with pausing(lambda: waits.append(threading.current_thread().name)):
        other = threading.Thread(target=pause, name="other")
        other.start()
        other.join()
        pause()
    pause()
    assert waits == [threading.current_thread().name]
