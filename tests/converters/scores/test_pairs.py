"""Figures of pairs of blurred and sharp pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import MediaError, UnsupportedModelError
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.scores.pairs import find_pairs, psnr_of_pairs, psnr_rgb
from tests.converters.proving import shared

MODELS = Path(__file__).parents[3] / "models"


def brightening(folder: Path, levels: float, scale: int = 1) -> ModelPackage:
    """Adds as many levels of 255."""
    graph = NetworkGraph()
    x = graph.nearest(graph.affine("frame", 1, levels / 255), scale)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H2", "W2"))])
    manifest = Manifest(
        format=1, name="brighter", version="1.0.0", task="deblur", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame")], outputs=[FrameOutput(name="out", scale=scale)],
    )  # fmt: skip
    return save(folder / "brighter", manifest, {"model.onnx": model.SerializeToString()})


def pairs(folder: Path, count: int = 3) -> Path:
    """Sharp pictures, and the same with noise and four levels brighter."""
    random = np.random.default_rng(3)
    for index in range(count):
        sharp = random.integers(40, 200, (18, 25, 3))
        blurred = sharp + random.integers(-3, 4, sharp.shape) + 4
        for name, values in (("X_Blur", blurred), ("x_sharp", sharp)):
            place = folder / name / "clip" / f"{index}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(place)
    return folder


def test_a_constant_error_counts_in_the_raw_figure_alone(tmp_path: Path) -> None:
    dataset = pairs(tmp_path / "set")
    told: list[tuple[int, int, str]] = []
    unbiased, raw, worse = psnr_of_pairs(
        brightening(tmp_path, -4), dataset, lambda *said: told.append(said)
    )
    assert [figure.metric for figure in (unbiased, raw, worse)] == [
        "psnr_unbiased_db", "psnr_db", "pairs_worse_than_input"
    ]  # fmt: skip
    assert unbiased.dataset == "set"
    assert unbiased.value == pytest.approx(unbiased.baseline["input"], abs=1e-6)
    assert raw.value == pytest.approx(unbiased.value, abs=0.1)
    assert raw.value > raw.baseline["input"] + 5
    assert worse.value == 0
    assert [row[0] for row in raw.rows] == [f"x_sharp/clip/{i}.png" for i in range(3)]
    assert told[-1] == (2, 3, "x_sharp/clip/2.png")


def test_pictures_that_became_worse_are_counted(tmp_path: Path) -> None:
    dataset = pairs(tmp_path / "set")
    clipped, _, worse = psnr_of_pairs(brightening(tmp_path, 130), dataset, lambda *said: None)
    assert clipped.value < clipped.baseline["input"]
    assert worse.value == 3


def test_the_figure_is_that_of_the_formula() -> None:
    truth = np.zeros((4, 4, 3), np.uint8)
    other = truth + np.array([0, 0, 3], np.uint8)
    assert psnr_rgb(truth, other) == pytest.approx(10 * math.log10(255**2 / 3))
    assert psnr_rgb(truth, other, unbiased=True) == math.inf


def test_what_holds_no_pairs_gets_a_clear_word(tmp_path: Path) -> None:
    package = brightening(tmp_path, 0)
    with pytest.raises(MediaError, match="no such folder"):
        psnr_of_pairs(package, tmp_path / "none", lambda *said: None)
    (tmp_path / "blur").mkdir()
    with pytest.raises(MediaError, match="no such pair"):
        psnr_of_pairs(package, tmp_path, lambda *said: None)
    dataset = pairs(tmp_path / "set")
    (dataset / "x_sharp" / "clip" / "1.png").unlink()
    with pytest.raises(MediaError, match=r"clip/1 in one of them alone"):
        find_pairs(dataset)
    Image.new("RGB", (9, 9)).save(dataset / "x_sharp" / "clip" / "1.png")
    with pytest.raises(MediaError, match="9x9"):
        psnr_of_pairs(package, dataset, lambda *said: None)


def test_a_package_that_enlarges_is_refused(tmp_path: Path) -> None:
    dataset = pairs(tmp_path / "set")
    with pytest.raises(UnsupportedModelError, match="at their size"):
        psnr_of_pairs(brightening(tmp_path, 0, scale=2), dataset, lambda *said: None)


def test_doing_nothing_to_real_pairs_gains_nothing() -> None:
    """The blurred frames of REDS are about two levels brighter: 0.6 dB without any network."""
    dataset = shared("deblur-images/reds")
    package = ModelPackage.open(MODELS / "passthrough")
    unbiased, raw, worse = psnr_of_pairs(package, dataset, lambda *said: None)
    assert len(raw.rows) == 20
    assert (unbiased.value, raw.value) == (unbiased.baseline["input"], raw.baseline["input"])
    assert unbiased.value - raw.value == pytest.approx(0.62, abs=0.01)
    assert worse.value == 0
