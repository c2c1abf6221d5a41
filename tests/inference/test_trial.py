"""Packages that do what they say pass; the others are told what is wrong."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bridge.errors import GraphMismatchError, InferenceError, UnsupportedModelError
from bridge.inference.manifest import FrameOutput, Size
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.inference.trial import Verdict, smallest_format, try_out

CPU = RunOptions(provider="cpu")


def verify(package: ModelPackage, options: RunOptions) -> Verdict:
    return try_out(package, smallest_format(package), options)


def test_a_good_package_passes_with_what_was_seen(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.network(scale=2, tail="DCR").write(tmp_path / "small")
    verdict = verify(package, CPU)
    assert (verdict.source, verdict.result) == ((64, 64), (128, 128))
    assert verdict.model_ms >= 0
    assert verdict.execution.startswith("onnxruntime ")
    assert verdict.execution.endswith(", cpu")


@pytest.mark.parametrize(
    ("size", "ran_at"),
    [
        ({"fixed": [24, 40]}, (24, 40)),
        ({"min": [80, 16]}, (80, 64)),
        ({"max": [32, 100]}, (32, 64)),
        ({"min": [16, 16], "max": [16, 16]}, (16, 16)),
        ({"multiple_of": 48}, (64, 64)),
        ({"multiple_of": 128}, (128, 128)),
        ({"multiple_of": 128, "padding": "edge", "max": [100, 100]}, (100, 100)),
    ],
    ids=str,
)
def test_a_package_is_run_at_a_size_that_it_takes(
    size: dict[str, Any], ran_at: tuple[int, int], tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.network(size=Size(**size)).write(tmp_path / "small")
    assert verify(package, CPU).source == ran_at


def test_a_package_that_wrongly_says_that_it_repeats_itself_is_refused(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.noise().write(tmp_path / "noise")
    with pytest.raises(GraphMismatchError) as caught:
        verify(package, CPU)
    assert caught.value.place == f"{package.folder} deterministic"
    assert "deterministic = false" in caught.value.remedy


def test_a_package_that_says_that_it_is_random_passes(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.noise().stating(deterministic=False).write(tmp_path / "noise")
    assert verify(package, CPU).source == (64, 64)


def test_parameters_have_their_defaults(tmp_path: Path, small_models: ModuleType) -> None:
    assert verify(small_models.knobs().write(tmp_path / "knobs"), CPU).result == (64, 64)


def test_a_package_whose_scale_is_another_is_refused(
    tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network(scale=2, tail="nearest")
    package = model.stating(outputs=[FrameOutput(name="result", scale=1)]).write(tmp_path / "small")
    with pytest.raises(InferenceError):
        verify(package, CPU)


def test_a_package_that_cannot_be_run_yet_is_told_so(
    tmp_path: Path, small_models: ModuleType
) -> None:
    with pytest.raises(UnsupportedModelError):
        verify(small_models.masked().write(tmp_path / "small"), CPU)


def test_a_model_of_weights_that_are_no_numbers_passes_and_is_said_to(
    tmp_path: Path, small_models: ModuleType
) -> None:
    assert verify(small_models.network().write(tmp_path / "small"), CPU).finite
    model = small_models.network()
    model.core.graph.initializer[0].raw_data = np.full(162, np.nan, np.float32).tobytes()
    assert not verify(model.write(tmp_path / "nan"), CPU).finite
