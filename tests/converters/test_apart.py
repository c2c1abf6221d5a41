"""Work in a process of its own ends in an answer or in one error."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.apart import call_apart, packed, unpacked

HERE = "converters.apart:"


def test_arrays_come_back_as_they_were() -> None:
    for array in (np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.zeros((0, 3), np.uint8)):
        back = unpacked(packed(array))
        assert back.dtype == array.dtype
        assert np.array_equal(back, array)


def call(name: str, request: dict[str, Any], **limits: Any) -> dict[str, Any]:
    return call_apart(f"converters.readers.onnx_file:{name}", request, "weights", **limits)


def test_an_error_of_the_function_travels_as_it_is() -> None:
    with pytest.raises(WeightsError, match="cut short"):
        call("inspect", {"model": b"\xff", "place": "weights"})


def test_any_other_fault_is_one_error_of_the_file() -> None:
    with pytest.raises(WeightsError, match="KeyError"):
        call("inspect", {})


def test_a_process_that_dies_is_one_error() -> None:
    with pytest.raises(WeightsError, match="status"):
        call_apart("converters.nothing_of_the_kind:name", {}, "weights")
    with pytest.raises(WeightsError, match="ValueError"):
        call_apart("os:system", {}, "weights")


def test_one_that_does_not_end_is_ended() -> None:
    request = {"model": endless().SerializeToString(), "options": {}}
    begin = time.monotonic()
    with pytest.raises(WeightsError, match="no end of it"):
        call_apart(
            "converters.architectures.onnx_probe:import_graph", request, "weights", deadline_s=3
        )
    assert time.monotonic() - begin < 60


def endless() -> onnx.ModelProto:
    """A loop of 2^60 rounds."""

    def value(name: str, kind: int, shape: list[Any] | None) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    boolean, number = TensorProto.BOOL, TensorProto.FLOAT
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Relu", ["v"], ["w"])], "b",
        [value("i", TensorProto.INT64, []), value("go", boolean, []), value("v", number, None)],
        [value("on", boolean, []), value("w", number, None)],
    )  # fmt: skip
    picture = [1, 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Loop", ["rounds", "yes", "x"], ["y"], body=body)], "g",
        [value("x", number, picture)], [value("y", number, picture)],
        [numpy_helper.from_array(np.array(1 << 60), "rounds"),
         numpy_helper.from_array(np.array(True), "yes")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="limits of memory are Linux'")
def test_one_that_wants_too_much_memory_is_refused() -> None:
    nodes = b"\x0a\x00" * (1 << 20)  # of which each takes a hundred bytes once it is read
    graph = b"\x3a\x80\x80\x80\x01" + nodes
    with pytest.raises(WeightsError, match="than memory allows"):
        call("inspect", {"model": graph, "place": "weights"}, memory_bytes=1 << 20)
    with pytest.raises(UnsafeWeightsError, match="nodes"):
        call("inspect", {"model": graph + b"\x3a\x04\x62\x02\x0a\x00", "place": "weights"})
