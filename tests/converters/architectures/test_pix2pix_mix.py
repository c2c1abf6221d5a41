"""Two pix2pix networks as one, with a knob between them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures import pix2pix
from converters.architectures.base import NotThis
from converters.architectures.pix2pix_mix import ARCHITECTURE, joined, mix
from tests.converters.architectures.test_pix2pix import arrays
from tests.converters.proving import prove, weights_of

FIRST, SECOND = weights_of(arrays(2, seed=1)), weights_of(arrays(2, seed=2))


@pytest.mark.parametrize("spelling", ["layers", "separable"])
def test_the_graph_is_the_network_half_way(spelling: str) -> None:
    pair = (weights_of(arrays(2, spelling, seed)) for seed in (1, 2))
    network = prove(ARCHITECTURE, joined(*pair))
    assert network.inputs[1].default == 0.5  # type: ignore[union-attr]


@pytest.mark.parametrize("amount", [0.0, 0.25, 1.0])
def test_the_knob_goes_from_the_first_to_the_second(amount: float) -> None:
    found, network = mix(FIRST, SECOND)
    inputs = {**parity.inputs_for(network), "mix": np.float32([amount])}
    measured = parity.measure(
        ARCHITECTURE, network, joined(FIRST, SECOND), found.config, parity.NumpyOps(), inputs
    )
    assert measured.max_abs_error <= parity.TOLERANCE, measured
    ours = parity.run(network.model.SerializeToString(), inputs)["picture"]
    for end, weights in ((0.0, FIRST), (1.0, SECOND)):
        alone = pix2pix.ARCHITECTURE.reference(
            parity.NumpyOps(), weights, found.config, {"frame": inputs["frame"]}
        )["picture"]
        apart = np.abs(ours - alone).max() * 127.5
        assert (apart <= parity.TOLERANCE) == (amount == end), f"{apart} of 255"


def test_each_weight_stands_once_for_each_network() -> None:
    _, network = mix(FIRST, SECOND)
    alone = pix2pix.ARCHITECTURE.build(FIRST, pix2pix.ARCHITECTURE.recognise(FIRST).config)
    both, one = (
        sum(np.prod(tensor.dims) for tensor in made.model.graph.initializer)
        for made in (network, alone)
    )
    assert both == 2 * one
    assert any("blended anew" in limit for limit in network.limits)


def test_networks_that_differ_are_refused() -> None:
    with pytest.raises(NetworkError, match="the networks differ"):
        mix(FIRST, weights_of(arrays(3)))
    with pytest.raises(NetworkError, match="the second network is none"):
        mix(FIRST, weights_of({"a": np.zeros(3, np.float32)}))


def test_an_array_that_is_missing_from_one_is_named() -> None:
    damaged = arrays(2, seed=2)
    del damaged["generator/encoder_3/conv2d/bias"]
    with pytest.raises(NetworkError, match="encoder_3/conv2d/bias"):
        mix(FIRST, weights_of(damaged))


def test_one_network_is_not_taken_for_two() -> None:
    with pytest.raises(NotThis, match="not two"):
        ARCHITECTURE.recognise(FIRST)
