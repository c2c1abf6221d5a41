"""Fast style transfer of TensorFlow and ml5, of any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.ml5_style import ARCHITECTURE, Config
from converters.detect import read, recognise
from tests.converters.proving import prove, random_arrays, shared, weights_of

CONFIGS = [
    Config((8, 16, 32), (16, 8), (9, 9), 5),
    Config((5, 7, 12), (6, 4), (9, 9), 1),
    Config((4, 6, 10), (9, 5), (7, 5), 3),
]


def arrays(config: Config, seed: int = 0) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, kernel in enumerate(config.kernels):
        width = (config.width_of(layer),)
        for part, shape in enumerate((kernel, width, width)):
            index = 3 * layer + part
            shapes[f"Variable_{index}" if index else "Variable"] = shape
    made = random_arrays(shapes, seed)
    for layer in range(len(config.kernels)):
        made[f"Variable_{3 * layer + 2}"] += 1
    made[f"Variable_{3 * len(config.kernels) - 1}"] *= 0.3  # as trained: tanh is not to saturate
    return made


@pytest.mark.parametrize("config", CONFIGS)
def test_the_graph_is_the_network(config: Config) -> None:
    prove(ARCHITECTURE, weights_of(arrays(config)), (8, 8), (36, 20), (12, 44))


def test_width_and_depth_are_told_by_the_shapes() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(CONFIGS[2])))
    assert found.config == CONFIGS[2]
    assert found.facts == {"widths": [4, 6, 10], "blocks": 3}


def test_arrays_of_the_optimiser_are_left_out() -> None:
    made = arrays(CONFIGS[1])
    slots = {f"{name}/Adam": values for name, values in made.items()}
    weights = weights_of({**made, **slots, "beta1_power": np.ones(())})
    found = ARCHITECTURE.recognise(weights)
    assert found.config == CONFIGS[1]
    assert any("optimiser" in line for line in found.evidence)


def test_arrays_of_another_network_are_refused() -> None:
    made = arrays(CONFIGS[1])
    with pytest.raises(NotThis, match="not called Variable"):
        ARCHITECTURE.recognise(weights_of({**made, "CNN1/conv_W": np.ones((3, 3, 1, 4))}))
    with pytest.raises(NotThis, match="three for each"):
        ARCHITECTURE.recognise(weights_of({**made, "Variable_24": np.ones(4)}))
    moved = {("Variable_99" if name == "Variable_5" else name): v for name, v in made.items()}
    with pytest.raises(NotThis, match="not all there"):
        ARCHITECTURE.recognise(weights_of(moved))
    with pytest.raises(NotThis, match="follow each other"):
        ARCHITECTURE.recognise(weights_of({**made, "Variable_3": np.ones((3, 3, 5, 8))}))
    with pytest.raises(NotThis, match="every third"):
        ARCHITECTURE.recognise(weights_of({**made, "Variable_3": np.ones(4)}))
    with pytest.raises(NotThis, match="Variable_4 is not one number"):
        ARCHITECTURE.recognise(weights_of({**made, "Variable_4": np.ones((7, 1))}))


def test_weights_that_are_not_finite_are_refused() -> None:
    made = arrays(CONFIGS[1])
    for name in ("Variable", "Variable_4", "Variable_23"):
        broken = weights_of({**made, name: np.full_like(made[name], np.inf)})
        found = ARCHITECTURE.recognise(broken)
        with pytest.raises(NetworkError, match="finite"):
            ARCHITECTURE.build(broken, found.config)


def test_published_weights_convert() -> None:
    weights = read(shared("ml5-style-transfer/wave"))
    architecture, found = recognise(weights)
    assert architecture is ARCHITECTURE
    assert found.config == Config((32, 64, 128), (64, 32), (9, 9), 5)
    prove(ARCHITECTURE, weights, (64, 48))


def styled_by_tensorflow(made: dict[str, Any], frame: Any, dtype: str = "float32") -> Any:
    """The network as `transform.py` of lengstrom/fast-style-transfer has it, in its order."""
    tf = pytest.importorskip("tensorflow")
    count = iter(range(len(made)))

    def variable() -> Any:
        index = next(count)
        return tf.constant(made[f"Variable_{index}" if index else "Variable"], dtype)

    def instance_norm(net: Any) -> Any:
        mu, sigma_sq = tf.nn.moments(net, [1, 2], keepdims=True)
        shift, scale = variable(), variable()
        return scale * ((net - mu) / (sigma_sq + 1e-3) ** 0.5) + shift

    def conv_layer(net: Any, strides: int, relu: bool = True) -> Any:
        net = instance_norm(tf.nn.conv2d(net, variable(), [1, strides, strides, 1], "SAME"))
        return tf.nn.relu(net) if relu else net

    def conv_transpose_layer(net: Any) -> Any:
        kernel = variable()
        batch, rows, cols, _ = net.shape
        shape = [batch, rows * 2, cols * 2, kernel.shape[2]]
        return tf.nn.relu(
            instance_norm(tf.nn.conv2d_transpose(net, kernel, shape, [1, 2, 2, 1], "SAME"))
        )

    net = conv_layer(tf.constant(frame.transpose(0, 2, 3, 1), dtype), 1)
    net = conv_layer(conv_layer(net, 2), 2)
    for _ in range((len(made) // 3 - 6) // 2):
        net = net + conv_layer(conv_layer(net, 1), 1, relu=False)
    net = conv_layer(conv_transpose_layer(conv_transpose_layer(net)), 1, relu=False)
    return (tf.nn.tanh(net) * 150 + 255.0 / 2).numpy().transpose(0, 3, 1, 2)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("size", [(8, 8), (52, 36), (20, 64)])
def test_random_weights_give_what_tensorflow_gives(config: Config, size: tuple[int, int]) -> None:
    pytest.importorskip("tensorflow")
    weights = weights_of(arrays(config))
    network = ARCHITECTURE.build(weights, config)
    inputs = parity.inputs_for(network, size)
    ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
    theirs = styled_by_tensorflow(dict(weights.arrays), inputs["frame"], "float64")
    assert np.abs(ours - theirs).max() <= parity.TOLERANCE


@pytest.mark.parametrize("size", [(64, 48), (128, 96)])
def test_published_weights_give_what_tensorflow_gives(size: tuple[int, int]) -> None:
    """In float64: in float32 TensorFlow is up to 2.4e-3 of 255 away from itself."""
    pytest.importorskip("tensorflow")
    weights = read(shared("ml5-style-transfer/wave"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    inputs = parity.inputs_for(network, size)
    ours = parity.run(network.model.SerializeToString(), inputs)["styled"]
    made = dict(weights.arrays)
    exact = styled_by_tensorflow(made, inputs["frame"], "float64")
    single = styled_by_tensorflow(made, inputs["frame"])
    assert np.abs(ours - exact).max() <= parity.TOLERANCE
    assert np.abs(ours - single).max() <= parity.TOLERANCE + 2 * np.abs(single - exact).max()
