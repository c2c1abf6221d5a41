"""safetensors files, whole and damaged."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters import detect
from converters.readers.safetensors import READER

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1.5, -2.0], np.float16)


def written(path: Path, header: dict[str, Any] | bytes, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype: str, shape: list[int], *places: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": list(places)}


def good(path: Path) -> Path:
    header = {
        "__metadata__": {"format": "pt"},
        "b": entry("F16", [2], 24, 28), "a": entry("F32", [2, 3], 0, 24),
    }  # fmt: skip
    return written(path, header, A.tobytes() + B.tobytes())


def test_arrays_come_as_they_were_stored(tmp_path: Path) -> None:
    weights = detect.read(good(tmp_path / "weights"))
    assert weights.reader == "safetensors"
    assert list(weights.arrays) == ["b", "a"]
    assert np.array_equal(weights.arrays["a"], A)
    assert weights.arrays["b"].dtype == np.float16
    assert np.array_equal(weights.arrays["b"], B)
    assert weights.facts["metadata"] == {"format": "pt"}


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    values = np.array([1.0, -3.5, 0.15625], np.float32)
    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    path = written(tmp_path / "w", {"x": entry("BF16", [3], 0, 6)}, data)
    assert np.array_equal(detect.read(path).arrays["x"], values)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"x": entry("F32", [2], 0, 4)}, b"1234"),
        ({"x": entry("F32", [2], 4, 12)}, b"1234" * 3),
        ({"x": entry("F32", [1], 0, 4), "y": entry("F32", [1], 0, 4)}, b"1234"),
        ({"x": entry("F32", [1], 0, 4)}, b"12345678"),
        ({"x": entry("F32", [2**40], 0, 4)}, b"1234"),
        ({"x": entry("F32", [-1], 0, 4)}, b"1234"),
        ({"x": entry("F32", [1], 4, 0)}, b"1234"),
        ({"x": entry("F4", [1], 0, 4)}, b"1234"),
        ({"x": entry("F32", [1] * 40, 0, 4)}, b"1234"),
        ({"x": {"dtype": ["F32"], "shape": "1", "data_offsets": None}}, b"1234"),
        ({"x": 3}, b""),
        ({}, b""),
        ({"__metadata__": {}}, b""),
        (b'{"x": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}, "x": 1}', b""),
        (b"{" * 100_000, b""),
        (b'{"x":\xff}', b""),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, header: dict[str, Any] | bytes, data: bytes
) -> None:
    with pytest.raises((WeightsError, UnsafeWeightsError)) as caught:
        READER.read(written(tmp_path / "weights", header, data))
    assert "\n" not in str(caught.value)


def test_a_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(struct.pack("<Q", 1 << 39) + b"{}")
    with pytest.raises(WeightsError, match="header"):
        detect.read(path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    whole = good(tmp_path / "whole").read_bytes()
    for tenth in range(1, 10):
        path = tmp_path / "cut"
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(WeightsError):
            READER.read(path)


def test_a_flipped_byte_gives_an_error_or_arrays(tmp_path: Path) -> None:
    whole = good(tmp_path / "whole").read_bytes()
    random = np.random.default_rng(5)
    for place in random.integers(0, len(whole), 60):
        data = bytearray(whole)
        data[place] ^= 1 << random.integers(0, 8)
        path = tmp_path / "flipped"
        path.write_bytes(data)
        try:
            arrays = READER.read(path).arrays
        except (WeightsError, UnsafeWeightsError):
            continue
        assert {array.dtype.kind for array in arrays.values()} <= set("fiub")


def test_a_file_of_its_own_library_is_read(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "weights"
    library.save_file({"a": A, "b": B, "n": np.array(3, np.int64)}, path)
    arrays = detect.read(path).arrays
    assert np.array_equal(arrays["a"], A)
    assert np.array_equal(arrays["b"], B)
    assert arrays["n"].shape == ()
