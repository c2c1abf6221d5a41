"""Eight networks of one run in one graph: a parameter `age` blends their weights.

A blend of weights is one network, run once. Networks of one run lie on one path, so that what is
between two neighbours is a network too; those of two runs are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

AGE = "age"
_PREFIX = "age/"

Array = npt.NDArray[np.float32]


def knots(count: int) -> Array:
    """The ages at which a graph of `blend` is exactly one of its networks, (count,), 0 to 1."""
    return np.linspace(0, 1, count, dtype=np.float32)


def shares(age: float, count: int) -> Array:
    """How much each of `count` networks counts at an age: hat functions, (count,), of sum 1.

    At 0 and 1 one of them is 1 and all others are exactly 0.
    """
    # Counted in steps from network to network: 1 times a whole number is not rounded.
    place = np.float32(age) * np.float32(count - 1)
    hats: Array = np.maximum(0, 1 - np.abs(place - np.arange(count, dtype=np.float32)))
    return hats


def blend(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """One graph with a further input `age`, float32 (1,), of graphs that differ in weights alone.

    One graph alone comes back as it is.

    Args:
        models: youngest first; at least one. The last one's weights stay float32, so that at age 1
            the result is that network's, bit for bit; the others' are stored as float16.
    Raises: ValueError: the graphs differ in more than their weights.
    """
    finished = models[-1]
    if len(models) == 1:
        return finished
    if any(_bones(model) != _bones(finished) for model in models):
        raise ValueError("graphs of one run differ in more than their weights")
    blended = onnx.ModelProto()
    blended.CopyFrom(finished)
    graph = blended.graph
    del graph.initializer[:], graph.node[:]
    graph.input.append(helper.make_tensor_value_info(AGE, TensorProto.FLOAT, [1]))
    weights = [_weights(model) for model in models]
    nodes, initializers, of_age = _hats(len(models))
    replaced: dict[str, str] = {}
    for tensor in finished.graph.initializer:
        name = tensor.name
        values = [stored[name] for stored in weights]
        if all(np.array_equal(values[-1], other) for other in values[:-1]):
            initializers.append(tensor)
            continue
        replaced[name], more = _computed(name, values, initializers, of_age)
        nodes += more
    for node in finished.graph.node:
        kept = onnx.NodeProto()
        kept.CopyFrom(node)
        kept.input[:] = [replaced.get(name, name) for name in node.input]
        nodes.append(kept)
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    onnx.checker.check_model(blended, full_check=True)
    return blended


def blended_weights(weights: Sequence[Mapping[str, Array]], age: float) -> dict[str, Array]:
    """What a graph of `blend` calculates with, up to rounding, in numpy."""
    rounded = [
        {name: value.astype(np.float16).astype(np.float32) for name, value in stored.items()}
        for stored in weights[:-1]
    ]
    hats = shares(age, len(weights))
    return {
        name: sum(
            (h * stored[name] for h, stored in zip(hats, [*rounded, weights[-1]], strict=True)),
            np.zeros_like(value),
        )
        for name, value in weights[-1].items()
    }


def _hats(
    count: int,
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto], tuple[str, str]]:
    """Nodes that make of `age` the shares of all but the last, (1, count - 1), and of the last."""
    bounds = {
        "numbers": np.arange(count, dtype=np.float32).reshape(1, -1),
        "steps": np.full((1, 1), count - 1, np.float32),
        "one": np.ones((1, 1), np.float32),
        "zero": np.zeros((1, 1), np.float32),
        "start": np.array([0], np.int64),
        "cut": np.array([count - 1], np.int64),
        "end": np.array([count], np.int64),
        "axis": np.array([1], np.int64),
    }
    constants = [numpy_helper.from_array(v, _PREFIX + name) for name, v in bounds.items()]
    nodes = [
        _node("Mul", [AGE, "steps"], "place"),
        _node("Sub", ["place", "numbers"], "distance"),
        _node("Abs", ["distance"], "length"),
        _node("Sub", ["one", "length"], "height"),
        _node("Max", ["height", "zero"], "hats"),
        _node("Slice", ["hats", "start", "cut", "axis"], "younger"),
        _node("Slice", ["hats", "cut", "end", "axis"], "finished"),
    ]
    return nodes, constants, (_PREFIX + "younger", _PREFIX + "finished")


def _computed(
    name: str, values: Sequence[Array], initializers: list[onnx.TensorProto],
    of_age: tuple[str, str],
) -> tuple[str, list[onnx.NodeProto]]:  # fmt: skip
    """Nodes that make one weight; appends what it is made from."""
    younger, finished = of_age
    shape = values[-1].shape
    stack = np.stack([value.astype(np.float16).reshape(-1) for value in values[:-1]])
    own = f"{_PREFIX}{name}/"
    for part, array in (
        ("younger", stack),
        ("finished", values[-1].reshape(1, -1)),
        ("shape", np.array(shape, np.int64)),
    ):
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), own + part))
    nodes = [
        helper.make_node("Cast", [own + "younger"], [own + "wide"], own + "Cast", to=1),
        helper.make_node("MatMul", [younger, own + "wide"], [own + "mixed"], own + "MatMul"),
        helper.make_node("Mul", [finished, own + "finished"], [own + "kept"], own + "Mul"),
        helper.make_node("Add", [own + "mixed", own + "kept"], [own + "flat"], own + "Add"),
        helper.make_node("Reshape", [own + "flat", own + "shape"], [own + "whole"],
                         own + "Reshape"),
    ]  # fmt: skip
    return own + "whole", nodes


def _node(op_type: str, inputs: Sequence[str], output: str) -> onnx.NodeProto:
    named = [name if name == AGE else _PREFIX + name for name in inputs]
    return helper.make_node(op_type, named, [_PREFIX + output], _PREFIX + output)


def _weights(model: onnx.ModelProto) -> dict[str, Array]:
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def _bones(model: onnx.ModelProto) -> bytes:
    """All of a graph but the values of its initializers."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for tensor in bare.graph.initializer:
        for field in ("raw_data", "float_data", "int64_data"):
            tensor.ClearField(field)
    return bytes(bare.SerializeToString(deterministic=True))
