"""What linear frames cost is measured on graphs of the right sizes, and those are given back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import onnx
import pytest

from bridge.frames import FrameFormat
from bridge.inference.backends.base import CompiledGraph
from bridge.inference.backends.onnxruntime import compile_graph
from bridge.inference.manifest import Size
from bridge.inference.transfer_cost import transfer_cost_ms

FORMAT = FrameFormat(width=300, height=200, transfer="linear")


def _measure(model: Any) -> tuple[float, list[onnx.ModelProto], list[CompiledGraph]]:
    seen: list[onnx.ModelProto] = []
    compiled: list[CompiledGraph] = []

    def compile_one(raw: bytes) -> CompiledGraph:
        seen.append(onnx.load_model_from_string(raw))
        compiled.append(compile_graph(raw, provider="cpu"))
        return compiled[-1]

    return transfer_cost_ms(model.manifest, FORMAT, compile_one), seen, compiled


def _shapes(graph: onnx.GraphProto) -> list[tuple[int, int]]:
    sizes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.input]
    return [(width, height) for _, _, height, width in sizes]


@pytest.mark.parametrize(
    ("build", "fields", "sizes"),
    [
        ("network", {}, [(300, 200), (300, 200)]),
        ("network", {"scale": 2, "tail": "DCR"}, [(300, 200), (600, 400)]),
        ("network", {"channels": "Y"}, [(300, 200), (300, 200), (300, 200)]),
        ("network", {"size": Size(fixed=[32, 32], fit="cover")}, [(200, 200), (200, 200)]),
        ("generator", {}, [(12, 8)]),
    ],
)
def test_what_is_measured_has_the_sizes_of_the_stream(
    build: str, fields: dict[str, Any], sizes: list[tuple[int, int]], small_models: ModuleType
) -> None:
    cost_ms, seen, compiled = _measure(getattr(small_models, build)(**fields))
    assert cost_ms >= 0
    assert [_shapes(model.graph) for model in seen] == [sizes, sizes]
    tables = [any(n.op_type == "GatherElements" for n in m.graph.node) for m in seen]
    assert tables == [False, len(sizes) > 1]
    assert all(graph._session is None for graph in compiled)  # type: ignore[attr-defined]
