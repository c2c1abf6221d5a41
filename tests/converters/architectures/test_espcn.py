"""ESPCN, of any width and scale."""

from __future__ import annotations

import pytest

from converters.architectures.base import NotThis
from converters.architectures.espcn import ARCHITECTURE
from tests.converters.proving import prove, random_arrays, weights_of


def arrays(scale: int, widths: tuple[int, int] = (16, 8)) -> dict:
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
