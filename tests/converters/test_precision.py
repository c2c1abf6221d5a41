"""float16 graphs: what becomes float16, what does not, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import NetworkError, ParityError
from bridge.frames import FrameFormat
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest
from bridge.inference.package import save
from bridge.inference.runner import Runner, RunOptions
from converters import detect, parity
from converters.architectures import espcn
from converters.architectures.base import Network
from converters.graph import NetworkGraph
from converters.precision import half_precision, to_float16
from tests.converters.architectures.test_espcn import arrays
from tests.converters.proving import openvino_run, shared, weights_of


def network(model: onnx.ModelProto, span: tuple[float, float] = (0.0, 1.0)) -> Network:
    return Network(
        model=model, task="stylize", title="it", description="",
        inputs=[FrameInput(name=model.graph.input[0].name, range=list(span))],
        outputs=[FrameOutput(name=model.graph.output[0].name, range=list(span))],
        try_size=(24, 17),
    )  # fmt: skip


def layers(*steps: Any) -> onnx.ModelProto:
    """A graph of one value after the other."""
    graph = NetworkGraph()
    x = "frame"
    for step in steps:
        x = step(graph, x)
    return graph.model([("frame", (1, 3, "H", "W"))], [(x, "made", (1, 3, "H2", "W2"))])


def kinds(model: onnx.ModelProto) -> dict[str, set[int]]:
    """Of each operation, the types of the weights that it takes."""
    types = {t.name: t.data_type for t in model.graph.initializer}
    found: dict[str, set[int]] = {}
    for node in model.graph.node:
        found.setdefault(node.op_type, set()).update(types[n] for n in node.input if n in types)
    return found


def test_weights_and_layers_are_float16_and_ports_stay_float32() -> None:
    weights = weights_of(arrays(2))
    plain = espcn.ARCHITECTURE.build(weights, espcn.ARCHITECTURE.recognise(weights).config)
    half = half_precision(plain)
    assert kinds(half.model)["Conv"] == {TensorProto.FLOAT16}
    for ports in (half.model.graph.input, half.model.graph.output):
        assert [v.type.tensor_type.elem_type for v in ports] == [TensorProto.FLOAT]
    assert half.model.ByteSize() < 0.6 * plain.model.ByteSize()
    assert 50 < half.psnr_db < 100
    assert 0 < half.max_abs_error < 1
    assert half.for_manifest().against == "the float32 graph"
    inputs = parity.inputs_for(plain)
    ours = parity.run(half.model.SerializeToString(), inputs)["upscaled"]
    theirs = openvino_run(half.model, inputs)["upscaled"]
    assert np.abs(ours - theirs).max() * 255 < 1


def test_the_bridge_runs_it_by_its_precision(tmp_path: Path) -> None:
    weights = weights_of(arrays(2))
    plain = espcn.ARCHITECTURE.build(weights, espcn.ARCHITECTURE.recognise(weights).config)
    names = {"float32": "model.onnx", "float16": "model.float16.onnx"}
    manifest = Manifest(
        format=1, name="two", version="1.0.0", task="upscale", license="MIT",
        graphs=[Graph(file=f, precision=p, sha256="0" * 64) for p, f in names.items()],  # type: ignore[arg-type]
        inputs=plain.inputs, outputs=plain.outputs,
    )  # fmt: skip
    models = {"model.onnx": plain.model, "model.float16.onnx": half_precision(plain).model}
    package = save(
        tmp_path / "two", manifest, {n: m.SerializeToString() for n, m in models.items()}
    )
    random = np.random.default_rng(0)
    frame = random.integers(0, 256, (18, 26, 4), np.uint8)
    results = []
    for precision in ("float32", "float16"):
        options = RunOptions(provider="cpu", precision=precision, backend="onnxruntime")  # type: ignore[arg-type]
        runner = Runner(package, FrameFormat(width=26, height=18), options)
        results.append(np.zeros(runner.result.shape, np.uint8))
        runner.run(frame, results[-1])
        runner.close()
    assert np.abs(results[0].astype(int) - results[1]).max() <= 1
    assert results[0].std() > 5


def test_statistics_of_a_picture_stay_float32() -> None:
    def normalised(graph: NetworkGraph, x: str) -> str:
        mean = graph.add("ReduceMean", [x], axes=[2, 3])
        apart = graph.add("Sub", [x, mean])
        squares = graph.add("Mul", [apart, apart])  # of 255: past the end of float16
        squares = graph.add("Identity", [squares])
        variance = graph.affine(graph.add("ReduceMean", [squares], axes=[2, 3]), 1, 1e-5)
        return graph.affine(graph.add("Div", [apart, graph.add("Sqrt", [variance])]), 40, 128)

    half = half_precision(network(layers(normalised), (0.0, 255.0)))
    assert half.psnr_db > 60


def test_factors_of_a_resize_stay_float32() -> None:
    model = to_float16(layers(lambda graph, x: graph.nearest(graph.relu(x), 2)))
    assert kinds(model)["Resize"] == {TensorProto.FLOAT}
    assert kinds(model)["Relu"] == set()


def test_a_weight_beyond_float16_stays_as_it_is() -> None:
    def step(graph: NetworkGraph, x: str) -> str:
        return graph.affine(graph.affine(graph.affine(x, 0.01, 0), 1e6, 0), 1e-4, 0)

    half = half_precision(network(layers(step)))
    assert half.psnr_db > 60
    assert kinds(half.model)["Mul"] == {TensorProto.FLOAT, TensorProto.FLOAT16}


def test_what_float16_spoils_is_refused_with_the_figure() -> None:
    def fine(graph: NetworkGraph, x: str) -> str:
        return graph.affine(graph.affine(graph.affine(x, 1, 100), 1, -100.0), 1, 0)

    with pytest.raises(ParityError, match=r"at least 45 dB .* got \d\d\.\d dB"):
        half_precision(network(layers(fine)))

    def large(graph: NetworkGraph, x: str) -> str:
        return graph.affine(graph.affine(graph.affine(x, 6e4, 1e4), 1, 5e4), 1e-5, 0)

    with pytest.raises(ParityError, match="infinity"):
        half_precision(network(layers(large)))


def test_pictures_that_are_given_count_too() -> None:
    def bent(graph: NetworkGraph, x: str) -> str:
        # Of 0..1 nothing happens; beyond it the values grow past float16.
        return graph.affine(graph.affine(x, 3e4, 0), 1 / 3e4, 0)

    plain = network(layers(bent))
    half_precision(plain)
    with pytest.raises(ParityError):
        half_precision(plain, [{"frame": np.full((1, 3, 8, 8), 9, np.float32)}])


def test_graphs_with_branches_are_refused() -> None:
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "b", [], [value])
    graph = helper.make_graph(
        [helper.make_node("If", ["yes"], ["made"], then_branch=branch, else_branch=branch)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [numpy_helper.from_array(np.array(True), "yes")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(NetworkError, match="If"):
        to_float16(model)


def test_a_style_network_of_255_passes_the_gate() -> None:
    weights = detect.read(shared("fast-neural-style/candy_nc16_128x128_onnxjs013.onnx"))
    architecture, found = detect.recognise(weights)
    assert half_precision(architecture.build(weights, found.config)).psnr_db > 55
