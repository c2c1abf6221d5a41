"""DeblurGAN-v2 on Inception-ResNet-v2, of any width and number of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.deblurgan_v2 import ARCHITECTURE
from tests.converters.architectures.deblurgan_v2_layouts import filled, inception
from tests.converters.proving import prove, weights_of

SIZES = ((109, 97), (140, 100), (97, 131))
"""None a multiple of 32."""


@pytest.mark.parametrize(
    ("divisor", "pyramid", "blocks"), [(16, 16, (2, 3, 1)), (8, 24, (1, 1, 1))]
)
def test_the_graph_is_the_network(divisor: int, pyramid: int, blocks: tuple[int, int, int]) -> None:
    layout = inception(divisor, pyramid, pyramid // 2, blocks)
    network = prove(ARCHITECTURE, weights_of(filled(layout)), (109, 97))
    assert network.inputs[0].size.min == [96, 96]  # type: ignore[union-attr]


def test_the_smallest_frame_works_and_a_smaller_one_does_not() -> None:
    weights = weights_of(filled(inception(16, 16, 8, (1, 1, 1))))
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    inputs, ops = parity.inputs_for(network, (96, 96)), parity.NumpyOps()
    measured = parity.measure(ARCHITECTURE, network, weights, config, ops, inputs)
    assert measured.max_abs_error <= parity.TOLERANCE
    with pytest.raises(Exception, match=r"(?i)pad|dim|shape"):
        parity.run(network.model.SerializeToString(), parity.inputs_for(network, (95, 96)))


def test_every_convolution_of_the_stages_and_no_other_is_in_the_graph() -> None:
    layout = inception(16, 16, 8)
    weights = weights_of(filled(layout))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    count = sum(node.op_type == "Conv" for node in network.model.graph.node)
    backbone = {name for name in layout if name.startswith("fpn.inception.")}
    assert count == sum(len(s) == 4 for n, s in layout.items() if n not in backbone)


def test_a_block_that_lacks_is_an_error_and_not_a_smaller_network() -> None:
    arrays = filled(inception(16, 16, 8, (3, 2, 1)))
    config = ARCHITECTURE.recognise(weights_of(arrays)).config
    others = {n: a for n, a in arrays.items() if "repeat.1." not in n and "enc3.1.1." not in n}
    with pytest.raises(NetworkError, match=r"inception\.repeat\.1"):
        ARCHITECTURE.build(weights_of(others), config)


@pytest.mark.parametrize(
    "name",
    [
        "inception.conv2d_2b.conv.weight",
        "inception.repeat.0.conv2d.weight",
        "inception.repeat_1.0.branch1.1.bn.bias",
        "inception.mixed_7a.branch2.2.conv.weight",
    ],
)
def test_missing_and_misshapen_arrays_of_the_backbone_are_errors(name: str) -> None:
    arrays = filled(inception(16, 16, 8, (1, 1, 1)))
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

    own = deblurgan_v2_original.inception().state_dict()
    assert {name: tuple(array.shape) for name, array in own.items()} == inception()


@pytest.mark.timeout(400)
def test_the_graph_is_the_original_in_pytorch(record_property: Any) -> None:
    torch = pytest.importorskip("torch")
    from tests.converters.architectures import deblurgan_v2_original

    stored = filled(inception(), prefix="module.")
    weights = weights_of(stored)
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    session = onnxruntime.InferenceSession(network.model.SerializeToString())
    state = {name.removeprefix("module."): torch.tensor(array) for name, array in stored.items()}
    for size in SIZES:
        original = deblurgan_v2_original.inception()
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
        print(f"inception {size}: {figures[0]:.1e} of 255; from float64: ours {figures[1]:.1e}, "
              f"PyTorch {figures[2]:.1e}")  # fmt: skip
        assert found.shape == expected.shape
        assert np.abs(expected - inputs["frame"]).max() > 0.3, "the network does something"
        assert figures[0] <= parity.TOLERANCE
