"""SavedModels byte by byte, as TensorFlow 2 lays them out: functions, variables, a restorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.converters.readers.checkpoint_writer import number, part, write

FLOAT, INT, STRING = 1, 3, 7


def attribute(key: str, value: bytes) -> bytes:
    return part(5, part(1, key.encode()) + part(2, value))


def text(key: str, value: str) -> bytes:
    return attribute(key, part(2, value.encode()))


def ints(key: str, *values: int) -> bytes:
    return attribute(key, part(1, b"".join(number(3, value) for value in values)))


def calls(function: str) -> bytes:
    return attribute("f", part(10, part(1, function.encode())))


def sides(key: str, *values: int) -> bytes:
    free = [value if value >= 0 else (1 << 64) + value for value in values]
    return attribute(key, part(7, b"".join(part(2, number(1, value)) for value in free)))


def node(tag: int, name: str, op: str, inputs: Sequence[str] = (), *attributes: bytes) -> bytes:
    """Tag 1 in a graph, 3 in a function."""
    taken = b"".join(part(3, given.encode()) for given in inputs)
    return part(tag, part(1, name.encode()) + part(2, op.encode()) + taken + b"".join(attributes))


def texts(tag: int, name: str, values: Sequence[str]) -> bytes:
    """A constant of texts."""
    shape = part(2, part(2, number(1, len(values))))
    held = b"".join(part(8, value.encode()) for value in values)
    tensor = part(8, number(1, STRING) + shape + held)
    return node(tag, name, "Const", (), attribute("value", tensor))


def vector(tag: int, name: str, values: Sequence[int]) -> bytes:
    shape = part(2, part(2, number(1, len(values))))
    content = part(4, np.asarray(values, np.int32).tobytes())
    return node(
        tag, name, "Const", (), attribute("value", part(8, number(1, INT) + shape + content))
    )


def function(
    name: str, arguments: Sequence[str], nodes: bytes, results: Mapping[str, str],
    effects: Sequence[str] = (),
) -> bytes:  # fmt: skip
    signature = part(1, name.encode())
    signature += b"".join(part(2, part(1, each.encode())) for each in arguments)
    signature += b"".join(part(3, part(1, each.encode())) for each in results)
    returned = b"".join(
        part(4, part(1, key.encode()) + part(2, value.encode())) for key, value in results.items()
    )
    controls = b"".join(
        part(6, part(1, each.encode()) + part(2, each.encode())) for each in effects
    )
    return part(1, part(1, signature) + nodes + returned + controls)


def signature(name: str, given: str, made: Sequence[str]) -> bytes:
    def port(tag: int, index: int, tensor: str) -> bytes:
        key = f"port_{index}".encode()
        return part(tag, part(1, key) + part(2, part(1, tensor.encode())))

    ports = port(1, 0, given) + b"".join(port(2, i, each) for i, each in enumerate(made))
    return part(5, part(1, name.encode()) + part(2, ports))


def saved(nodes: bytes, functions: bytes = b"", rest: bytes = b"") -> bytes:
    graph = part(2, nodes + (part(2, functions) if functions else b""))
    return number(1, 1) + part(2, graph + rest)


CONV = (ints("strides", 1, 1, 1, 1), text("padding", "SAME"), text("data_format", "NHWC"))


def one_layer(inside: bytes = b"", result: str = "shown:output:0") -> bytes:
    """A convolution and a ReLU of a function of its own, its kernel a variable "v".

    Args:
        inside: more nodes of the function that is served.
    """
    served = (
        node(3, "read", "ReadVariableOp", ["kernel"])
        + node(3, "conv", "Conv2D", ["x", "read:value:0"], *CONV)
        + node(3, "shown", "PartitionedCall", ["conv:output:0"], calls("act"))
        + inside
    )
    restored = (
        texts(3, "names", ["other/.ATTRIBUTES/VALUE", "layer/kernel/.ATTRIBUTES/VALUE"])
        + texts(3, "slices", ["", ""])
        + node(3, "tensors", "RestoreV2", ["prefix", "names:output:0", "slices:output:0"])
        + node(3, "same", "Identity", ["tensors:tensors:1"])
        + node(3, "assign", "AssignVariableOp", ["kernel", "same:output:0"])
        + node(3, "done", "Identity", ["prefix", "^assign"])
    )
    nodes = (
        node(1, "x", "Placeholder", (), sides("shape", -1, 8, 6, 3))
        + node(1, "file", "Placeholder")
        + node(1, "v", "VarHandleOp", (), text("shared_name", "layer/kernel"))
        + node(1, "call", "StatefulPartitionedCall", ["x", "v"], calls("serve"))
        + node(1, "restore", "StatefulPartitionedCall", ["file", "v"], calls("restore"))
    )
    functions = (
        function("act", ["y"], node(3, "r", "Relu", ["y"]), {"z": "r:activations:0"})
        + function("serve", ["x", "kernel"], served, {"out": result})
        + function("restore", ["prefix", "kernel"], restored, {"out": "done:output:0"}, ["assign"])
    )
    saver = part(3, part(1, b"file:0") + part(3, b"restore"))
    return saved(nodes, functions, saver + signature("serving_default", "x:0", ["call:0"]))


def folder(path: Path, content: bytes, arrays: Mapping[str, np.ndarray]) -> Path:
    """A whole SavedModel."""
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(content)
    if arrays:
        write(path / "variables", arrays, "variables")
    return path
