"""VDSR, of any width and depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.vdsr import ARCHITECTURE
from converters.detect import read
from converters.luma import STUDIO, bicubic_reference, luma_reference
from converters.weights import Array, Weights
from tests.converters.proving import changed, prove, random_arrays, shared, weights_of


def arrays(layers: int = 5, width: int = 6, side: int = 3, newer: bool = False) -> dict[str, Array]:
    shapes = [(width, 1), *[(width, width)] * (layers - 2), (1, width)]
    names = (
        [f"features.{2 * index}.weight" for index in range(layers)]
        if newer
        else ["input.weight", *(f"residual_layer.{i}.conv.weight" for i in range(layers - 2)),
              "output.weight"]
    )  # fmt: skip
    return random_arrays(
        {name: (*shape, side, side) for name, shape in zip(names, shapes, strict=True)}
    )


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(("layers", "width", "side"), [(5, 6, 3), (12, 4, 3), (3, 9, 5)])
def test_the_graph_is_the_network(layers: int, width: int, side: int, newer: bool) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(layers, width, side, newer)), (13, 8), (5, 5))
    assert network.outputs[0].scale == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("scale", [3, 4])
def test_another_scale_may_be_asked_for(scale: int) -> None:
    weights = weights_of(arrays(), options={"scale": scale})
    assert prove(ARCHITECTURE, weights, (9, 6)).outputs[0].scale == scale  # type: ignore[union-attr]
    assert "was asked for" in ARCHITECTURE.recognise(weights).evidence[-1]


def test_both_layouts_are_the_same_network() -> None:
    models = [
        ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config).model
        for weights in (weights_of(arrays(12, newer=newer)) for newer in (False, True))
    ]
    assert models[0] == models[1]


def test_it_is_what_pytorch_makes_of_the_original_source() -> None:
    torch: Any = pytest.importorskip("torch")
    check_against(torch, weights_of(arrays(newer=True)), (11, 7))


def test_published_weights_are_what_pytorch_makes_of_them() -> None:
    torch: Any = pytest.importorskip("torch")
    weights = read(shared("vdsr-pytorch/model_epoch_50.pth"))
    assert ARCHITECTURE.recognise(weights).facts == {"scale": 2, "layers": 20, "width": 64}
    check_against(torch, weights, (24, 17))


def check_against(torch: Any, weights: Weights, size: tuple[int, int]) -> None:
    nn = torch.nn
    found = ARCHITECTURE.recognise(weights)
    modules: list[Any] = []
    for name in found.config.names:
        kernel = weights.arrays[name]
        conv = nn.Conv2d(*kernel.shape[1::-1], kernel.shape[2], 1, kernel.shape[2] // 2, bias=False)
        conv.weight.data = torch.from_numpy(np.array(kernel))
        modules += [conv, nn.ReLU()]
    features = nn.Sequential(*modules[:-1])
    network = ARCHITECTURE.build(weights, found.config)
    inputs = parity.inputs_for(network, size)
    result = parity.run(network.model.SerializeToString(), inputs)["upscaled"]
    y = bicubic_reference(luma_reference(inputs["frame"], STUDIO, white=1), found.config.scale)
    with torch.no_grad():
        x = torch.from_numpy(y.astype(np.float32))
        expected = (features(x) + x).numpy() * 255
    np.testing.assert_allclose(luma_reference(result, STUDIO), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input.bias": (6,)}, "not input, residual_layer and output"),
        ({"residual_layer.1.conv.weight": None}, "not input, residual_layer and output"),
        ({"residual_layer.1.conv.weight": (6, 5, 3, 3)}, "takes 5 channels where 6"),
        ({"residual_layer.1.conv.weight": (6, 6, 2, 2)}, "odd side"),
        ({"residual_layer.1.conv.weight": (6,)}, "no square kernel"),
        ({"input.weight": (6, 3, 3, 3)}, "takes 3 channels where 1"),
        ({"output.weight": (3, 6, 3, 3)}, "gives 3 channels"),
    ],
)
def test_arrays_of_another_network_are_refused(
    change: dict[str, tuple[int, ...] | None], reason: str
) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(changed(arrays(), change)))


def test_a_kernel_that_is_not_finite_is_an_error() -> None:
    changed = arrays()
    changed["input.weight"][0, 0, 0, 0] = np.inf
    weights = weights_of(changed)
    with pytest.raises(NetworkError, match="finite"):
        ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
