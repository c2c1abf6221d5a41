"""FSRCNN of PyTorch, of any width, depth and scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.fsrcnn import ARCHITECTURE
from converters.architectures.limited_ycbcr import around_reference
from converters.detect import read
from converters.weights import Array, Weights
from tests.converters.proving import changed, prove, random_arrays, shared, weights_of


def arrays(d: int = 10, s: int = 4, maps: int = 2) -> dict[str, Array]:
    """As the module of the repository names and shapes them."""
    shapes: dict[str, tuple[int, ...]] = {
        "feature_extract.weight": (d, 3, 5, 5), "feature_extract.bias": (d,),
        "activation_1.weight": (d,),
        "shrink.weight": (s, d, 1, 1), "shrink.bias": (s,), "activation_2.weight": (s,),
    }  # fmt: skip
    for index in range(1, maps + 1):
        shapes |= {f"map_{index}.weight": (s, s, 3, 3), f"map_{index}.bias": (s,)}
    if maps:
        shapes["activation_3.weight"] = (s,)
    shapes |= {
        "expand.weight": (d, s, 1, 1), "expand.bias": (d,), "activation_4.weight": (d,),
        "deconv.weight": (d, 3, 9, 9), "deconv.bias": (3,),
    }  # fmt: skip
    return random_arrays(shapes)


def flat_at(scale: int) -> dict[str, Array]:
    """A network that keeps a flat picture flat at this scale alone: all its weight in squares of
    `scale` pixels."""
    values = {name: np.zeros_like(array) for name, array in arrays().items()}
    for name in ("feature_extract", "shrink", "map_1", "map_2", "expand"):
        side = values[f"{name}.weight"].shape[-1] // 2
        for channel in range(3):
            values[f"{name}.weight"][channel, channel, side, side] = 1
    corner = 4 - scale // 2
    for channel in range(3):
        values["deconv.weight"][
            channel, channel, corner : corner + scale, corner : corner + scale
        ] = 1
    return values


@pytest.mark.parametrize(("d", "s", "maps", "scale"), [(10, 4, 2, 2), (6, 3, 5, 3), (8, 5, 0, 4)])
def test_the_graph_is_the_network(d: int, s: int, maps: int, scale: int) -> None:
    weights = weights_of(arrays(d, s, maps), options={"scale": scale})
    network = prove(ARCHITECTURE, weights, (19, 12), (7, 7))
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_scale_is_that_at_which_flat_stays_flat(scale: int) -> None:
    found = ARCHITECTURE.recognise(weights_of(flat_at(scale)))
    assert found.facts["scale"] == scale
    assert f"at scale {scale}" in found.evidence[-1]


def test_where_nothing_tells_the_scale_two_is_taken_and_said() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays()))
    assert found.facts["scale"] == 2
    assert "do not tell" in found.evidence[-1]


@pytest.mark.parametrize("level", [0.0, 8.0, 128.0, 255.0])
def test_what_it_never_learnt_keeps_its_colour(level: float) -> None:
    """Published networks turn black into green; here it stays what it was."""
    weights = read(shared("fsrcnn-pytorch/FSRCNN-x2.pt"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    frame = np.full((1, 3, 24, 24), level / 255, np.float32)
    result = parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"]
    np.testing.assert_allclose(result[:, :, 16:32, 16:32] * 255, level, atol=2.5)


@pytest.mark.parametrize("name", ["FSRCNN-x2.pt", "ckpt-x2.pt"])
def test_published_weights_are_what_pytorch_makes_of_them(name: str) -> None:
    torch: Any = pytest.importorskip("torch")
    weights = read(shared(f"fsrcnn-pytorch/{name}"))
    assert ARCHITECTURE.recognise(weights).facts == {
        "scale": 2, "widths": [56, 12, 12, 12, 12, 12, 56]
    }  # fmt: skip
    check_against(torch, weights, 2)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_is_what_pytorch_makes_of_the_original_source(scale: int) -> None:
    torch: Any = pytest.importorskip("torch")
    check_against(torch, weights_of(arrays(maps=4), options={"scale": scale}), scale)


def check_against(torch: Any, weights: Weights, scale: int) -> None:
    nn = torch.nn
    d, s = weights.arrays["activation_1.weight"].size, weights.arrays["activation_2.weight"].size

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.feature_extract = nn.Conv2d(3, d, 5, padding=2)
            self.activation_1 = nn.PReLU(d)
            self.shrink = nn.Conv2d(d, s, 1)
            self.activation_2 = nn.PReLU(s)
            for index in range(1, 5):
                setattr(self, f"map_{index}", nn.Conv2d(s, s, 3, padding=1))
            self.activation_3 = nn.PReLU(s)
            self.expand = nn.Conv2d(s, d, 1)
            self.activation_4 = nn.PReLU(d)
            self.deconv = nn.ConvTranspose2d(
                d, 3, 9, stride=scale, padding=4, output_padding=scale - 1
            )

        def forward(self, x: Any) -> Any:
            x = self.activation_1(self.feature_extract(x))
            x = self.activation_2(self.shrink(x))
            for index in range(1, 5):
                x = getattr(self, f"map_{index}")(x)
            x = self.activation_3(x)
            x = self.activation_4(self.expand(x))
            return torch.clip(self.deconv(x), 0.0, 1.0)

    module = Model().eval()
    module.load_state_dict({n: torch.from_numpy(np.array(a)) for n, a in weights.arrays.items()})

    def forward(ycbcr: Array) -> Array:
        with torch.no_grad():
            result: Array = module(torch.from_numpy(ycbcr.astype(np.float32))).numpy()
        return result

    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network, (19, 12))
    found = parity.run(network.model.SerializeToString(), inputs)["upscaled"]
    expected = around_reference(inputs["frame"], scale, forward)
    np.testing.assert_allclose(found * 255, expected * 255, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"feature_extract.weight": None}, "no feature_extract"),
        ({"shrink.weight": (4, 9, 1, 1)}, "shrink.weight takes 9 channels where 10"),
        ({"shrink.weight": (4, 10, 2, 2)}, "even side"),
        ({"shrink.weight": (4, 10)}, r"shrink.weight is \[4, 10\]"),
        ({"deconv.weight": None}, "deconv.weight is not there"),
        ({"deconv.weight": (10, 1, 9, 9)}, "gives 1 channels"),
        ({"head.weight": (3, 3)}, "it also has head.weight"),
    ],
)
def test_arrays_of_another_network_are_refused(
    change: dict[str, tuple[int, ...] | None], reason: str
) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(changed(arrays(), change)))


@pytest.mark.parametrize("name", ["expand.bias", "activation_2.weight", "feature_extract.weight"])
def test_what_is_not_finite_is_recognised_and_refused_when_built(name: str) -> None:
    changed = arrays()
    changed[name].flat[0] = np.nan
    weights = weights_of(changed)
    with pytest.raises(NetworkError, match="finite"):
        ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)


@pytest.mark.parametrize("kind", ["U3", "complex64", "object", "bool"])
def test_what_is_no_number_tells_no_scale_and_is_refused_when_built(kind: str) -> None:
    changed: dict[str, Any] = flat_at(3)
    changed["expand.weight"] = changed["expand.weight"].astype(kind)
    weights = weights_of(changed)
    found = ARCHITECTURE.recognise(weights)
    assert "do not tell" in found.evidence[-1]
    with pytest.raises(NetworkError, match="numbers"):
        ARCHITECTURE.build(weights, found.config)
