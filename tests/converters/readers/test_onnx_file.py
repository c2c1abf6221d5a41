"""ONNX files: what is one, and what is refused."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bridge.errors import FramebridgeError, UnknownNetworkError, UnsafeWeightsError, WeightsError
from converters import detect
from converters.readers.base import head_of
from converters.readers.onnx_file import READER, inspect
from tests.converters.proving import shared


def model(**weights: np.ndarray) -> onnx.ModelProto:
    kernel = np.random.default_rng(0).standard_normal((3, 3, 3, 3)).astype(np.float32) / 9
    picture = [1, 3, "H", "W"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(a, n) for n, a in {"kernel": kernel, **weights}.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def written(folder: Path, content: bytes, name: str = "weights.pth") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_its_content_tells_it_whatever_it_is_called(tmp_path: Path) -> None:
    path = written(tmp_path, model().SerializeToString(), "holiday.jpg")
    assert READER.sniff(path, head_of(path))
    weights = detect.read(path)
    assert weights.reader == "onnx"
    assert list(weights.arrays) == ["kernel"]
    assert weights.arrays["kernel"].shape == (3, 3, 3, 3)
    assert weights.graph is not None
    assert "opset ai.onnx 17" in weights.evidence[0]


def test_the_authors_files_are_read() -> None:
    weights = detect.read(shared("fast-neural-style/mosaic_nc8_256x256.onnx"))
    assert (weights.facts["ir_version"], weights.facts["opsets"]) == (3, "ai.onnx 9")
    assert len(weights.arrays) == 62


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80\x02}q\x00.", b"PK\x03\x04" + bytes(60), b"\x89PNG\r\n\x1a\n" + bytes(99),
        b"\x08\x01\x12\x20" + bytes(32),  # a SavedModel: a version, then a message
        b"\x0a\x10" + bytes(16),  # a frozen TensorFlow graph: a node first
        b"\x08" + b"\xff" * 200, b"\x3a", bytes(64), b"{}",
    ],
)  # fmt: skip
def test_other_files_are_none(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content, "model.onnx")
    assert not READER.sniff(path, head_of(path))
    assert not READER.sniff(tmp_path, b"")


def test_a_file_cut_short_is_refused_at_each_tenth(tmp_path: Path) -> None:
    content = model().SerializeToString()
    for tenth in range(1, 10):
        path = written(tmp_path, content[: len(content) * tenth // 10])
        with pytest.raises(WeightsError) as caught:
            detect.read(path)
        assert "None" not in str(caught.value)


def test_each_flipped_byte_is_one_error_or_a_finite_network(tmp_path: Path) -> None:
    content = bytearray(model().SerializeToString())
    head = [0, 1, 3, 6, 9, 14, 21, 30]
    for place in [*head, len(content) // 2, len(content) - 40, len(content) - 9, len(content) - 2]:
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        path = written(tmp_path, bytes(flipped))
        # Any other exception, or the death of a process, would not be suppressed.
        with suppress(WeightsError, UnsafeWeightsError, UnknownNetworkError):
            detect.recognise(detect.read(path), "onnx-graph")


def refused(kind: type[FramebridgeError], broken: onnx.ModelProto) -> str:
    with pytest.raises(kind) as caught:
        inspect({"model": broken.SerializeToString(), "place": "weights"})
    return str(caught.value)


def test_tensors_that_are_not_what_they_say_are_refused() -> None:
    huge = model()
    huge.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]
    assert "shape" in refused(WeightsError, huge)
    negative = model()
    negative.graph.initializer[0].dims[:] = [-3, 27]
    refused(WeightsError, negative)
    assert "twice" in refused(WeightsError, model_with_two_of_one_name())
    assert "NaN" in refused(WeightsError, model(other=np.array([1, np.nan], np.float32)))
    empty = model()
    del empty.graph.node[:]
    assert "0 nodes" in refused(WeightsError, empty)


def model_with_two_of_one_name() -> onnx.ModelProto:
    broken = model()
    broken.graph.initializer.append(broken.graph.initializer[0])
    return broken


def test_a_file_of_empty_messages_is_refused_in_bounded_memory_and_time(tmp_path: Path) -> None:
    nodes = b"\x0a\x00" * 400_000
    size = len(nodes)
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127])
    path = written(tmp_path, b"\x08\x08\x3a" + length + nodes)
    begin = time.monotonic()
    with pytest.raises(FramebridgeError) as caught:
        detect.read(path)
    assert time.monotonic() - begin < 60
    assert caught.value.code in ("FB-E090", "FB-E091")
