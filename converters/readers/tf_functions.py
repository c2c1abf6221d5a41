"""The functions of a TensorFlow graph, laid out where they are called.

What a SavedModel serves is a call of a function that calls others. Inside functions a value has
another name than in a graph: "node:output:0" with the name of the output, "argument" for what the
caller gives.

Source: tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from converters.readers.protobuf_wire import WireError, fields
from converters.readers.tf_tensor import attribute_of, tensor_of
from converters.weights import Array

MOST_NODES = 100_000
_MOST_DEPTH = 64
_MOST_FILLED_BYTES = 64 << 20
_MOST_DESCRIBED_BYTES = 16 << 20
_STRING_VALUES = 8
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
# Outputs that are not the first of their operation, where one has several of different names.
_OUTPUTS = {
    name: {"y": 0, "batch_mean": 1, "batch_variance": 2, "reserve_space_1": 3,
           "reserve_space_2": 4, "reserve_space_3": 5}
    for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
}  # fmt: skip


@dataclass(slots=True)
class Node:
    """
    Attributes:
        value: of a constant, the message of its tensor.
    """

    name: str = ""
    op: str = ""
    inputs: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    value: memoryview | None = None


@dataclass(slots=True)
class Function:
    """
    Attributes:
        results: of each output in order, the value inside.
        effects: nodes that are run for what they do.
    """

    name: str = ""
    arguments: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)


class Budget:
    """How much there may be in a graph beside its arrays: it takes many times the room once it is
    read."""

    def __init__(self) -> None:
        self._left = _MOST_DESCRIBED_BYTES

    def take(self, size: int) -> None:
        """Raises: WireError: it is used up."""
        self._left -= size
        if self._left < 0:
            raise WireError(f"at most {_MOST_DESCRIBED_BYTES} bytes beside the arrays", "more")


def node_of(message: memoryview, budget: Budget) -> Node:
    """
    Raises: WireError.
    """
    node = Node()
    for part in fields(message):
        if part.tag == 1:
            node.name = part.text
        elif part.tag == 2:
            node.op = part.text
        elif part.tag == 3:
            node.inputs.append(part.text)
        elif part.tag == 5:
            key, content = pair(part.bytes)
            if key == "value" and node.op in ("Const", ""):
                node.value = next((f.bytes for f in fields(content) if f.tag == 8), None)
            elif not key.startswith("_"):
                budget.take(len(content))
                node.attributes[key] = attribute_of(content)
    budget.take(sum(map(len, node.inputs)) + 64)
    if not node.name or not node.op:
        raise WireError("a node with a name and an operation", f"{node.name!r} {node.op!r}")
    return node


def function_of(message: memoryview, budget: Budget) -> Function:
    """
    Raises: WireError.
    """
    function = Function()
    for part in fields(message):
        if part.tag == 1:
            for own in fields(part.bytes):
                if own.tag == 1:
                    function.name = own.text
                elif own.tag in (2, 3):
                    name = next((f.text for f in fields(own.bytes) if f.tag == 1), "")
                    (function.arguments if own.tag == 2 else function.outputs).append(name)
        elif part.tag == 3:
            node = node_of(part.bytes, budget)
            function.nodes[node.name] = node
            if len(function.nodes) > MOST_NODES:
                raise WireError(f"at most {MOST_NODES} nodes", "more")
        elif part.tag == 4:
            key, content = pair(part.bytes)
            function.results[key] = str(content, "utf-8", "replace")
        elif part.tag == 6:
            _, content = pair(part.bytes)
            function.effects.append(str(content, "utf-8", "replace"))
    return function


def pair(message: memoryview) -> tuple[str, memoryview]:
    """An entry of a map, whose value is a message or a text."""
    key, content = "", message[:0]
    for part in fields(message):
        if part.tag == 1:
            key = part.text
        elif part.tag == 2:
            content = part.bytes
    return key, content


def texts_of(tensor: memoryview | None) -> list[str]:
    """The texts of a constant tensor of texts."""
    if tensor is None:
        return []
    return [
        str(part.bytes, "utf-8", "replace") for part in fields(tensor) if part.tag == _STRING_VALUES
    ]


@dataclass(slots=True)
class Flat:
    """A graph without calls.

    Attributes:
        nodes: by names that are of one graph alone: "call//inner".
    """

    functions: Mapping[str, Function]
    nodes: dict[str, Node] = field(default_factory=dict)
    _same: dict[str, str] = field(default_factory=dict)
    _seen: int = 0

    def lay_out(
        self, nodes: Mapping[str, Node], wanted: Iterable[str], *, effects: bool = False
    ) -> list[str]:
        """Adds what the values `wanted` need. Returns: the values under their names here.

        Args:
            effects: also what is only run before a node ("^node").
        Raises: WireError: what is called or taken is not there, or calls never end.
        """
        wanted = list(wanted)
        self._expand(nodes, wanted, "", (), effects, 0)
        for node in self.nodes.values():
            node.inputs = [self.final(each) for each in node.inputs if not each.startswith("^")]
        return [self.final(_plain(each)) for each in wanted]

    def final(self, value: str) -> str:
        """The value that another is only a name of."""
        steps = 0
        while value in self._same:
            value = self._same[value]
            steps += 1
            if steps > len(self._same):
                raise WireError("a value", "a name of itself")
        return value

    def arrays(self) -> tuple[dict[str, Array], dict[str, str]]:
        """Of the constants: numbers, and the types of those that are none."""
        arrays: dict[str, Array] = {}
        skipped: dict[str, str] = {}
        filled = 0
        for node in self.nodes.values():
            if node.op != "Const":
                continue
            if node.value is None:
                raise WireError("the value of a constant", f"none of {node.name[:80]!r}")
            array = tensor_of(node.value, _MOST_FILLED_BYTES - filled)
            if isinstance(array, str):
                skipped[node.name] = array
                continue
            filled += max(array.nbytes - len(node.value), 0)
            arrays[node.name] = array
        return arrays, skipped

    def _expand(
        self, nodes: Mapping[str, Node], wanted: list[str], prefix: str,
        arguments: tuple[str, ...], effects: bool, depth: int,
    ) -> None:  # fmt: skip
        if depth > _MOST_DEPTH:
            raise WireError(f"calls at most {_MOST_DEPTH} deep", "deeper ones")
        stack = [_producer(each) for each in wanted]
        done: set[str] = set(arguments)
        while stack:
            name = stack.pop()
            if name in done:
                continue
            done.add(name)
            self._seen += 1
            if self._seen > MOST_NODES:
                raise WireError(f"at most {MOST_NODES} nodes", "more")
            node = nodes.get(name)
            if node is None:
                raise WireError(f"the node {name[:200]!r}", "none")
            kept = [each for each in node.inputs if effects or not each.startswith("^")]
            stack += [_producer(each) for each in kept]
            given = [
                prefix + _numbered(each, nodes, arguments)
                for each in kept
                if not each.startswith("^")
            ]
            called = node.attributes.get("f") if node.op in _CALLS else None
            if called is None:
                copy = Node(prefix + name, node.op, given, node.attributes, node.value)
                self.nodes[copy.name] = copy
            else:
                self._call(str(called), prefix + name, given, effects, depth)

    def _call(self, called: str, name: str, given: list[str], effects: bool, depth: int) -> None:
        function = self.functions.get(called)
        if function is None:
            raise WireError(f"the function {called[:200]!r}", "none")
        if len(function.arguments) != len(given):
            raise WireError(
                f"{len(function.arguments)} values for {called[:200]!r}", f"{len(given)}"
            )
        inside = f"{name}//"
        for argument, value in zip(function.arguments, given, strict=True):
            self._same[f"{inside}{argument}:0"] = value
        arguments = tuple(function.arguments)
        results = [function.results.get(output, "") for output in function.outputs]
        for index, result in enumerate(results):
            self._same[f"{name}:{index}"] = inside + _numbered(result, function.nodes, arguments)
        wanted = [*results, *(function.effects if effects else [])]
        self._expand(function.nodes, wanted, inside, arguments, effects, depth + 1)


def _producer(value: str) -> str:
    return value.removeprefix("^").partition(":")[0]


def _plain(value: str) -> str:
    name, _, index = value.partition(":")
    return f"{name}:{index or 0}"


def _numbered(value: str, nodes: Mapping[str, Node], arguments: tuple[str, ...]) -> str:
    """ "node:output:1" and "argument" as "node:1" and "argument:0"."""
    name, *rest = value.split(":")
    if len(rest) < 2 or name in arguments:
        return f"{name}:{rest[0] if rest else 0}"
    node = nodes.get(name)
    first = _OUTPUTS.get(node.op, {}).get(rest[0], 0) if node else 0
    if not rest[1].isdigit():
        raise WireError("the number of an output", f"{value[:80]!r}")
    return f"{name}:{first + int(rest[1])}"
