"""The nodes of a TensorFlow graph, as the readers give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_NODES = 100_000


class Untranslatable(Exception):
    """The graph does what is not known here; the text ends the sentence "it cannot be built,
    because"."""


@dataclass(frozen=True, slots=True)
class Node:
    """
    Attributes:
        inputs: of its values alone, each as "name:index". Control inputs only order what is done.
        attr: plain JSON values: {"strides": [1, 2, 2, 1], "padding": "SAME"}.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attr: Mapping[str, Any]


Nodes = Mapping[str, Node]


def nodes_of(listed: Any) -> dict[str, Node]:
    """Of plain JSON values, a list of {"name", "op", "inputs", "attributes"}; "input" and "attr",
    as TensorFlow itself calls them, do as well.

    Raises: Untranslatable: it is none, or a name stands twice.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > MOST_NODES:
        raise Untranslatable(f"it is no list of at most {MOST_NODES} nodes")
    nodes: dict[str, Node] = {}
    for each in listed:
        if not isinstance(each, Mapping):
            raise Untranslatable("an entry of its list of nodes is no node")
        name, op = each.get("name"), each.get("op")
        attr = each.get("attributes") or each.get("attr") or {}
        given = each.get("inputs") or each.get("input") or []
        if not (isinstance(name, str) and isinstance(op, str) and isinstance(attr, Mapping)):
            raise Untranslatable("a node has no name or no operation")
        if name in nodes:
            raise Untranslatable(f"the name {name[:80]!r} stands twice")
        inputs = [_reference(text) for text in given if not str(text).startswith("^")]
        nodes[name] = Node(name, op, tuple(inputs), attr)
    return nodes


def _reference(text: Any) -> str:
    name, _, index = str(text).partition(":")
    return f"{name}:{index or 0}"


def in_order(nodes: Nodes, wanted: Iterable[str]) -> list[Node]:
    """Every node that the references `wanted` need, each after what it takes.

    Raises: Untranslatable: a name is missing, or the graph goes in a circle.
    """
    done: dict[str, bool] = {}
    found: list[Node] = []
    stack = [(name.partition(":")[0], "") for name in reversed(list(wanted))]
    while stack:
        name, by = stack[-1]
        node = nodes.get(name)
        if node is None:
            raise Untranslatable(f"{by or 'its output'} takes {name[:80]!r}, which is not there")
        if name not in done:
            done[name] = False
            for reference in reversed(node.inputs):
                before = reference.partition(":")[0]
                if done.get(before) is False:
                    raise Untranslatable(f"{before[:80]!r} needs its own result")
                if before not in done:
                    stack.append((before, name))
            continue
        stack.pop()
        if not done[name]:
            done[name] = True
            found.append(node)
    return found


def ends(nodes: Nodes) -> list[Node]:
    """The nodes that nothing takes a value of, in their order."""
    taken = {reference.partition(":")[0] for node in nodes.values() for reference in node.inputs}
    return [node for node in nodes.values() if node.name not in taken and node.op != "NoOp"]
