"""Flicker and edge energy of packages on small clips."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import MediaError
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.scores.catalogue import measures_of
from converters.scores.flicker import FILTER, INPUT, METRIC, METRIC_EDGES, edge_energy, flicker
from tests.converters.scores.test_optical_flow import soft_noise


def scaling(folder: Path, contrast: float) -> ModelPackage:
    """Multiplies each frame."""
    graph = NetworkGraph()
    x = graph.add("Mul", ["frame", graph.constant(contrast, np.float32)])
    sides = (1, 3, "H", "W")
    model = graph.model([("frame", sides)], [(x, "out", sides)])
    manifest = Manifest(
        format=1, name="scaling", version="1.0.0", task="stylize", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame")], outputs=[FrameOutput(name="out")],
    )  # fmt: skip
    return save(folder / "scaling", manifest, {"model.onnx": model.SerializeToString()})


def clip(folder: Path, noise: int = 0, count: int = 3) -> Path:
    """A camera that passes over a picture, two pixels a frame."""
    folder.mkdir()
    random, whole = np.random.default_rng(5), soft_noise(80, 120)
    for index in range(count):
        frame = whole[:, 2 * index : 2 * index + 96].astype(int)
        frame += random.integers(-noise, noise + 1, frame.shape)
        Image.fromarray(frame.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


def quiet(done: int, count: int, name: str) -> None:
    """Nobody watches."""


def test_a_camera_that_moves_is_no_flicker_and_noise_is(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    package = scaling(tmp_path, 0.5)
    still, _ = flicker(package, clip(tmp_path / "still"), quiet, tmp_path)
    noisy, _ = flicker(package, clip(tmp_path / "noisy", noise=12), quiet, tmp_path)
    assert still.metric == METRIC
    assert still.value < 0.5
    # Two independent errors of up to 12, halved; warping smooths one of them.
    assert 2 < noisy.value < 5
    assert noisy.baseline[INPUT] == pytest.approx(2 * noisy.value, rel=0.02)
    assert [name for name, _, _ in noisy.rows] == ["1", "2"]


def test_edge_energy_follows_contrast(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    _, edges = flicker(scaling(tmp_path, 0.5), clip(tmp_path / "clip"), quiet, tmp_path)
    assert edges.metric == METRIC_EDGES
    assert edges.value == pytest.approx(0.5 * edges.baseline[INPUT], rel=1e-3)
    assert len(edges.rows) == 3


def test_frames_of_the_filter_are_measured_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    frames = clip(tmp_path / "clip")
    rendered = tmp_path / "filtered" / "scaling" / "clip"
    rendered.mkdir(parents=True)
    for path in frames.iterdir():
        pixels = np.asarray(Image.open(path))
        Image.fromarray(pixels // 4).save(rendered / path.name)
    package = scaling(tmp_path, 0.5)
    _, edges = flicker(package, frames, quiet, tmp_path / "filtered")
    assert edges.baseline[FILTER] == pytest.approx(0.5 * edges.value, rel=0.1)
    (rendered / "1.png").unlink()
    with pytest.raises(MediaError, match=r"1\.png"):
        flicker(package, frames, quiet, tmp_path / "filtered")


def test_flow_is_found_again_when_a_clip_has_changed(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    frames, package = clip(tmp_path / "clip"), scaling(tmp_path, 1.0)
    flicker(package, frames, quiet, tmp_path)
    for path in sorted(frames.iterdir()):
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
        os.utime(path, (1, 1))
    turned, _ = flicker(package, frames, quiet, tmp_path)
    assert turned.value < 0.5


def test_one_frame_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="two consecutive frames"):
        flicker(scaling(tmp_path, 1.0), clip(tmp_path / "clip", count=1), quiet, tmp_path)


def test_edge_energy_of_a_slope_is_its_steepness() -> None:
    slope = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None] * 3, (32, 20, 3))
    assert edge_energy(slope) == pytest.approx(3, rel=1e-4)


def test_stylizing_packages_are_measured_by_it(tmp_path: Path) -> None:
    names = [measure.name for measure in measures_of(scaling(tmp_path, 1.0))]
    assert "flicker" in names
