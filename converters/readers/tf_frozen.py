"""Frozen TensorFlow graphs: one file with a graph's nodes, its weights among them as constants.

A SavedModel's `saved_model.pb` is another message (it begins with a number, its version), and so
is the `.meta` of a checkpoint: both are told by their structure and left alone.

Source: tensorflow/core/framework/{graph,node_def}.proto.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.base import Reader
from converters.readers.protobuf_wire import LENGTH, WireError, fields, varint
from converters.readers.tf_tensor import attribute_of, tensor_of
from converters.weights import Array, Weights

_MOST_FILE_BYTES = 2 << 30
_MOST_FILLED_BYTES = 64 << 20
_MOST_DESCRIBED_BYTES = 32 << 20
_MOST_NODES = 200_000
_NAME = re.compile(rb"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_OP = re.compile(rb"[A-Za-z_][A-Za-z0-9_.>]*")
_VARIABLES = {"Variable", "VariableV2", "VarHandleOp"}
# What only says where to run, or how shapes were once inferred.
_ASIDE = {"_class", "_output_shapes", "_xla_shape", "_user_specified_name"}


def _sniff(path: Path, head: bytes) -> bool:
    """Whether the first field is a node: a message of a name and an operation."""
    try:
        if head[:1] != b"\x0a" or not path.is_file():
            return False
        view = memoryview(head)
        length, at = varint(view, 1)
        if at + length > path.stat().st_size:
            return False
        name, at = _text(view, at, 0x0A)
        op, _ = _text(view, at, 0x12)
    except (WireError, OSError):
        return False
    return _NAME.fullmatch(name) is not None and _OP.fullmatch(op) is not None


def _text(data: memoryview, at: int, key: int) -> tuple[bytes, int]:
    if at >= len(data) or data[at] != key:
        raise WireError(f"a field that begins with {key}", "another")
    length, at = varint(data, at + 1)
    return bytes(data[at : at + length]), at + length


def _read(path: Path) -> Weights:
    try:
        size = path.stat().st_size
        if size > _MOST_FILE_BYTES:
            raise UnsafeWeightsError(str(path), f"at most {_MOST_FILE_BYTES} bytes", f"{size}")
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise WeightsError(str(path), "a file that can be read", f"{error.strerror}") from None
    graph = _Graph()
    try:
        for part in fields(data):
            if part.tag == 1:
                graph.add(part.bytes)
            elif part.tag == 2:
                graph.functions += sum(f.tag == 1 for f in fields(part.bytes))
            elif part.tag > 5:
                raise WireError("a graph's fields", f"field {part.tag}")
        graph.check()
    except WireError as error:
        place = f"{path} {graph.place}".rstrip()
        raise WeightsError(place, error.expected, error.found) from None
    facts = {"graph": graph.nodes, "functions": graph.functions, "skipped": graph.skipped}
    evidence = f"a TensorFlow graph of {len(graph.nodes)} nodes, {len(graph.arrays)} of them arrays"
    return Weights(graph.arrays, READER.name, (path,), facts, (evidence,))


class _Graph:
    """
    Attributes:
        nodes: {"name", "op", "inputs", "attributes"}, in the order of the file.
        skipped: constants that are no numbers, and of which type they are.
        place: the node that is being read.
    """

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.arrays: dict[str, Array] = {}
        self.skipped: dict[str, str] = {}
        self.functions = 0
        self.place = ""
        self._filled = self._described = 0

    def add(self, message: memoryview) -> None:
        if len(self.nodes) >= _MOST_NODES:
            raise WireError(f"at most {_MOST_NODES} nodes", "more")
        self.place = f"node {len(self.nodes)}"
        node: dict[str, Any] = {"name": "", "op": "", "inputs": [], "attributes": {}}
        value: memoryview | None = None
        for part in fields(message):
            if part.tag in (1, 2):
                node["name" if part.tag == 1 else "op"] = part.text
                self.place = repr(node["name"][:200])
            elif part.tag == 3:
                node["inputs"].append(part.text)
            elif part.tag == 5:
                key, content = _pair(part.bytes)
                if key == "value":
                    value = content
                elif key not in _ASIDE:
                    node["attributes"][key] = attribute_of(content)
        if not node["name"] or not node["op"]:
            raise WireError("a name and an operation", f"{node['name'][:80]!r} {node['op'][:80]!r}")
        if value is not None and node["op"] != "Const":
            node["attributes"]["value"] = attribute_of(value)
        self._described += len(message) - len(value or b"")
        if self._described > _MOST_DESCRIBED_BYTES:
            raise WireError(f"at most {_MOST_DESCRIBED_BYTES} bytes beside the arrays", "more")
        self.nodes.append(node)
        if node["op"] == "Const":
            self._constant(node["name"], value)

    def _constant(self, name: str, value: memoryview | None) -> None:
        tensor = next((f.bytes for f in fields(value or memoryview(b"")) if f.tag == 8), None)
        if tensor is None:
            raise WireError("the value of a constant", "none")
        array = tensor_of(tensor, _MOST_FILLED_BYTES - self._filled)
        if isinstance(array, str):
            self.skipped[name] = array
            return
        self._filled += max(array.nbytes - len(tensor), 0)
        self.arrays[name] = array

    def check(self) -> None:
        """Raises: WireError: names stand twice, or a node takes what no node gives."""
        self.place = ""
        names = {node["name"] for node in self.nodes}
        if len(names) != len(self.nodes):
            [(twice, _)] = Counter(node["name"] for node in self.nodes).most_common(1)
            raise WireError("each node once", f"{twice[:200]!r} twice")
        for node in self.nodes:
            for given in _producers(node["inputs"]):
                if given not in names:
                    raise WireError(
                        f"the node {given[:200]!r}, which {node['name'][:200]!r} takes", "none"
                    )
        variables = sum(node["op"] in _VARIABLES for node in self.nodes)
        if not self.arrays or (variables and not any(a.ndim > 1 for a in self.arrays.values())):
            raise WireError(
                "a graph with its weights in it",
                f"one without: {variables} variables, whose values are in a checkpoint",
            )


def _producers(inputs: Iterable[str]) -> Iterable[str]:
    """`name`, `name:1` and `^name` (which only says what comes first) all mean the node `name`."""
    for given in inputs:
        yield given.removeprefix("^").split(":")[0]


def _pair(message: memoryview) -> tuple[str, memoryview]:
    """An entry of a map."""
    key, content = "", message[:0]
    for part in fields(message):
        if part.tag == 1:
            key = part.text
        elif part.tag == 2 and part.wire == LENGTH:
            content = part.bytes
    return key, content


READER = Reader("tf-frozen", "Frozen TensorFlow graph", "*.pb", _sniff, _read)
