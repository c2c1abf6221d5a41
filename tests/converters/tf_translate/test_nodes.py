"""Lists of nodes, and the order in which they are needed."""

from __future__ import annotations

from typing import Any

import pytest

from converters.tf_translate.nodes import MOST_NODES, Untranslatable, ends, in_order, nodes_of


def node(name: str, *inputs: str, op: str = "Relu") -> dict[str, Any]:
    return {"name": name, "op": op, "inputs": list(inputs), "attributes": {}}


def test_inputs_are_values_and_controls_are_none() -> None:
    nodes = nodes_of([node("a"), node("b", "a", "a:1", "^a")])
    assert nodes["b"].inputs == ("a:0", "a:1")


def test_both_spellings_of_a_node_are_read() -> None:
    (ours,) = nodes_of([{"name": "a", "op": "X", "input": ["b"], "attr": {"k": 1}}]).values()
    assert ours.inputs == ("b:0",)
    assert ours.attr == {"k": 1}


def test_each_node_stands_after_what_it_takes() -> None:
    nodes = nodes_of([node("d", "c", "b"), node("c", "a", "a"), node("b", "a"), node("a"),
                      node("unused", "d")])  # fmt: skip
    names = [each.name for each in in_order(nodes, ["d:0"])]
    assert names == ["a", "c", "b", "d"]


def test_long_chains_need_no_deep_stack() -> None:
    nodes = nodes_of([node("n0")] + [node(f"n{i}", f"n{i - 1}") for i in range(1, 20_000)])
    assert len(in_order(nodes, ["n19999"])) == 20_000


def test_ends_are_what_nothing_takes() -> None:
    nodes = nodes_of([node("a"), node("b", "a"), node("c", "a"), node("d", op="NoOp")])
    assert [each.name for each in ends(nodes)] == ["b", "c"]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([node("a"), node("a")], "stands twice"),
        ([{"name": "a"}], "no operation"),
        ([7], "is no node"),
        ("nodes", "no list"),
        ([None] * (MOST_NODES + 1), "no list of at most"),
    ],
)
def test_what_is_no_list_of_nodes_is_refused(listed: Any, reason: str) -> None:
    with pytest.raises(Untranslatable, match=reason):
        nodes_of(listed)


def test_circles_and_gaps_are_refused() -> None:
    with pytest.raises(Untranslatable, match="its own result"):
        in_order(nodes_of([node("a", "b"), node("b", "a")]), ["a"])
    with pytest.raises(Untranslatable, match="a takes 'b', which is not there"):
        in_order(nodes_of([node("a", "b")]), ["a"])
