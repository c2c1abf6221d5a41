"""One float that tells whether every number of some tensors is finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from bridge.inference.graph_builder import GraphBuilder


@dataclass(frozen=True, slots=True)
class Watched:
    """A tensor of the graph, and its shape and type."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


def watch(build: GraphBuilder, tensors: Sequence[Watched], output: str) -> None:
    """Adds float32 `output` (1), which is finite exactly when all of the tensors are.

    It is their sum, each value made so much smaller that the sum of as many of the largest floats
    is still one: a plain sum would overflow, and withhold a picture that can be shown. The
    smaller sum is a product of a row of constants and a matrix, which reads the values once and is
    as fast as ReduceSum; ReduceMax and ReduceMin lose a NaN.
    """
    counts = [math.prod(tensor.shape) for tensor in tensors]
    share = 2.0 ** -(math.ceil(math.log2(max(sum(counts), 1))) + 1)
    sums = []
    for tensor, count in zip(tensors, counts, strict=True):
        if count == 0:
            continue
        value = tensor.name
        if tensor.dtype != "float32":
            value = build.add("Cast", [value], to=TensorProto.FLOAT)
        columns = tensor.shape[-1] if tensor.shape else 1
        rows = count // columns
        shares = build.constant(np.full((1, rows), share), np.float32)
        sums.append(build.add("MatMul", [shares, build.reshape(value, [rows, columns])]))
    total = build.add("ReduceSum", [build.concat(sums, 1)], keepdims=0)
    build.add("Reshape", [total, build.constant([1], np.int64)], output)
