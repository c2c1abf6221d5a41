"""Slices in a TensorFlow graph."""

from __future__ import annotations

import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved


@pytest.mark.parametrize("fixed", [False, True])
def test_a_border_is_cut_off(fixed: bool) -> None:
    graph = TfGraph()
    graph.add("StridedSlice", "frame", [0, 1, 2, 0], [0, -1, 0, 2], [1, 1, 1, 1],
              begin_mask=1, end_mask=0b0101)  # fmt: skip
    made = proved(graph, (9, 7), fixed=fixed)
    assert fixed or made.sides.least == {"H": 1, "W": 2}


@pytest.mark.parametrize("fixed", [False, True])
def test_every_second_row_and_column(fixed: bool) -> None:
    graph = TfGraph()
    first = graph.add("StridedSlice", "frame", [0, 1, 0, 0], [0, 0, 0, 0], [1, 2, 2, 1],
                      begin_mask=0b1101, end_mask=0b1111)  # fmt: skip
    graph.add("StridedSlice", first, [0, 0], [0, 0], [1, -1], begin_mask=3, end_mask=3)
    proved(graph, (8, 6), fixed=fixed)


def test_a_colour_is_taken_out() -> None:
    graph = TfGraph()
    blue = graph.add("StridedSlice", "frame", [0, 2], [0, 3], [1, 1], begin_mask=1, end_mask=1,
                     ellipsis_mask=1, shrink_axis_mask=2)  # fmt: skip
    graph.add("ExpandDims", blue, -1)
    proved(graph, (7, 5))


def test_slices_by_their_size() -> None:
    graph = TfGraph()
    graph.add("Slice", "frame", [0, 1, 2, 0], [-1, -1, -1, 2])
    proved(graph, (7, 5))
    proved(graph, (7, 5), fixed=True)


def test_cut_to_the_size_of_another() -> None:
    """What U-Nets do after a transposed convolution: up to the frame's own sides."""
    graph = TfGraph()
    padded = graph.add("Pad", "frame", [[0, 0], [1, 2], [0, 3], [0, 0]])
    graph.add("Slice", padded, [0, 1, 0, 0], graph.add("Shape", "frame"))
    proved(graph, (7, 5))


def test_sizes_are_cut_like_any_vector() -> None:
    graph = TfGraph()
    shape = graph.add("Shape", "frame")
    sides = graph.add("StridedSlice", shape, [1], [3], [1])
    graph.add("ResizeNearestNeighbor", "frame", graph.add("Mul", sides, [2, 3]))
    proved(graph, (7, 5))


def test_bounds_past_a_picture_are_refused() -> None:
    graph = TfGraph()
    graph.add("Slice", "frame", [0, 0, 0, 3], [-1, -1, -1, 2])
    with pytest.raises(Untranslatable, match="leaves nothing"):
        graph.translated()
