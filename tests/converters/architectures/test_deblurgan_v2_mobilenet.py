"""DeblurGAN-v2 on MobileNetV2, of any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.deblurgan_v2 import ARCHITECTURE
from tests.converters.architectures.deblurgan_v2_layouts import filled, mobilenet
from tests.converters.proving import prove, weights_of

SIZES = ((77, 50), (40, 33), (101, 70))
"""None a multiple of 32."""


@pytest.mark.parametrize(("divisor", "pyramid", "size"), [(4, 16, (77, 50)), (8, 24, (32, 32))])
def test_the_graph_is_the_network(divisor: int, pyramid: int, size: tuple[int, int]) -> None:
    weights = weights_of(filled(mobilenet(divisor, pyramid, pyramid // 2)))
    network = prove(ARCHITECTURE, weights, size)
    assert network.inputs[0].size.min == [32, 32]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["features.0.0.weight", "features.3.conv.3.weight", "features.14.conv.7.bias"]
)
def test_missing_and_misshapen_arrays_of_the_backbone_are_errors(name: str) -> None:
    arrays = filled(mobilenet(8, 16, 8))
    config = ARCHITECTURE.recognise(weights_of(arrays)).config
    backbone = {n: a for n, a in arrays.items() if not n.startswith("fpn.enc")}
    missing = {n: a for n, a in backbone.items() if n != f"fpn.{name}"}
    wrong = {**backbone, f"fpn.{name}": np.zeros((3, 2), np.float32)}
    for others in (missing, wrong):
        with pytest.raises(NetworkError, match=name):
            ARCHITECTURE.build(weights_of(others), config)


def test_the_layout_is_that_of_the_original() -> None:
    pytest.importorskip("torch")
    from tests.converters.architectures import deblurgan_v2_original

    own = deblurgan_v2_original.mobilenet().state_dict()
    assert {name: tuple(array.shape) for name, array in own.items()} == mobilenet()


@pytest.mark.timeout(400)
def test_the_graph_is_the_original_in_pytorch(record_property: Any) -> None:
    torch = pytest.importorskip("torch")
    from tests.converters.architectures import deblurgan_v2_original

    stored = filled(mobilenet(), prefix="module.")
    weights = weights_of(stored)
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    session = onnxruntime.InferenceSession(network.model.SerializeToString())
    state = {name.removeprefix("module."): torch.tensor(array) for name, array in stored.items()}
    for size in SIZES:
        original = deblurgan_v2_original.mobilenet()
        original.load_state_dict(state)
        inputs = parity.inputs_for(network, size)
        (found,) = session.run(["deblurred"], inputs)
        frame = torch.from_numpy(inputs["frame"])
        expected = deblurgan_v2_original.predict(original, frame).numpy()
        exact = deblurgan_v2_original.predict(original.double(), frame.double()).numpy()
        if size == SIZES[0]:
            ours = ARCHITECTURE.reference(parity.NumpyOps(), weights, config, inputs)["deblurred"]
            assert np.abs(ours - exact).max() * 127.5 <= 1e-6, "in float64 they are one network"
        figures = [
            float(np.abs(a - b).max() * 127.5)
            for a, b in ((found, expected), (found, exact), (expected, exact))
        ]
        record_property(f"{size}", figures)
        print(f"mobilenet {size}: {figures[0]:.1e} of 255; from float64: ours {figures[1]:.1e}, "
              f"PyTorch {figures[2]:.1e}")  # fmt: skip
        assert found.shape == expected.shape
        assert np.abs(expected - inputs["frame"]).max() > 0.3, "the network does something"
        assert figures[0] <= parity.TOLERANCE
