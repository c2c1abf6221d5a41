"""Small graphs of TensorFlow, written as the readers give them, and three ways to run them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters import parity
from converters.references.numpy_ops import NumpyOps
from converters.tf_translate.nodes import nodes_of
from converters.tf_translate.reference import interpret
from converters.tf_translate.sizes import Size
from converters.tf_translate.translation import Translated, translate
from tests.converters.proving import openvino_run

TOLERANCE = 2e-5
# What TensorFlow's own Python calls what its graphs call otherwise.
_RENAMED = dict.fromkeys(("reduction_indices", "split_dim", "dim", "squeeze_dims"), "axis")


class TfGraph:
    """Nodes one by one; a placeholder "frame" is there from the start."""

    def __init__(self, channels: int = 3, order: str = "NHWC", seed: int = 0) -> None:
        self.channels, self.order = channels, order
        self.nodes: list[dict[str, Any]] = [
            {"name": "frame", "op": "Placeholder", "input": [], "attr": {"dtype": "float"}}
        ]
        self.arrays: dict[str, Any] = {}
        self.random = np.random.default_rng(seed)

    def add(self, op: str, *inputs: Any, **attr: Any) -> str:
        """Inputs are names; arrays, numbers and lists become constants."""
        names = [each if isinstance(each, str) else self.const(each) for each in inputs]
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append({"name": name, "op": op, "input": names, "attr": attr})
        return name

    def const(self, values: Any) -> str:
        array = np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        elif array.dtype.kind == "i":
            array = array.astype(np.int32)
        name = f"Const_{len(self.nodes)}"
        self.nodes.append({"name": name, "op": "Const", "input": [], "attr": {}})
        self.arrays[name] = array
        return name

    def noise(self, *shape: int) -> Any:
        scale = 1 / np.sqrt(max(np.prod(shape[:-1]), 1))
        return (scale * self.random.standard_normal(shape)).astype(np.float32)

    def translated(
        self, target: str = "", fixed: tuple[int | None, int | None] = (None, None)
    ) -> Translated:
        nodes = nodes_of(self.nodes)
        target = target or self.nodes[-1]["name"]
        return translate(nodes, self.arrays, "frame", target, self.order, self.channels, fixed)


def frame_of(channels: int, width: int, height: int) -> Any:
    random = np.random.default_rng(7)
    return random.uniform(-1, 1, (1, channels, height, width)).astype(np.float32)


def proved(
    graph: TfGraph, *sizes: tuple[int, int], fixed: bool = False, tolerance: float = TOLERANCE,
    target: str = "",
) -> Translated:  # fmt: skip
    """The graph's last node, translated: at each size (width, height) it is what the node list
    gives run step by step, in TensorFlow too where that is installed, and OpenVINO agrees."""
    made = None
    target = target or graph.nodes[-1]["name"]
    for width, height in sizes or ((12, 8), (20, 16)):
        made = graph.translated(target, (height, width) if fixed else (None, None))
        shape = (1, graph.channels, height, width) if fixed else (1, graph.channels, "H", "W")
        model = made.graph.model(
            [("frame", shape)], [(made.result.name, "result", (1, "C", "h", "w"))]
        )
        frame = frame_of(graph.channels, width, height)
        ours = parity.run(model.SerializeToString(), {"frame": frame})["result"]
        nodes = nodes_of(graph.nodes)
        expected = interpret(NumpyOps(), nodes, graph.arrays, "frame", target, graph.order, frame)
        if made.result.order == "NHWC":
            expected = expected.transpose(0, 3, 1, 2)
        assert ours.shape == expected.shape
        stated = [stated_side(side, width, height) for side in made.result.sizes]
        if made.result.order == "NHWC":
            stated = [stated[axis] for axis in (0, 3, 1, 2)]
        assert tuple(stated) == ours.shape
        np.testing.assert_allclose(ours, expected, atol=tolerance, rtol=tolerance)
        theirs = openvino_run(model, {"frame": frame})["result"]
        np.testing.assert_allclose(theirs, ours, atol=tolerance, rtol=tolerance)
        original = in_tensorflow(graph, frame, target)
        if original is not None:
            if made.result.order == "NHWC":
                original = original.transpose(0, 3, 1, 2)
            np.testing.assert_allclose(ours, original, atol=tolerance, rtol=tolerance)
    assert made is not None
    return made


def stated_side(side: Size | int, width: int, height: int) -> float:
    """A side, for a frame of this size."""
    if not isinstance(side, Size):
        return side
    return float(side.factor * {"H": height, "W": width}[side.side] + side.offset)


def in_tensorflow(graph: TfGraph, frame: Any, target: str) -> Any:
    """What TensorFlow's own operations make of it; nothing where it is not installed."""
    try:
        import tensorflow as tf
        from tensorflow.python.framework import op_def_registry
    except ImportError:
        return None
    known: dict[str, Any] = {}
    for node in graph.nodes:
        name, op = node["name"], node["op"]
        if op == "Placeholder":
            own = frame.transpose(0, 2, 3, 1) if graph.order == "NHWC" else frame
            known[f"{name}:0"] = tf.constant(own)
            continue
        if op == "Const":
            known[f"{name}:0"] = tf.constant(graph.arrays[name])
            continue
        given = [known[each if ":" in each else f"{each}:0"] for each in node["input"]]
        taken: dict[str, Any] = {}
        for argument in op_def_registry.get(op).input_arg:
            if argument.number_attr:
                after = len(op_def_registry.get(op).input_arg) - len(taken) - 1
                count = len(given) - after
                taken[argument.name], given = given[:count], given[count:]
            else:
                taken[argument.name] = given.pop(0)
        attr = {
            key: tf.as_dtype({"float": "float32", "double": "float64"}.get(value, value))
            if key in ("DstT", "out_type")
            else value
            for key, value in node["attr"].items()
            if key not in ("N",)
        }
        try:
            named = {_RENAMED.get(key, key): value for key, value in (taken | attr).items()}
            made = getattr(tf.raw_ops, op)(**named)
        except tf.errors.UnimplementedError as error:
            pytest.skip(f"TensorFlow's processor kernels lack it: {error}")
        for index, each in enumerate(made if isinstance(made, (list, tuple)) else [made]):
            known[f"{name}:{index}"] = each
    return np.asarray(known[target if ":" in target else f"{target}:0"])
