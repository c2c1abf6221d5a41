"""The float that tells: against numpy, for shapes and types of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnx import helper

from bridge.inference.finite import Watched, watch
from bridge.inference.graph_builder import GraphBuilder

SHAPES = [(), (1,), (7,), (1, 3), (5, 1), (1, 3, 8, 12), (2, 1, 4, 1, 3), (1, 0, 2)]


def _watching(tensors: list[Watched]) -> onnxruntime.InferenceSession:
    build = GraphBuilder()
    watch(build, tensors, "told")
    kinds = [helper.np_dtype_to_tensor_dtype(np.dtype(t.dtype)) for t in tensors]
    graph = helper.make_graph(
        build.nodes,
        "watch",
        [
            helper.make_tensor_value_info(t.name, k, t.shape)
            for t, k in zip(tensors, kinds, strict=True)
        ],
        [helper.make_tensor_value_info("told", 1, [1])],
        build.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _told(session: onnxruntime.InferenceSession, feeds: dict[str, npt.NDArray[Any]]) -> bool:
    (told,) = session.run(None, feeds)
    assert told.shape == (1,)
    return bool(np.isfinite(told[0]))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_value_alone_is_seen(shape: tuple[int, ...], dtype: str) -> None:
    tensors = [Watched("whole", (4, 4)), Watched("one", shape, dtype)]
    session = _watching(tensors)
    whole = np.ones((4, 4), np.float32)
    value = np.random.default_rng(0).normal(0, 10, shape).astype(dtype)
    assert _told(session, {"whole": whole, "one": value})
    for place in range(value.size):
        for bad in (np.nan, np.inf, -np.inf):
            broken = value.copy()
            broken.flat[place] = bad
            assert not _told(session, {"whole": whole, "one": broken})
    assert not _told(session, {"whole": whole * np.float32(np.nan), "one": value})


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_floats_are_finite_however_many(sign: int) -> None:
    shape = (1, 3, 64, 300)
    session = _watching([Watched("a", shape), Watched("b", (50_000,))])
    largest = sign * np.finfo(np.float32).max
    feeds = {"a": np.full(shape, largest, np.float32), "b": np.full(50_000, largest, np.float32)}
    assert _told(session, feeds)
    with np.errstate(over="ignore"):
        assert not np.isfinite(feeds["a"].sum(dtype=np.float32)), "a plain sum overflows"
    feeds["b"][-1] = np.inf
    assert not _told(session, feeds)


def test_infinities_that_cancel_are_seen() -> None:
    session = _watching([Watched("a", (2, 2)), Watched("b", (2, 2))])
    up = np.array([[np.inf, 0], [0, 0]], np.float32)
    assert not _told(session, {"a": up, "b": -up})
