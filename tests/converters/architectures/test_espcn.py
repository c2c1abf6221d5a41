"""ESPCN, of any width and scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.espcn import ARCHITECTURE
from converters.architectures.limited_ycbcr import around_reference
from converters.detect import read
from converters.weights import Array, Weights
from tests.converters.proving import prove, random_arrays, shared, weights_of


def arrays(scale: int, widths: tuple[int, int] = (16, 8)) -> dict[str, Array]:
    first, second = widths
    return random_arrays({
        "conv_1.weight": (first, 3, 5, 5), "conv_1.bias": (first,),
        "conv_2.weight": (second, first, 3, 3), "conv_2.bias": (second,),
        "conv_3.weight": (3 * scale**2, second, 3, 3), "conv_3.bias": (3 * scale**2,),
    })  # fmt: skip


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_graph_is_the_network(scale: int) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(scale)), (37, 22), (16, 16))
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]


def test_other_widths_are_told_by_their_shapes() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(2, (64, 32))))
    assert found.facts["widths"] == [64, 32, 12]


def test_arrays_of_another_network_are_refused() -> None:
    others = {**arrays(2), "conv_4.weight": arrays(2)["conv_3.weight"]}
    with pytest.raises(NotThis, match="conv_1 to conv_3"):
        ARCHITECTURE.recognise(weights_of(others))


@pytest.mark.parametrize("scale", [2, 3])
def test_published_weights_are_what_pytorch_makes_of_them(scale: int) -> None:
    torch: Any = pytest.importorskip("torch")
    weights = read(shared(f"espcn-pytorch/ESPCN-x{scale}.pt"))
    found = ARCHITECTURE.recognise(weights)
    assert found.facts == {"scale": scale, "widths": [64, 32, 3 * scale**2]}
    check_against(torch, weights, scale)


@pytest.mark.parametrize("scale", [2, 4])
def test_it_is_what_pytorch_makes_of_the_original_source(scale: int) -> None:
    torch: Any = pytest.importorskip("torch")
    check_against(torch, weights_of(arrays(scale)), scale)


def check_against(torch: Any, weights: Weights, scale: int) -> None:
    nn = torch.nn
    first, second = (weights.arrays[f"conv_{index}.bias"].size for index in (1, 2))
    modules = [
        nn.Conv2d(3, first, 5, padding=2), nn.Tanh(), nn.Conv2d(first, second, 3, padding=1),
        nn.Tanh(), nn.Conv2d(second, 3 * scale * scale, 3, padding=1), nn.PixelShuffle(scale),
    ]  # fmt: skip
    for index, module in enumerate(modules[:5:2], 1):
        for part in ("weight", "bias"):
            values = torch.from_numpy(np.array(weights.arrays[f"conv_{index}.{part}"]))
            getattr(module, part).data = values
    whole = nn.Sequential(*modules)

    def forward(ycbcr: Array) -> Array:
        with torch.no_grad():
            result: Array = whole(torch.from_numpy(ycbcr.astype(np.float32))).numpy()
        return result.clip(0, 1)

    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network, (19, 12))
    found = parity.run(network.model.SerializeToString(), inputs)["upscaled"]
    expected = around_reference(inputs["frame"], scale, forward)
    np.testing.assert_allclose(found * 255, expected * 255, atol=1e-3)
