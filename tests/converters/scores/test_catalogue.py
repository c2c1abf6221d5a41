"""Which measures there are, and which a package is measured by."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import UsageError
from bridge.inference.package import ModelPackage
from converters.scores.catalogue import MEASURES, measures_of

MODELS = Path(__file__).parents[3] / "models"


def test_a_package_is_measured_by_the_measures_of_its_task() -> None:
    upscaler = ModelPackage.open(MODELS / "upscale-x2")
    assert [measure.name for measure in measures_of(upscaler)] == ["psnr-y"]
    assert measures_of(upscaler, "pairs") == [MEASURES["pairs"]]


def test_what_has_no_measure_is_told_which_there_are() -> None:
    nothing = ModelPackage.open(MODELS / "passthrough")
    with pytest.raises(UsageError, match=r"--measure: .*psnr-y"):
        measures_of(nothing)
    with pytest.raises(UsageError, match=r"one of .*psnr-y"):
        measures_of(nothing, "psnr")


def test_each_measure_says_what_it_is() -> None:
    for name, measure in MEASURES.items():
        assert name == measure.name
        assert not measure.about.endswith(".")
        assert len(measure.about) > 10
