"""DeblurGAN-v2: what both backbones share. Their own proofs stand in files of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import detect, parity
from converters.architectures.base import NotThis
from converters.architectures.deblurgan_v2 import ARCHITECTURE
from converters.weights import Weights
from tests.converters.architectures.deblurgan_v2_layouts import filled, inception, mobilenet
from tests.converters.proving import prove, weights_of

SMALL = mobilenet(8, pyramid=16, width=8)


def built(weights: Weights) -> bytes:
    config = ARCHITECTURE.recognise(weights).config
    return ARCHITECTURE.build(weights, config).model.SerializeToString()


@pytest.mark.parametrize("prefix", ["module.", "generator.module."])
def test_the_prefix_of_all_names_is_found(prefix: str) -> None:
    weights = weights_of(filled(SMALL, prefix=prefix))
    config = ARCHITECTURE.recognise(weights).config
    assert config.prefix == prefix
    plain = weights_of(filled(SMALL))
    assert built(weights) == built(plain)
    frame = {"frame": np.zeros((1, 3, 40, 33), np.float32)}
    results = [
        ARCHITECTURE.reference(parity.NumpyOps(), each, ARCHITECTURE.recognise(each).config, frame)
        for each in (weights, plain)
    ]
    assert np.array_equal(results[0]["deblurred"], results[1]["deblurred"])


def test_zeros_are_added_to_the_next_multiple_of_32_even_where_the_size_is_one() -> None:
    network = prove(ARCHITECTURE, weights_of(filled(SMALL)), (64, 32))
    frame = parity.inputs_for(network, (64, 32))["frame"]
    # A frame that has the zeros already gets a whole 32 more, and other statistics.
    padded = np.pad(frame, ((0, 0), (0, 0), *((0, 32 - side % 32) for side in frame.shape[2:])))
    model = network.model.SerializeToString()
    once, twice = (parity.run(model, {"frame": each})["deblurred"] for each in (frame, padded))
    height, width = frame.shape[2:]
    assert once.shape == frame.shape
    assert np.abs(twice[:, :, :height, :width] - once).max() > 0.01


def test_norms_of_the_pyramid_may_have_weights() -> None:
    arrays = filled(SMALL)
    for name, channels in (("fpn.td1", 16), ("fpn.td2", 16), ("fpn.td3", 16), ("smooth", 8)):
        arrays[f"{name}.1.weight"] = np.linspace(0.5, 1.5, channels, dtype=np.float32)
        arrays[f"{name}.1.bias"] = np.linspace(-0.5, 0.5, channels, dtype=np.float32)
    weights = weights_of(arrays)
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    inputs, ops = parity.inputs_for(network, (40, 33)), parity.NumpyOps()
    measured = parity.measure(ARCHITECTURE, network, weights, config, ops, inputs)
    assert measured.max_abs_error <= parity.TOLERANCE


@pytest.mark.parametrize("layout", [SMALL, inception(16, 16, 8, (1, 1, 1))])
def test_either_name_of_a_backbone_s_array_is_enough(layout: Any) -> None:
    arrays = filled(layout)
    graphs = set()
    for dropped in ("", "fpn.enc", "fpn.features", "fpn.inception"):
        kept = {n: a for n, a in arrays.items() if not dropped or not n.startswith(dropped)}
        graphs.add(built(weights_of(kept)))
    assert len(graphs) == 1


def test_where_the_two_names_differ_the_stage_s_array_is_used_as_pytorch_loads_it_last() -> None:
    arrays = filled(SMALL)
    changed = {**arrays, "fpn.features.2.conv.0.weight": arrays["fpn.enc1.0.conv.0.weight"] * 2}
    assert built(weights_of(arrays)) == built(weights_of(changed))


def test_the_backbone_and_the_widths_are_told_by_the_arrays() -> None:
    found = ARCHITECTURE.recognise(weights_of(filled(SMALL)))
    assert found.facts == {"backbone": "mobilenet", "pyramid": 16, "width": 8}
    found = ARCHITECTURE.recognise(weights_of(filled(inception(16, 32, 16, (1, 1, 1)))))
    assert found.facts == {"backbone": "inception", "pyramid": 32, "width": 16}


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("fpn.lateral4.weight", None, "no fpn.lateral4"),
        ("fpn.lateral4.weight", (16, 40, 3, 3), "1x1"),
        ("fpn.lateral4.weight", (), "1x1"),
        ("head1.block1.weight", (8, 8, 1, 1), "head1"),
        ("head1.block1.weight", (0, 0, 3, 3), "head1"),
        ("final.weight", (1, 4, 3, 3), "final"),
        ("fpn.td1.0.weight", None, "td1"),
    ],
)
def test_arrays_of_another_network_are_refused(
    name: str, shape: tuple[int, ...] | None, reason: str
) -> None:
    arrays = filled(SMALL)
    del arrays[name]
    if shape is not None:
        arrays[name] = np.zeros(shape, np.float32)
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(arrays))


def test_of_all_networks_it_is_chosen() -> None:
    for layout in (SMALL, inception(16, 16, 8, (1, 1, 1))):
        assert detect.recognise(weights_of(filled(layout)))[0] is ARCHITECTURE


def test_its_own_arrays_are_near() -> None:
    assert ARCHITECTURE.nearness(weights_of(filled(SMALL, prefix="module."))) == 1
    assert ARCHITECTURE.nearness(weights_of({"conv1.conv2d.weight": np.zeros(1)})) == 0


def test_another_backbone_is_refused() -> None:
    arrays = {name: a for name, a in filled(SMALL).items() if ".features." not in name}
    arrays = {name: a for name, a in arrays.items() if ".enc0." not in name}
    with pytest.raises(NotThis, match="neither MobileNetV2 nor Inception"):
        ARCHITECTURE.recognise(weights_of(arrays))


@pytest.mark.parametrize(
    "name",
    ["fpn.lateral2.weight", "head3.block0.weight", "smooth.0.bias", "smooth2.0.weight",
     "final.bias", "fpn.td3.0.weight"],
)  # fmt: skip
def test_missing_misshapen_and_infinite_arrays_are_errors_that_name_them(name: str) -> None:
    arrays = filled(SMALL)
    config = ARCHITECTURE.recognise(weights_of(arrays)).config
    for bad in (None, np.zeros((3, 3), np.float32), np.full_like(arrays[name], np.inf)):
        others = {**arrays, name: bad} if bad is not None else dict(arrays)
        if bad is None:
            del others[name]
        with pytest.raises(NetworkError, match=name):
            ARCHITECTURE.build(weights_of(others), config)
