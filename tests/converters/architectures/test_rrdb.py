"""ESRGAN and Real-ESRGAN, in the three namings, of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.rrdb import ARCHITECTURE
from tests.converters.proving import prove, random_arrays, weights_of


def arrays(
    way: str, ups: int = 2, unshuffle: int = 1, width: int = 8, growth: int = 4, blocks: int = 1,
    prefix: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Random weights under the names that these files have."""
    names = {
        "BasicSR": ("conv_first", "body.{}.rdb{}.conv{}", "conv_body", "conv_up{}", "conv_hr"),
        "ESRGAN": ("conv_first", "RRDB_trunk.{}.RDB{}.conv{}", "trunk_conv", "upconv{}", "HRconv"),
        "flat": ("model.0", "model.1.sub.{}.RDB{}.conv{}.0", f"model.1.sub.{blocks}", "", ""),
    }
    first, block, body, up, hr = names[way]
    flat = way == "flat"
    shapes: dict[str, tuple[int, ...]] = {first: (width, 3 * unshuffle**2, 3, 3)}
    for b in range(blocks):
        for d in (1, 2, 3):
            for c in range(1, 6):
                out = width if c == 5 else growth
                shapes[block.format(b, d, c)] = (out, width + (c - 1) * growth, 3, 3)
    shapes[body] = (width, width, 3, 3)
    for u in range(1, ups + 1):
        shapes[f"model.{3 * u}" if flat else up.format(u)] = (width, width, 3, 3)
    shapes[f"model.{3 * ups + 2}" if flat else hr] = (width, width, 3, 3)
    shapes[f"model.{3 * ups + 4}" if flat else "conv_last"] = (3, width, 3, 3)
    whole = {}
    for name, shape in shapes.items():
        whole[f"{prefix}{name}.weight"] = shape
        whole[f"{prefix}{name}.bias"] = shape[:1]
    return random_arrays(whole)


def original(scale: int, width: int, growth: int, blocks: int) -> Any:
    """RRDBNet as BasicSR has it."""
    torch = pytest.importorskip("torch")
    nn, functional = torch.nn, torch.nn.functional

    class ResidualDenseBlock(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for index in range(5):
                out = width if index == 4 else growth
                layer = nn.Conv2d(width + index * growth, out, 3, 1, 1)
                setattr(self, f"conv{index + 1}", layer)
            self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)

        def forward(self, x: Any) -> Any:
            x1 = self.lrelu(self.conv1(x))
            x2 = self.lrelu(self.conv2(torch.cat((x, x1), 1)))
            x3 = self.lrelu(self.conv3(torch.cat((x, x1, x2), 1)))
            x4 = self.lrelu(self.conv4(torch.cat((x, x1, x2, x3), 1)))
            x5 = self.conv5(torch.cat((x, x1, x2, x3, x4), 1))
            return x5 * 0.2 + x

    class RRDB(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rdb1, self.rdb2, self.rdb3 = (ResidualDenseBlock() for _ in range(3))

        def forward(self, x: Any) -> Any:
            return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x

    class RRDBNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.unshuffle = {4: 1, 2: 2, 1: 4}[scale]
            self.conv_first = nn.Conv2d(3 * self.unshuffle**2, width, 3, 1, 1)
            self.body = nn.Sequential(*(RRDB() for _ in range(blocks)))
            for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
                setattr(self, name, nn.Conv2d(width, width, 3, 1, 1))
            self.conv_last = nn.Conv2d(width, 3, 3, 1, 1)
            self.lrelu = nn.LeakyReLU(negative_slope=0.2, inplace=True)

        def forward(self, x: Any) -> Any:
            feat = x if self.unshuffle == 1 else functional.pixel_unshuffle(x, self.unshuffle)
            feat = self.conv_first(feat)
            feat = feat + self.conv_body(self.body(feat))
            for up in (self.conv_up1, self.conv_up2):
                feat = self.lrelu(up(functional.interpolate(feat, scale_factor=2, mode="nearest")))
            return self.conv_last(self.lrelu(self.conv_hr(feat)))

    return RRDBNet()


@pytest.mark.parametrize(
    ("way", "ups", "unshuffle", "scale", "sizes"),
    [
        ("BasicSR", 2, 1, 4, [(13, 7), (5, 6)]),
        ("BasicSR", 2, 2, 2, [(14, 6), (6, 10)]),
        ("BasicSR", 2, 4, 1, [(20, 12)]),
        ("ESRGAN", 2, 1, 4, [(13, 7)]),
        ("ESRGAN", 1, 1, 2, [(13, 7)]),
        ("flat", 0, 1, 1, [(13, 7)]),
        ("flat", 1, 1, 2, [(13, 7)]),
        ("flat", 2, 1, 4, [(13, 7)]),
        ("flat", 3, 1, 8, [(5, 6)]),
    ],
)
def test_the_graph_is_the_network(
    way: str, ups: int, unshuffle: int, scale: int, sizes: list[tuple[int, int]]
) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(way, ups, unshuffle)), *sizes)
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]
    assert network.inputs[0].size.multiple_of == unshuffle  # type: ignore[union-attr]


@pytest.mark.parametrize(("width", "growth", "blocks"), [(12, 5, 2), (6, 8, 3)])
def test_other_widths_and_depths_are_told_by_their_shapes(
    width: int, growth: int, blocks: int
) -> None:
    weights = weights_of(arrays("BasicSR", 2, 1, width, growth, blocks, prefix="params_ema."))
    facts = ARCHITECTURE.recognise(weights).facts
    assert (facts["width"], facts["growth"], facts["blocks"]) == (width, growth, blocks)
    prove(ARCHITECTURE, weights, (9, 6))


@pytest.mark.parametrize("scale", [4, 2, 1])
def test_it_is_the_network_of_its_authors(scale: int) -> None:
    module = original(scale, 16, 8, 2)
    torch = pytest.importorskip("torch")
    weights = weights_of(arrays("BasicSR", 2, 4 // scale, 16, 8, 2))
    state = {name: torch.from_numpy(np.array(a)) for name, a in weights.arrays.items()}
    module.load_state_dict(state, strict=True)
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network, (28, 20))
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs["frame"])).numpy()
    found = parity.run(network.model.SerializeToString(), inputs)["restored"]
    assert np.abs(found - expected).max() * 255 <= 1e-3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"conv_last.bias": None}, "conv_last.bias is missing"),
        ({"body.0.rdb1.conv1x1.weight": np.zeros((4, 8, 1, 1))}, "of no layer"),
        ({"conv_first.weight": np.zeros((8, 5, 3, 3))}, "5 channels"),
        ({"conv_first.weight": np.zeros(3)}, "four axes"),
        ({"body.0.rdb1.conv1.weight": None}, "no residual dense blocks"),
        ({"conv_first.weight": None}, "first convolution"),
        ({"conv_first.weight": np.zeros((8, 192, 3, 3))}, "reduced 8 times"),
    ],
)
def test_arrays_of_another_network_are_refused(change: dict[str, Any], why: str) -> None:
    given = {**arrays("BasicSR"), **change}
    with pytest.raises(NotThis, match=why):
        ARCHITECTURE.recognise(weights_of({n: a for n, a in given.items() if a is not None}))
