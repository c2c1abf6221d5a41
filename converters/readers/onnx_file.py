"""ONNX files: a graph with its weights inside.

Source: onnx.proto of onnx/onnx; the wire format is protobuf's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from bridge.errors import UnsafeWeightsError, WeightsError
from bridge.inference.external_data import check_text, messages
from converters.apart import call_apart
from converters.readers.base import Reader
from converters.readers.onnx_data import with_data
from converters.weights import Array, Weights

FILE_MAX_BYTES = (1 << 31) - 1
"""protobuf's own limit."""
MOST_TENSORS = MOST_NODES = 100_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Number and wire type of ModelProto's fields, from the version to the functions.
_FIELDS = {1: _VARINT, 2: _BYTES, 3: _BYTES, 4: _BYTES, 5: _VARINT, 6: _BYTES, 7: _BYTES,
           8: _BYTES, 14: _BYTES, 20: _BYTES, 25: _BYTES, 26: _BYTES}  # fmt: skip
_IR_VERSION, _GRAPH = 1, 7
_MOST_FIELDS_LOOKED_AT = 256
_IR_VERSIONS = range(1, 100)


class Initializers(Mapping[str, Array]):
    """A graph's weights by name, each made when it is asked for."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}

    def __getitem__(self, name: str) -> Array:
        array: Array = numpy_helper.to_array(self._tensors[name])
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _sniff(path: Path, head: bytes) -> bool:
    """The fields of a model, its version among them, up to the graph: a few seeks, whatever the
    file weighs."""
    if not head or path.is_dir() or head[0] & 7 not in (_VARINT, _BYTES):
        return False
    try:
        with path.open("rb") as file:
            version = None
            for _ in range(_MOST_FIELDS_LOOKED_AT):
                key = _varint(file)
                number, kind = key >> 3, key & 7
                if _FIELDS.get(number) != kind:
                    return False
                value = _varint(file)
                if number == _IR_VERSION:
                    version = value
                elif number == _GRAPH:
                    # A graph begins with a node, a name, or whatever else a graph has.
                    begin = file.read(1)
                    good = not begin or begin[0] & 7 == _BYTES
                    return good and (version is None or version in _IR_VERSIONS) and value > 0
                elif kind == _BYTES:
                    file.seek(value, 1)
    except (OSError, EOFError, OverflowError):
        pass
    return False


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise OverflowError


def _read(path: Path) -> Weights:
    place = str(path)
    try:
        size = path.stat().st_size
        if size > FILE_MAX_BYTES:
            raise UnsafeWeightsError(place, "less than 2 GiB", f"{size} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(place, "a file", error.strerror or "none that can be read") from None
    content, beside = with_data(content, path)
    # There is a hundredfold of memory in a file made of empty messages: the first to parse it is a
    # process that may die of it.
    call_apart("converters.readers.onnx_file:inspect", {"model": content, "place": place}, place)
    model = onnx.ModelProto()
    model.ParseFromString(content)
    opsets = ", ".join(
        f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import
    )
    return Weights(
        Initializers(model.graph), "onnx", (path, *beside),
        {
            "ir_version": model.ir_version, "opsets": opsets, "producer": model.producer_name[:80],
            "nodes": len(model.graph.node),
        },
        (f"a protobuf message with the fields of an ONNX model: IR {model.ir_version}, opset "
         f"{opsets}, {len(model.graph.node)} nodes",
         *(f"weights of it are in {file.name}, beside it" for file in beside)),
        model,
    )  # fmt: skip


def inspect(request: dict[str, Any]) -> dict[str, Any]:
    """Parse a model and look at each tensor; runs in a process of its own.

    Raises: WeightsError, UnsafeWeightsError.
    """
    place = request["place"]
    model = onnx.ModelProto()
    try:
        model.ParseFromString(request["model"])
    except Exception as error:
        raise WeightsError(
            place, "an ONNX model",
            f"{type(error).__name__}: one that is damaged, cut short or larger than memory allows",
            "Copy or export the file again.",
        ) from None  # fmt: skip
    graph = model.graph
    if not graph.node or not graph.output:
        raise WeightsError(
            place, "a graph with nodes and outputs",
            f"{len(graph.node)} nodes and {len(graph.output)} outputs",
            "The file is cut short, or holds no network.",
        )  # fmt: skip
    nodes = tensors = 0
    names = set()
    for message in messages(model):
        if isinstance(message, TensorProto):
            tensors += 1
            _check_tensor(message, f"{place} {message.name[:80]}".rstrip())
        nodes += isinstance(message, onnx.NodeProto)
        if nodes > MOST_NODES or tensors > MOST_TENSORS:
            raise UnsafeWeightsError(place, f"at most {MOST_NODES} nodes and tensors", "more")
    check_text(model)
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in names:
            raise WeightsError(
                f"{place} {tensor.name[:80]}", "a name of its own for each tensor",
                "one that stands twice" if tensor.name else "none", "Export the graph again.",
            )  # fmt: skip
        names.add(tensor.name)
    return {}


def _check_tensor(tensor: TensorProto, place: str) -> None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise UnsafeWeightsError(
            place, "weights inside the ONNX file, or in one beside it that is named",
            "external data without a place", "Export the graph again.",
        )  # fmt: skip
    if tensor.HasField("segment"):
        raise WeightsError(place, "a whole tensor", "a segment of one", "Export the graph again.")
    try:
        if any(side < 0 for side in tensor.dims):
            raise ValueError("a side of less than nothing")
        array = numpy_helper.to_array(tensor)
    except Exception as error:
        raise WeightsError(
            place, f"the values of a tensor of shape {list(tensor.dims)[:8]}",
            " ".join(str(error).split())[:120], "The file is damaged: copy or export it again.",
        ) from None  # fmt: skip
    if array.dtype.kind == "f" and array.size and not _finite(array):
        raise WeightsError(
            place, "finite numbers", "NaN or infinity", "The file is damaged, or was saved so."
        )


def _finite(array: Array) -> bool:
    # Infinity alone is a legitimate constant, of masks and of maxima.
    return bool(array.size == 1 or np.isfinite(array).all())


READER = Reader("onnx", "ONNX graph", "*.onnx", _sniff, _read)
