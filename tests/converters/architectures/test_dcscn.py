"""DCSCN of both versions, depthwise separable or not, of any width, depth and scale."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from bridge.inference.manifest import FrameOutput
from converters import parity
from converters.architectures.base import Network, NotThis
from converters.architectures.dcscn import ARCHITECTURE, reference_on_luma
from converters.detect import read
from converters.luma import DCSCN_STUDIO, luma_reference
from converters.weights import Array
from tests.converters.proving import openvino_run, prove, random_arrays, shared, weights_of

Arrays = dict[str, Array]
_FULL = "dcscn_L7_F32to8_G1.20_NIN_A24_B8_PS_R1F32"
_FULL_X3 = "dcscn_L7_F32to8_G1.20_Sc3_NIN_A24_B8_PS_R1F32"


def layer(
    scope: str, kernel: int, inside: int, out: int, slope: str = "", *, bias: bool = True,
    separable: bool = False,
) -> dict[str, tuple[int, ...]]:  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {f"{scope}/conv_W": (kernel, kernel, inside, out)}
    if separable:
        shapes[f"{scope}/depthwise_W"] = (kernel, kernel, inside, 1)
        shapes[f"{scope}/pointwise_W"] = (1, 1, inside, out)
    if bias:
        shapes[f"{scope}/conv_B"] = (out,)
    if slope:
        shapes[f"{scope}/{slope}"] = (out,)
    return shapes


def filled(shapes: dict[str, tuple[int, ...]]) -> Arrays:
    """Kernels that keep the size of what passes; their inputs stand before the last axis."""
    arrays = random_arrays(shapes)
    for name, shape in shapes.items():
        if len(shape) == 4:
            inputs = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:3])
            arrays[name] *= np.float32(np.sqrt(np.prod(shape[1:]) / inputs))
    return arrays


def version_2(
    scale: int = 2, filters: tuple[int, ...] = (9, 7, 4), nin: tuple[int, int] | None = (6, 3), *,
    separable: bool = False, shuffled: int = 1, up: str = "PS", before_last: tuple[int, ...] = (),
) -> Arrays:  # fmt: skip
    """As DCSCN.py names and shapes its variables."""
    ds = {"separable": separable}
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (inside, out) in enumerate(pairwise((1, *filters)), 1):
        shapes |= layer(f"CNN{index}", 3, inside, out, f"prelu/CNN{index}_prelu", **ds)
    channels = sum(filters)
    if nin:
        a, b = nin
        shapes |= layer("A1", 1, channels, a, "prelu/A1_prelu", **ds)
        shapes |= layer("B1", 1, channels, b, "prelu/B1_prelu", **ds)
        shapes |= layer("B2", 3, b, b, "prelu/B2_prelu", **ds)
        channels = a + b
    if up == "TCNN":
        side = 2 * scale - scale % 2
        shapes["Up-TCNN/Tconv_W"] = (side, side, channels, channels)
        shuffled = channels
    elif scale == 4:
        shapes |= layer("Up-PS/Up-PS_CNN", 3, channels, 4 * channels, **ds)
        shapes |= layer("Up-PS2/Up-PS2_CNN", 3, channels, 4 * shuffled, **ds)
    else:
        shapes |= layer("Up-PS/Up-PS_CNN", 3, channels, scale**2 * shuffled, **ds)
    for index, (inside, out) in enumerate(pairwise((shuffled, *before_last)), 1):
        shapes |= layer(f"R-CNN{index}", 3, inside, out, f"prelu/R-CNN{index}_prelu", **ds)
    last = (shuffled, *before_last)[-1]
    shapes |= layer(f"R-CNN{len(before_last) + 1}", 3, last, 1, bias=False, **ds)
    return filled(shapes)


def version_1(
    scale: int = 2, filters: tuple[int, ...] = (9, 7, 4), nin: tuple[int, int] = (6, 3)
) -> Arrays:
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (inside, out) in enumerate(pairwise((1, *filters))):
        shapes |= layer(f"conv{index}", 3, inside, out, f"prelu/conv{index}_prelu")
    a, b = nin
    shapes |= layer("A1", 1, sum(filters), a, "prelu/A1_prelu")
    shapes |= layer("B1", 1, sum(filters), b, "prelu/B1_prelu")
    shapes |= layer("B2", 3, b, b, "prelu/B2_prelu")
    shapes |= layer("L", 1, a + b, scale**2, bias=False)
    return filled(shapes)


VARIANTS: dict[str, Arrays] = {
    "x2": version_2(),
    "x3 of another width and depth": version_2(3, (12, 10, 8, 6, 5), (8, 4)),
    "x4 of 32 channels in two stages": version_2(4, (8, 6), (20, 12), shuffled=32),
    "x2 without network in network": version_2(2, (4, 4), None, shuffled=8),
    "x4 without network in network": version_2(4, (5,), None),
    "x2 depthwise separable": version_2(separable=True, shuffled=4),
    "x4 depthwise separable": version_2(4, separable=True, shuffled=9),
    "x2 transposed": version_2(up="TCNN"),
    "x3 transposed": version_2(3, up="TCNN"),
    "x4 transposed": version_2(4, up="TCNN"),
    "x2 of three reconstructing layers": version_2(shuffled=5, before_last=(6, 4)),
    "version 1 x2": version_1(),
    "version 1 x3": version_1(3, (6, 5), (4, 2)),
    "version 1 x4": version_1(4),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_graph_is_the_network(name: str) -> None:
    network = prove(ARCHITECTURE, weights_of(VARIANTS[name]), (19, 12), (7, 7))
    output = network.outputs[0]
    assert isinstance(output, FrameOutput)
    assert f"x{output.scale}" in name


@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_what_tensorflow_makes_of_the_original_source(name: str) -> None:
    """The network as DCSCN.py has it, in TensorFlow's own SAME, separable and transposed
    convolutions and depth_to_space."""
    tf: Any = pytest.importorskip("tensorflow")
    weights = weights_of(VARIANTS[name])
    network, frame = built(weights)
    found = parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"]
    y = luma_reference(frame, DCSCN_STUDIO)
    scale = network.outputs[0].scale  # type: ignore[union-attr]
    x2 = luma_reference(parity_bicubic(frame, scale), DCSCN_STUDIO)
    expected = original(tf, dict(weights.arrays), y, x2, scale)
    np.testing.assert_allclose(luma_reference(found, DCSCN_STUDIO), expected, atol=1e-3)


def built(weights: Any) -> tuple[Network, Array]:
    found = ARCHITECTURE.recognise(weights)
    network = ARCHITECTURE.build(weights, found.config)
    return network, parity.inputs_for(network, (19, 12))["frame"]


def parity_bicubic(frame: Array, scale: int) -> Array:
    """Pillow's, of each channel."""
    from PIL import Image

    size = (frame.shape[3] * scale, frame.shape[2] * scale)
    channels = [
        np.asarray(Image.fromarray(channel * 255).resize(size, Image.Resampling.BICUBIC)) / 255
        for channel in frame[0]
    ]
    return np.stack(channels)[None]


def original(tf: Any, arrays: Arrays, y: Array, x2: Array, scale: int) -> Array:
    def conv(scope: str, x: Any) -> Any:
        if f"{scope}/depthwise_W" in arrays:
            filters = arrays[f"{scope}/depthwise_W"], arrays[f"{scope}/pointwise_W"]
            x = tf.nn.separable_conv2d(x, *filters, strides=[1, 1, 1, 1], padding="SAME")
        else:
            x = tf.nn.conv2d(x, arrays[f"{scope}/conv_W"], strides=1, padding="SAME")
        return x + arrays[f"{scope}/conv_B"] if f"{scope}/conv_B" in arrays else x

    def active(scope: str, x: Any) -> Any:
        x = conv(scope, x)
        alphas = arrays[f"{scope}/prelu/{scope}_prelu"]
        return tf.nn.relu(x) + tf.multiply(alphas, (x - tf.abs(x))) * 0.5

    old = "L/conv_W" in arrays
    first, begin = ("conv", 0) if old else ("CNN", 1)
    count = sum(name.startswith(first) and name.endswith("/conv_W") for name in arrays)
    names = [f"{first}{index}" for index in range(begin, begin + count)]
    x: Any = tf.constant(y.transpose(0, 2, 3, 1).astype(np.float32))
    states = []
    for name in names:
        x = active(name, x)
        states.append(x)
    x = tf.concat(states, 3)
    if "A1/conv_W" in arrays:
        a1, b2 = active("A1", x), active("B2", active("B1", x))
        x = tf.concat([a1, b2] if old else [b2, a1], 3)
    if old:
        skip = tf.nn.space_to_depth(x2.transpose(0, 2, 3, 1).astype(np.float32), scale)
        return np.asarray(tf.nn.depth_to_space(conv("L", x) + skip, scale)).transpose(0, 3, 1, 2)
    if "Up-TCNN/Tconv_W" in arrays:
        _, height, width, channels = x.shape
        shape = (1, height * scale, width * scale, channels)
        x = tf.nn.conv2d_transpose(x, arrays["Up-TCNN/Tconv_W"], shape, [1, scale, scale, 1])
    elif scale == 4:
        x = tf.nn.depth_to_space(conv("Up-PS/Up-PS_CNN", x), 2)
        x = tf.nn.depth_to_space(conv("Up-PS2/Up-PS2_CNN", x), 2)
    else:
        x = tf.nn.depth_to_space(conv("Up-PS/Up-PS_CNN", x), scale)
    last = sum(name.startswith("R-CNN") and name.endswith("/conv_W") for name in arrays)
    for index in range(1, last):
        x = active(f"R-CNN{index}", x)
    return np.asarray(conv(f"R-CNN{last}", x)).transpose(0, 3, 1, 2) + x2


@pytest.mark.parametrize(("name", "scale"), [(_FULL, 2), (_FULL_X3, 3)])
def test_published_weights_give_what_the_original_graph_gave(name: str, scale: int) -> None:
    """A grey frame whose Y is the reference's x comes out grey, so its Y is the network's."""
    reference = np.load(shared(f"dcscn/reference_{name}.npz"))
    weights = read(shared(f"dcscn/{name}.ckpt.index"))
    found = ARCHITECTURE.recognise(weights)
    assert found.facts["scale"] == scale
    assert found.facts["filters"] == [32, 26, 22, 18, 14, 11, 8]
    network = ARCHITECTURE.build(weights, found.config)
    grey = (reference["x"][None, None, ..., 0] - 16) / 255 * DCSCN_STUDIO.rise
    frame = {"frame": np.repeat(grey, 3, axis=1).astype(np.float32)}
    for result in (
        parity.run(network.model.SerializeToString(), frame)["upscaled"],
        openvino_run(network.model, frame)["upscaled"],
    ):
        y = luma_reference(result, DCSCN_STUDIO)[0, 0]
        np.testing.assert_allclose(y, reference["output"][..., 0], atol=1e-3)


def test_two_layers_are_what_their_own_graph_makes_of_them() -> None:
    tf: Any = pytest.importorskip("tensorflow")
    path = shared("dcscn/dcscn_L2_F4to4_PS_R1F4.ckpt.index")
    weights = read(path)
    network, frame = built(weights)
    found = parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"]
    y = luma_reference(frame, DCSCN_STUDIO).astype(np.float32)
    x2 = luma_reference(parity_bicubic(frame, 2), DCSCN_STUDIO).astype(np.float32)
    prefix, v1 = str(path).removesuffix(".index"), tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        saver = v1.train.import_meta_graph(f"{prefix}.meta", clear_devices=True)
        saver.restore(session, prefix)
        feed = {
            "x:0": y.transpose(0, 2, 3, 1), "x2:0": x2.transpose(0, 2, 3, 1),
            "dropout_keep_rate:0": 1.0, "is_training:0": False,
        }  # fmt: skip
        expected = session.run("output:0", feed).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(luma_reference(found, DCSCN_STUDIO), expected, atol=1e-3)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_pixel_is_felt_no_farther_than_the_tiling_says(name: str) -> None:
    network, _ = built(weights_of(VARIANTS[name]))
    reach, scale = network.tiling.overlap, network.outputs[0].scale  # type: ignore[union-attr]
    side = 2 * reach + 9
    frames = [np.full((1, 3, side, side), 0.5, np.float32) for _ in range(2)]
    frames[1][:, :, side // 2, side // 2] = 1
    model = network.model.SerializeToString()
    results = [parity.run(model, {"frame": frame})["upscaled"] for frame in frames]
    felt = np.argwhere(np.abs(results[1] - results[0]).max((0, 1)) > 1e-5) // scale
    assert 0 < np.abs(felt - side // 2).max() <= reach


def test_colours_stay_those_of_the_bicubic() -> None:
    weights = weights_of(version_2())
    network, frame = built(weights)
    found = parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"]
    matrix, _ = DCSCN_STUDIO.forward()
    colours = np.einsum("oi,bihw->bohw", matrix, found - parity_bicubic(frame, 2))[:, 1:]
    np.testing.assert_allclose(colours * 255, 0, atol=1e-3)


def test_the_memory_of_an_optimiser_is_left_out() -> None:
    arrays = version_2()
    slots = {f"{name}/{slot}": np.zeros_like(array) for name, array in arrays.items()
             for slot in ("Adam", "Adam_1")}  # fmt: skip
    counters = {"beta1_power": np.float32(0.5), "global_step": np.int64(7)}
    found = ARCHITECTURE.recognise(weights_of({**arrays, **slots, **counters}))
    assert found.config == ARCHITECTURE.recognise(weights_of(arrays)).config


def test_the_dense_kernel_of_a_separable_layer_is_not_in_use() -> None:
    arrays = version_2(separable=True)
    others = {n: a + 1 if n.endswith("conv_W") else a for n, a in arrays.items()}
    results = []
    for given in (arrays, others):
        network, frame = built(weights_of(given))
        results.append(parity.run(network.model.SerializeToString(), {"frame": frame})["upscaled"])
    np.testing.assert_array_equal(*results)


def test_the_reference_on_luma_adds_the_enlarged_picture() -> None:
    weights = weights_of(version_2())
    config = ARCHITECTURE.recognise(weights).config
    y = np.full((1, 1, 6, 5), 90.0)
    black, grey = (
        reference_on_luma(parity.NumpyOps(), weights, config, y, np.full((1, 1, 12, 10), level))
        for level in (16.0, 90.0)
    )
    np.testing.assert_allclose(grey - black, 74.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"CNN1/conv_W": None}, "neither CNN1"),
        ({"CNN2/conv_W": (3, 3, 8, 7)}, "CNN2 takes 8 channels where 9"),
        ({"CNN2/conv_W": (3, 2, 9, 7)}, r"CNN2/conv_W is \[3, 2, 9, 7\]"),
        ({"CNN2/conv_W": (0, 0, 9, 7)}, r"CNN2/conv_W is \[0, 0, 9, 7\]"),
        ({"CNN2/prelu/CNN2_prelu": None}, "CNN2 has 0 slopes"),
        ({"CNN2/BN/gamma": (7,)}, "batch normalisation"),
        ({"dense/kernel": (7, 3)}, "it also has dense/kernel"),
        ({"R-CNN1/conv_W": None}, "no R-CNN"),
        ({"R-CNN1/conv_W": (3, 3, 1, 2)}, "gives 2 channels"),
        ({"Up-PS/Up-PS_CNN/conv_W": (3, 3, 9, 5)}, "no square of pixels"),
        ({"Up-PS/Up-PS_CNN/conv_W": (3, 3, 9, 1)}, "enlarges 1 times"),
        ({"Up-PS/Up-PS_CNN/conv_W": None, "Up-PS/Up-PS_CNN/conv_B": None}, "no Up-PS"),
        ({"Up-PS2/Up-PS2_CNN/conv_W": (3, 3, 0, 4)}, "is empty"),
        ({"Up-TCNN/Tconv_W": (1, 1, 9, 8)}, "Tconv_W is"),
        ({"Up-TCNN/Tconv_W": (6, 6, 9, 9)}, "belongs to no scale"),
    ],
)
def test_arrays_of_another_network_are_refused(
    change: dict[str, tuple[int, ...] | None], reason: str
) -> None:
    arrays = version_2()
    for name, shape in change.items():
        arrays.pop(name, None)
        if shape is not None:
            arrays[name] = np.zeros(shape, np.float32)
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights_of(arrays))


@pytest.mark.parametrize("scope", ["CNN1", "B2"])
def test_a_kernel_that_is_not_finite_is_an_error(scope: str) -> None:
    arrays = version_2()
    arrays[f"{scope}/conv_W"][0, 0, 0, 0] = np.nan
    weights = weights_of(arrays)
    with pytest.raises(NetworkError, match="finite"):
        ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)


def test_a_separable_layer_that_lacks_a_part_is_an_error() -> None:
    arrays = version_2(separable=True)
    del arrays["B2/pointwise_W"]
    weights = weights_of(arrays)
    with pytest.raises(NetworkError, match="B2/pointwise_W"):
        ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
