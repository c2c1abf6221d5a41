"""The Keras port of DeblurGAN, of any width and number of blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import detect, parity
from converters.architectures.base import NotThis
from converters.architectures.deblurgan_keras import ARCHITECTURE
from converters.weights import Array
from tests.converters.proving import prove, weights_of


def arrays(
    width: int = 4, blocks: int = 2, first: int = 1, form: str = "{0}/{1}:0"
) -> dict[str, Array]:
    """As Keras 2 writes them, kernels after He; `first`: number of the first layer of a kind."""
    random = np.random.default_rng(width + blocks)
    shapes = [
        (7, 7, 3, width), (3, 3, width, 2 * width), (3, 3, 2 * width, 4 * width),
        *[(3, 3, 4 * width, 4 * width)] * (2 * blocks),
        (3, 3, 4 * width, 2 * width), (3, 3, 2 * width, width), (7, 7, width, 3),
    ]  # fmt: skip
    made: dict[str, Array] = {}
    for number, shape in enumerate(shapes, start=first):
        layer, out = f"conv2d_{number}" if number else "conv2d", shape[-1]
        spread = np.sqrt(2 / np.prod(shape[:3]))
        made[form.format(layer, "kernel")] = spread * random.standard_normal(shape)
        made[form.format(layer, "bias")] = 0.1 * random.standard_normal(out)
        if number - first == len(shapes) - 1:
            break
        layer = layer.replace("conv2d", "batch_normalization")
        for part, values in (
            ("gamma", random.uniform(0.5, 1.5, out)), ("beta", 0.1 * random.standard_normal(out)),
            ("moving_mean", 0.3 * random.standard_normal(out)),
            ("moving_variance", random.uniform(1, 3, out)),
        ):  # fmt: skip
            made[form.format(layer, part)] = values
    # No statistics of the picture tame these norms: what blocks add stays small beside what comes.
    for number in range(first + 4, first + 3 + 2 * blocks, 2):
        for part in ("gamma", "beta"):
            made[form.format(f"batch_normalization_{number}", part)] *= 0.3
    # What is added to the picture is a part of its range, as in a network that deblurs.
    made[form.format(f"conv2d_{first + len(shapes) - 1}", "kernel")] *= 0.5
    return {name: array.astype(np.float32) for name, array in made.items()}


def test_the_graph_is_the_network() -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(4, 2)))
    assert network.inputs[0].size.fixed == [256, 256]  # type: ignore[union-attr]
    assert network.task == "deblur"


@pytest.mark.parametrize(("width", "blocks"), [(8, 0), (2, 11)])
def test_other_widths_and_depths_are_told_by_the_arrays(width: int, blocks: int) -> None:
    weights = weights_of(arrays(width, blocks))
    assert ARCHITECTURE.recognise(weights).facts == {"width": width, "blocks": blocks}
    prove(ARCHITECTURE, weights)


@pytest.mark.parametrize(
    ("first", "form"),
    [(1, "{0}/{0}/{1}:0"), (0, "{0}/{1}:0"), (25, "{0}/{1}:0"), (1, "Generator/{0}/{1}:0"),
     (3, "model_weights/{0}/{0}/{1}:0"), (1, "{0}/{1}")],
)  # fmt: skip
def test_layers_are_ordered_by_their_numbers_wherever_these_begin(first: int, form: str) -> None:
    stored = arrays(2, 4, first, form)
    # By their names conv2d_10 stands before conv2d_2.
    weights = weights_of(dict(sorted(stored.items())))
    plain = weights_of(arrays(2, 4))
    built = [
        ARCHITECTURE.build(each, ARCHITECTURE.recognise(each).config).model.SerializeToString()
        for each in (weights, plain)
    ]
    assert built[0] == built[1]


def test_of_all_networks_it_is_chosen() -> None:
    assert detect.recognise(weights_of(arrays()))[0] is ARCHITECTURE


def test_its_own_arrays_are_near() -> None:
    assert ARCHITECTURE.nearness(weights_of(arrays())) == 1
    assert ARCHITECTURE.nearness(weights_of({"conv1.conv2d.weight": np.zeros(1)})) == 0


def test_arrays_of_another_network_are_refused() -> None:
    with pytest.raises(NotThis, match="dense"):
        ARCHITECTURE.recognise(weights_of({**arrays(), "dense_1/kernel:0": np.zeros((2, 2))}))
    fewer = {name: array for name, array in arrays().items() if "normalization_3/" not in name}
    with pytest.raises(NotThis, match="10 convolutions and 8 batch norms"):
        ARCHITECTURE.recognise(weights_of(fewer))
    other = arrays()
    other["conv2d_2/kernel:0"] = np.zeros((4, 4, 4, 8), np.float32)
    with pytest.raises(NotThis, match="conv2d_2/kernel:0"):
        ARCHITECTURE.recognise(weights_of(other))
    flat = {name: array.ravel() for name, array in arrays().items()}
    with pytest.raises(NotThis, match="conv2d_1/kernel:0"):
        ARCHITECTURE.recognise(weights_of(flat))
    half = {name: array for name, array in arrays().items() if name != "conv2d_3/bias:0"}
    with pytest.raises(NotThis, match="conv2d_3 has not all"):
        ARCHITECTURE.recognise(weights_of(half))
    twice = {**arrays(), "other/conv2d_3/bias:0": np.zeros(8)}
    with pytest.raises(NotThis, match="too many"):
        ARCHITECTURE.recognise(weights_of(twice))
    with pytest.raises(NotThis):
        ARCHITECTURE.recognise(weights_of({}))


@pytest.mark.parametrize("name", ["conv2d_4/bias:0", "batch_normalization_2/moving_variance:0"])
def test_wrong_arrays_are_errors_that_name_them(name: str) -> None:
    stored = arrays()
    config = ARCHITECTURE.recognise(weights_of(stored)).config
    for bad in (np.zeros(1, np.float32), np.full_like(stored[name], np.nan)):
        with pytest.raises(NetworkError, match=name):
            ARCHITECTURE.build(weights_of({**stored, name: bad}), config)


def test_a_negative_variance_is_an_error() -> None:
    stored = arrays()
    stored["batch_normalization_9/moving_variance:0"][1] = -1
    config = ARCHITECTURE.recognise(weights_of(stored)).config
    with pytest.raises(NetworkError, match="variances"):
        ARCHITECTURE.build(weights_of(stored), config)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("width", "blocks"), [(64, 9), (8, 3)])
def test_the_graph_is_the_original_in_keras(width: int, blocks: int, record_property: Any) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    stored = arrays(width, blocks)
    original = _original(tensorflow.keras, tensorflow, width, blocks)
    for layer in original.layers:
        if layer.weights:
            names = ("kernel", "bias") if layer.name.startswith("conv2d") else (
                "gamma", "beta", "moving_mean", "moving_variance"
            )  # fmt: skip
            layer.set_weights([stored[f"{layer.name}/{name}:0"] for name in names])
    weights = weights_of(stored)
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    inputs = parity.inputs_for(network)
    found = parity.run(network.model.SerializeToString(), inputs)["deblurred"]
    frame = inputs["frame"].transpose(0, 2, 3, 1)
    expected = original.predict(frame, verbose=0).transpose(0, 3, 1, 2)
    apart = float(np.abs(found - expected).max() * 127.5)
    record_property("of 255", apart)
    exact = ARCHITECTURE.reference(parity.NumpyOps(), weights, config, inputs)["deblurred"]
    ours, theirs = (np.abs(each - exact).max() * 127.5 for each in (found, expected))
    print(f"keras {width} {blocks}: {apart:.1e} of 255; from float64: ours {ours:.1e}, "
          f"TensorFlow {theirs:.1e}")  # fmt: skip
    assert found.shape == expected.shape
    assert np.abs(expected - inputs["frame"] / 2).max() > 0.1, "the network does something"
    assert apart <= parity.TOLERANCE


# Keras itself, where it saves with a newer NumPy.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_file_that_keras_3_wrote_has_names_that_are_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    tensorflow = pytest.importorskip("tensorflow")
    original = _original(tensorflow.keras, tensorflow, 2, 5)
    original.save_weights(tmp_path / "generator.weights.h5")
    stored: dict[str, Array] = {}
    with h5py.File(tmp_path / "generator.weights.h5") as file:
        file.visititems(
            lambda name, each: stored.update({name: each[()]} if hasattr(each, "dtype") else {})
        )
    found = ARCHITECTURE.recognise(weights_of(stored))
    assert found.facts == {"width": 2, "blocks": 5}
    first = [stored[kernel] for kernel, _ in found.config.convolutions]
    own = [layer for layer in original.layers if layer.name.startswith("conv2d")]
    for array, layer in zip(first, own, strict=True):
        assert np.array_equal(array, layer.get_weights()[0])


def _original(keras: Any, tensorflow: Any, width: int, blocks: int) -> Any:
    """The generator with the layers of the original, numbered from one."""
    layers = keras.layers
    counts = {"conv2d": 0, "batch_normalization": 0}

    class ReflectionPadding2D(layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, side: int) -> None:
            super().__init__()
            self.side = side

        def call(self, x: Any) -> Any:
            side = [self.side, self.side]
            return tensorflow.pad(x, [[0, 0], side, side, [0, 0]], "REFLECT")

    def named(kind: str) -> str:
        counts[kind] += 1
        return f"{kind}_{counts[kind]}"

    def conv(x: Any, filters: int, side: int, strides: int = 1, padding: str = "valid") -> Any:
        return layers.Conv2D(
            filters, (side, side), strides=strides, padding=padding, name=named("conv2d")
        )(x)

    def norm(x: Any) -> Any:
        return layers.BatchNormalization(name=named("batch_normalization"))(x)

    def relu(x: Any) -> Any:
        return layers.Activation("relu")(x)

    inputs = layers.Input(shape=(256, 256, 3))
    x = relu(norm(conv(ReflectionPadding2D(3)(inputs), width, 7)))
    for scale in (2, 4):
        x = relu(norm(conv(x, scale * width, 3, 2, "same")))
    for _ in range(blocks):
        y = relu(norm(conv(ReflectionPadding2D(1)(x), 4 * width, 3)))
        y = layers.Dropout(0.5)(y)
        y = norm(conv(ReflectionPadding2D(1)(y), 4 * width, 3))
        x = layers.Add()([x, y])
    for scale in (2, 1):
        x = relu(norm(conv(layers.UpSampling2D()(x), scale * width, 3, 1, "same")))
    x = layers.Activation("tanh")(conv(ReflectionPadding2D(3)(x), 3, 7))
    x = layers.Add()([x, inputs])
    return keras.Model(inputs, layers.Lambda(lambda z: z / 2)(x))
