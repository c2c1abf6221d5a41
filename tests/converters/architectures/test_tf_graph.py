"""Any TensorFlow graph from a picture to a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.tf_graph import ARCHITECTURE
from converters.readers.tf_frozen import READER
from converters.weights import Weights
from tests.converters.proving import prove, shared, weights_of
from tests.converters.tf_translate.tf_graphs import TfGraph

REAL = [
    "fsrcnn-tf1/FSRCNN_x2.pb", "fsrcnn-tf1/FSRCNN_x3.pb",
    "espcn-tf-pb/ESPCN_x2.pb", "espcn-tf-pb/ESPCN_x3.pb",
]  # fmt: skip


def weights(graph: TfGraph, **facts: Any) -> Weights:
    return weights_of(graph.arrays, graph=graph.nodes, **facts)


def conv(graph: TfGraph, x: str, inside: int, out: int, stride: int = 1) -> str:
    made = graph.add("Conv2D", x, graph.noise(3, 3, inside, out),
                     strides=[1, stride, stride, 1], padding="SAME")  # fmt: skip
    return graph.add("BiasAdd", made, 0.1 * graph.random.standard_normal(out))


def upscaler(scale: int, channels: int, width: int = 8) -> TfGraph:
    """A residual one, that gives back what it is given."""
    graph = TfGraph(channels, seed=scale)
    x = graph.add("Relu", conv(graph, "frame", channels, width))
    x = graph.add("Mul", conv(graph, x, width, channels * scale**2), 0.02)
    x = graph.add("DepthToSpace", x, block_size=scale)
    shape = graph.add("StridedSlice", graph.add("Shape", "frame"), [1], [3], [1])
    sides = graph.add("Mul", shape, [scale, scale])
    large = graph.add("ResizeBilinear", "frame", sides, half_pixel_centers=True)
    graph.add("AddV2", x, large)
    return graph


@pytest.mark.parametrize(("scale", "channels"), [(2, 3), (3, 1), (4, 3)])
def test_the_graph_is_the_network(scale: int, channels: int) -> None:
    network = prove(ARCHITECTURE, weights(upscaler(scale, channels)), (13, 9), (16, 7))
    port = network.outputs[0]
    assert (port.scale, port.channels) == (scale, "RGB" if channels == 3 else "Y")  # type: ignore[union-attr]
    assert network.task == "upscale"
    assert network.tiling.tileable


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_taken_as_they_are(name: str) -> None:
    read = READER.read(shared(name))
    found = ARCHITECTURE.recognise(read)
    scale = int(name[-4])
    assert found.facts["range"] == [[0, 1], [0, 1]]
    network = prove(ARCHITECTURE, read, (13, 10), (6, 17))
    frame, result = network.inputs[0], network.outputs[0]
    assert (frame.channels, frame.luma) == ("Y", "full")  # type: ignore[union-attr]
    assert (result.channels, result.luma, result.scale) == ("Y", "full", scale)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", REAL)
def test_real_files_give_what_tensorflow_gives(name: str) -> None:
    tf = pytest.importorskip("tensorflow")
    path = shared(name)
    read = READER.read(path)
    network = ARCHITECTURE.build(read, ARCHITECTURE.recognise(read).config)
    given = parity.inputs_for(network, (43, 27))
    ours = parity.run(network.model.SerializeToString(), given)["result"]
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            feed = {"IteratorGetNext:0": given["frame"].transpose(0, 2, 3, 1)}
            theirs = session.run("NHWC_output:0", feed).transpose(0, 3, 1, 2)
    assert np.abs(ours - theirs).max() * 255 <= 1e-3


def test_strides_make_sides_multiples_and_a_fixed_size_stays() -> None:
    graph = TfGraph()
    x = conv(graph, conv(graph, "frame", 3, 4, stride=2), 4, 4, stride=2)
    sides = graph.add("StridedSlice", graph.add("Shape", "frame"), [1], [3], [1])
    x = graph.add("ResizeNearestNeighbor", x, sides)
    graph.add("AddV2", graph.add("Mul", conv(graph, x, 4, 3), 0.02), "frame")
    network = prove(ARCHITECTURE, weights(graph), (20, 12))
    assert network.inputs[0].size.multiple_of == 4  # type: ignore[union-attr]
    graph.nodes[0]["attr"]["shape"] = [-1, 12, 16, 3]
    network = prove(ARCHITECTURE, weights(graph))
    assert network.inputs[0].size.fixed == [16, 12]  # type: ignore[union-attr]
    assert network.task == "deblur"


def test_reflected_borders_state_the_smallest_frame() -> None:
    graph = TfGraph()
    x = graph.add("MirrorPad", "frame", [[0, 0], [5, 5], [3, 3], [0, 0]], mode="REFLECT")
    graph.add("Conv2D", x, graph.noise(11, 7, 3, 3), strides=[1] * 4, padding="VALID")
    network = prove(ARCHITECTURE, weights(graph), (4, 6), (13, 9))
    assert network.inputs[0].size.min == [4, 6]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([("Mul", 1 / 255)], [("Mul", 255.0)], [[0, 255], [0, 255]]),
        ([("RealDiv", 127.5), ("Sub", 1.0)], [("Tanh",)], [[0, 255], [-1, 1]]),
        ([("Mul", 2.0), ("Sub", 1.0)], [("Tanh",), ("AddV2", 1.0), ("Mul", 0.5)], [[0, 1], [0, 1]]),
        ([("Sub", [123.0, 117.0, 104.0]), ("Mul", 0.02)],
          [("Tanh",), ("Mul", 150.0), ("Add", 127.5)],
         [[0, 255], [0, 255]]),
        ([("AddV2", 1.0), ("Mul", 0.5)], [("Sigmoid",)], [[-1, 1], [0, 1]]),
        ([("Sub", 0.45)], [("Minimum", 1.0), ("Maximum", 0.0)], [[0, 1], [0, 1]]),
        ([("Mul", 0.003921569)], [("ClipByValue", 0.0, 255.0)], [[0, 255], [0, 255]]),
    ],
)  # fmt: skip
def test_ranges_are_told_by_how_the_graph_begins_and_ends(
    before: list, after: list, expected: list
) -> None:
    graph = TfGraph()
    x = "frame"
    for op, *numbers in before:
        x = graph.add(op, x, *(np.asarray(each) for each in numbers))
    x = conv(graph, graph.add("Relu", conv(graph, x, 3, 4)), 4, 3)
    for op, *numbers in after:
        x = graph.add(op, x, *(np.asarray(each) for each in numbers))
    found = ARCHITECTURE.recognise(weights(graph))
    assert found.facts["range"] == expected
    prove(ARCHITECTURE, weights(graph), (13, 9))


@pytest.mark.parametrize(("bias", "expected"), [(0.001, [[0, 1]] * 2), (12.0, [[0, 255]] * 2)])
def test_ranges_are_tried_where_the_graph_does_not_tell(bias: float, expected: list) -> None:
    graph = TfGraph()
    kernel = graph.noise(3, 3, 3, 3) * 0.02
    kernel[1, 1] += np.eye(3)
    x = graph.add("Conv2D", "frame", kernel, strides=[1] * 4, padding="SAME")
    graph.add("BiasAdd", x, np.full(3, bias))
    found = ARCHITECTURE.recognise(weights(graph))
    assert found.facts["range"] == expected
    assert any("resembles what it is given" in each for each in found.evidence)


def test_a_range_that_nothing_tells_is_said_to_be_assumed() -> None:
    graph = TfGraph()
    conv(graph, graph.add("Exp", conv(graph, "frame", 3, 4)), 4, 3)
    read = weights(graph)
    found = ARCHITECTURE.recognise(read)
    assert any("assumed" in each for each in found.evidence)
    limits = ARCHITECTURE.build(read, found.config).limits
    assert any("could not be told" in each for each in limits)
    for said in ("0..255", [0, 255]):
        found = ARCHITECTURE.recognise(weights(graph, options={"range": said}))
        assert found.facts["range"] == [[0, 255], [0, 255]]
        assert not ARCHITECTURE.build(read, found.config).limits
    _refused(graph, "was said to be", options={"range": "bright"})


def test_of_several_pictures_the_largest_is_taken() -> None:
    graph = upscaler(2, 1)
    x = graph.add("Mul", conv(graph, "frame", 1, 16), 0.01)
    x = graph.add("DepthToSpace", x, block_size=4)
    sides = graph.add("StridedSlice", graph.add("Shape", "frame"), [1], [3], [1])
    large = graph.add("ResizeBilinear", "frame", graph.add("Mul", sides, [4, 4]))
    graph.add("AddV2", x, large)
    found = ARCHITECTURE.recognise(weights(graph))
    assert found.facts["scale"] == 4
    assert any("of 2 pictures" in each for each in found.evidence)


def test_outputs_that_a_file_names_are_its_outputs() -> None:
    graph = upscaler(2, 3)
    small = graph.add("Mul", graph.add("Neg", "frame"), 0.5)
    graph.add("Abs", small)
    assert ARCHITECTURE.recognise(weights(graph, outputs=[f"{small}:0"])).facts["scale"] == 1


def test_channels_first_are_seen_in_the_shape() -> None:
    graph = TfGraph(order="NCHW")
    graph.nodes[0]["attr"]["shape"] = [1, 3, -1, -1]
    x = graph.add("Transpose", "frame", [0, 2, 3, 1])
    graph.add("Transpose", conv(graph, x, 3, 3), [0, 3, 1, 2])
    network = prove(ARCHITECTURE, weights(graph), (13, 9))
    assert not any(node.op_type == "Transpose" for node in network.model.graph.node)


def _refused(graph: TfGraph, reason: str, **facts: Any) -> None:
    with pytest.raises(NotThis, match=reason):
        ARCHITECTURE.recognise(weights(graph, **facts))


def test_operations_that_are_not_known_are_all_named() -> None:
    graph = upscaler(2, 3)
    x = graph.add("PyFunc", graph.nodes[-1]["name"], token="f")
    graph.add("WriteFile", graph.add("PyFunc", x, token="g"))
    _refused(graph, r"not known here: PyFunc \(2\), WriteFile \(1\)")


def test_files_without_a_graph_are_refused() -> None:
    with pytest.raises(NotThis, match="holds no TensorFlow graph"):
        ARCHITECTURE.recognise(weights_of({"a": np.zeros((3, 3))}))


def test_graphs_that_go_in_circles_or_take_what_is_not_there_are_refused() -> None:
    graph = TfGraph()
    conv(graph, "frame", 3, 3)
    graph.nodes.append({"name": "a", "op": "Add", "input": ["frame", "b"], "attr": {}})
    graph.nodes.append({"name": "b", "op": "Add", "input": ["a", "a"], "attr": {}})
    _refused(graph, "needs its own result", outputs=["a"])
    graph.nodes[-2]["input"] = ["frame", "c"]
    _refused(graph, "'c', which is not there", outputs=["b"])


def test_what_is_no_picture_to_picture_is_refused() -> None:
    graph = TfGraph()
    graph.nodes[0]["attr"]["shape"] = [-1, 64, 64, 6]
    conv(graph, "frame", 6, 3)
    _refused(graph, "no picture of 1 or 3 colours")
    graph = TfGraph()
    graph.add("Mean", conv(graph, "frame", 3, 10), [1, 2])
    _refused(graph, "no picture that is made of the frame")
    graph = TfGraph()
    conv(graph, "frame", 3, 4)
    _refused(graph, "gives 4 channels for 3")
    graph = TfGraph()
    conv(graph, "frame", 3, 3, stride=2)
    _refused(graph, "whole multiple")
    graph = TfGraph()
    graph.nodes.append({"name": "again", "op": "Placeholder", "input": [], "attr": {}})
    graph.add("Add", "frame", "again")
    _refused(graph, "made of other than one input: frame, again")


def test_graphs_that_grow_without_measure_are_refused() -> None:
    graph = TfGraph()
    x = "frame"
    for _ in range(4):
        sides = graph.add("StridedSlice", graph.add("Shape", x), [1], [3], [1])
        x = graph.add("ResizeNearestNeighbor", x, graph.add("Mul", sides, [60, 60]))
    _refused(graph, "of a small picture it would make")


def test_damaged_weights_are_refused() -> None:
    graph = upscaler(2, 3)
    read = weights(graph)
    config = ARCHITECTURE.recognise(read).config
    first = next(name for name, array in graph.arrays.items() if array.ndim == 4)
    kept = graph.arrays[first]
    for wrong in (np.full_like(kept, np.nan), kept[:, :, :2], kept[0]):
        graph.arrays[first] = wrong
        with pytest.raises(NetworkError):
            ARCHITECTURE.build(weights(graph), config)
        _refused(graph, "Conv2D")
    del graph.arrays[first]
    _refused(graph, "its value is not in the file")


def test_graphs_that_were_changed_are_refused_or_built() -> None:
    random = np.random.default_rng(0)
    wrong = [None, -1, 0, 1 << 40, "x", [], [1], [-1] * 4, [1, 3, 3, 1], float("nan"), {"a": 1}]
    refused = 0
    for _ in range(60):
        graph = upscaler(2, 3)
        node = graph.nodes[random.integers(1, len(graph.nodes))]
        other = graph.nodes[random.integers(len(graph.nodes))]
        match random.integers(6):
            case 0:
                node["op"] = other["op"]
            case 1 if node["input"]:
                node["input"][random.integers(len(node["input"]))] = other["name"]
            case 2 if node["attr"]:
                key = random.choice(list(node["attr"]))
                node["attr"][key] = wrong[random.integers(len(wrong))]
            case 3:
                node["input"] = [*node["input"], other["name"]][random.integers(2) :]
            case 4 if node["op"] == "Const":
                array = graph.arrays[node["name"]]
                graph.arrays[node["name"]] = [array[None], array.ravel(), array * 0 - (1 << 30)][
                    random.integers(3)
                ]
            case _:
                graph.nodes.remove(node)
        try:
            found = ARCHITECTURE.recognise(weights(graph))
        except NotThis:
            refused += 1
        else:
            assert ARCHITECTURE.build(weights(graph), found.config).model.graph.node
    assert refused > 20


@pytest.mark.parametrize("listed", ["nodes", [1], [{"name": "a"}], {"a": 1}, [None] * 3])
def test_lists_that_are_no_graph_are_refused(listed: Any) -> None:
    with pytest.raises(NotThis):
        ARCHITECTURE.recognise(weights_of({}, graph=listed))
