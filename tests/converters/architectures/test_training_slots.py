"""What a checkpoint holds besides the network."""

from __future__ import annotations

import numpy as np
import pytest

from converters.architectures.training_slots import without_training
from tests.converters.proving import weights_of


@pytest.mark.parametrize(
    "name", ["a/Adam", "a/b/Adam_1", "a/Momentum", "a/RMSProp_1", "a/ExponentialMovingAverage"]
)
def test_the_memory_of_an_optimiser_is_left_out(name: str) -> None:
    arrays = {"a": np.zeros((2, 3)), name: np.zeros((2, 3))}
    assert without_training(weights_of(arrays)) == {"a": (2, 3)}


def test_counters_are_left_out() -> None:
    assert without_training(weights_of({"beta1_power": np.float32(0.9)})) == {}


@pytest.mark.parametrize("name", ["Adam", "Adam/kernel", "a/Adamant", "Momentum/a"])
def test_names_that_only_look_like_it_stay(name: str) -> None:
    assert without_training(weights_of({name: np.zeros(3)})) == {name: (3,)}
