"""TensorFlow SavedModels: a folder with the graph in `saved_model.pb`, its weights in `variables`.

Both are read as data: no function is called, no variable restored, no framework imported. Which
tensor of the checkpoint a variable has is written in the graph itself, as the operations that would
restore it.

Source: tensorflow/core/protobuf/{saved_model,meta_graph,saver}.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers import tf_checkpoint
from converters.readers.base import Reader
from converters.readers.protobuf_wire import WireError, fields
from converters.readers.tf_functions import (
    MOST_NODES,
    Budget,
    Flat,
    Function,
    Node,
    function_of,
    node_of,
    pair,
    texts_of,
)
from converters.weights import Array, Weights

GRAPH = "saved_model.pb"
_MOST_FILE_BYTES = 2 << 30
_SIGNATURE = "serving_default"
_VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}
_ASSIGN = {"AssignVariableOp", "Assign"}
_SAME = {"Identity", "ReadVariableOp"}
# What reaches outside of the graph: files, libraries, Python, other machines.
_OUTSIDE = (
    "PyFunc", "EagerPyFunc", "PyFuncStateless", "ReadFile", "WriteFile", "MatchingFiles",
    "LoadLibrary", "WholeFileReader", "TextLineReader", "TFRecordReader", "FixedLengthRecordReader",
    "TextLineDataset", "TFRecordDataset", "Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2",
    "MergeV2Checkpoints", "InitializeTableFromTextFile", "SummaryWriter", "RpcCall", "TryRpc",
    "GeneratorDataset", "PrintV2",
)  # fmt: skip


def _sniff(path: Path, head: bytes) -> bool:
    try:
        if path.is_dir():
            return (path / GRAPH).is_file()
        # A version, which is 1, and then the first graph.
        return head[:3] == b"\x08\x01\x12" and path.is_file()
    except OSError:
        return False


class _Model:
    """
    Attributes:
        signatures: by their names: the tensors that go in and that come out.
        restore: the operation that would read the variables.
    """

    def __init__(self, message: memoryview) -> None:
        self.nodes: dict[str, Node] = {}
        self.functions: dict[str, Function] = {}
        self.signatures: dict[str, tuple[list[str], list[str]]] = {}
        self.restore = ""
        self._budget = Budget()
        for part in fields(message):
            if part.tag == 2:
                self._graph(part.bytes)
            elif part.tag == 3:
                self.restore = next((f.text for f in fields(part.bytes) if f.tag == 3), "")
            elif part.tag == 5:
                name, content = pair(part.bytes)
                self.signatures[name] = _signature(content)

    def _graph(self, message: memoryview) -> None:
        for part in fields(message):
            if part.tag == 1:
                node = node_of(part.bytes, self._budget)
                if node.name in self.nodes:
                    raise WireError("each node once", f"{node.name[:200]!r} twice")
                self.nodes[node.name] = node
            elif part.tag == 2:
                for own in fields(part.bytes):
                    if own.tag == 1:
                        function = function_of(own.bytes, self._budget)
                        self.functions[function.name] = function
            if len(self.nodes) > MOST_NODES or len(self.functions) > MOST_NODES:
                raise WireError(f"at most {MOST_NODES} nodes", "more")

    def served(self) -> tuple[str, list[str], list[str]]:
        """
        Raises: WireError: nothing, or more than one thing, is served.
        """
        given = {name: both for name, both in self.signatures.items() if both[0] and both[1]}
        name = _SIGNATURE if _SIGNATURE in given else next(iter(given), "")
        if not name or (name != _SIGNATURE and len(given) > 1):
            raise WireError(
                f"a signature {_SIGNATURE!r}, or one alone",
                ", ".join(map(repr, list(given)[:8])) or "none",
            )
        return name, *given[name]


def _serves(graph: memoryview) -> bool:
    """Whether it is the one for use, of those that a file holds for use and for training."""
    return any(
        own.tag == 4 and own.text == "serve"
        for part in fields(graph)
        if part.tag == 1
        for own in fields(part.bytes)
    )


def _signature(message: memoryview) -> tuple[list[str], list[str]]:
    """Names of the tensors that go in and that come out."""
    found: tuple[list[str], list[str]] = ([], [])
    for part in fields(message):
        if part.tag in (1, 2):
            _, info = pair(part.bytes)
            name = next((f.text for f in fields(info) if f.tag == 1), "")
            if name:
                found[part.tag - 1].append(name)
    return found


def _read(path: Path) -> Weights:
    folder = path if path.is_dir() else path.parent
    file = path / GRAPH if path.is_dir() else path
    try:
        size = file.stat().st_size
        if size > _MOST_FILE_BYTES:
            raise UnsafeWeightsError(str(file), f"at most {_MOST_FILE_BYTES} bytes", f"{size}")
        data = memoryview(file.read_bytes())
    except OSError as error:
        raise WeightsError(str(file), "a file that can be read", f"{error.strerror}") from None
    try:
        graphs = [part.bytes for part in fields(data) if part.tag == 2]
        if not graphs:
            raise WireError("a graph", "none")
        model = _Model(next((graph for graph in graphs if _serves(graph)), graphs[0]))
        name, _, outputs = model.served()
        flat = Flat(model.functions)
        targets = flat.lay_out(model.nodes, outputs)
        _refuse_outside(file, flat)
        keys = _keys(model)
        arrays, skipped = flat.arrays()
    except WireError as error:
        raise WeightsError(str(file), error.expected, error.found) from None
    variables = [node for node in flat.nodes.values() if node.op in _VARIABLES]
    files: tuple[Path, ...] = (file,)
    if variables:
        read = tf_checkpoint.READER.read(folder / "variables" / "variables.index")
        files = (file, *read.files)
        arrays |= {node.name: _value(file, node, keys, read.arrays) for node in variables}
    nodes = [_as_json(node) for node in flat.nodes.values()]
    evidence = (
        f"a SavedModel that serves {name!r}: {len(nodes)} nodes once its functions are laid out, "
        f"{len(variables)} of them variables"
    )
    facts = {"graph": nodes, "outputs": targets, "signature": name, "skipped": skipped}
    return Weights(arrays, READER.name, files, facts, (evidence,))


def _refuse_outside(file: Path, flat: Flat) -> None:
    """Before anything is made of the graph.

    Raises: UnsafeWeightsError: what is served reaches outside of the graph.
    """
    found = sorted({node.op for node in flat.nodes.values() if node.op in _OUTSIDE})
    if found:
        raise UnsafeWeightsError(
            str(file), "a graph that only calculates", f"operations {', '.join(found)}",
            "It would reach for files, Python or other machines. Nothing of it was run.",
        )  # fmt: skip


def _keys(model: _Model) -> dict[str, str]:
    """For each variable, its tensor in the checkpoint, as the restoring operations have it."""
    if model.restore.partition(":")[0] not in model.nodes:
        return {}
    flat = Flat(model.functions)
    flat.lay_out(model.nodes, [model.restore], effects=True)
    keys = {}
    for node in flat.nodes.values():
        if node.op not in _ASSIGN or len(node.inputs) < 2:
            continue
        value = node.inputs[1]
        for _ in range(8):
            source = flat.nodes.get(value.partition(":")[0])
            if source is None or source.op not in _SAME or not source.inputs:
                break
            value = source.inputs[0]
        if source is None or source.op != "RestoreV2" or len(source.inputs) < 2:
            continue
        named = flat.nodes.get(source.inputs[1].partition(":")[0])
        texts = texts_of(named.value) if named else []
        index = int(value.partition(":")[2] or 0)
        if index < len(texts):
            keys[node.inputs[0].partition(":")[0]] = texts[index]
    return keys


def _value(file: Path, node: Node, keys: Mapping[str, str], arrays: Mapping[str, Array]) -> Array:
    """
    Raises: WeightsError: the checkpoint has no such tensor.
    """
    for key in (keys.get(node.name), node.attributes.get("shared_name"), node.name):
        if key and key in arrays:
            return arrays[key]
    raise WeightsError(
        f"{file} {node.name[:200]!r}", "its value in the checkpoint beside it",
        f"none of {len(arrays)} tensors", "Copy the folder `variables` again, with all its files.",
    )  # fmt: skip


def _as_json(node: Node) -> dict[str, Any]:
    """A variable is a constant from here on, and to read it changes nothing."""
    op = "Const" if node.op in _VARIABLES else node.op
    if op == "ReadVariableOp":
        op = "Identity"
    return {"name": node.name, "op": op, "inputs": node.inputs, "attributes": node.attributes}


READER = Reader(
    "saved-model", "TensorFlow SavedModel", "a folder with saved_model.pb", _sniff, _read
)
