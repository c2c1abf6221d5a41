"""Any ONNX graph of pictures: its layout, type, sizes and range are told, and it stays as it is."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import NetworkError, UnknownNetworkError
from bridge.inference.manifest import FrameInput, FrameOutput
from converters import detect, parity
from converters.architectures.base import Found, Network, NotThis
from converters.architectures.onnx_graph import ARCHITECTURE
from converters.weights import Weights
from tests.converters.proving import openvino_run, shared

F = TensorProto.FLOAT


def graph(
    nodes: list[Any], weights: dict[str, Any], takes: list[Any], gives: list[Any],
    opset: int = 17, ir: int = 8, kinds: tuple[int, int] = (F, F),
) -> onnx.ModelProto:  # fmt: skip
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kinds[0], takes)],
        [helper.make_tensor_value_info("y", kinds[1], gives)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in weights.items()],
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def weights_of(model: onnx.ModelProto, **options: Any) -> Weights:
    return Weights({}, "onnx", (Path("model.onnx"),), {"options": options}, (), model)


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work without a process of its own, which each takes half a second to start."""

    def call(function: str, request: dict[str, Any], place: str) -> dict[str, Any]:
        module, _, name = function.partition(":")
        answer: dict[str, Any] = getattr(importlib.import_module(module), name)(request)
        return answer

    monkeypatch.setattr("converters.architectures.onnx_graph.call_apart", call)


def node(op_type: str, takes: list[str], gives: str, **attributes: Any) -> Any:
    return helper.make_node(op_type, takes, [gives], **attributes)


def proved(weights: Weights, tolerance: float = 1e-3) -> tuple[Network, Found]:
    """Recognised, built, and the same as the file; OpenVINO agrees."""
    found = ARCHITECTURE.recognise(weights)
    network = ARCHITECTURE.build(weights, found.config)
    onnx.checker.check_model(network.model, full_check=True)
    assert network.model.ir_version <= 10
    assert [opset.version for opset in network.model.opset_import] == [17]
    ops = parity.ops_of("onnx")
    inputs = parity.inputs_for(network)
    measured = parity.measure(ARCHITECTURE, network, weights, found.config, ops, inputs)
    assert "the file itself" in measured.against
    assert measured.max_abs_error <= tolerance
    ours = parity.run(network.model.SerializeToString(), inputs)
    theirs = openvino_run(network.model, inputs)
    (port,) = network.outputs
    assert isinstance(port, FrameOutput)
    span = 255 / (port.range[1] - port.range[0])
    assert np.abs(ours[port.name] - theirs[port.name]).max() * span <= 0.05
    return network, found


def sharpen(scale: float = 1.0) -> np.ndarray:
    """Keeps a picture recognisable."""
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        kernel[channel, channel] = [[0, -0.1, 0], [-0.1, 1.4, -0.1], [0, -0.1, 0]]
    return kernel * np.float32(scale)


def in_tanh(takes: list[Any], gives: list[Any], **kinds: Any) -> onnx.ModelProto:
    """x / 127.5 - 1, a layer, tanh, and back: of 255."""
    nodes = [
        node("Div", ["x", "half"], "a"), node("Sub", ["a", "one"], "b"),
        node("Conv", ["b", "kernel"], "c", pads=[1, 1, 1, 1]), node("Tanh", ["c"], "d"),
        node("Mul", ["d", "half"], "e"), node("Add", ["e", "half"], "y"),
    ]  # fmt: skip
    constants = {"half": np.float32(127.5), "one": np.float32(1), "kernel": sharpen()}
    return graph(nodes, constants, takes, gives, **kinds)


@pytest.mark.parametrize(
    "name", ["candy_nc16_128x128_onnxjs013", "mosaic_nc16_256x256_onnxjs013", "mosaic_nc8_256x256"]
)
def test_the_authors_style_networks_are_taken_as_they_are(name: str) -> None:
    weights = detect.read(shared(f"fast-neural-style/{name}.onnx"))
    architecture, found = detect.recognise(weights)
    assert architecture is ARCHITECTURE
    side = 128 if "128" in name else 256
    assert found.facts["size"] == [side, side]
    assert found.facts["range"] == found.facts["result_range"] == [0.0, 255.0]
    network = architecture.build(weights, found.config)
    measured = parity.measure(
        architecture, network, weights, found.config, parity.ops_of("onnx"),
        parity.inputs_for(network, seed=3),
    )  # fmt: skip
    assert measured.max_abs_error <= 1e-3


@pytest.mark.usefixtures("_here")
def test_the_range_is_told_from_first_and_last_steps() -> None:
    network, found = proved(weights_of(in_tanh(["n", 3, "h", "w"], ["n", 3, "h", "w"])))
    assert found.facts["range"] == found.facts["result_range"] == [0.0, 255.0]
    assert found.facts["size"] == "any"
    assert any("first steps take 0..255" in sentence for sentence in found.evidence)
    port = network.inputs[0]
    assert isinstance(port, FrameInput)
    assert port.size.multiple_of == 1


def nonlinear(low: float, high: float) -> onnx.ModelProto:
    """A layer that only works in its own range: it bends what is outside flat, and says nothing of
    it in its first or last steps."""
    constants = {
        "scale": np.full((1, 3, 1, 1), 4 / (high - low), np.float32),
        "shift": np.full((1, 3, 1, 1), -2 - 4 * low / (high - low), np.float32),
        "kernel": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
        "back": ((high - low) * np.eye(3)).astype(np.float32).reshape(3, 3, 1, 1),
        "bias": np.full(3, low, np.float32),
    }
    nodes = [
        node("Conv", ["x", "kernel"], "a"), node("Mul", ["a", "scale"], "b"),
        node("Add", ["b", "shift"], "c"), node("Sigmoid", ["c"], "d"),
        node("Conv", ["d", "back", "bias"], "y"),
    ]  # fmt: skip
    return graph(nodes, constants, [1, 3, "h", "w"], [1, 3, "h", "w"])


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("span", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_the_range_is_told_from_what_becomes_of_a_picture(span: tuple[float, float]) -> None:
    _, found = proved(weights_of(nonlinear(*span)))
    assert found.facts["range"] == found.facts["result_range"] == list(span)
    assert any("tried with a picture in each range" in sentence for sentence in found.evidence)


@pytest.mark.usefixtures("_here")
def test_a_range_that_is_given_is_taken() -> None:
    weights = weights_of(nonlinear(0, 1), range="0..1")
    assert ARCHITECTURE.recognise(weights).facts["range"] == [0.0, 1.0]
    weights = weights_of(nonlinear(0, 1), range=[-1, 1])
    assert ARCHITECTURE.recognise(weights).facts["range"] == [-1.0, 1.0]
    for wrong in ("1..0", "abc", [1], [0, float("nan")]):
        with pytest.raises(NetworkError, match="lower first"):
            ARCHITECTURE.recognise(weights_of(nonlinear(0, 1), range=wrong))


@pytest.mark.usefixtures("_here")
def test_channels_last_and_whole_bytes_get_ports_of_their_own() -> None:
    model = graph(
        [
            node("Cast", ["x"], "a", to=F), node("Transpose", ["a"], "b", perm=[0, 3, 1, 2]),
            node("Conv", ["b", "kernel"], "c", pads=[1, 1, 1, 1]),
            node("Clip", ["c", "low", "high"], "d"),
            node("Transpose", ["d"], "e", perm=[0, 2, 3, 1]),
            node("Cast", ["e"], "y", to=TensorProto.UINT8),
        ],
        {"kernel": sharpen(), "low": np.float32(0), "high": np.float32(255)},
        [1, "h", "w", 3], [1, "h", "w", 3], kinds=(TensorProto.UINT8, TensorProto.UINT8),
    )  # fmt: skip
    # OpenVINO may round the other way at a half: compared with the file alone.
    weights = weights_of(model)
    found = ARCHITECTURE.recognise(weights)
    assert found.facts["layout"] == "nhwc"
    assert found.facts["range"] == [0.0, 255.0]
    network = ARCHITECTURE.build(weights, found.config)
    inputs = parity.inputs_for(network, (37, 22))
    (port,) = network.outputs
    assert parity.run(network.model.SerializeToString(), inputs)[port.name].shape == (1, 3, 22, 37)
    ops = parity.ops_of("onnx")
    measured = parity.measure(ARCHITECTURE, network, weights, found.config, ops, inputs)
    assert measured.max_abs_error == 0


@pytest.mark.usefixtures("_here")
def test_a_picture_without_a_batch_is_one() -> None:
    nodes = [
        node("Unsqueeze", ["x", "axis"], "a"), node("Conv", ["a", "kernel"], "b", pads=[1] * 4),
        node("Sigmoid", ["b"], "c"), node("Squeeze", ["c", "axis"], "y"),
    ]  # fmt: skip
    constants = {"axis": np.array([0], np.int64), "kernel": sharpen(3)}
    proved(weights_of(graph(nodes, constants, [3, "h", "w"], [3, "h", "w"])))


@pytest.mark.usefixtures("_here")
def test_a_layout_that_is_not_clear_is_asked_for() -> None:
    model = graph([node("Sigmoid", ["x"], "y")], {}, [1, 3, 64, 3], [1, 3, 64, 3])
    with pytest.raises(NotThis, match="--layout nchw or --layout nhwc"):
        ARCHITECTURE.recognise(weights_of(model))
    assert ARCHITECTURE.recognise(weights_of(model, layout="nchw")).facts["size"] == [3, 64]
    assert ARCHITECTURE.recognise(weights_of(model, layout="NHWC")).facts["size"] == [64, 3]
    with pytest.raises(NetworkError, match="nchw or nhwc"):
        ARCHITECTURE.recognise(weights_of(model, layout="chw"))


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("steps", "multiple"), [(1, 2), (3, 8)])
def test_the_sizes_that_it_takes_are_found_by_trying(steps: int, multiple: int) -> None:
    """A U-Net's way down and up: other sizes do not come back."""
    nodes, last = [], "x"
    for step in range(steps):
        nodes.append(node("AveragePool", [last], f"d{step}", kernel_shape=[2, 2], strides=[2, 2]))
        last = f"d{step}"
    for step in range(steps):
        nodes.append(node("Resize", [last, "", "twice"], f"u{step}", mode="nearest"))
        last = f"u{step}"
    nodes.append(node("Add", [last, "x"], "y"))
    model = graph(nodes, {"twice": np.array([1, 1, 2, 2], np.float32)}, [1, 3, "h", "w"], [1] * 4)
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    network, _ = proved(weights_of(model))
    assert network.inputs[0].size.multiple_of == multiple  # type: ignore[union-attr]
    assert network.inputs[0].size.min == [multiple, multiple]  # type: ignore[union-attr]


def upscaler(channels: int, scale: int, opset: int = 17) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    out = channels * scale**2
    kernel = 0.02 * random.standard_normal((out, channels, 3, 3))
    for index in range(out):
        kernel[index, index // scale**2, 1, 1] += 1
    nodes = [
        node("Conv", ["x", "kernel"], "a", pads=[1, 1, 1, 1]),
        node("DepthToSpace", ["a"], "y", blocksize=scale, mode="CRD"),
    ]
    sides = ["b", channels, "h", "w"]
    return graph(nodes, {"kernel": kernel.astype(np.float32)}, sides, [*sides[:2], "H", "W"], opset)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("channels", "scale", "opset"), [(3, 2, 11), (3, 3, 20), (1, 4, 13)])
def test_the_scale_is_told_by_running_it(channels: int, scale: int, opset: int) -> None:
    network, found = proved(weights_of(upscaler(channels, scale, opset)))
    assert found.facts["scale"] == scale
    assert network.task == "upscale"
    assert network.outputs[0].channels == ("RGB" if channels == 3 else "Y")  # type: ignore[union-attr]


@pytest.mark.usefixtures("_here")
def test_of_several_results_the_largest_picture_is_taken() -> None:
    model = upscaler(3, 2)
    model.graph.output.insert(0, helper.make_tensor_value_info("a", F, None))
    network, found = proved(weights_of(model))
    assert [port.name for port in network.outputs] == ["y"]
    assert any("left out: a" in sentence for sentence in found.evidence)


def refusal(model: onnx.ModelProto) -> str:
    with pytest.raises(NotThis) as caught:
        ARCHITECTURE.recognise(weights_of(model))
    return str(caught.value)


@pytest.mark.usefixtures("_here")
def test_what_is_no_network_of_pictures_is_refused_with_the_reason() -> None:
    same = [1, 3, "h", "w"]
    foreign = graph([node("FusedConv", ["x"], "y", domain="com.microsoft")], {}, same, same)
    foreign.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert "com.microsoft.FusedConv" in refusal(foreign)
    alpha = graph([node("Sigmoid", ["x"], "y")], {}, [1, 4, "h", "w"], [1, 4, "h", "w"])
    assert "alpha" in refusal(alpha)
    classes = graph(
        [node("GlobalAveragePool", ["x"], "a"), node("Flatten", ["a"], "y")], {}, same, [1, 3]
    )
    assert "not one picture" in refusal(classes)
    mask = graph([node("ReduceMean", ["x"], "y", axes=[1])], {}, same, [1, 1, "h", "w"])
    assert "of 1 channels" in refusal(mask)
    words = graph([node("Identity", ["x"], "y")], {}, same, same, kinds=(TensorProto.INT64,) * 2)
    assert "INT64" in refusal(words)
    noise = graph(
        [node("RandomNormalLike", ["x"], "a"), node("Add", ["x", "a"], "y")], {}, same, same
    )
    assert "random" in refusal(noise)
    still = graph(
        [node("Relu", ["x"], "a")],
        {"y": np.ones((1, 3, 64, 64), np.float32)},
        [1, 3, 64, 64],
        [1, 3, 64, 64],
    )
    assert "does not depend" in refusal(still)
    two = upscaler(3, 2)
    two.graph.input.append(helper.make_tensor_value_info("mask", F, [1, 1, "h", "w"]))
    assert "2 inputs" in refusal(two)
    assert "opset" in refusal(graph([node("Relu", ["x"], "y")], {}, same, same, opset=99))


def test_a_graph_that_wants_all_the_memory_is_refused() -> None:
    nodes = [
        node("ConstantOfShape", ["shape"], "a"), node("ReduceSum", ["a"], "b", keepdims=0),
        node("Add", ["x", "b"], "y"),
    ]  # fmt: skip
    shape = {"shape": np.array([1 << 20, 1 << 20], np.int64)}
    refusal(graph(nodes, shape, [1, 3, "h", "w"], [1, 3, "h", "w"]))


def test_an_unknown_graph_says_why_and_what_it_holds() -> None:
    with pytest.raises(UnknownNetworkError, match="alpha"):
        detect.recognise(
            weights_of(graph([node("Sigmoid", ["x"], "y")], {}, [1, 4, 8, 8], [1, 4, 8, 8])),
            "onnx-graph",
        )
