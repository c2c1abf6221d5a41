"""Predicted frames a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bridge.errors import FrameFormatError
from bridge.inference.package import ModelPackage
from converters.cost_report import cost_of
from converters.devices import BY_NAME, DEVICES, Device
from converters.graph import NetworkGraph
from converters.layers import Layer, Work, work_of
from converters.roofline import (
    ARITHMETIC_REACHED,
    BANDWIDTH_REACHED,
    LAUNCH_S,
    MATRIX_REACHED,
    package_work,
    predict,
    training_bytes,
    training_step_s,
    usual_size,
)

MODELS = Path(__file__).parents[2] / "models"
PLAIN = Device("plain", 1000, 1.0, 100, "vector", "")
"""2 trillion operations and 100 billion bytes a second."""


def work(*layers: tuple[float, float]) -> Work:
    """Of (macs, values) each."""
    made = [
        Layer(f"{i}", "Conv", int(macs), int(macs), int(values), 0)
        for i, (macs, values) in enumerate(layers)
    ]
    return Work((10, 10), made, 1000, 5000)


def test_each_layer_takes_the_longer_of_arithmetic_and_memory() -> None:
    full, half = predict(work((1e9, 1e3), (1e3, 1e8)), devices=[PLAIN])
    arithmetic = 2e9 / (2e12 * ARITHMETIC_REACHED)
    memory = 4e8 / (1e11 * BANDWIDTH_REACHED)
    assert full.frame_ms == pytest.approx(1000 * (arithmetic + memory + 2 * LAUNCH_S))
    assert full.bound == "memory"
    assert full.frames_per_s == pytest.approx(1000 / full.frame_ms)
    assert half.frame_ms == pytest.approx(1000 * ((arithmetic + memory) / 2 + 2 * LAUNCH_S))


def test_many_small_layers_wait_for_their_launches() -> None:
    (full, _) = predict(work(*[(10, 10)] * 100), devices=[PLAIN])
    assert full.bound == "launches"
    assert full.frame_ms == pytest.approx(100 * LAUNCH_S * 1000, rel=0.01)


@pytest.mark.parametrize(
    ("half", "rate", "expected"),
    [
        ("storage", 1, 1), ("same", 1, 1), ("vector", 1, 2),
        ("matrix", 8, 8 * MATRIX_REACHED / ARITHMETIC_REACHED), ("matrix", 1, 1),
    ],
)  # fmt: skip
def test_float16_is_as_fast_as_the_units_for_it(half: str, rate: float, expected: float) -> None:
    device = Device("one", 1000, 1.0, 1e6, half, "", rate)  # type: ignore[arg-type]
    full, sixteen = predict(work((1e12, 1)), devices=[device])
    assert full.frame_ms / sixteen.frame_ms == pytest.approx(expected, rel=0.01)


def test_a_step_of_training_is_three_times_a_forward_pass() -> None:
    one = work((1e9, 1e3))
    (full, _) = predict(one, devices=[PLAIN])
    step = training_step_s(one, batch=4, devices=[PLAIN])["plain"]
    assert step == pytest.approx(12 * (full.frame_ms / 1000 - LAUNCH_S) + 3 * LAUNCH_S)
    assert training_bytes(one, 4) == 4 * 4 * 1000


def test_a_graph_can_be_given_as_it_is() -> None:
    graph = NetworkGraph()
    x = graph.conv("frame", np.ones((16, 3, 3, 3), np.float32), pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 16, "H", "W"))])
    assert predict(model, 64, 32) == predict(work_of(model, 64, 32))
    assert training_step_s(model, 64, 32) == training_step_s(work_of(model, 64, 32))


def test_makers_peaks_are_what_units_and_clocks_give() -> None:
    """Trillions of operations as the makers state them."""
    stated = {
        "GeForce GTX 1070": 6.5, "GeForce RTX 3080": 29.8, "GeForce RTX 4090": 82.6,
        "GeForce RTX 5090": 104.8, "Radeon RX 6700 XT": 13.2, "Apple M1 (8 cores)": 2.6,
        "NVIDIA H200": 67.0,
    }  # fmt: skip
    for name, peak in stated.items():
        assert BY_NAME[name].float32_per_s / 1e12 == pytest.approx(peak, rel=0.01)
    assert BY_NAME["GeForce RTX 4090"].float16_per_s / 1e12 == pytest.approx(165.2, rel=0.01)
    assert BY_NAME["NVIDIA H200"].float16_per_s / 1e12 == pytest.approx(989, rel=0.01)
    assert len(BY_NAME) == len(DEVICES) >= 12
    assert all(device.source in "nhaim" for device in DEVICES)


def test_a_package_is_predicted_without_its_weights_at_the_padded_size() -> None:
    package = ModelPackage.open(MODELS / "upscale-x2")
    model = onnx.load(package.graph_path())
    assert package_work(package, 320, 180) == work_of(model, 320, 180)
    assert usual_size(package.manifest) == (960, 540)
    with pytest.raises(FrameFormatError, match="at least 16x16"):
        package_work(package, 8, 8)


def test_the_report_counts_what_the_manifest_states() -> None:
    package = ModelPackage.open(MODELS / "upscale-x2")
    report = cost_of(package)
    assert report.parameters == package.manifest.cost.parameters
    assert report.macs_per_pixel == package.manifest.cost.macs_per_input_pixel
    assert report.file_bytes == {"float32": package.graph_path().stat().st_size}
    assert report.common().device.name == "GeForce RTX 3060"
    facts = report.as_map()
    assert len(facts["predictions"]) == 2 * len(DEVICES)
    assert len(report.rows()) == len(DEVICES)
    assert facts["assumptions"]
