"""The roofline beside what this processor does; how near they are is for a benchmark to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import FrameFormatError
from bridge.inference.package import ModelPackage
from converters.this_machine import compare

MODELS = Path(__file__).parents[2] / "models"


def test_the_shipped_upscaler_is_compared() -> None:
    package = ModelPackage.open(MODELS / "upscale-x2")
    found = compare(package, 320, 180)
    assert found.operations_per_s > found.bytes_per_s > 0
    assert found.predicted_ms > 0
    assert found.measured_ms > 0
    # What is held is there for certain; runtimes add blocks of channels and room for later.
    assert found.measured_bytes > 0.9 * found.predicted_bytes > 0
    with pytest.raises(FrameFormatError):
        compare(package, 3, 3)
