"""Fast neural style, of any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.fast_neural_style import ARCHITECTURE, Config
from converters.detect import read
from converters.references.numpy_ops import NumpyOps
from tests.converters.proving import openvino_run, prove, random_arrays, shared, weights_of

PUBLISHED = [
    "candy_nc16_b1_e2_1e05_1e10",
    "mosaic_nc16_b1_e2_1e05_1e10",
    "mosaic_nc8_b1_e2_1e05_1e10",
]
EXPORTED = [
    ("candy_nc16_b1_e2_1e05_1e10", "candy_nc16_128x128_onnxjs013", 128),
    ("mosaic_nc16_b1_e2_1e05_1e10", "mosaic_nc16_256x256_onnxjs013", 256),
    ("mosaic_nc8_b1_e2_1e05_1e10", "mosaic_nc8_256x256", 256),
]  # fmt: skip


def arrays(config: Config, seed: int = 0) -> dict[str, Any]:
    made = random_arrays(config.shapes, seed)
    return {
        # As far from 1 and from each other as in trained networks.
        name: 1 + values if ".in" in f".{name}" and name.endswith("weight") else values
        for name, values in made.items()
    }


@pytest.mark.parametrize(
    "config",
    [
        Config((8, 16, 32), 9, 3, 5),
        Config((5, 7, 12), 9, 3, 1),
        Config((4, 6, 10), 7, 3, 3),
    ],
)
def test_the_graph_is_the_network(config: Config) -> None:
    prove(ARCHITECTURE, weights_of(arrays(config)), (8, 8), (36, 20), (12, 44))


def test_width_and_depth_are_told_by_names_and_shapes() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(Config((6, 12, 24), 9, 3, 2))))
    assert found.facts == {"widths": [6, 12, 24], "blocks": 2}


def test_a_frame_has_to_be_a_multiple_of_4_and_wider_than_its_border() -> None:
    weights = weights_of(arrays(Config((4, 4, 4), 9, 3, 1)))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    size = network.inputs[0].size  # type: ignore[union-attr]
    assert (size.multiple_of, size.min) == (4, [8, 8])


def test_running_statistics_of_old_files_are_dropped() -> None:
    plain = arrays(Config((4, 6, 8), 9, 3, 1))
    old = dict(plain)
    for name, values in plain.items():
        if ".in" in f".{name}" and name.endswith(".weight"):
            old[name.replace("weight", "running_mean")] = np.full_like(values, 7)
            old[name.replace("weight", "running_var")] = np.full_like(values, 9)
    found = ARCHITECTURE.recognise(weights_of(old))
    assert any("dropped" in line for line in found.evidence)
    one = ARCHITECTURE.build(weights_of(plain), found.config).model.SerializeToString()
    two = ARCHITECTURE.build(weights_of(old), found.config).model.SerializeToString()
    assert one == two


def test_arrays_of_another_network_are_refused() -> None:
    made = arrays(Config((4, 6, 8), 9, 3, 1))
    with pytest.raises(NotThis, match="no kernel conv1"):
        ARCHITECTURE.recognise(weights_of({"conv_1.weight": np.zeros((8, 3, 5, 5))}))
    with pytest.raises(NotThis, match="differ in 1 names"):
        ARCHITECTURE.recognise(weights_of({**made, "in6.weight": np.ones(4)}))
    with pytest.raises(NotThis, match=r"in3\.bias has the shape"):
        ARCHITECTURE.recognise(weights_of({**made, "in3.bias": np.ones(5)}))
    empty = arrays(Config((0, 6, 8), 9, 3, 1))
    with pytest.raises(NotThis, match="gives nothing"):
        ARCHITECTURE.recognise(weights_of(empty))
    with pytest.raises(NotThis, match="no kernel conv2"):
        ARCHITECTURE.recognise(weights_of({**made, "conv2.conv2d.weight": np.ones(5)}))


@pytest.mark.parametrize("name", ["random", PUBLISHED[2]])
def test_a_flat_frame_stays_flat_and_the_same_in_both_runtimes(name: str) -> None:
    if name == "random":
        weights = weights_of(arrays(Config((4, 8, 16), 9, 3, 5), 3))
    else:
        weights = read(shared(f"fast-neural-style/{name}.model"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    for colour in ((0, 0, 0), (200, 17, 99)):
        frame = np.zeros((1, 3, 192, 256), np.float32) + np.reshape(colour, (1, 3, 1, 1))
        inputs = {"frame": frame.astype(np.float32)}
        ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
        theirs = openvino_run(network.model, inputs)["styled"]
        assert np.ptp(ours, axis=(2, 3)).max() <= parity.TOLERANCE
        assert np.abs(ours - theirs).max() <= parity.TOLERANCE


def test_weights_that_are_not_finite_are_refused() -> None:
    made = arrays(Config((4, 6, 8), 9, 3, 1))
    for name in ("conv1.conv2d.bias", "res1.in2.weight", "deconv3.conv2d.weight"):
        broken = {**made, name: np.full_like(made[name], np.nan)}
        found = ARCHITECTURE.recognise(weights_of(broken))
        with pytest.raises(NetworkError, match=name):
            ARCHITECTURE.build(weights_of(broken), found.config)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_convert(name: str) -> None:
    weights = read(shared(f"fast-neural-style/{name}.model"))
    assert ARCHITECTURE.recognise(weights).config.blocks == 5
    # What float32 leaves: see the test against PyTorch.
    prove(ARCHITECTURE, weights, (64, 48), tolerance=2 * parity.TOLERANCE)


@pytest.mark.parametrize(("name", "export", "side"), EXPORTED)
def test_published_weights_are_what_their_author_exported(
    name: str, export: str, side: int
) -> None:
    weights = read(shared(f"fast-neural-style/{name}.model"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network, (side, side))
    ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
    (theirs,) = parity.run(
        str(shared(f"fast-neural-style/{export}.onnx")), _as_exported(export, inputs["frame"])
    ).values()
    assert np.abs(ours - theirs).max() <= 0.01


def _as_exported(export: str, frame: Any) -> dict[str, Any]:
    import onnx

    model = onnx.load(str(shared(f"fast-neural-style/{export}.onnx")))
    known = {tensor.name for tensor in model.graph.initializer}
    (name,) = (port.name for port in model.graph.input if port.name not in known)
    return {name: frame}


def transformer_net(config: Config) -> Any:
    """`TransformerNet` of pytorch/examples (BSD-3-Clause), its widths and depth made free."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class ConvLayer(nn.Module):
        def __init__(self, inside: int, out: int, side: int, stride: int, up: int = 1) -> None:
            super().__init__()
            self.up = up
            self.reflection_pad = nn.ReflectionPad2d(side // 2)
            self.conv2d = nn.Conv2d(inside, out, side, stride)

        def forward(self, x: Any) -> Any:
            if self.up > 1:
                x = nn.functional.interpolate(x, mode="nearest", scale_factor=self.up)
            return self.conv2d(self.reflection_pad(x))

    class ResidualBlock(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1 = ConvLayer(width, width, 3, 1)
            self.in1 = nn.InstanceNorm2d(width, affine=True)
            self.conv2 = ConvLayer(width, width, 3, 1)
            self.in2 = nn.InstanceNorm2d(width, affine=True)

        def forward(self, x: Any) -> Any:
            return self.in2(self.conv2(torch.relu(self.in1(self.conv1(x))))) + x

    class TransformerNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            a, b, c = config.widths
            self.conv1, self.in1 = (
                ConvLayer(3, a, config.outer, 1),
                nn.InstanceNorm2d(a, affine=True),
            )
            self.conv2, self.in2 = ConvLayer(a, b, 3, 2), nn.InstanceNorm2d(b, affine=True)
            self.conv3, self.in3 = ConvLayer(b, c, 3, 2), nn.InstanceNorm2d(c, affine=True)
            for index in range(config.blocks):
                setattr(self, f"res{index + 1}", ResidualBlock(c))
            self.deconv1, self.in4 = ConvLayer(c, b, 3, 1, 2), nn.InstanceNorm2d(b, affine=True)
            self.deconv2, self.in5 = ConvLayer(b, a, 3, 1, 2), nn.InstanceNorm2d(a, affine=True)
            self.deconv3 = ConvLayer(a, 3, config.outer, 1)

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.in1(self.conv1(x)))
            y = torch.relu(self.in2(self.conv2(y)))
            y = torch.relu(self.in3(self.conv3(y)))
            for index in range(config.blocks):
                y = getattr(self, f"res{index + 1}")(y)
            y = torch.relu(self.in4(self.deconv1(y)))
            y = torch.relu(self.in5(self.deconv2(y)))
            return self.deconv3(y)

    return TransformerNet()


def styled_by_torch(config: Config, made: dict[str, Any], frame: Any, double: bool = False) -> Any:
    torch = pytest.importorskip("torch")
    net = transformer_net(config)
    net.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in made.items()})
    seen = torch.from_numpy(frame)
    if double:
        net, seen = net.double(), seen.double()
    with torch.no_grad():
        return net(seen).numpy()


@pytest.mark.parametrize("config", [Config((8, 16, 32), 9, 3, 5), Config((6, 10, 14), 9, 3, 2)])
def test_random_weights_give_what_pytorch_gives(config: Config) -> None:
    pytest.importorskip("torch")
    weights = weights_of(arrays(config))
    network = ARCHITECTURE.build(weights, config)
    inputs = parity.inputs_for(network, (52, 36))
    ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
    theirs = styled_by_torch(config, dict(weights.arrays), inputs["frame"])
    assert np.abs(ours - theirs).max() <= parity.TOLERANCE


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_are_as_close_as_pytorch_is_to_itself(name: str) -> None:
    """Fifteen norms stretch what float32 rounds: PyTorch in float32 is up to 2.2e-3 of 255 away
    from PyTorch in float64, and two float32 runtimes are as far from each other."""
    pytest.importorskip("torch")
    weights = read(shared(f"fast-neural-style/{name}.model"))
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    inputs = parity.inputs_for(network, (128, 96))
    ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
    made, frame = dict(weights.arrays), inputs["frame"]
    single = styled_by_torch(config, made, frame)
    exact = styled_by_torch(config, made, frame.astype(np.float64), double=True)
    floor = np.abs(single - exact).max()
    assert np.abs(ours - exact).max() <= max(parity.TOLERANCE, 2 * floor)
    assert np.abs(ours - exact).mean() <= 1e-4
    assert np.abs(ours - single).max() <= parity.TOLERANCE + 2 * floor


def test_the_reference_is_the_network_in_float64() -> None:
    pytest.importorskip("torch")
    config = Config((8, 16, 32), 9, 3, 5)
    weights = weights_of(arrays(config))
    frame = np.random.default_rng(0).uniform(0, 255, (1, 3, 24, 40))
    ours = ARCHITECTURE.reference(NumpyOps(), weights, config, {"frame": frame})["styled"]
    theirs = styled_by_torch(config, dict(weights.arrays), frame, double=True)
    assert np.abs(ours - theirs).max() < 1e-9
