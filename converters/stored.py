"""Graphs as files, written so that no weight stands in memory more often than it has to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from bridge.errors import NetworkError
from bridge.inference.outline import KEPT_BYTES

_GRAPH = onnx.ModelProto.GRAPH_FIELD_NUMBER
_INITIALIZER = onnx.GraphProto.INITIALIZER_FIELD_NUMBER
_BYTES_MAX = (1 << 31) - 1
"""protobuf's own limit."""


def store(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Write a graph with its weights to one file, tensor by tensor.

    Args:
        path: written anew.
    Returns: the outline: the same graph, in which weights have names, types and shapes, but no
        values. Whoever keeps that instead of `model` gives its memory back.
    Raises: NetworkError: it is beyond what one ONNX file may hold. OSError.
    """
    outline = outline_of(model)
    head = onnx.ModelProto()
    head.CopyFrom(outline)
    del head.graph.initializer[:]
    graph = head.graph.SerializeToString()
    head.ClearField("graph")
    sizes = [tensor.ByteSize() for tensor in model.graph.initializer]
    total = len(graph) + sum(len(_mark(_INITIALIZER, size)) + size for size in sizes)
    if total + (1 << 20) > _BYTES_MAX:
        raise NetworkError(
            str(path), "a graph and weights of less than 2 GiB", f"{total} bytes",
            "Convert a smaller network.",
        )  # fmt: skip
    with path.open("wb") as file:
        file.write(head.SerializeToString())
        file.write(_mark(_GRAPH, total) + graph)
        for tensor, size in zip(model.graph.initializer, sizes, strict=True):
            file.write(_mark(_INITIALIZER, size))
            file.write(tensor.SerializeToString())
    return outline


def outline_of(model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph without the values of its weights: enough to count what it costs."""
    outline = onnx.ModelProto()
    _copy_fields(model, outline, but="graph")
    _copy_fields(model.graph, outline.graph, but="initializer")
    for tensor in model.graph.initializer:
        if tensor.ByteSize() <= KEPT_BYTES:
            outline.graph.initializer.append(tensor)
        else:
            outline.graph.initializer.add(
                name=tensor.name, data_type=tensor.data_type, dims=tensor.dims
            )
    return outline


def _copy_fields(source: Any, target: Any, but: str) -> None:
    for field, value in source.ListFields():
        if field.name == but:
            continue
        if hasattr(value, "extend"):
            getattr(target, field.name).extend(value)
        elif hasattr(value, "ListFields"):
            getattr(target, field.name).CopyFrom(value)
        else:
            setattr(target, field.name, value)


def _mark(field: int, size: int) -> bytes:
    """What stands before a part of a message: its field's number and its length."""
    return _varint(field << 3 | 2) + _varint(size)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
