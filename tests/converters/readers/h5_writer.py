"""Writes HDF5 files as Keras does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

RANDOM = np.random.default_rng(0)
LAYERS = {
    "input_1": {},
    "conv2d_9": {
        "kernel:0": RANDOM.standard_normal((3, 3, 3, 4)).astype(np.float32),
        "bias:0": np.arange(4, dtype=np.float32),
    },
    "conv2d_10": {
        "kernel:0": RANDOM.standard_normal((1, 1, 4, 2)).astype(np.float16),
        "bias:0": np.linspace(0, 1, 2),
    },
}


def keras_2(file: Any, layers: Mapping[str, Mapping[str, np.ndarray]] = LAYERS, **how: Any) -> None:
    """As Keras 2 writes its weights."""
    file.attrs["layer_names"] = [name.encode() for name in layers]
    file.attrs["keras_version"] = b"2.5.0"
    for layer, weights in layers.items():
        group = file.create_group(layer)
        names = [f"{layer}/{name}" for name in weights]
        group.attrs["weight_names"] = np.array([n.encode() for n in names]) if names else []
        for name, array in zip(names, weights.values(), strict=True):
            group.create_dataset(name, data=array, **how)


def expected(layers: Mapping[str, Mapping[str, np.ndarray]] = LAYERS) -> dict[str, np.ndarray]:
    return {f"{layer}/{name}": a for layer, ws in layers.items() for name, a in ws.items()}
