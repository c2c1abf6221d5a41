"""pix2pix of affinelayer's layout, of any width, and its variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.pix2pix import ARCHITECTURE
from converters.readers.pict import READER
from converters.weights import Array, Weights
from converters.writers.pict import write_pict
from tests.converters.proving import prove, weights_of


def widths(ngf: int) -> tuple[list[int], list[int]]:
    down = [ngf * m for m in (1, 2, 4, 8, 8, 8, 8, 8)]
    return down, [ngf * m for m in (8, 8, 8, 8, 4, 2, 1)] + [3]


def shapes(ngf: int, spelling: str = "layers") -> dict[str, tuple[int, ...]]:
    """Written out from the original script, for channels of `ngf`."""
    down, up = widths(ngf)
    found: dict[str, tuple[int, ...]] = {}
    for number in range(1, 9):
        for side, outside, inside in (
            ("encoder", down[number - 1], down[number - 2] if number > 1 else 3),
            ("decoder", up[8 - number],
             down[7] if number == 8 else up[7 - number] + down[number - 1]),
        ):  # fmt: skip
            scope = f"generator/{side}_{number}"
            conv = "conv2d" if side == "encoder" else "conv2d_transpose"
            ends = (inside, outside) if side == "encoder" else (outside, inside)
            if spelling == "separable":
                found[f"{scope}/separable_conv2d/depthwise_kernel"] = (4, 4, inside, 1)
                found[f"{scope}/separable_conv2d/pointwise_kernel"] = (1, 1, inside, outside)
                found[f"{scope}/separable_conv2d/bias"] = (outside,)
            elif spelling == "filters":
                conv = "conv" if side == "encoder" else "deconv"
                found[f"{scope}/{conv}/filter"] = (4, 4, *ends)
            else:
                found[f"{scope}/{conv}/kernel"] = (4, 4, *ends)
                found[f"{scope}/{conv}/bias"] = (outside,)
            if number > 1:
                norm, parts = (
                    ("batchnorm", ("scale", "offset"))
                    if spelling == "filters"
                    else ("batch_normalization", ("gamma", "beta"))
                )
                for part in parts:
                    found[f"{scope}/{norm}/{part}"] = (outside,)
    return found


def arrays(ngf: int, spelling: str = "layers", seed: int = 0) -> dict[str, Array]:
    """As training begins, but with biases that show."""
    random = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes(ngf, spelling).items():
        values = random.standard_normal(shape, np.float32)
        if len(shape) == 4:
            inside = shape[3] if "transpose" in name or "deconv" in name else shape[2]
            taps = {4: 16, 1: 1}[shape[0]] * (1 if "depthwise" in name else inside)
            values *= np.float32(1 / np.sqrt(taps))
        else:
            values *= np.float32(0.1)
            if name.endswith(("gamma", "scale")):
                values += np.float32(1)
        found[name] = values
    return found


@pytest.mark.parametrize(
    ("ngf", "spelling"), [(4, "layers"), (3, "layers"), (2, "filters"), (2, "separable")]
)
def test_the_graph_is_the_network(ngf: int, spelling: str) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(ngf, spelling)))
    kernels = [
        tensor for tensor in network.model.graph.initializer if list(tensor.dims[2:]) == [4, 4]
    ]
    assert len(kernels) == 15, "encoder_8 is folded into its beta, the others stand once"


def test_a_file_of_our_writer_is_the_network_of_its_arrays(tmp_path: Path) -> None:
    write_pict(tmp_path / "w.pict", arrays(2))
    prove(ARCHITECTURE, READER.read(tmp_path / "w.pict"))


def test_a_checkpoint_with_slots_and_a_discriminator_is_taken() -> None:
    kept = arrays(2)
    more = {
        "global_step": np.int64(7),
        "generator/encoder_2/batch_normalization/moving_mean": np.zeros(4, np.float32),
        "generator_train/generator/encoder_1/conv2d/kernel/Adam": kept[
            "generator/encoder_1/conv2d/kernel"
        ],
        "discriminator/layer_1/conv2d/kernel": np.zeros((4, 4, 6, 8), np.float32),
    }
    weights = weights_of({**more, **kept})
    plain, other = (
        ARCHITECTURE.build(w, ARCHITECTURE.recognise(w).config) for w in (weights_of(kept), weights)
    )
    assert plain.model == other.model


def test_the_width_is_told_by_the_shapes() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(5)))
    assert found.facts["ngf"] == 5
    assert found.facts["widths"] == [*widths(5)[0], *widths(5)[1]]
    assert not found.facts["separable"]


def without(name: str) -> dict[str, Array]:
    return {key: array for key, array in arrays(1).items() if key != name}


def reshaped(name: str, shape: tuple[int, ...]) -> dict[str, Array]:
    return {**arrays(1), name: np.zeros(shape, np.float32)}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "it has none of generator/encoder_1"),
        (without("generator/decoder_3/conv2d_transpose/kernel"), "no generator/decoder_3"),
        (reshaped("generator/encoder_1/conv2d/kernel", (4, 4, 1, 1)), "1 channels to 3"),
        (reshaped("generator/decoder_1/conv2d_transpose/kernel", (4, 4, 2, 2)), "3 channels to 2"),
        (reshaped("generator/encoder_3/conv2d/kernel", (4, 4, 9, 4)), "as its neighbours ask"),
        (reshaped("generator/encoder_3/conv2d/kernel", (5, 5, 2, 4)), "as its neighbours ask"),
        (reshaped("generator/encoder_1/conv2d/kernel", ()), "0 axes"),
    ],
)
def test_arrays_of_another_network_are_refused(given: dict[str, Array], reason: str) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (without("generator/encoder_3/batch_normalization/beta"), "got none"),
        (without("generator/encoder_8/conv2d/bias"), "got none"),
        (reshaped("generator/encoder_3/conv2d/bias", (5,)), r"shape \[4\]"),
        ({**arrays(1), "generator/decoder_1/conv2d_transpose/bias": np.full(3, np.nan)}, "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_one_clear_error(given: dict[str, Array], said: str) -> None:
    weights = weights_of(given)
    found = ARCHITECTURE.recognise(weights)
    with pytest.raises(NetworkError, match=said):
        ARCHITECTURE.build(weights, found.config)


def original(arrays: Weights, x: Array) -> Array:
    """create_generator of pix2pix.py, without dropout; (1, H, W, 3), -1 to 1, both ways."""
    tf = pytest.importorskip("tensorflow")
    kept = arrays.arrays

    def lrelu(x: object, a: float) -> object:
        return (0.5 * (1 + a)) * x + (0.5 * (1 - a)) * tf.abs(x)  # type: ignore[operator]

    def batchnorm(x: object, scope: str) -> object:
        gamma, beta = (kept[f"{scope}/batch_normalization/{p}"] for p in ("gamma", "beta"))
        # What tf.layers.batch_normalization(axis=3, training=True) calls.
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-5)[0]

    def separable(x: object, scope: str, stride: int) -> object:
        depth, point, bias = (
            kept[f"{scope}/separable_conv2d/{part}"]
            for part in ("depthwise_kernel", "pointwise_kernel", "bias")
        )
        strides = [1, stride, stride, 1]
        return tf.nn.separable_conv2d(x, depth, point, strides, "SAME") + bias

    is_separable = "generator/encoder_1/separable_conv2d/bias" in kept

    def gen_conv(x: object, scope: str) -> object:
        if is_separable:
            return separable(x, scope, 2)
        return (
            tf.nn.conv2d(x, kept[f"{scope}/conv2d/kernel"], 2, "SAME")
            + kept[f"{scope}/conv2d/bias"]
        )

    def gen_deconv(x: object, scope: str) -> object:
        _, height, width, _ = x.shape  # type: ignore[attr-defined]
        if is_separable:
            resized = tf.image.resize(x, (2 * height, 2 * width), "nearest")
            return separable(resized, scope, 1)
        kernel = kept[f"{scope}/conv2d_transpose/kernel"]
        shape = (1, 2 * height, 2 * width, kernel.shape[2])
        result = tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME")
        return result + kept[f"{scope}/conv2d_transpose/bias"]

    layers = [gen_conv(x, "generator/encoder_1")]
    for number in range(2, 9):
        scope = f"generator/encoder_{number}"
        layers.append(batchnorm(gen_conv(lrelu(layers[-1], 0.2), scope), scope))
    for number in range(8, 1, -1):
        scope = f"generator/decoder_{number}"
        x = layers[-1] if number == 8 else tf.concat([layers[-1], layers[number - 1]], axis=3)
        layers.append(batchnorm(gen_deconv(tf.nn.relu(x), scope), scope))
    x = tf.concat([layers[-1], layers[0]], axis=3)
    return np.asarray(tf.tanh(gen_deconv(tf.nn.relu(x), "generator/decoder_1")))


@pytest.mark.parametrize(("ngf", "spelling"), [(64, "layers"), (6, "layers"), (16, "separable")])
def test_it_is_the_original_network_in_tensorflow(tmp_path: Path, ngf: int, spelling: str) -> None:
    pytest.importorskip("tensorflow")
    write_pict(tmp_path / "w.pict", arrays(ngf, spelling))
    weights = READER.read(tmp_path / "w.pict")
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network)
    expected = original(weights, inputs["frame"].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    found = parity.run(network.model.SerializeToString(), inputs)["picture"]
    worst = np.abs(found - expected).max() * 127.5
    assert worst <= parity.TOLERANCE, worst
