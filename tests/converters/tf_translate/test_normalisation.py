"""Norms and means of a TensorFlow graph."""

from __future__ import annotations

import numpy as np
import pytest

from converters.tf_translate.nodes import Untranslatable
from tests.converters.tf_translate.tf_graphs import TfGraph, proved

GAMMA, BETA = np.array([1.5, 0.5, -1]), np.array([0.1, 0.2, 0.3])


def norm(graph: TfGraph, op: str, **attr: object) -> None:
    mean, variance = np.array([0.2, 0, -0.3]), np.array([0.5, 1, 2])
    if attr["is_training"]:
        mean = variance = np.zeros(0)
    graph.add(op, "frame", GAMMA, BETA, mean, variance, **attr)


@pytest.mark.parametrize("op", ["FusedBatchNorm", "FusedBatchNormV3"])
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(op: str, training: bool) -> None:
    graph = TfGraph()
    norm(graph, op, epsilon=1e-3, is_training=training, data_format="NHWC")
    proved(graph, (7, 5))


def test_instance_norm_as_graphs_spell_it() -> None:
    graph = TfGraph()
    mean = graph.add("Mean", "frame", [1, 2], keep_dims=True)
    apart = graph.add("SquaredDifference", "frame", graph.add("StopGradient", mean))
    variance = graph.add("Mean", apart, [1, 2], keep_dims=True)
    scale = graph.add("Mul", graph.add("Rsqrt", graph.add("Add", variance, 1e-5)), GAMMA)
    shift = graph.add("Sub", BETA, graph.add("Mul", mean, scale))
    graph.add("Add", graph.add("Mul", "frame", scale), shift)
    proved(graph, (7, 5), tolerance=1e-4)


@pytest.mark.parametrize("axes", [[1, 2], [3], [-1, 1]])
def test_over_some_axes(axes: list[int]) -> None:
    graph = TfGraph()
    each = [
        graph.add("Sub", "frame", graph.add(op, "frame", axes, keep_dims=True))
        for op in ("Mean", "Sum", "Max", "Min")
    ]
    graph.add("ConcatV2", *each, 3)
    proved(graph, (7, 5), tolerance=1e-4)


def test_statistics_of_other_channels_are_refused() -> None:
    graph = TfGraph(channels=4)
    norm(graph, "FusedBatchNormV3", is_training=False)
    with pytest.raises(Untranslatable, match="meets 4 channels"):
        graph.translated()
