"""A file with a graph is converted by its graph, whatever its weights are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from converters import detect, parity
from converters.architectures import onnx_graph
from tests.converters.architectures.test_espcn import arrays


def test_names_of_a_known_network_do_not_speak_for_a_graph_of_another(tmp_path: Path) -> None:
    """ESPCN's names and shapes, with ReLU where ESPCN has tanh: exporters keep such names."""
    weights = arrays(2)
    nodes, last = [], "x"
    for index, side in ((1, 2), (2, 1), (3, 1)):
        given = [last, f"conv_{index}.weight", f"conv_{index}.bias"]
        nodes.append(helper.make_node("Conv", given, [f"c{index}"], pads=[side] * 4))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
        last = f"r{index}"
    nodes[-1] = helper.make_node("DepthToSpace", ["c3"], ["y"], blocksize=2, mode="CRD")
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "file"
    path.write_bytes(model.SerializeToString())
    found_in = detect.read(path)
    assert set(found_in.arrays) == set(weights)
    architecture, found = detect.recognise(found_in)
    assert architecture is onnx_graph.ARCHITECTURE
    network = architecture.build(found_in, found.config)
    frame = np.random.default_rng(0).uniform(0, 1, (1, 3, 9, 8)).astype(np.float32)
    expected = parity.run(model.SerializeToString(), {"x": frame})["y"]
    made = parity.run(network.model.SerializeToString(), {"x": frame})["y"]
    assert np.array_equal(made, expected)
