"""Anime4K's networks, of any width and depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.anime4k_keras import ARCHITECTURE
from converters.architectures.base import NotThis
from converters.readers import keras_h5
from tests.converters.proving import prove, random_arrays, shared, weights_of

SIZES = ((37, 22), (16, 16), (1, 5))


def shapes(depth: int, width: int, scale: int = 2, kernel: int = 3) -> list[tuple[int, ...]]:
    """Of kernels, in their order."""
    middle = [(kernel, kernel, 2 * width, width)] * (depth - 1)
    return [(kernel, kernel, 3, width), *middle, (1, 1, 2 * width * depth, 3 * scale**2)]


def arrays(depth: int, width: int, scale: int = 2, kernel: int = 3, first: int = 0) -> dict:
    """As Keras 2 names them."""
    found = {}
    for index, shape in enumerate(shapes(depth, width, scale, kernel), first):
        layer = f"conv2d_{index}" if index else "conv2d"
        sides = {f"{layer}/kernel:0": (shape[3], *shape[:3]), f"{layer}/bias:0": shape[3:]}
        made = random_arrays(sides, seed=index)
        found[f"{layer}/kernel:0"] = np.moveaxis(made[f"{layer}/kernel:0"], 0, 3)
        found[f"{layer}/bias:0"] = made[f"{layer}/bias:0"]
    return found


@pytest.mark.parametrize(
    ("depth", "width", "scale", "kernel"),
    [(7, 4, 2, 3), (1, 1, 2, 3), (3, 8, 2, 3), (2, 5, 1, 3), (2, 3, 2, 5)],
)
def test_the_graph_is_the_network(depth: int, width: int, scale: int, kernel: int) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(depth, width, scale, kernel)), *SIZES)
    assert network.outputs[0].scale == scale  # type: ignore[union-attr]
    assert network.task == ("upscale" if scale == 2 else "deblur")


def test_a_real_file_is_recognised_and_its_graph_is_the_network() -> None:
    pytest.importorskip("h5py")
    weights = keras_h5.READER.read(shared("keras-h5/model-checkpoint.h5"))
    found = ARCHITECTURE.recognise(weights)
    assert found.facts == {"scale": 2, "layers": 7, "width": 4}
    prove(ARCHITECTURE, weights, *SIZES)


def original(weights: Any, names: list[tuple[str, str]], frame: np.ndarray, scale: int) -> Any:
    """The network as its source has it, in the framework's own NHWC operations."""
    tf = pytest.importorskip("tensorflow")
    values = [(weights[kernel], weights[bias]) for kernel, bias in names]
    picture = x = tf.constant(frame.transpose(0, 2, 3, 1))
    kept = []
    for kernel, bias in values[:-1]:
        x = tf.nn.crelu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
        kept.append(x)
    x = tf.nn.bias_add(tf.nn.conv2d(tf.concat(kept, -1), values[-1][0], 1, "SAME"), values[-1][1])
    if scale == 2:
        parts = tf.split(x, x.shape[-1] // 4, axis=-1)
        x = tf.concat([tf.nn.depth_to_space(part, 2) for part in parts], axis=-1)
        size = (2 * picture.shape[1], 2 * picture.shape[2])
        picture = tf.image.resize(picture, size, method="bilinear")
    return (x + picture).numpy().transpose(0, 3, 1, 2)


@pytest.mark.parametrize("name", ["real", "made", "same size"])
def test_the_graph_is_the_original_in_tensorflow(name: str) -> None:
    pytest.importorskip("tensorflow")
    if name == "real":
        weights = keras_h5.READER.read(shared("keras-h5/model-checkpoint.h5"))
    else:
        weights = weights_of(arrays(3, 6, 1 if name == "same size" else 2))
    found = ARCHITECTURE.recognise(weights)
    network = ARCHITECTURE.build(weights, found.config)
    for size in SIZES:
        inputs = parity.inputs_for(network, size)
        ours = parity.run(network.model.SerializeToString(), inputs)["result"]
        names = [
            (f"conv2d{f'_{n}' if n else ''}/kernel:0", f"conv2d{f'_{n}' if n else ''}/bias:0")
            for n in range(found.facts["layers"] + 1)
        ]
        theirs = original(weights.arrays, names, inputs["frame"], found.facts["scale"])
        assert np.abs(ours - theirs).max() * 255 < 1e-3


def test_layers_are_in_the_order_of_their_numbers_wherever_these_begin() -> None:
    made = arrays(12, 2, first=8)
    shuffled = dict(sorted(made.items()))
    assert list(shuffled) != list(made)
    found = ARCHITECTURE.recognise(weights_of(shuffled))
    assert [kernel for kernel, _ in found.config.layers] == [
        f"conv2d_{n}/kernel:0" for n in range(8, 21)
    ]


def test_a_last_layer_with_a_name_of_its_own_is_the_last() -> None:
    made = arrays(2, 4, scale=1)
    for part in ("kernel:0", "bias:0"):
        made[f"conv2d_lastresid.MAIN/{part}"] = made.pop(f"conv2d_2/{part}")
    found = ARCHITECTURE.recognise(weights_of(made))
    assert found.config.layers[-1][0] == "conv2d_lastresid.MAIN/kernel:0"
    assert found.config.scale == 1


@pytest.mark.parametrize(
    "pattern",
    [
        "layers/conv2d{n}/vars/{i}", "conv2d{n}/{part}",
        "layer_with_weights-{index}/{part}/.ATTRIBUTES/VARIABLE_VALUE",
    ],
)  # fmt: skip
def test_other_ways_to_name_the_same(pattern: str) -> None:
    made = list(arrays(3, 4).values())
    named = {
        pattern.format(
            n=f"_{index // 2}" if index // 2 else "", i=index % 2, index=index // 2,
            part=("kernel", "bias")[index % 2],
        ): array
        for index, array in enumerate(made)
    }  # fmt: skip
    if "ATTRIBUTES" in pattern:
        named["save_counter/.ATTRIBUTES/VARIABLE_VALUE"] = np.array(1)
    assert ARCHITECTURE.recognise(weights_of(named)).facts["layers"] == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"gamma:0": (4,)}, "no kernel and no bias"),
        ({"conv2d_4/kernel:0": (3, 3, 8, 4)}, "a kernel and a bias"),
        ({"conv2d_1/kernel:0": (3, 3, 4, 4)}, "twice the channels"),
        ({"conv2d_1/kernel:0": (1, 1, 8, 4)}, "2 of its kernels are 1x1"),
        ({"conv2d_3/kernel:0": (1, 1, 24, 27)}, "all the others give"),
        ({"conv2d_3/kernel:0": (1, 1, 16, 12)}, "all the others give"),
        ({"conv2d/kernel:0": (3, 3, 1, 4)}, "of RGB"),
        ({"conv2d/kernel:0": (2, 2, 3, 4)}, "odd, square"),
        ({"conv2d/kernel:0": (3, 3, 3, 0)}, "of RGB"),
        ({"conv2d/kernel:0": (3,)}, "four sides"),
        ({f"conv2d_{n}/{part}:0": (1,) for n in range(99) for part in ("kernel", "bias")}, "100"),
    ],
)
def test_arrays_of_another_network_are_refused(change: dict, why: str) -> None:
    others = {name: np.zeros(shape) for name, shape in change.items()}
    with pytest.raises(NotThis, match=why):
        ARCHITECTURE.recognise(weights_of({**arrays(3, 4), **others}))
    with pytest.raises(NotThis, match="0 convolutions"):
        ARCHITECTURE.recognise(weights_of({}))


@pytest.mark.parametrize("value", [np.full(4, np.nan), np.zeros(5), np.array(["a"] * 4)])
def test_wrong_arrays_of_this_network_are_named(value: np.ndarray) -> None:
    weights = weights_of({**arrays(3, 4), "conv2d_1/bias:0": value})
    found = ARCHITECTURE.recognise(weights)
    with pytest.raises(NetworkError, match="conv2d_1/bias:0"):
        ARCHITECTURE.build(weights, found.config)
