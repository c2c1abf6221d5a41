"""Resizes in a TensorFlow graph."""

from __future__ import annotations

import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

RULES = [{}, {"half_pixel_centers": True}, {"align_corners": True}]


def resize(graph: TfGraph, op: str, factor: int, **attr: bool) -> None:
    shape = graph.add("Shape", "frame", out_type="int32")
    sides = graph.add("StridedSlice", shape, [1], [3], [1])
    graph.add(op, "frame", graph.add("Mul", sides, [factor, factor]), **attr)


@pytest.mark.parametrize("rule", RULES[:2])
@pytest.mark.parametrize("factor", [1, 3])
def test_nearest(rule: dict, factor: int) -> None:
    graph = TfGraph()
    resize(graph, "ResizeNearestNeighbor", factor, **rule)
    if factor == 1:
        graph.add("Abs", graph.nodes[-1]["name"])
    proved(graph, (7, 5))


@pytest.mark.parametrize("rule", RULES[:2])
def test_nearest_to_a_half(rule: dict) -> None:
    graph = TfGraph()
    graph.add("ResizeNearestNeighbor", "frame", [4, 6], **rule)
    proved(graph, (12, 8), fixed=True)


@pytest.mark.parametrize("rule", RULES)
def test_bilinear(rule: dict) -> None:
    graph = TfGraph()
    graph.add("ResizeBilinear", "frame", [11, 6], **rule)
    proved(graph, (7, 5), fixed=True)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("factor", [2, 3])
def test_bilinear_of_any_size(rule: dict, factor: int) -> None:
    graph = TfGraph()
    resize(graph, "ResizeBilinear", factor, **rule)
    proved(graph, (7, 5))


def test_nearest_by_a_broken_factor_is_refused() -> None:
    graph = TfGraph()
    graph.add("ResizeNearestNeighbor", "frame", [7, 7])
    with pytest.raises(Untranslatable, match="broken factor"):
        graph.translated(fixed=(5, 7))
