"""What a training checkpoint of TensorFlow holds besides the network."""

from __future__ import annotations

import re

from converters.weights import Weights

_SLOT = re.compile(
    r".+/(Adam(_\d)?|AdaMax(_1)?|Momentum|RMSProp(_\d)?|Adagrad|Adadelta(_1)?|Ftrl(_1)?"
    r"|ExponentialMovingAverage)"
)


def without_training(weights: Weights) -> dict[str, tuple[int, ...]]:
    """The shapes of all arrays that are no counter (a single number) and no optimiser's memory."""
    return {
        name: tuple(array.shape)
        for name, array in weights.arrays.items()
        if array.shape and not _SLOT.fullmatch(name)
    }
