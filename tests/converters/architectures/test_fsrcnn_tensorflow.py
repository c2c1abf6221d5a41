"""FSRCNN of TensorFlow, of any width, depth and scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.fsrcnn_tensorflow import ARCHITECTURE
from converters.detect import read
from converters.luma import FULL, luma_reference
from converters.weights import Array
from tests.converters.proving import changed, prove, random_arrays, shared, weights_of


def arrays(
    scale: int = 2, d: int = 10, s: int = 4, maps: int = 2, last: int = 1
) -> dict[str, Array]:
    """As the graph of the repository names and shapes them."""
    kernels = [(5, 1, d), (1, d, s), *[(3, s, s)] * maps, (1, s, d), (last, d, scale**2)]
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (side, inside, out) in enumerate(kernels, 1):
        shapes[f"f{index}"] = (side, side, inside, out)
        shapes[f"b{index}"] = (out,) if index < len(kernels) else (1,)
        if index < len(kernels):
            shapes[f"alpha{index}"] = (out,)
    found = random_arrays(shapes)
    for name, shape in shapes.items():
        if name.startswith("f"):
            found[name] *= np.float32(np.sqrt(np.prod(shape[1:]) / np.prod(shape[:3])))
    return found


@pytest.mark.parametrize(
    ("scale", "d", "s", "maps", "last"), [(2, 10, 4, 2, 1), (3, 7, 3, 4, 1), (4, 6, 5, 0, 3)]
)
def test_the_graph_is_the_network(scale: int, d: int, s: int, maps: int, last: int) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(scale, d, s, maps, last)), (19, 12), (7, 7))
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]


@pytest.mark.parametrize("scale", [2, 3])
def test_published_weights_are_what_their_own_graph_makes_of_them(scale: int) -> None:
    """A grey frame has Y of its own level, and comes out grey."""
    tf: Any = pytest.importorskip("tensorflow")
    path = shared(f"fsrcnn-tf1/x{scale}/fsrcnn_ckpt.index")
    weights = read(path)
    found = ARCHITECTURE.recognise(weights)
    assert found.facts == {"scale": scale, "widths": [56, 12, 12, 12, 12, 12, 56]}
    network = ARCHITECTURE.build(weights, found.config)
    frame = parity.inputs_for(network, (23, 14))["frame"]
    result = parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"]
    y = luma_reference(frame, FULL, white=1).astype(np.float32)
    prefix, v1 = str(path).removesuffix(".index"), tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.train.import_meta_graph(f"{prefix}.meta", clear_devices=True).restore(session, prefix)
        feed = {"IteratorGetNext:0": y.transpose(0, 2, 3, 1)}
        expected = session.run("NHWC_output:0", feed).transpose(0, 3, 1, 2).clip(0, 1)
    np.testing.assert_allclose(luma_reference(result, FULL), expected * 255, atol=1e-3)


def test_the_memory_of_an_optimiser_is_left_out() -> None:
    found = arrays()
    slots = {f"{name}/Adam": np.zeros_like(array) for name, array in found.items()}
    counters = {"beta1_power": np.float32(0.5)}
    config = ARCHITECTURE.recognise(weights_of({**found, **slots, **counters})).config
    assert config == ARCHITECTURE.recognise(weights_of(found)).config


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"f1": None}, "no f1"),
        ({"f3": None}, "f3 is not there"),
        ({"f2": (1, 1, 9, 4)}, "f2 takes 9 channels where 10"),
        ({"f2": (2, 2, 10, 4)}, "even side"),
        ({"f6": (9, 9, 1, 10)}, "f6 takes 1 channels where 10"),
        ({"f6": (1, 1, 10, 5)}, "no square of pixels"),
        ({"f6": (1, 1, 10, 1)}, "no square of pixels"),
        ({"W": (3, 3)}, "it also has W"),
    ],
)
def test_arrays_of_another_network_are_refused(
    change: dict[str, tuple[int, ...] | None], reason: str
) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(changed(arrays(), change)))
