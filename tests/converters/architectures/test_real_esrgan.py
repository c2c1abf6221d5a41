"""Real-ESRGAN compact, of any width, depth and scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters import detect, parity
from converters.architectures.base import NotThis
from converters.architectures.real_esrgan import ARCHITECTURE
from tests.converters.proving import prove, random_arrays, shared, weights_of


def arrays(scale: int, width: int = 8, between: int = 2, prefix: str = "") -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(between + 2):
        last = index == between + 1
        out = 3 * scale**2 if last else width
        shapes[f"{prefix}body.{2 * index}.weight"] = (out, width if index else 3, 3, 3)
        shapes[f"{prefix}body.{2 * index}.bias"] = (out,)
        if not last:
            shapes[f"{prefix}body.{2 * index + 1}.weight"] = (width,)
    return random_arrays(shapes)


def original(scale: int, width: int, between: int) -> Any:
    """SRVGGNetCompact as its authors wrote it."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class SRVGGNetCompact(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.ModuleList()
            self.body.append(nn.Conv2d(3, width, 3, 1, 1))
            self.body.append(nn.PReLU(num_parameters=width))
            for _ in range(between):
                self.body.append(nn.Conv2d(width, width, 3, 1, 1))
                self.body.append(nn.PReLU(num_parameters=width))
            self.body.append(nn.Conv2d(width, 3 * scale * scale, 3, 1, 1))
            self.upsampler = nn.PixelShuffle(scale)

        def forward(self, x: Any) -> Any:
            out = x
            for layer in self.body:
                out = layer(out)
            out = self.upsampler(out)
            return out + nn.functional.interpolate(x, scale_factor=scale, mode="nearest")

    return SRVGGNetCompact()


def worst_of_255(network: Any, weights: Any, module: Any, size: tuple[int, int]) -> float:
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(np.array(a)) for name, a in weights.arrays.items()}
    module.load_state_dict(state, strict=True)
    inputs = parity.inputs_for(network, size)
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs["frame"])).numpy()
    found = parity.run(network.model.SerializeToString(), inputs)["restored"]
    return float(np.abs(found - expected).max() * 255)


@pytest.mark.parametrize(
    ("scale", "width", "between"), [(4, 8, 2), (2, 16, 1), (3, 5, 3), (1, 6, 0)]
)
def test_the_graph_is_the_network(scale: int, width: int, between: int) -> None:
    weights = weights_of(arrays(scale, width, between))
    network = prove(ARCHITECTURE, weights, (37, 22), (16, 16), (5, 9))
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]


@pytest.mark.parametrize(("scale", "width", "between"), [(4, 8, 2), (2, 12, 4)])
def test_it_is_the_network_of_its_authors(scale: int, width: int, between: int) -> None:
    module = original(scale, width, between)
    weights = weights_of(arrays(scale, width, between))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    assert worst_of_255(network, weights, module, (29, 18)) <= 1e-3


def test_the_published_file_is_the_network_of_its_authors() -> None:
    path = shared("realesrgan-compact/realesr-animevideov3.pth")
    weights = detect.read(path)
    architecture, found = detect.recognise(weights)
    assert architecture is ARCHITECTURE
    assert found.facts == {"scale": 4, "width": 64, "convolutions": 18}
    network = architecture.build(weights, found.config)
    module = original(4, 64, 16)
    plain = {name.removeprefix(found.config.prefix): a for name, a in weights.arrays.items()}
    assert worst_of_255(network, weights_of(plain), module, (37, 22)) <= 1e-3


def test_a_wrapper_around_the_names_is_left_out_and_said() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(2, prefix="params_ema.")))
    assert any("params_ema." in sentence for sentence in found.evidence)
    prove(ARCHITECTURE, weights_of(arrays(2, prefix="params_ema.")), (9, 7))


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({}, "body.N"),
        ({"head.weight": np.zeros((1, 1))}, "body.N"),
        ({"body.5.bias": np.zeros(8)}, "more than these"),
        ({"body.9999.weight": np.zeros(8)}, "one activation"),
        ({"body.0.weight": np.zeros((8, 1, 3, 3))}, "first kernel"),
        ({"body.0.weight": np.zeros(())}, "first kernel"),
        ({"body.6.weight": np.zeros((14, 8, 3, 3))}, "14 channels"),
        ({"body.6.weight": np.zeros((0, 8, 3, 3))}, "0 channels"),
    ],
)
def test_arrays_of_another_network_are_refused(others: dict[str, Any], why: str) -> None:
    given = {**arrays(2), **others} if others else {}
    with pytest.raises(NotThis, match=why):
        ARCHITECTURE.recognise(weights_of(given))


def test_activations_that_stand_nowhere_are_not_guessed() -> None:
    given = {name: a for name, a in arrays(2).items() if a.ndim == 4 or name.endswith("bias")}
    with pytest.raises(NotThis, match="leaky"):
        ARCHITECTURE.recognise(weights_of(given))
