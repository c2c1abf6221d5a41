"""A package's picture without the bridge is the bridge's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.apply import Applier
from bridge.frames import Pixels
from bridge.inference.manifest import Graph, Manifest
from bridge.inference.package import ModelPackage, save
from converters import parity, preview
from converters.architectures import espcn, pix2pix_mix
from converters.architectures.base import Network
from converters.drawing import draw
from tests.converters.architectures.test_espcn import arrays as espcn_arrays
from tests.converters.architectures.test_pix2pix import arrays
from tests.converters.proving import weights_of


def package_of(network: Network, folder: Path) -> ModelPackage:
    graph = Graph(file="model.onnx", precision="float32", sha256="0" * 64)
    manifest = Manifest(
        format=1, name="shown", version="1.0.0", task=network.task, license="MIT", graphs=[graph],
        inputs=network.inputs, outputs=network.outputs,
    )  # fmt: skip
    return save(folder / "shown", manifest, {"model.onnx": network.model.SerializeToString()})


def mixed() -> Network:
    return pix2pix_mix.mix(weights_of(arrays(2, seed=1)), weights_of(arrays(2, seed=2)))[1]


def upscaler() -> Network:
    weights = weights_of(espcn_arrays(2))
    return espcn.ARCHITECTURE.build(weights, espcn.ARCHITECTURE.recognise(weights).config)


def picture(side: int) -> Pixels:
    rgb = np.asarray(Image.fromarray(draw()).resize((side, side)))
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def test_it_shows_what_the_bridge_makes(tmp_path: Path) -> None:
    package, frame = package_of(upscaler(), tmp_path), picture(60)
    shown, seconds = preview.preview(package, frame, repeats=1)
    applier = Applier(package)
    try:
        expected = applier.run(frame)
    finally:
        applier.close()
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 1
    assert seconds > 0


def test_knobs_stand_at_their_defaults_and_ranges_are_kept(tmp_path: Path) -> None:
    network, frame = mixed(), picture(256)
    package = package_of(network, tmp_path)
    shown, _ = preview.preview(package, frame, repeats=1)
    rgb = frame[..., :3].transpose(2, 0, 1)[None]
    inputs = {"frame": (rgb / 127.5 - 1).astype(np.float32), "mix": np.float32([0.5])}
    made = parity.run(network.model.SerializeToString(), inputs)["picture"]
    expected = (made[0].transpose(1, 2, 0).astype(np.float64) + 1) * 127.5
    assert np.abs(shown[..., :3] - expected).max() <= 0.51
    assert shown[..., 3].min() == 255


def test_the_picture_keeps_its_size_whatever_the_network_takes(tmp_path: Path) -> None:
    frame = np.full((30, 50, 4), 255, np.uint8)
    shown, _ = preview.preview(package_of(mixed(), tmp_path), frame, repeats=1)
    assert shown.shape == frame.shape


def test_only_large_packages_of_frames_are_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_of(mixed(), tmp_path)
    assert not preview.suits(package)
    monkeypatch.setattr(preview, "LARGE_BYTES", 1000)
    assert preview.suits(package)
