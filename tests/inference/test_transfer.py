"""Linear light and sRGB values, there and back: every byte, and every value between."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnx import TensorProto, helper

from bridge.inference.graph_builder import GraphBuilder
from bridge.inference.transfer import bytes_of_values, srgb_of_light, values_of_bytes

RANGES = [(1.0, 0.0), (2.0, -1.0), (255.0, 0.0)]
BYTES = np.arange(256, dtype=np.uint8)


def _run(build: GraphBuilder, made: str, given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kinds = [TensorProto.UINT8, TensorProto.FLOAT]
    if given.dtype == np.float32:
        kinds.reverse()
    graph = helper.make_graph(
        [*build.nodes, helper.make_node("Identity", [made], ["out"])],
        "transfer",
        [helper.make_tensor_value_info("in", kinds[0], given.shape)],
        [helper.make_tensor_value_info("out", kinds[1], given.shape)],
        build.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"in": given})[0])


def _values(given: npt.NDArray[np.uint8], transfer: str, factor: float, offset: float) -> Any:
    build = GraphBuilder()
    made = values_of_bytes(build, "in", given.shape, transfer, factor=factor, offset=offset)  # type: ignore[arg-type]
    return _run(build, made, given)


def _bytes(values: npt.NDArray[Any], transfer: str, factor: float) -> Any:
    build = GraphBuilder()
    made = bytes_of_values(build, "in", transfer, factor=factor)  # type: ignore[arg-type]
    return _run(build, made, values.astype(np.float32))


@pytest.mark.parametrize(("factor", "offset"), RANGES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 256), (1, 2, 32, 4), (1, 4, 8, 8), (256, 1)])
def test_every_byte_of_light_is_its_srgb_value(
    shape: tuple[int, ...], factor: float, offset: float, reference: ModuleType
) -> None:
    found = _values(BYTES.reshape(shape), "linear", factor, offset)
    assert found.shape == shape
    expected = reference.srgb_of_light(BYTES / 255) * factor + offset
    assert np.abs(found.ravel() - expected).max() < 1e-6 * factor


@pytest.mark.parametrize(("factor", "offset"), RANGES)
def test_the_bytes_of_an_srgb_frame_are_values_already(factor: float, offset: float) -> None:
    found = _values(BYTES.reshape(1, 256), "srgb", factor, offset)
    assert np.abs(found[0] - (BYTES / 255 * factor + offset)).max() < 1e-6 * factor


@pytest.mark.parametrize("factor", [1.0, 2.0, 255.0, 219.03])
def test_light_is_right_within_a_third_of_a_step_before_it_is_rounded(
    factor: float, reference: ModuleType
) -> None:
    share = np.concatenate([BYTES / 255, np.linspace(0, 1, 100_001)])
    found = _bytes(share * factor, "linear", factor)
    exact = reference.light_of_srgb(share) * 255
    assert np.abs(found - exact).max() < 0.5 + 1 / 3
    assert (np.diff(found[256:].astype(int)) >= 0).all()
    assert found[256] == 0
    assert found[-1] == 255


@pytest.mark.parametrize("factor", [1.0, 2.0, 255.0])
def test_every_byte_of_light_comes_back(factor: float) -> None:
    values = _values(BYTES.reshape(1, 256), "linear", factor, 0)
    assert np.array_equal(_bytes(values, "linear", factor)[0], BYTES)


@pytest.mark.parametrize("transfer", ["srgb", "linear"])
@pytest.mark.parametrize("factor", [1.0, 255.0])
def test_what_lies_outside_is_black_or_white(transfer: str, factor: float) -> None:
    sizes = np.array([1e-9, 0.5, 1.1, 2, 10, 1e6, 1e20, 3e38])
    assert not _bytes(-sizes, transfer, factor).any()
    assert (_bytes(np.minimum((1 + sizes) * factor, 3e38), transfer, factor) == 255).all()


def test_the_curve_meets_its_line() -> None:
    assert srgb_of_light(np.array([0.0, 1.0])).tolist() == pytest.approx([0, 1])
    below, above = srgb_of_light(np.array([0.0031307, 0.0031309]))
    assert 0 < above - below < 1e-5
