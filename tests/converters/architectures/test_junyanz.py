"""Generators of pix2pix and CycleGAN in junyanz's layout, of any kind, width and depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.junyanz import ARCHITECTURE
from converters.weights import Array
from tests.converters.proving import prove, weights_of

Arrays = dict[str, Array]


class Maker:
    """Arrays under the names that the original modules give them."""

    def __init__(self, norm: str, seed: int = 0) -> None:
        self.norm, self.found = norm, dict[str, Array]()
        self._random = np.random.default_rng(seed)

    def conv(self, name: str, *shape: int, up: bool = False, last: bool = False) -> None:
        inside = shape[0] if up else shape[1]
        scale = 1 / np.sqrt(inside * shape[2] * shape[3])
        self.found[f"{name}.weight"] = self._some(shape) * np.float32(scale)
        if last or self.norm == "instance":
            self.found[f"{name}.bias"] = self._some((shape[1 if up else 0],)) * np.float32(0.1)

    def normed(self, name: str, channels: int) -> None:
        if self.norm == "batch":
            self.found[f"{name}.weight"] = 1 + self._some((channels,)) * np.float32(0.1)
            self.found[f"{name}.bias"] = self._some((channels,)) * np.float32(0.1)
            self.found[f"{name}.running_mean"] = self._some((channels,))
            self.found[f"{name}.running_var"] = np.ones(channels, np.float32)
            self.found[f"{name}.num_batches_tracked"] = np.int64(3)

    def _some(self, shape: tuple[int, ...]) -> Array:
        return self._random.standard_normal(shape, np.float32)


def unet(levels: int, ngf: int, norm: str, channels: tuple[int, int] = (3, 3)) -> Arrays:
    make, widths = Maker(norm), [ngf * min(2**n, 8) for n in range(levels)]
    make.conv("model.model.0", ngf, channels[0], 4, 4)
    make.conv("model.model.3", 2 * ngf, channels[1], 4, 4, up=True, last=True)
    at = "model.model.1.model."
    for level, (outside, inside) in enumerate(zip(widths[1:], widths, strict=False), 2):
        make.conv(f"{at}1", outside, inside, 4, 4)
        if level == levels:
            make.conv(f"{at}3", outside, inside, 4, 4, up=True)
            make.normed(f"{at}4", inside)
        else:
            make.normed(f"{at}2", outside)
            make.conv(f"{at}5", 2 * outside, inside, 4, 4, up=True)
            make.normed(f"{at}6", inside)
        at += "3.model."
    return make.found


def resnet(
    blocks: int, ngf: int, norm: str, dropout: bool = False, channels: tuple[int, int] = (3, 3)
) -> Arrays:
    make = Maker(norm)
    make.conv("model.1", ngf, channels[0], 7, 7)
    make.normed("model.2", ngf)
    for at, width in ((4, ngf), (7, 2 * ngf)):
        make.conv(f"model.{at}", 2 * width, width, 3, 3)
        make.normed(f"model.{at + 1}", 2 * width)
    for at in range(10, 10 + blocks):
        for inner in (1, 5 + dropout):
            make.conv(f"model.{at}.conv_block.{inner}", 4 * ngf, 4 * ngf, 3, 3)
            make.normed(f"model.{at}.conv_block.{inner + 1}", 4 * ngf)
    for at, width in ((10 + blocks, 4 * ngf), (13 + blocks, 2 * ngf)):
        make.conv(f"model.{at}", width, width // 2, 3, 3, up=True)
        make.normed(f"model.{at + 1}", width // 2)
    make.conv(f"model.{17 + blocks}", channels[1], ngf, 7, 7, last=True)
    return make.found


@pytest.mark.parametrize(
    ("levels", "ngf", "norm"),
    [(7, 3, "batch"), (5, 4, "instance"), (6, 2, "none"), (8, 2, "batch")],
)
def test_the_graph_is_the_unet(levels: int, ngf: int, norm: str) -> None:
    side = 2**levels
    network = prove(
        ARCHITECTURE, weights_of(unet(levels, ngf, norm)), (side, side), (2 * side, side)
    )
    size = network.inputs[0].size  # type: ignore[union-attr]
    assert size.multiple_of == side


@pytest.mark.parametrize(
    ("blocks", "ngf", "norm", "dropout"),
    [(6, 4, "instance", False), (9, 3, "batch", True), (1, 5, "none", False)],
)
def test_the_graph_is_the_residual_net(blocks: int, ngf: int, norm: str, dropout: bool) -> None:
    weights = weights_of(resnet(blocks, ngf, norm, dropout))
    network = prove(ARCHITECTURE, weights, (36, 20), (16, 28))
    assert network.inputs[0].size.multiple_of == 4  # type: ignore[union-attr]


def test_the_smallest_size_is_taken() -> None:
    # Statistics of 2x2 pixels: float32 itself is off by up to 5e-3 there, in PyTorch by 3e-3.
    network = prove(ARCHITECTURE, weights_of(resnet(9, 3, "batch")), (8, 8), tolerance=0.02)
    assert network.inputs[0].size.min == [8, 8]  # type: ignore[union-attr]


@pytest.mark.parametrize("channels", [(1, 3), (3, 1), (1, 1)])
def test_grey_is_made_of_colour_and_shown_as_colour(channels: tuple[int, int]) -> None:
    prove(ARCHITECTURE, weights_of(resnet(1, 2, "instance", channels=channels)), (16, 12))
    network = prove(ARCHITECTURE, weights_of(unet(5, 2, "batch", channels)), (32, 32))
    inputs = parity.inputs_for(network, (32, 32))
    picture = parity.run(network.model.SerializeToString(), inputs)["picture"]
    assert (np.ptp(picture, axis=1).max() == 0) == (channels[1] == 1)


def test_running_statistics_are_not_used() -> None:
    arrays = resnet(1, 2, "batch")
    others = {name: array + 5 if "running" in name else array for name, array in arrays.items()}
    one, other = (
        ARCHITECTURE.build(w, ARCHITECTURE.recognise(w).config).model
        for w in (weights_of(arrays), weights_of(others))
    )
    assert one == other


def test_kind_and_depth_are_told_by_names_and_shapes() -> None:
    facts = ARCHITECTURE.recognise(weights_of(unet(7, 5, "batch"))).facts
    assert (facts["kind"], facts["levels"], facts["ngf"], facts["norm"]) == ("U-Net", 7, 5, "batch")
    wrapped = {f"module.{name}": array for name, array in resnet(9, 2, "instance").items()}
    facts = ARCHITECTURE.recognise(weights_of(wrapped)).facts
    assert (facts["kind"], facts["blocks"], facts["norm"]) == ("ResNet", 9, "instance")


def changed(arrays: Arrays, name: str, shape: tuple[int, ...] | None) -> Arrays:
    kept = {key: array for key, array in arrays.items() if key != name}
    return kept if shape is None else {**kept, name: np.zeros(shape, np.float32)}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"conv_1.weight": np.zeros((3, 3, 3, 3))}, "it has neither"),
        (unet(5, 2, "batch", (1, 2)), "1 channels to 2"),
        (resnet(1, 2, "batch", channels=(6, 3)), "6 channels to 3"),
        (changed(unet(5, 2, "batch"), "model.model.3.weight", None), "missing"),
        (changed(unet(5, 2, "batch"), "model.model.0.weight", (2,)), r"of shape \[2\]"),
        (changed(unet(5, 2, "none"), "model.model.1.model.1.weight", (4, 3, 4, 4)), "neighbours"),
        (changed(resnet(2, 2, "batch"), "model.11.conv_block.5.weight", None), "one in a block"),
        (changed(resnet(2, 2, "batch"), "model.19.weight", None), "missing"),
        (changed(resnet(1, 2, "none"), "model.4.weight", (4, 2, 5, 5)), "neighbours"),
        (changed(resnet(1, 2, "none"), "model.4.weight", (0, 2, 3, 3)), r"of shape \[0"),
    ],
)
def test_arrays_of_another_network_are_refused(given: Arrays, reason: str) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (changed(resnet(1, 2, "batch"), "model.5.bias", None), "got none"),
        (changed(resnet(1, 2, "instance"), "model.4.bias", (3,)), r"shape \[4\]"),
        (changed(unet(5, 2, "batch"), "model.model.3.bias", None), "got none"),
        ({**resnet(1, 2, "batch"), "model.2.bias": np.float32([1, np.inf])}, "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_one_clear_error(given: Arrays, said: str) -> None:
    weights = weights_of(given)
    config = ARCHITECTURE.recognise(weights).config
    with pytest.raises(NetworkError, match=said):
        ARCHITECTURE.build(weights, config)


def original(kind: str, norm: str, ngf: int, depth: int, dropout: bool) -> Any:
    """UnetGenerator and ResnetGenerator of models/networks.py, in fewer words."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    def norm_layer(width: int) -> Any:
        if norm == "batch":
            return nn.BatchNorm2d(width, affine=True, track_running_stats=True)
        return nn.InstanceNorm2d(width, affine=False, track_running_stats=False)

    bias = norm == "instance"

    class Level(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(
            self, outer: int, inner: int, sub: Any = None, outermost: bool = False
        ) -> None:
            super().__init__()
            self.outermost = outermost
            down = nn.Conv2d(3 if outermost else outer, inner, 4, 2, 1, bias=bias)
            width = 2 * inner if sub is not None else inner
            up = nn.ConvTranspose2d(width, outer, 4, 2, 1, bias=bias or outermost)
            if outermost:
                parts = [down, sub, nn.ReLU(True), up, nn.Tanh()]
            elif sub is None:
                parts = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, norm_layer(outer)]
            else:
                parts = [
                    nn.LeakyReLU(0.2, True), down, norm_layer(inner), sub, nn.ReLU(True), up,
                    norm_layer(outer),
                ]  # fmt: skip
                parts += [nn.Dropout(0.5)] * dropout
            self.model = nn.Sequential(*parts)

        def forward(self, x: Any) -> Any:
            return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self, width: int) -> None:
            super().__init__()

            def half() -> list[Any]:
                conv = nn.Conv2d(width, width, 3, bias=bias)
                return [nn.ReflectionPad2d(1), conv, norm_layer(width)]

            middle = [nn.ReLU(True), *[nn.Dropout(0.5)] * dropout]
            self.conv_block = nn.Sequential(*half(), *middle, *half())

        def forward(self, x: Any) -> Any:
            return x + self.conv_block(x)

    class Whole(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return self.model(x)

    if kind == "U-Net":
        level = Level(8 * ngf, 8 * ngf)
        for _ in range(depth - 5):
            level = Level(8 * ngf, 8 * ngf, level)
        for outer, inner in ((4, 8), (2, 4), (1, 2)):
            level = Level(outer * ngf, inner * ngf, level)
        return Whole(Level(3, ngf, level, outermost=True))
    parts = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7, bias=bias), norm_layer(ngf), nn.ReLU(True)]
    for width in (ngf, 2 * ngf):
        parts += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), norm_layer(2 * width)]
        parts.append(nn.ReLU(True))
    parts += [Block(4 * ngf) for _ in range(depth)]
    for width in (4 * ngf, 2 * ngf):
        parts.append(nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=bias))
        parts += [norm_layer(width // 2), nn.ReLU(True)]
    parts += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
    return Whole(nn.Sequential(*parts))


@pytest.mark.parametrize(
    ("kind", "norm", "ngf", "depth", "size"),
    [
        ("U-Net", "batch", 16, 8, (256, 256)),
        ("U-Net", "instance", 12, 7, (256, 128)),
        ("U-Net", "batch", 8, 5, (96, 32)),
        ("ResNet", "instance", 16, 9, (72, 44)),
        ("ResNet", "batch", 12, 6, (64, 48)),
    ],
)
@pytest.mark.parametrize("dropout", [False, True])
def test_it_is_the_original_network_in_torch(
    kind: str, norm: str, ngf: int, depth: int, size: tuple[int, int], dropout: bool
) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(ngf)
    module = original(kind, norm, ngf, depth, dropout)
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.eval()  # all else stays as in training, as test.py leaves it
    given = {name: tensor.detach().clone().numpy() for name, tensor in module.state_dict().items()}
    weights = weights_of(given)
    found = ARCHITECTURE.recognise(weights)
    assert (found.facts["kind"], found.facts["norm"]) == (kind, norm)
    network = ARCHITECTURE.build(weights, found.config)
    inputs = parity.inputs_for(network, size)
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs["frame"].copy())).numpy()
    ours = parity.run(network.model.SerializeToString(), inputs)["picture"]
    worst = np.abs(ours - expected).max() * 127.5
    assert worst <= parity.TOLERANCE, worst
