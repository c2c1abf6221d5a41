"""A converted package runs live like any other, and changes places with one that is on stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from framebridge_client import Bridge

from bridge.apply import Applier
from bridge.inference.runner import RunOptions
from converters.convert import convert
from converters.drawing import draw
from tests.converters.architectures.test_espcn import arrays


def test_from_a_file_to_the_stage(bridge: Bridge, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file(arrays(2), tmp_path / "weights")
    done = convert([tmp_path / "weights"], tmp_path / "enlarger", picture=draw(48, 36))
    frame = np.dstack([draw(48, 36), np.full((36, 48), 255, np.uint8)])
    expected = Applier(done.package, RunOptions(provider="cpu", backend="onnxruntime")).run(frame)
    with bridge.open("passthrough", 48, 36, policy="lockstep") as stream:
        assert stream.process(frame, 10).pixels.shape == (36, 48, 4)
        stream.load([str(done.package.folder)], timeout_s=60)
        result = stream.process(frame, 10)
        assert result.pixels.shape == (72, 96, 4)
        assert np.abs(result.pixels.astype(int) - expected).max() <= 1
